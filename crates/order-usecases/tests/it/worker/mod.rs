//! The worker: woken, bounded, robust, and stopped. Time is tokio's, paused; the store's clock goes with it.

mod chores;
mod faults;
mod flow;
mod resting;
mod stop;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use order_domain::ports::{
    Bearer, Cart, CartService, Payment, PaymentError, PaymentReceipt, PaymentService, ServiceError,
};
use order_domain::time::Duration;
use order_domain::{ProductId, UserId};
use order_testkit::services::{FakeCarts, FakePayments};
use order_usecases::tasks::Handlers;
use order_usecases::worker::{Worker, WorkerConfig};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::support::Shop;

/// As long as no sweep is wanted.
const NEVER: Duration = Duration::from_hours(1);

/// A worker at work, and the way to stop it.
struct Working {
    stop: CancellationToken,
    ended: JoinHandle<()>,
}

impl Working {
    async fn stopped(self) {
        self.stop.cancel();
        self.ended.await.unwrap();
    }
}

fn few_slots(slots: usize, sweep: Duration) -> WorkerConfig {
    WorkerConfig { slots, sweep, ..WorkerConfig::default() }
}

impl Shop {
    fn at_work(&self, config: WorkerConfig) -> Working {
        self.at_work_with(self.handlers(), config)
    }

    fn at_work_with(&self, handlers: Handlers, config: WorkerConfig) -> Working {
        let tasks = Arc::new(self.store.clone());
        let worker = Worker::new(tasks, self.signal.clone(), Arc::new(handlers), config, Arc::new(|_| ()));
        let stop = CancellationToken::new();
        Working { ended: tokio::spawn(worker.run(stop.clone())), stop }
    }

    /// Lets time pass in steps of a hundredth of a second until `condition` holds, and says how long that took.
    async fn until(&self, what: &str, mut condition: impl FnMut(&Self) -> bool) -> Duration {
        let begun = Instant::now();
        while !condition(self) {
            assert!(begun.elapsed() < NEVER, "not within an hour: {what}; {:?}", self.store.tasks());
            self.pass(Duration::from_millis(10)).await;
        }
        begun.elapsed()
    }

    async fn pass(&self, time: Duration) {
        sleep(time).await;
        self.store.advance(time);
    }

    async fn until_done(&self) -> Duration {
        self.until("no task left", |shop| shop.store.tasks().is_empty()).await
    }
}

/// A payment service that lets calls through one by one, as it is told; or after a while.
struct Gate {
    inner: Arc<FakePayments>,
    open: Semaphore,
    takes: Duration,
    inside: AtomicUsize,
    most: AtomicUsize,
}

impl Gate {
    fn shut(shop: &Shop) -> Arc<Self> {
        Self::new(shop, 0, Duration::ZERO)
    }

    fn slow(shop: &Shop, takes: Duration) -> Arc<Self> {
        Self::new(shop, Semaphore::MAX_PERMITS, takes)
    }

    fn new(shop: &Shop, permits: usize, takes: Duration) -> Arc<Self> {
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { inner: shop.payments.clone(), open: Semaphore::new(permits), takes, inside, most })
    }

    fn lets_through(&self, calls: usize) {
        self.open.add_permits(calls);
    }

    fn inside(&self) -> usize {
        self.inside.load(Ordering::SeqCst)
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    async fn pass(&self) {
        let inside = Inside::of(&self.inside);
        self.most.fetch_max(self.inside(), Ordering::SeqCst);
        self.open.acquire().await.unwrap().forget();
        sleep(self.takes).await;
        drop(inside);
    }
}

/// Counts a call for as long as it is under way, cut off or not.
struct Inside<'a>(&'a AtomicUsize);

impl<'a> Inside<'a> {
    fn of(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl PaymentService for Gate {
    async fn charge(&self, payment: &Payment) -> Result<PaymentReceipt, PaymentError> {
        self.pass().await;
        self.inner.charge(payment).await
    }

    async fn refund(&self, payment: &Payment) -> Result<PaymentReceipt, PaymentError> {
        self.pass().await;
        self.inner.refund(payment).await
    }

    async fn outcome(&self, payment: &Payment) -> Result<Option<PaymentReceipt>, PaymentError> {
        self.inner.outcome(payment).await
    }
}

/// A cart service that panics as often as it is told.
struct Panicking {
    inner: Arc<FakeCarts>,
    left: AtomicUsize,
}

#[async_trait]
impl CartService for Panicking {
    async fn cart(&self, caller: &Bearer) -> Result<Cart, ServiceError> {
        self.inner.cart(caller).await
    }

    async fn cart_of(&self, customer: &UserId) -> Result<Cart, ServiceError> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        assert!(left.is_err(), "a panic, as the test wants it");
        self.inner.cart_of(customer).await
    }

    async fn remove(&self, customer: &UserId, product: ProductId) -> Result<(), ServiceError> {
        self.inner.remove(customer, product).await
    }
}
