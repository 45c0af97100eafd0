-- What lists are read from. An order may be wanted at a time that its customer named.
ALTER TABLE orders ADD COLUMN scheduled_for timestamptz;
CREATE INDEX orders_scheduled ON orders (created_at DESC, id DESC) WHERE scheduled_for IS NOT NULL;
