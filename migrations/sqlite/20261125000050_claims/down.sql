-- PostgreSQL alone.
SELECT 1;
