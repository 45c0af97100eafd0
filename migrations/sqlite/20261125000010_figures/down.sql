DROP INDEX payment_entries_in_review;
DROP INDEX tasks_dead;
