DROP TABLE idempotency_keys;
DROP TABLE tasks;
DROP TABLE payment_entries;
DROP TABLE order_events;
DROP TABLE order_items;
DROP TABLE orders;
DROP TABLE id_blocks;
