DROP INDEX payment_entries_settled;
DROP TABLE paused_kinds;
