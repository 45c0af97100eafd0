-- Guards, beside the receipts: a cart is ordered once. And chores, beside the tasks of orders. Both tables are made anew,
-- since a column that must not be null can't be let off here.

-- A row is a receipt (the answer under a key, until ends_at) or a guard (of a placing: in force while it is open, since its
-- cart is not cleared yet, and until ends_at in any case). Its hash is over a key, or over a cart.
CREATE TABLE keys_anew (
    key_hash    blob PRIMARY KEY CHECK (length(key_hash) = 32),
    kind        text NOT NULL CHECK (kind IN ('receipt', 'guard')),
    fingerprint blob NOT NULL CHECK (length(fingerprint) = 32),
    status      integer,
    headers     text,
    body        blob,
    customer_id text,
    placed_with blob CHECK (length(placed_with) = 32),
    open        integer NOT NULL DEFAULT 0,
    ends_at     text NOT NULL,
    order_id    integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    created_at  text NOT NULL,
    CHECK (kind <> 'receipt' OR (status IS NOT NULL AND headers IS NOT NULL AND body IS NOT NULL
           AND customer_id IS NULL AND placed_with IS NULL AND NOT open)),
    CHECK (kind <> 'guard' OR (status IS NULL AND headers IS NULL AND body IS NULL AND customer_id IS NOT NULL))
) STRICT;
INSERT INTO keys_anew (key_hash, kind, fingerprint, status, headers, body, open, ends_at, order_id, created_at)
    SELECT key_hash, 'receipt', fingerprint, status, headers, body, 0,
           strftime('%Y-%m-%dT%H:%M:%f000Z', created_at, '+24 hours'), order_id, created_at
    FROM idempotency_keys;
DROP TABLE idempotency_keys;
ALTER TABLE keys_anew RENAME TO idempotency_keys;
CREATE INDEX idempotency_keys_of_order ON idempotency_keys (order_id);
CREATE UNIQUE INDEX idempotency_keys_guard_of_order ON idempotency_keys (order_id) WHERE kind = 'guard';
CREATE INDEX idempotency_keys_guards_of_customer ON idempotency_keys (customer_id) WHERE kind = 'guard';
CREATE INDEX idempotency_keys_ended ON idempotency_keys (ends_at) WHERE NOT open;

-- Unfinished work. A finished row is deleted; a dead one stays for an operator. A leased one is in a worker's hands until
-- run_at, and token says in whose. A chore is a task of no order, there once for each kind, and due again when it is done.
CREATE TABLE tasks_anew (
    id         integer PRIMARY KEY,
    kind       text NOT NULL,
    order_id   integer REFERENCES orders (id) ON DELETE CASCADE,
    entry_n    integer,
    lane       text,
    seq        integer,
    ordinal    integer,
    run_at     text NOT NULL,
    attempts   integer NOT NULL DEFAULT 0,
    token      integer NOT NULL DEFAULT 0,
    leased     integer NOT NULL DEFAULT 0,
    dead       integer NOT NULL DEFAULT 0,
    last_error text,
    created_at text NOT NULL,
    UNIQUE (order_id, seq, ordinal),
    FOREIGN KEY (order_id, entry_n) REFERENCES payment_entries (order_id, n),
    CHECK ((order_id IS NULL) = (seq IS NULL) AND (order_id IS NULL) = (ordinal IS NULL)),
    CHECK (order_id IS NOT NULL OR (entry_n IS NULL AND lane IS NULL AND NOT dead))
) STRICT;
INSERT INTO tasks_anew (id, kind, order_id, entry_n, lane, seq, ordinal, run_at, attempts, token, leased, dead, last_error, created_at)
    SELECT id, kind, order_id, entry_n, lane, seq, ordinal, run_at, attempts, token, leased, dead, last_error, created_at
    FROM tasks;
DROP TABLE tasks;
ALTER TABLE tasks_anew RENAME TO tasks;
CREATE INDEX tasks_due ON tasks (kind, run_at) WHERE NOT dead;
CREATE INDEX tasks_spent ON tasks (run_at) WHERE NOT dead AND attempts >= 8;
CREATE INDEX tasks_next ON tasks (run_at) WHERE NOT dead;
CREATE INDEX tasks_lanes ON tasks (order_id, lane, seq, ordinal) WHERE NOT dead AND lane IS NOT NULL;
CREATE UNIQUE INDEX tasks_chores ON tasks (kind) WHERE order_id IS NULL;
INSERT INTO tasks (id, kind, run_at, created_at)
    SELECT next, 'housekeeping', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'), strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
    FROM id_blocks WHERE name = 'rows';
UPDATE id_blocks SET next = next + 100 WHERE name = 'rows';
