//! What the tables refuse by themselves, whoever writes.

use diesel::connection::SimpleConnection;
use order_domain::ports::WriteSet;
use order_persistence::Stores;
use order_testkit::builders::{a_guard, a_key, a_receipt, an_order};

use crate::postgres::Postgres;
use crate::sqlite::Sqlite;

/// An order 1 with an entry 1, a task, a guard and a receipt, and what may not be made of it.
const IMPOSSIBLE: &[&str] = &[
    "UPDATE orders SET refunded = charged + 1",
    "UPDATE orders SET refund_held = -1",
    "UPDATE orders SET total = total + 1",
    "UPDATE orders SET discount = subtotal + 1, total = delivery_fee - 1",
    "UPDATE orders SET status = 'lost'",
    "UPDATE orders SET status = 'cancelled'",
    "UPDATE orders SET cancelled_at = created_at",
    "UPDATE orders SET delivery_latitude = '1'",
    "UPDATE orders SET version = 0",
    "UPDATE orders SET id = 9007199254740992",
    "UPDATE order_items SET quantity = 1000",
    "UPDATE order_items SET price = 0",
    "UPDATE order_events SET actor_id = NULL",
    "UPDATE order_events SET seq = 0",
    "UPDATE payment_entries SET amount = 0",
    "UPDATE payment_entries SET state = 'settled'",
    "UPDATE payment_entries SET kind = 'refund'",
    "UPDATE payment_entries SET charge_n = 7",
    "UPDATE tasks SET entry_n = 7 WHERE order_id = 1",
    "UPDATE tasks SET order_id = 7 WHERE order_id = 1",
    "UPDATE tasks SET order_id = NULL WHERE order_id = 1",
    "UPDATE tasks SET seq = NULL WHERE order_id = 1",
    "UPDATE tasks SET ordinal = NULL WHERE order_id = 1",
    "UPDATE tasks SET order_id = 1 WHERE order_id IS NULL",
    "UPDATE tasks SET seq = 1 WHERE order_id IS NULL",
    "UPDATE tasks SET lane = 'cart' WHERE order_id IS NULL",
    "UPDATE tasks SET dead = (1 = 1) WHERE order_id IS NULL",
    "INSERT INTO tasks (id, kind, run_at, created_at) SELECT 7, kind, run_at, created_at FROM tasks WHERE order_id IS NULL",
    "UPDATE idempotency_keys SET kind = 'key'",
    "UPDATE idempotency_keys SET kind = 'receipt' WHERE kind = 'guard'",
    "UPDATE idempotency_keys SET kind = 'guard' WHERE kind = 'receipt'",
    "UPDATE idempotency_keys SET customer_id = NULL WHERE kind = 'guard'",
    "UPDATE idempotency_keys SET status = 201 WHERE kind = 'guard'",
    "UPDATE idempotency_keys SET body = NULL WHERE kind = 'receipt'",
    "UPDATE idempotency_keys SET open = (1 = 1) WHERE kind = 'receipt'",
    "UPDATE idempotency_keys SET ends_at = NULL",
    "UPDATE idempotency_keys SET order_id = 7",
    "UPDATE idempotency_keys SET key_hash = substr(key_hash, 2)",
    "INSERT INTO idempotency_keys (key_hash, kind, fingerprint, customer_id, open, ends_at, order_id, created_at) SELECT fingerprint, kind, fingerprint, customer_id, open, ends_at, order_id, created_at FROM idempotency_keys WHERE kind = 'guard'",
    "INSERT INTO outbox SELECT order_id, seq FROM outbox",
    "UPDATE outbox SET seq = 0",
    "UPDATE outbox SET order_id = NULL",
    "INSERT INTO publisher_lease SELECT one, holder, ends_at FROM publisher_lease",
    "INSERT INTO publisher_lease SELECT one + 1, holder, ends_at FROM publisher_lease",
    "UPDATE publisher_lease SET holder = NULL",
    "INSERT INTO tasks (id, kind, order_id, seq, ordinal, run_at, created_at) SELECT id + 1, kind, order_id, seq, ordinal, run_at, created_at FROM tasks WHERE order_id = 1",
];

async fn place(stores: &Stores) {
    let placed = an_order().id(1).placed();
    let ids = stores.ids.task_ids(1).await.unwrap();
    let set = WriteSet::new(placed.last_change(), ids).guarded(a_guard(1)).with_receipt(Some((a_key(1), a_receipt(1))));
    stores.orders.commit(vec![set]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_rows_are_refused_by_postgres() {
    let postgres = Postgres::fresh().await;
    place(&postgres.stores).await;
    let client = postgres.database.connect().await;
    for statement in IMPOSSIBLE {
        assert!(client.batch_execute(statement).await.is_err(), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_rows_are_refused_by_sqlite() {
    let sqlite = Sqlite::fresh().await;
    place(&sqlite.stores).await;
    let mut conn = sqlite.connect();
    for statement in IMPOSSIBLE {
        assert!(conn.batch_execute(statement).is_err(), "{statement}");
    }
}
