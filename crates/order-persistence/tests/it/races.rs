//! Interleavings inside PostgreSQL: what a statement that waits for a lock finds when it gets it.

use order_domain::ports::{OrderStore, Token};
use order_testkit::builders::an_order;
use order_testkit::contract::eventually;

use crate::postgres::Postgres;

/// Who waits for a row that somebody else has locked.
async fn waiting(client: &tokio_postgres::Client) -> i64 {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    client.query_one(waiting, &[]).await.unwrap().get(0)
}

/// A handler stalls on the order's lock while its task is claimed anew. Its token is void by the time it gets on, though
/// it was good when its statement began.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_replaced_while_a_mark_waits_stops_it() {
    for put_back in [false, true] {
        let postgres = Postgres::fresh().await;
        let stores = &postgres.stores;
        let life = if put_back { an_order().id(1).sent() } else { an_order().id(1).placed() };
        let version = life.order.version();
        let kept = life.keep(&*stores.orders, &*stores.tasks, &*stores.ids).await;
        let task = match kept.held.first() {
            Some(task) => task.clone(),
            None => order_testkit::builders::claim_one(&*stores.tasks, &kept.tasks[0]).await,
        };

        let locker = postgres.database.connect().await;
        locker.batch_execute("BEGIN; SELECT 1 FROM orders WHERE id = 1 FOR UPDATE").await.unwrap();
        let marking = tokio::spawn({
            let (orders, task) = (stores.orders.clone(), task.clone());
            async move {
                let orders: &dyn OrderStore = &*orders;
                if put_back {
                    orders.put_back(&task, version, 1).await
                } else {
                    orders.mark_sent(&task, version, 1).await
                }
            }
        });
        let other = postgres.database.connect().await;
        eventually("it waits for the order", || async { waiting(&other).await == 1 }).await;
        assert_eq!(other.execute("UPDATE tasks SET token = token + 1 WHERE order_id = 1", &[]).await.unwrap(), 1);
        locker.batch_execute("COMMIT").await.unwrap();

        assert!(!marking.await.unwrap().unwrap(), "token {:?} is void", task.token);
        assert_ne!(task.token, Token(0));
        let state: String = other.query_one("SELECT state FROM payment_entries", &[]).await.unwrap().get(0);
        assert_eq!(state, if put_back { "sent" } else { "booked" });
    }
}
