-- What is due next is found kind by kind along tasks_due: one index less for each task that is written.
DROP INDEX tasks_next;
