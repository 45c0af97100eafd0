//! The store alone: new orders, committed one by one from several places at once, each with its receipt and its guard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use order_domain::order::Guard;
use order_domain::ports::{IdempotencyKey, Receipt, WriteSet};
use order_domain::time::after;
use order_persistence::{DatabaseUrl, Options, Stores};
use order_testkit::builders::an_order;
use tokio::time::Instant;

use crate::load::rate;
use crate::{Plan, Rate};

/// A store that orders are committed to.
pub(crate) struct Commits {
    stores: Stores,
    next: Arc<AtomicU64>,
}

impl Commits {
    pub(crate) fn over(database: &str, plan: &Plan) -> Self {
        let options =
            Options { connections: plan.connections, pool: "bench", runtime: tokio::runtime::Handle::current() };
        let url = DatabaseUrl::parse(database).expect("a URL of PostgreSQL");
        let stores = order_persistence::open(&url, &options).expect("a pool");
        Self { stores, next: Arc::new(AtomicU64::new(1)) }
    }

    /// One round of commits.
    pub(crate) async fn run(&self, plan: &Plan) -> Rate {
        let over = Arc::new(AtomicBool::new(false));
        let began = Instant::now();
        let committers: Vec<_> = (0..plan.connections)
            .map(|_| tokio::spawn(commit_until(self.stores.clone(), Arc::clone(&self.next), Arc::clone(&over))))
            .collect();
        tokio::time::sleep(plan.round).await;
        over.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for committer in committers {
            times.extend(committer.await.expect("a commit failed"));
        }
        rate(times, began.elapsed())
    }
}

async fn commit_until(stores: Stores, next: Arc<AtomicU64>, over: Arc<AtomicBool>) -> Vec<Duration> {
    let mut times = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        let id = stores.ids.order_id().await.expect("a number");
        let ids = stores.ids.task_ids(1).await.expect("a number");
        let order =
            an_order().numbered(id).customer(&format!("customer-{id}")).lines(&[(1, 299, 2), (2, 299, 2), (3, 299, 2)]);
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&next.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let mut cart = hash;
        cart[31] = 1;
        let guard = Guard { hash: cart, fingerprint: hash, placed_with: Some(hash), seen: Vec::new() };
        let key = IdempotencyKey { hash, fingerprint: hash };
        let receipt = Receipt { status: 201, headers: Vec::new(), body: vec![b'x'; 1_200] };
        let mut placed = order.placed().last_change();
        // As those of `pgbench`: no worker takes part in what is measured, now or in the rounds that follow.
        placed.tasks.iter_mut().for_each(|task| task.due = after(task.due, Duration::from_hours(24 * 365 * 10)));
        let set = WriteSet::new(placed, ids).guarded(guard).with_receipt(Some((key, receipt)));
        stores.orders.commit(vec![set]).await.expect("a commit");
        times.push(began.elapsed());
    }
    times
}
