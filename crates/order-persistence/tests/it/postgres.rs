//! The contract over PostgreSQL.

use std::sync::Arc;

use async_trait::async_trait;
use order_domain::ports::{
    AuditReader, EventHistory, IdGenerator, OrderReader, OrderStore, Outbox, TaskDesk, TaskStore,
};
use order_domain::time::Duration;
use order_persistence::{DatabaseUrl, Options, Stores};
use order_testkit::contract::{Harness, RowCounts};
use order_testkit::pg::TestDatabase;
use tokio::runtime::Handle;

/// A database of a test's own, and an instance on it.
pub(crate) struct Postgres {
    pub(crate) database: Arc<TestDatabase>,
    pub(crate) stores: Stores,
}

impl Postgres {
    pub(crate) async fn fresh() -> Self {
        let database = Arc::new(TestDatabase::create().await);
        order_persistence::migrate(&url(&database), true).await.unwrap();
        Self::on(database)
    }

    fn on(database: Arc<TestDatabase>) -> Self {
        let options = Options { connections: 8, pool: "test", runtime: Handle::current() };
        let stores = order_persistence::open(&url(&database), &options).unwrap();
        Self { database, stores }
    }
}

pub(crate) fn url(database: &TestDatabase) -> DatabaseUrl {
    DatabaseUrl::parse(database.url()).unwrap()
}

#[async_trait]
impl Harness for Postgres {
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

    async fn second(&self) -> Box<dyn Harness> {
        Box::new(Self::on(Arc::clone(&self.database)))
    }

    async fn counts(&self) -> RowCounts {
        let client = self.database.connect().await;
        let count = |table: &'static str| {
            let client = &client;
            async move {
                let row = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap();
                usize::try_from(row.get::<_, i64>(0)).unwrap()
            }
        };
        RowCounts {
            orders: count("orders").await,
            lines: count("order_items").await,
            events: count("order_events").await,
            entries: count("payment_entries").await,
            tasks: count("tasks WHERE order_id IS NOT NULL").await,
            receipts: count("idempotency_keys WHERE kind = 'receipt'").await,
            guards: count("idempotency_keys WHERE kind = 'guard'").await,
            outbox: count("outbox").await,
        }
    }

    async fn let_pass(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let client = self.database.connect().await;
        let passed = format!(
            "UPDATE tasks SET run_at = run_at - make_interval(secs => {seconds}) WHERE NOT dead;
             UPDATE idempotency_keys SET created_at = created_at - make_interval(secs => {seconds}),
                ends_at = ends_at - make_interval(secs => {seconds});
             UPDATE publisher_lease SET ends_at = ends_at - make_interval(secs => {seconds})"
        );
        client.batch_execute(&passed).await.unwrap();
    }
}

order_testkit::contract_tests!(Postgres::fresh().await);
