DROP INDEX orders_of_courier_in_status;
DROP INDEX orders_of_customer_in_status;
DROP INDEX orders_of_customer_scheduled;
DROP INDEX orders_scheduled;
ALTER TABLE orders DROP COLUMN scheduled_for;
