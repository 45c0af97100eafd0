-- Committed events that the event stream does not have yet: a row comes with its event and goes when the stream has taken
-- it. Events that were there before this table are not in it: whoever wants them has them replayed.
--
-- Nothing refers to its order: a foreign key would be looked up and locked for every event, and no order is ever removed.
-- Rows come and go, so the table is swept by their number alone and at full speed, and its empty pages are kept: to give
-- them back, a vacuum locks everybody out who places an order.
CREATE TABLE outbox (
    order_id bigint NOT NULL,
    seq      bigint NOT NULL CHECK (seq >= 1),
    PRIMARY KEY (order_id, seq)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
        vacuum_truncate = false);

-- Who publishes: one holder at a time, until a moment of this database's clock. There is one row.
CREATE TABLE publisher_lease (
    one     integer     PRIMARY KEY CHECK (one = 1),
    holder  bigint      NOT NULL,
    ends_at timestamptz NOT NULL
);
INSERT INTO publisher_lease (one, holder, ends_at) VALUES (1, 0, now());

-- What a replay reads: the events of a period, in the order of their moments, from any place on. It costs an event a
-- microsecond and 85 bytes of log, next to 260 of its row. A BRIN index on `at` would cost nothing, but a page of a replay
-- would read its whole period and sort it: 400 times the blocks for 500 of 288,000 events, and more the longer the period.
-- The sums make an index that no other statement can be planned by: as plain columns, while the table is small, they are as
-- good as its key to find an event of an order, and the plan is kept.
CREATE INDEX order_events_by_moment ON order_events (at, (order_id + 0), (seq + 0));
