-- Guards, beside the receipts: a cart is ordered once. And chores, beside the tasks of orders.

-- A row is a receipt (the answer under a key, until ends_at) or a guard (of a placing: in force while it is open, since its
-- cart is not cleared yet, and until ends_at in any case). Its hash is over a key, or over a cart.
ALTER TABLE idempotency_keys
    ADD COLUMN kind        text        NOT NULL DEFAULT 'receipt' CHECK (kind IN ('receipt', 'guard')),
    ADD COLUMN customer_id text,
    ADD COLUMN placed_with bytea       CHECK (length(placed_with) = 32),
    ADD COLUMN open        boolean     NOT NULL DEFAULT false,
    ADD COLUMN ends_at     timestamptz NOT NULL DEFAULT now() + interval '24 hours',
    ALTER COLUMN status  DROP NOT NULL,
    ALTER COLUMN headers DROP NOT NULL,
    ALTER COLUMN body    DROP NOT NULL;
UPDATE idempotency_keys SET ends_at = created_at + interval '24 hours';
ALTER TABLE idempotency_keys
    ADD CHECK (kind <> 'receipt' OR (status IS NOT NULL AND headers IS NOT NULL AND body IS NOT NULL
               AND customer_id IS NULL AND placed_with IS NULL AND NOT open)),
    ADD CHECK (kind <> 'guard' OR (status IS NULL AND headers IS NULL AND body IS NULL AND customer_id IS NOT NULL));
CREATE UNIQUE INDEX idempotency_keys_guard_of_order ON idempotency_keys (order_id) WHERE kind = 'guard';
CREATE INDEX idempotency_keys_guards_of_customer ON idempotency_keys (customer_id) WHERE kind = 'guard';
CREATE INDEX idempotency_keys_ended ON idempotency_keys (ends_at) WHERE NOT open;

-- A chore is a task of no order, there once for each kind, and due again when it is done.
ALTER TABLE tasks
    ALTER COLUMN order_id DROP NOT NULL,
    ALTER COLUMN seq      DROP NOT NULL,
    ALTER COLUMN ordinal  DROP NOT NULL,
    ADD CONSTRAINT tasks_of_order CHECK ((order_id IS NULL) = (seq IS NULL) AND (order_id IS NULL) = (ordinal IS NULL)),
    ADD CONSTRAINT tasks_of_nobody CHECK (order_id IS NOT NULL OR (entry_n IS NULL AND lane IS NULL AND NOT dead));
CREATE UNIQUE INDEX tasks_chores ON tasks (kind) WHERE order_id IS NULL;
INSERT INTO tasks (id, kind, run_at, created_at) VALUES (nextval('row_ids'), 'housekeeping', now(), now());
