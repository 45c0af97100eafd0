-- PostgreSQL alone: here, what is due next is found along tasks_next.
SELECT 1;
