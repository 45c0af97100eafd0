-- Kinds of tasks that operators have paused: nothing of them is claimed until somebody resumes.
CREATE TABLE paused_kinds (
    kind      text        PRIMARY KEY,
    paused_at timestamptz NOT NULL,
    paused_by text        NOT NULL
);

-- What a reconciliation reads: the online entries that settled in a period, in the order of their settlement.
CREATE INDEX payment_entries_settled ON payment_entries (settled_at, order_id, n)
    WHERE state = 'settled' AND method = 'online';
