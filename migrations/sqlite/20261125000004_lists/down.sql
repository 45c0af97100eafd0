DROP INDEX orders_scheduled;
ALTER TABLE orders DROP COLUMN scheduled_for;
