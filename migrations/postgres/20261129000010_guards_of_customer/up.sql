-- Only guards have a customer. Said so, and not by their kind, the index is the only one that a look for the guards of a
-- customer opens.
DROP INDEX idempotency_keys_guards_of_customer;
CREATE INDEX idempotency_keys_guards_of_customer ON idempotency_keys (customer_id) WHERE customer_id IS NOT NULL;
