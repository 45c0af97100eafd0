CREATE TABLE keys_anew (
    key_hash    blob PRIMARY KEY CHECK (length(key_hash) = 32),
    fingerprint blob NOT NULL CHECK (length(fingerprint) = 32),
    status      integer NOT NULL,
    headers     text NOT NULL,
    body        blob NOT NULL,
    order_id    integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    created_at  text NOT NULL
) STRICT;
INSERT INTO keys_anew SELECT key_hash, fingerprint, status, headers, body, order_id, created_at
    FROM idempotency_keys WHERE kind = 'receipt';
DROP TABLE idempotency_keys;
ALTER TABLE keys_anew RENAME TO idempotency_keys;
CREATE INDEX idempotency_keys_of_order ON idempotency_keys (order_id);

CREATE TABLE tasks_anew (
    id         integer PRIMARY KEY,
    kind       text NOT NULL,
    order_id   integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    entry_n    integer,
    lane       text,
    seq        integer NOT NULL,
    ordinal    integer NOT NULL,
    run_at     text NOT NULL,
    attempts   integer NOT NULL DEFAULT 0,
    token      integer NOT NULL DEFAULT 0,
    leased     integer NOT NULL DEFAULT 0,
    dead       integer NOT NULL DEFAULT 0,
    last_error text,
    created_at text NOT NULL,
    UNIQUE (order_id, seq, ordinal),
    FOREIGN KEY (order_id, entry_n) REFERENCES payment_entries (order_id, n)
) STRICT;
INSERT INTO tasks_anew SELECT * FROM tasks WHERE order_id IS NOT NULL;
DROP TABLE tasks;
ALTER TABLE tasks_anew RENAME TO tasks;
CREATE INDEX tasks_due ON tasks (kind, run_at) WHERE NOT dead;
CREATE INDEX tasks_spent ON tasks (run_at) WHERE NOT dead AND attempts >= 8;
CREATE INDEX tasks_next ON tasks (run_at) WHERE NOT dead;
CREATE INDEX tasks_lanes ON tasks (order_id, lane, seq, ordinal) WHERE NOT dead AND lane IS NOT NULL;
