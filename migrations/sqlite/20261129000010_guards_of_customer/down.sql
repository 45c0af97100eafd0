DROP INDEX idempotency_keys_guards_of_customer;
CREATE INDEX idempotency_keys_guards_of_customer ON idempotency_keys (customer_id) WHERE kind = 'guard';
