//! The contract over SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use order_domain::ports::{
    AuditReader, EventHistory, IdGenerator, OrderReader, OrderStore, Outbox, TaskDesk, TaskStore,
};
use order_domain::time::Duration;
use order_persistence::{ConnectError, DatabaseUrl, Options, Stores};
use order_testkit::contract::{Harness, RowCounts};
use tempfile::TempDir;
use tokio::runtime::Handle;

/// A file of a test's own, and the one instance on it.
#[derive(Clone)]
pub(crate) struct Sqlite {
    folder: Arc<TempDir>,
    pub(crate) stores: Stores,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl Sqlite {
    pub(crate) async fn fresh() -> Self {
        let folder = Arc::new(TempDir::new().unwrap());
        order_persistence::migrate(&url(&folder), true).await.unwrap();
        let stores = order_persistence::open(&url(&folder), &options()).unwrap();
        Self { folder, stores }
    }

    /// A connection beside those of the instance.
    pub(crate) fn connect(&self) -> SqliteConnection {
        let path = self.folder.path().join("orders.db");
        let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON").unwrap();
        conn
    }
}

pub(crate) fn url(folder: &TempDir) -> DatabaseUrl {
    DatabaseUrl::Sqlite(folder.path().join("orders.db"))
}

pub(crate) fn options() -> Options {
    Options { connections: 4, pool: "test", runtime: Handle::current() }
}

#[async_trait]
impl Harness for Sqlite {
    fn store(&self) -> Arc<dyn OrderStore> {
        self.stores.orders.clone()
    }

    fn reader(&self) -> Arc<dyn OrderReader> {
        self.stores.reader.clone()
    }

    fn tasks(&self) -> Arc<dyn TaskStore> {
        self.stores.tasks.clone()
    }

    fn desk(&self) -> Arc<dyn TaskDesk> {
        self.stores.desk.clone()
    }

    fn audit(&self) -> Arc<dyn AuditReader> {
        self.stores.audit.clone()
    }

    fn outbox(&self) -> Arc<dyn Outbox> {
        self.stores.outbox.clone()
    }

    fn history(&self) -> Arc<dyn EventHistory> {
        self.stores.history.clone()
    }

    fn ids(&self) -> Arc<dyn IdGenerator> {
        self.stores.ids.clone()
    }

    /// There is one instance; two who use it at once are two handles of it.
    async fn second(&self) -> Box<dyn Harness> {
        Box::new(self.clone())
    }

    async fn counts(&self) -> RowCounts {
        let mut conn = self.connect();
        let mut count = |table: &str| {
            let row: Count =
                diesel::sql_query(format!("SELECT count(*) AS n FROM {table}")).get_result(&mut conn).unwrap();
            usize::try_from(row.n).unwrap()
        };
        RowCounts {
            orders: count("orders"),
            lines: count("order_items"),
            events: count("order_events"),
            entries: count("payment_entries"),
            tasks: count("tasks WHERE order_id IS NOT NULL"),
            receipts: count("idempotency_keys WHERE kind = 'receipt'"),
            guards: count("idempotency_keys WHERE kind = 'guard'"),
            outbox: count("outbox"),
        }
    }

    async fn let_pass(&self, time: Duration) {
        let back = format!("-{} seconds", time.as_secs_f64());
        let passed = |column: &str| format!("{column} = strftime('%Y-%m-%dT%H:%M:%f000Z', {column}, '{back}')");
        let (tasks, begun, ended) = (passed("run_at"), passed("created_at"), passed("ends_at"));
        let update = format!(
            "UPDATE tasks SET {tasks} WHERE NOT dead; UPDATE idempotency_keys SET {begun}, {ended};
             UPDATE publisher_lease SET {ended}"
        );
        self.connect().batch_execute(&update).unwrap();
    }
}

order_testkit::contract_tests!(Sqlite::fresh().await);

#[tokio::test(flavor = "multi_thread")]
async fn a_second_instance_on_the_same_file_is_refused() {
    let first = Sqlite::fresh().await;
    let second = order_persistence::open(&url(&first.folder), &options());
    assert!(matches!(second, Err(ConnectError::InUse(_))));
    let folder = Arc::clone(&first.folder);
    drop(first);
    order_testkit::contract::eventually("the file is free again", || async {
        order_persistence::open(&url(&folder), &options()).is_ok()
    })
    .await;
}

/// Whoever publishes reads while somebody writes, as long as there is more than half of the lease.
#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_keeps_its_lease_does_not_wait_for_the_writer() {
    use order_domain::ports::Publisher;
    let sqlite = Sqlite::fresh().await;
    let (me, lease) = (Publisher(1), Duration::from_mins(30));
    assert!(sqlite.stores.outbox.next(me, lease, 10).await.unwrap().is_some());
    let mut writer = sqlite.connect();
    writer.batch_execute("BEGIN IMMEDIATE").unwrap();
    let next = sqlite.stores.outbox.next(me, lease, 10);
    let next = tokio::time::timeout(Duration::from_secs(4), next).await.expect("it does not wait").unwrap();
    assert_eq!(next.map(|outgoing| outgoing.events), Some(vec![]));
    writer.batch_execute("ROLLBACK").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_voids_the_leases_of_a_process_that_died() {
    use order_domain::ports::{Claim, Publisher, TaskKind};
    let folder;
    {
        let sqlite = Sqlite::fresh().await;
        folder = Arc::clone(&sqlite.folder);
        let placed = order_testkit::builders::an_order().id(1).placed();
        let ids = sqlite.stores.ids.task_ids(1).await.unwrap();
        let set = order_domain::ports::WriteSet::new(placed.last_change(), ids);
        sqlite.stores.orders.commit(vec![set]).await.unwrap();
        let claim = Claim {
            slots: vec![(TaskKind::Charge, 1)],
            chores: Vec::new(),
            only: None,
            lease: Duration::from_mins(30),
        };
        assert_eq!(sqlite.stores.tasks.claim(&claim).await.unwrap().claimed.len(), 1);
        assert_eq!(sqlite.stores.tasks.claim(&claim).await.unwrap().claimed.len(), 0);
        assert!(sqlite.stores.outbox.next(Publisher(1), Duration::from_mins(30), 1).await.unwrap().is_some());
    }
    order_testkit::contract::eventually("the file is free again", || {
        let folder = Arc::clone(&folder);
        async move { order_persistence::migrate(&url(&folder), true).await.is_ok() }
    })
    .await;
    let stores = order_persistence::open(&url(&folder), &options()).unwrap();
    let claim =
        Claim { slots: vec![(TaskKind::Charge, 1)], chores: Vec::new(), only: None, lease: Duration::from_mins(30) };
    let claimed = stores.tasks.claim(&claim).await.unwrap().claimed;
    assert_eq!(claimed.len(), 1);
    assert!(claimed[0].token > order_domain::ports::Token(1), "its old token is void");
    assert!(stores.outbox.next(Publisher(2), Duration::from_mins(30), 1).await.unwrap().is_some(), "nobody publishes");
}
