-- What lists are read from: each index has its list's order, so that a page is read from its middle and nothing is sorted.
-- An order may be wanted at a time that its customer named.
ALTER TABLE orders ADD COLUMN scheduled_for text;
CREATE INDEX orders_scheduled ON orders (created_at DESC, id DESC) WHERE scheduled_for IS NOT NULL;
CREATE INDEX orders_of_customer_scheduled ON orders (customer_id, created_at DESC, id DESC)
    WHERE scheduled_for IS NOT NULL;
CREATE INDEX orders_of_customer_in_status ON orders (customer_id, status, created_at DESC, id DESC);
CREATE INDEX orders_of_courier_in_status ON orders (courier_id, status, created_at DESC, id DESC)
    WHERE courier_id IS NOT NULL;
