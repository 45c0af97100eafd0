DROP TABLE idempotency_keys, tasks, payment_entries, order_events, order_items, orders;
DROP SEQUENCE order_ids, row_ids;
