//! What PostgreSQL reads for the statements of the outbox and the history: as much as they yield, whatever else there is.
//!
//! Each is asked over a connection that prepared it while the tables were all but empty, and whose plans are kept. A table
//! that PostgreSQL has never looked at it takes for one of some pages, so what it knew of which table matters.

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
/// Orders with two events each: twice as many events as are counted.
const ORDERS: i64 = 10_000;
/// What the connection read before the tables were filled is told with the rest, and a call may be made twice on a busy
/// machine.
const BESIDE: i64 = 500;

/// How often tables were scanned, and how many entries were read from the indexes of each.
#[derive(Debug)]
struct Reads {
    scans: i64,
    outbox: i64,
    events: i64,
    orders: i64,
}

impl Reads {
    async fn told(client: &Client) -> Self {
        let figures = "SELECT (SELECT sum(seq_scan)::bigint FROM pg_stat_user_tables WHERE relname IN ('outbox', \
                       'order_events', 'orders', 'publisher_lease')), sum(idx_tup_read) FILTER (WHERE relname = 'outbox')::bigint, \
                       sum(idx_tup_read) FILTER (WHERE relname = 'order_events')::bigint, \
                       sum(idx_tup_read) FILTER (WHERE relname = 'orders')::bigint FROM pg_stat_user_indexes";
        let row = client.query_one(figures, &[]).await.unwrap();
        Self { scans: row.get(0), outbox: row.get(1), events: row.get(2), orders: row.get(3) }
    }

    /// No more than this of each, and no table from its beginning to its end.
    fn are_at_most(&self, outbox: i64, events: i64, orders: i64) {
        assert_eq!(self.scans, 0, "{self:?}");
        for (read, most) in [(self.outbox, outbox), (self.events, events), (self.orders, orders)] {
            assert!(read <= most + BESIDE, "{self:?}, {most} at most");
        }
    }
}

/// A database, and instances with one connection each that have asked for everything while it was empty.
struct Given {
    client: Client,
    early: Vec<Stores>,
    postgres: Postgres,
}

impl Given {
    async fn asked_early(known: &str, instances: usize) -> Self {
        let postgres = Postgres::fresh().await;
        let life = an_order().id(1).placed();
        let client = postgres.database.connect().await;
        let options = Options { connections: 1, pool: "test", runtime: tokio::runtime::Handle::current() };
        let early = (0..instances).map(|_| order_persistence::open(&url(&postgres.database), &options).unwrap());
        let early: Vec<Stores> = early.collect();
        life.keep(&*early[0].orders, &*early[0].tasks, &*early[0].ids).await;
        client.batch_execute(&format!("VACUUM ANALYZE {known}")).await.unwrap();
        for stores in &early {
            // PostgreSQL keeps a plan when it has made five.
            for _ in 0..7 {
                stores.outbox.next(ME, LEASE, LIMIT).await.unwrap();
                stores.outbox.unpublished().await.unwrap();
                stores.history.events(span(None), None, LIMIT).await.unwrap();
                stores.history.events(span(Some(life.order.id())), None, LIMIT).await.unwrap();
                stores.outbox.published(&[(life.order.id(), 1)]).await.unwrap();
            }
        }
        Self { client, early, postgres }
    }

    /// Somebody else fills the tables.
    async fn execute(&self, statements: &str) {
        self.postgres.database.connect().await.batch_execute(statements).await.unwrap();
    }

    /// What an instance reads. A connection tells when it ends.
    async fn reads<F: Future<Output = ()>>(&mut self, work: impl FnOnce(Stores) -> F) -> Reads {
        let connected = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                         AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let client = &self.client;
        let until_connected = |instances: usize| async move {
            eventually("others have left", || async {
                usize::try_from(client.query_one(connected, &[]).await.unwrap().get::<_, i64>(0)) == Ok(instances)
            })
            .await;
        };
        until_connected(self.early.len()).await;
        let before = Reads::told(client).await;
        work(self.early.pop().unwrap()).await;
        until_connected(self.early.len()).await;
        let now = Reads::told(client).await;
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

/// Whatever was known of the tables when the plans were made.
async fn what_is_read_is_what_is_yielded(known: &str) {
    let mut given = Given::asked_early(known, 4).await;
    let much = format!(
        "SET session_replication_role = replica;
         INSERT INTO orders SELECT another.* FROM orders, generate_series(2, {ORDERS}) AS n,
            jsonb_populate_record(orders, jsonb_build_object('id', n)) AS another;
         INSERT INTO order_events SELECT n, place, 'preparing', 1, '{{}}', at + n * interval '1 second', actor_role,
            actor_id, status FROM order_events, generate_series(2, {ORDERS}) AS n, generate_series(1, 2) AS place
            WHERE order_id = 1;"
    );
    given.execute(&much).await;

    let nothing = given.reads(|stores| async move {
        let outgoing = stores.outbox.next(ME, LEASE, LIMIT).await.unwrap().unwrap();
        assert_eq!(outgoing.events, []);
    });
    nothing.await.are_at_most(0, 0, 0);

    let page = given.reads(|stores| async move {
        let order = OrderId::new(ORDERS / 2).unwrap();
        let at = after(START, Duration::from_secs(order.get().unsigned_abs()));
        let middle = Some(HistoryPlace { at, order, seq: 1 });
        let page = stores.history.events(span(None), middle, LIMIT).await.unwrap();
        assert_eq!((page.len(), page[0].order, page[0].seq), (100, order, 2));
        let alone = stores.history.events(span(Some(order)), None, LIMIT).await.unwrap();
        assert_eq!(alone.len(), 2);
    });
    page.await.are_at_most(0, 102, 2 * 102);

    given.execute("INSERT INTO outbox SELECT order_id, seq FROM order_events").await;
    let first = given.reads(|stores| async move {
        for _ in 0..3 {
            let events = stores.outbox.next(ME, LEASE, LIMIT).await.unwrap().unwrap().events;
            assert_eq!(events.len(), 100);
            let published: Vec<_> = events.iter().map(|event| (event.order, event.seq)).collect();
            stores.outbox.published(&published).await.unwrap();
        }
    });
    // Read, looked up to be removed, and passed over once it is.
    first.await.are_at_most(3 * 300, 300, 2 * 300);

    let counted = given.reads(|stores| async move {
        assert_eq!(stores.outbox.unpublished().await.unwrap().events, Unpublished::COUNTED);
    });
    let most = i64::try_from(Unpublished::COUNTED).unwrap();
    counted.await.are_at_most(most + 300, most, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_is_what_is_yielded_however_empty_the_outbox_was() {
    what_is_read_is_what_is_yielded("outbox").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_is_what_is_yielded_however_short_the_history_was() {
    what_is_read_is_what_is_yielded("orders, order_events").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_is_what_is_yielded_however_small_all_tables_were() {
    what_is_read_is_what_is_yielded("outbox, orders, order_events").await;
}
