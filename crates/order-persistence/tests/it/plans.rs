//! What PostgreSQL reads for a claim and for the statements of the outbox and the history: as much as they yield, whatever
//! else there is.
//!
//! Each is asked over a connection that prepared it while the tables were all but empty, and whose plans are kept. A table
//! that PostgreSQL has never looked at it takes for one of some pages, so what it knew of which table matters.

use order_domain::ports::{Claim, HistoryPlace, HistorySpan, Publisher, TaskKind, Unpublished};
use order_domain::time::{Duration, after};
use order_domain::{OrderId, TaskId};
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

/// How often tables were scanned, and how many entries were read from the indexes of all and of some.
#[derive(Debug)]
pub(crate) struct Reads {
    pub(crate) scans: i64,
    pub(crate) all: i64,
    outbox: i64,
    events: i64,
    orders: i64,
    tasks: i64,
}

impl Reads {
    async fn told(client: &Client) -> Self {
        let scans = "SELECT sum(seq_scan)::bigint FROM pg_stat_user_tables";
        let of = async |tables: &str| -> i64 {
            let read =
                format!("SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname LIKE '{tables}'");
            client.query_one(&read, &[]).await.unwrap().get(0)
        };
        Self {
            scans: client.query_one(scans, &[]).await.unwrap().get(0),
            all: of("%").await,
            outbox: of("outbox").await,
            events: of("order_events").await,
            orders: of("orders").await,
            tasks: of("tasks").await,
        }
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
pub(crate) struct Given {
    client: Client,
    early: Vec<Stores>,
    postgres: Postgres,
}

impl Given {
    /// PostgreSQL has looked at the `known` tables of one order, and each instance has asked for everything.
    pub(crate) async fn asked_early(known: &str, instances: usize, ask: impl AsyncFn(&Stores)) -> Self {
        let postgres = Postgres::fresh().await;
        let life = an_order().id(1).placed();
        let client = postgres.database.connect().await;
        let options = Options { connections: 1, pool: "test", runtime: tokio::runtime::Handle::current() };
        let early = (0..instances).map(|_| order_persistence::open(&url(&postgres.database), &options).unwrap());
        let early: Vec<Stores> = early.collect();
        life.keep(&*early[0].orders, &*early[0].tasks, &*early[0].ids).await;
        client.batch_execute(&format!("VACUUM ANALYZE {known}")).await.unwrap();
        for stores in &early {
            // PostgreSQL may keep a plan when it has made five.
            for _ in 0..7 {
                ask(stores).await;
            }
        }
        Self { client, early, postgres }
    }

    /// Somebody else fills the tables.
    pub(crate) async fn execute(&self, statements: &str) {
        self.postgres.database.connect().await.batch_execute(statements).await.unwrap();
    }

    /// What an instance reads. A connection tells when it ends.
    pub(crate) async fn reads<F: Future<Output = ()>>(&mut self, work: impl FnOnce(Stores) -> F) -> Reads {
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
            all: now.all - before.all,
            outbox: now.outbox - before.outbox,
            events: now.events - before.events,
            orders: now.orders - before.orders,
            tasks: now.tasks - before.tasks,
        }
    }
}

fn span(order: Option<OrderId>) -> HistorySpan {
    HistorySpan { from: START, to: after(START, Duration::from_hours(24 * 365)), order }
}

/// All that the publisher and the history ask.
async fn publish(stores: &Stores) {
    let first = OrderId::new(1).unwrap();
    stores.outbox.next(ME, LEASE, LIMIT).await.unwrap();
    stores.outbox.unpublished().await.unwrap();
    stores.history.events(span(None), None, LIMIT).await.unwrap();
    stores.history.events(span(Some(first)), None, LIMIT).await.unwrap();
    stores.outbox.published(&[(first, 1)]).await.unwrap();
}

/// A sweep, and a claim by an id.
async fn claim(stores: &Stores) {
    stores.tasks.claim(&refunds(None)).await.unwrap();
    stores.tasks.claim(&refunds(Some(vec![TaskId::new(1_000).unwrap()]))).await.unwrap();
}

fn refunds(only: Option<Vec<TaskId>>) -> Claim {
    Claim { slots: vec![(TaskKind::Refund, 16)], chores: Vec::new(), only, lease: LEASE }
}

/// Whatever was known of the tables when the plans were made.
async fn what_is_read_is_what_is_yielded(known: &str) {
    let mut given = Given::asked_early(known, 4, publish).await;
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

/// However many tasks are due: a claim that is told which, and a sweep.
async fn a_claim_reads_what_it_takes(known: &str) {
    let mut given = Given::asked_early(known, 2, claim).await;
    let many = "SET session_replication_role = replica;
         INSERT INTO tasks (id, kind, order_id, seq, ordinal, run_at, created_at)
            SELECT 1000000 + n, 'refund', 1, 1000 + n, 0, now() - interval '1 minute', now()
            FROM generate_series(1, 10000) AS n;";
    given.execute(many).await;

    let named = given.reads(|stores| async move {
        let ids = [1_000_001, 1_005_000, 1_010_000].map(|id| TaskId::new(id).unwrap());
        assert_eq!(stores.tasks.claim(&refunds(Some(ids.into()))).await.unwrap().claimed.len(), 3);
    });
    let named = named.await;
    assert!(named.scans == 0 && named.tasks <= 3 * 10 + BESIDE, "{named:?}");

    let swept = given.reads(|stores| async move {
        assert_eq!(stores.tasks.claim(&refunds(None)).await.unwrap().claimed.len(), 16);
    });
    let swept = swept.await;
    assert!(swept.scans == 0 && swept.tasks <= 16 * 10 + BESIDE, "{swept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_reads_what_it_takes_however_empty_the_tasks_were() {
    a_claim_reads_what_it_takes("tasks").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_reads_what_it_takes_however_few_orders_there_were() {
    a_claim_reads_what_it_takes("orders").await;
}
