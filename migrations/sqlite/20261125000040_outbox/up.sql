-- Committed events that the event stream does not have yet: a row comes with its event and goes when the stream has taken
-- it. Events that were there before this table are not in it: whoever wants them has them replayed.
CREATE TABLE outbox (
    order_id integer NOT NULL,
    seq      integer NOT NULL CHECK (seq >= 1),
    PRIMARY KEY (order_id, seq)
) STRICT, WITHOUT ROWID;

-- Who publishes: one holder at a time, until a moment of this machine's clock. There is one row.
CREATE TABLE publisher_lease (
    one     integer PRIMARY KEY CHECK (one = 1),
    holder  integer NOT NULL,
    ends_at text NOT NULL
) STRICT;
INSERT INTO publisher_lease (one, holder, ends_at) VALUES (1, 0, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));

-- What a replay reads: the events of a period, in the order of their moments, from any place on.
CREATE INDEX order_events_by_moment ON order_events (at, order_id, seq);
