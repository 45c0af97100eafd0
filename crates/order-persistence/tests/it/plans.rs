//! What PostgreSQL reads for the statements of the outbox and the history: as much as they yield, whatever else there is.
//!
//! The connection has prepared them while the tables were all but empty, and its plans are kept.

use order_domain::OrderId;
use order_domain::ports::{HistoryPlace, HistorySpan, Publisher, Unpublished};
use order_domain::time::{Duration, after};
use order_persistence::{Options, Stores};
use order_testkit::builders::{START, an_order};
use order_testkit::contract::eventually;
use tokio_postgres::Client;

use crate::postgres::{Postgres, url};

const ME: Publisher = Publisher(7);
const LEASE: Duration = Duration::from_secs(30);
const LIMIT: u32 = 100;
/// Orders with two events each.
const ORDERS: i64 = 50_000;

/// How often tables were scanned, and how many entries were read from the indexes of each.
#[derive(Debug, Default)]
struct Reads {
    scans: i64,
    outbox: i64,
    events: i64,
    orders: i64,
}

async fn reads(client: &Client) -> Reads {
    let figures = "SELECT (SELECT sum(seq_scan)::bigint FROM pg_stat_user_tables WHERE relname IN ('outbox', 'order_events', \
                   'orders')), sum(idx_tup_read) FILTER (WHERE relname = 'outbox')::bigint, sum(idx_tup_read) FILTER (WHERE \
                   relname = 'order_events')::bigint, sum(idx_tup_read) FILTER (WHERE relname = 'orders')::bigint \
                   FROM pg_stat_user_indexes";
    let row = client.query_one(figures, &[]).await.unwrap();
    Reads { scans: row.get(0), outbox: row.get(1), events: row.get(2), orders: row.get(3) }
}

/// Waits until so many others are connected: who leaves tells what they have read.
async fn until_connected(client: &Client, others: i64) {
    let connected = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                     AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    eventually("others have left", || async {
        client.query_one(connected, &[]).await.unwrap().get::<_, i64>(0) == others
    })
    .await;
}

/// A database in which much has happened, and an instance whose one connection was there before.
struct Given {
    postgres: Postgres,
    stores: Stores,
}

impl Given {
    async fn much() -> Self {
        let postgres = Postgres::fresh().await;
        let options = Options { connections: 1, pool: "test", runtime: tokio::runtime::Handle::current() };
        let stores = order_persistence::open(&url(&postgres.database), &options).unwrap();
        let life = an_order().id(1).placed();
        life.keep(&*stores.orders, &*stores.tasks, &*stores.ids).await;
        // PostgreSQL keeps a plan when it has made five.
        for _ in 0..7 {
            stores.outbox.next(ME, LEASE, LIMIT).await.unwrap();
            stores.outbox.unpublished().await.unwrap();
            stores.history.events(span(None), None, LIMIT).await.unwrap();
            stores.history.events(span(Some(life.order.id())), None, LIMIT).await.unwrap();
            stores.outbox.published(&[(life.order.id(), 1)]).await.unwrap();
        }
        let much = format!(
            "SET session_replication_role = replica;
             INSERT INTO orders SELECT another.* FROM orders, generate_series(2, {ORDERS}) AS n,
                jsonb_populate_record(orders, jsonb_build_object('id', n)) AS another;
             INSERT INTO order_events SELECT n, place, 'preparing', 1, '{{}}', at + n * interval '1 second', actor_role,
                actor_id, status FROM order_events, generate_series(2, {ORDERS}) AS n, generate_series(1, 2) AS place
                WHERE order_id = 1;"
        );
        postgres.database.connect().await.batch_execute(&much).await.unwrap();
        Self { postgres, stores }
    }

    async fn all_of_it_unpublished(self) -> Self {
        let fill = "INSERT INTO outbox SELECT order_id, seq FROM order_events";
        self.postgres.database.connect().await.batch_execute(fill).await.unwrap();
        self
    }

    /// What this reads of the tables.
    async fn reads<F: Future<Output = ()>>(self, work: impl FnOnce(Stores) -> F) -> Reads {
        let client = self.postgres.database.connect().await;
        until_connected(&client, 1).await;
        let before = reads(&client).await;
        work(self.stores).await;
        until_connected(&client, 0).await;
        let now = reads(&client).await;
        Reads {
            scans: now.scans - before.scans,
            outbox: now.outbox - before.outbox,
            events: now.events - before.events,
            orders: now.orders - before.orders,
        }
    }
}

fn span(order: Option<OrderId>) -> HistorySpan {
    HistorySpan { from: START, to: after(START, Duration::from_hours(24 * 365)), order }
}

/// A few entries are read beside those that are yielded: what the connection did before is told with the rest.
fn assert_read(found: &Reads, most: [u64; 3]) {
    let most = most.map(|most| i64::try_from(most).unwrap() + 60);
    assert_eq!(found.scans, 0, "{found:?}");
    assert!([found.outbox, found.events, found.orders].iter().zip(most).all(|(read, most)| *read <= most), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_outbox_is_read_without_the_history() {
    let found = Given::much().await.reads(|stores| async move {
        let outgoing = stores.outbox.next(ME, LEASE, LIMIT).await.unwrap().unwrap();
        assert_eq!(outgoing.events, []);
    });
    assert_read(&found.await, [0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_outbox_is_read_as_far_as_it_is_given() {
    let found = Given::much().await.all_of_it_unpublished().await.reads(|stores| async move {
        for _ in 0..3 {
            let events = stores.outbox.next(ME, LEASE, LIMIT).await.unwrap().unwrap().events;
            assert_eq!(events.len(), 100);
            let published: Vec<_> = events.iter().map(|event| (event.order, event.seq)).collect();
            stores.outbox.published(&published).await.unwrap();
        }
    });
    // Read, looked up to be removed, and passed over once it is.
    assert_read(&found.await, [3 * 3 * 100, 3 * 100, 2 * 3 * 100]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_outbox_is_counted_as_far_as_it_is_counted() {
    let found = Given::much().await.all_of_it_unpublished().await.reads(|stores| async move {
        let waits = stores.outbox.unpublished().await.unwrap();
        assert_eq!(waits.events, Unpublished::COUNTED);
    });
    assert_read(&found.await, [Unpublished::COUNTED, Unpublished::COUNTED, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_history_is_read_from_its_middle() {
    let found = Given::much().await.reads(|stores| async move {
        let order = OrderId::new(ORDERS / 2).unwrap();
        let middle = HistoryPlace { at: after(START, Duration::from_secs(order.get().unsigned_abs())), order, seq: 1 };
        let page = stores.history.events(span(None), Some(middle), LIMIT).await.unwrap();
        assert_eq!((page.len(), page[0].order, page[0].seq), (100, order, 2));
        let alone = stores.history.events(span(Some(order)), None, LIMIT).await.unwrap();
        assert_eq!(alone.len(), 2);
    });
    assert_read(&found.await, [0, 100 + 2, 2 * (100 + 2)]);
}
