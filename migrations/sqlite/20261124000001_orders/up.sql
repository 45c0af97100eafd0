-- Orders, what happened to them, their ledger, and the work that follows from it. Amounts are minor units of the order's
-- currency. What a constraint can hold, it holds. Times are texts of fixed width in UTC, so that they sort as they follow.

-- Ids are handed out in blocks of a hundred per instance.
CREATE TABLE id_blocks (
    name text PRIMARY KEY,
    next integer NOT NULL CHECK (next BETWEEN 1 AND 9007199254740000)
) STRICT;
INSERT INTO id_blocks (name, next) VALUES ('orders', 1), ('rows', 1);

CREATE TABLE orders (
    id                   integer PRIMARY KEY CHECK (id BETWEEN 1 AND 9007199254740991),
    customer_id          text NOT NULL,
    courier_id           text,
    status               text NOT NULL CHECK (status IN ('pending', 'confirmed', 'preparing', 'out_for_delivery', 'delivered',
                                         'cancelled', 'return_requested', 'return_approved', 'picked_up', 'refunded')),
    payment_status       text NOT NULL,
    payment_method       text NOT NULL CHECK (payment_method IN ('online', 'cash')),
    currency             text NOT NULL CHECK (length(currency) = 3),
    subtotal             integer NOT NULL CHECK (subtotal >= 0),
    discount             integer NOT NULL CHECK (discount BETWEEN 0 AND subtotal),
    delivery_fee         integer NOT NULL CHECK (delivery_fee >= 0),
    total                integer NOT NULL CHECK (total = subtotal - discount + delivery_fee),
    charged              integer NOT NULL,
    refunded             integer NOT NULL,
    refund_held          integer NOT NULL,
    delivery_address     text NOT NULL,
    delivery_latitude    text,
    delivery_longitude   text,
    special_instructions text,
    terms                text NOT NULL,
    released_at          text,
    delivered_at         text,
    cancelled_at         text,
    cancelled_by         text,
    cancelled_by_id      text,
    cancel_code          text,
    cancel_reason        text,
    created_at           text NOT NULL,
    updated_at           text NOT NULL CHECK (updated_at >= created_at),
    version              integer NOT NULL CHECK (version >= 1),
    CHECK (0 <= refunded AND 0 <= refund_held AND refunded + refund_held <= charged),
    CHECK ((delivery_latitude IS NULL) = (delivery_longitude IS NULL)),
    CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
    CHECK ((cancelled_at IS NULL) = (cancelled_by IS NULL) AND (cancelled_at IS NULL) = (cancel_code IS NULL))
) STRICT;
CREATE INDEX orders_newest ON orders (created_at DESC, id DESC);
CREATE INDEX orders_of_customer ON orders (customer_id, created_at DESC, id DESC);
CREATE INDEX orders_of_courier ON orders (courier_id, created_at DESC, id DESC) WHERE courier_id IS NOT NULL;
CREATE INDEX orders_in_status ON orders (status, created_at DESC, id DESC);
CREATE INDEX orders_in_payment_status ON orders (payment_status, created_at DESC, id DESC);
CREATE INDEX orders_available ON orders (created_at DESC, id DESC)
    WHERE courier_id IS NULL AND released_at IS NOT NULL AND status IN ('confirmed', 'preparing');

CREATE TABLE order_items (
    order_id    integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    line        integer NOT NULL CHECK (line >= 1),
    product_id  integer NOT NULL,
    name        text NOT NULL,
    description text,
    price       integer NOT NULL CHECK (price > 0),
    mrp         integer,
    category_id integer,
    image_url   text,
    unit        text,
    returnable  integer NOT NULL,
    quantity    integer NOT NULL CHECK (quantity BETWEEN 1 AND 999),
    net         integer NOT NULL CHECK (net BETWEEN 0 AND price * quantity),
    PRIMARY KEY (order_id, line)
) STRICT;

-- Append-only: nothing but a note is ever changed.
CREATE TABLE order_events (
    order_id   integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    seq        integer NOT NULL CHECK (seq >= 1),
    type       text NOT NULL,
    v          integer NOT NULL,
    data       text NOT NULL,
    at         text NOT NULL,
    actor_role text NOT NULL CHECK (actor_role IN ('customer', 'courier', 'admin', 'system')),
    actor_id   text CHECK ((actor_role = 'system') = (actor_id IS NULL)),
    status     text NOT NULL,
    amount     integer,
    note       text,
    PRIMARY KEY (order_id, seq)
) STRICT;

CREATE TABLE payment_entries (
    order_id       integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    n              integer NOT NULL CHECK (n >= 1),
    kind           text NOT NULL CHECK (kind IN ('charge', 'refund')),
    purpose        text NOT NULL CHECK (purpose IN ('order', 'edit', 'cancel', 'return', 'goodwill')),
    amount         integer NOT NULL CHECK (amount > 0),
    method         text NOT NULL CHECK (method IN ('online', 'cash')),
    state          text NOT NULL CHECK (state IN ('booked', 'sent', 'settled', 'declined', 'review', 'withdrawn')),
    charge_n       integer,
    repeats_n      integer,
    declines       integer NOT NULL CHECK (declines >= 0),
    transaction_id text,
    first_tried_at text,
    attempts       integer NOT NULL CHECK (attempts >= 0),
    refusals       integer NOT NULL CHECK (refusals >= 0),
    last_error     text,
    created_at     text NOT NULL,
    settled_at     text,
    PRIMARY KEY (order_id, n),
    FOREIGN KEY (order_id, charge_n) REFERENCES payment_entries (order_id, n),
    FOREIGN KEY (order_id, repeats_n) REFERENCES payment_entries (order_id, n),
    CHECK ((kind = 'refund') = (charge_n IS NOT NULL)),
    CHECK ((state = 'settled') = (settled_at IS NOT NULL))
) STRICT;

-- Unfinished work. A finished row is deleted; a dead one stays for an operator. A leased one is in a worker's hands until
-- run_at, and token says in whose.
CREATE TABLE tasks (
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
CREATE INDEX tasks_due ON tasks (kind, run_at) WHERE NOT dead;
CREATE INDEX tasks_spent ON tasks (run_at) WHERE NOT dead AND attempts >= 8;
CREATE INDEX tasks_next ON tasks (run_at) WHERE NOT dead;
CREATE INDEX tasks_lanes ON tasks (order_id, lane, seq, ordinal) WHERE NOT dead AND lane IS NOT NULL;

-- Answers that were given, by a hash of caller, method, path and key.
CREATE TABLE idempotency_keys (
    key_hash    blob PRIMARY KEY CHECK (length(key_hash) = 32),
    fingerprint blob NOT NULL CHECK (length(fingerprint) = 32),
    status      integer NOT NULL,
    headers     text NOT NULL,
    body        blob NOT NULL,
    order_id    integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    created_at  text NOT NULL
) STRICT;
CREATE INDEX idempotency_keys_of_order ON idempotency_keys (order_id);
