//! The store, the worker and services that answer at once and remember when they were called.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use order_domain::OrderId;
use order_domain::ports::{
    IdempotencyKey, Payment, PaymentError, PaymentReceipt, PaymentService, Receipt, TaskRef, TaskSignal, WriteSet,
};
use order_domain::time::{Timestamp, after};
use order_persistence::{DatabaseUrl, Options, Stores};
use order_queue::InProcessSignal;
use order_testkit::builders::{an_order, rules, stocked};
use order_testkit::pg::TestDatabase;
use order_testkit::services::{FakeAvailability, FakeCarts, FakeNotifications, FakeProducts, RecordingLive};
use order_usecases::tasks::Handlers;
use order_usecases::worker::{Worker, WorkerConfig};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Remembers when it was first called for an order.
#[derive(Default)]
struct Payments {
    calls: Mutex<BTreeMap<i64, Instant>>,
}

#[async_trait]
impl PaymentService for Payments {
    async fn charge(&self, payment: &Payment) -> Result<PaymentReceipt, PaymentError> {
        self.calls.lock().unwrap().entry(payment.order.get()).or_insert_with(Instant::now);
        Ok(PaymentReceipt { transaction_id: "t-1".into() })
    }

    async fn refund(&self, _: &Payment) -> Result<PaymentReceipt, PaymentError> {
        Ok(PaymentReceipt { transaction_id: "t-1".into() })
    }

    async fn outcome(&self, _: &Payment) -> Result<Option<PaymentReceipt>, PaymentError> {
        Ok(None)
    }
}

/// A shop on PostgreSQL.
pub(crate) struct Shop {
    pub(crate) stores: Stores,
    database: DatabaseUrl,
    signal: Arc<InProcessSignal>,
    payments: Arc<Payments>,
}

/// A worker that works.
pub(crate) struct Working {
    stop: CancellationToken,
    done: JoinHandle<()>,
}

impl Working {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.done.await.expect("the worker ends");
    }
}

fn open(url: &DatabaseUrl) -> Stores {
    let options = Options { connections: 16, pool: "bench", runtime: tokio::runtime::Handle::current() };
    order_persistence::open(url, &options).expect("a pool")
}

impl Shop {
    pub(crate) async fn open(database: &TestDatabase) -> Self {
        let url = DatabaseUrl::parse(database.url()).expect("a URL of PostgreSQL");
        order_persistence::migrate(&url, true).await.expect("migrations");
        Self { stores: open(&url), database: url, signal: Arc::default(), payments: Arc::default() }
    }

    /// A worker as the service has it, with connections of its own.
    pub(crate) fn work(&self) -> Working {
        let stores = open(&self.database);
        let handlers = Handlers {
            orders: stores.orders.clone(),
            ids: stores.ids.clone(),
            signal: self.signal.clone(),
            live: Arc::new(RecordingLive::new()),
            availability: Arc::new(FakeAvailability::default()),
            payments: self.payments.clone(),
            products: Arc::new(FakeProducts::of([stocked(1, 299, 9), stocked(2, 299, 9), stocked(3, 299, 9)])),
            carts: Arc::new(FakeCarts::new()),
            notifications: Arc::new(FakeNotifications::default()),
            rules: Arc::new(rules()),
            chance: Arc::new(|| 0.5),
        };
        let (signal, config) = (self.signal.clone(), WorkerConfig::default());
        let worker = Worker::new(stores.tasks.clone(), signal, Arc::new(handlers), config, Arc::new(|_| {}));
        let stop = CancellationToken::new();
        let done = tokio::spawn(worker.run(stop.clone()));
        Working { stop, done }
    }

    /// Commits a new order and says so; when it was committed.
    pub(crate) async fn order(&self) -> (i64, Instant) {
        let (id, task) = self.order_unheard().await;
        let when = Instant::now();
        self.signal.due(&[task]).await;
        (id.get(), when)
    }

    /// Commits a new order and tells nobody.
    pub(crate) async fn order_unheard(&self) -> (OrderId, TaskRef) {
        let id = self.stores.ids.order_id().await.expect("a number");
        let ids = self.stores.ids.task_ids(1).await.expect("a number");
        let now = self.stores.orders.now().await.expect("the time");
        let order = an_order().numbered(id).customer(&format!("customer-{id}")).at(now);
        let order = order.lines(&[(1, 299, 2), (2, 299, 2), (3, 299, 2)]);
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&id.get().to_be_bytes());
        let receipt = Receipt { status: 201, headers: Vec::new(), body: vec![b'x'; 1_200] };
        let set = WriteSet::new(order.placed().last_change(), ids);
        let task = TaskRef { id: set.tasks[0].id, kind: set.tasks[0].kind };
        let set = set.with_receipt(Some((IdempotencyKey { hash, fingerprint: hash }, receipt)));
        self.stores.orders.commit(vec![set]).await.expect("a commit");
        (id, task)
    }

    /// The database's now and so much more.
    pub(crate) async fn in_time(&self, time: Duration) -> Timestamp {
        after(self.stores.orders.now().await.expect("the time"), time)
    }

    /// Commits a new order, to be paid in cash, that is to be released at `due`.
    pub(crate) async fn order_for(&self, due: Timestamp) {
        let id = self.stores.ids.order_id().await.expect("a number");
        let now = self.stores.orders.now().await.expect("the time");
        let order = an_order().numbered(id).customer(&format!("customer-{id}")).at(now).cash();
        let order = order.lines(&[(1, 299, 2), (2, 299, 2), (3, 299, 2)]).of_no_cart();
        let placed = order.scheduled_for(after(due, rules().release_lead)).placed().last_change();
        let ids = self.stores.ids.task_ids(placed.tasks.len()).await.expect("numbers");
        self.stores.orders.commit(vec![WriteSet::new(placed, ids)]).await.expect("a commit");
    }

    /// When the charge of an order was asked for.
    pub(crate) fn called(&self, order: i64) -> Instant {
        self.payments.calls.lock().unwrap()[&order]
    }

    pub(crate) async fn wait_for_calls(&self, count: usize) {
        while self.payments.calls.lock().unwrap().len() < count {
            sleep(Duration::from_millis(10)).await;
        }
    }
}
