//! Word of what happens to orders.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use order_domain::OrderId;
use order_domain::order::Version;
use order_domain::ports::{LiveEvent, LiveEvents, Subscription};
use tokio::sync::Notify;

use crate::lock;

/// Passes word on, and remembers it. Told to, it loses it: it may.
#[derive(Debug, Default, Clone)]
pub struct RecordingLive {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    published: Mutex<Vec<LiveEvent>>,
    listened: Mutex<BTreeMap<OrderId, Listened>>,
    wake: Notify,
    said: Notify,
    loses: AtomicBool,
    hears_others: AtomicBool,
    closed: AtomicBool,
}

/// An order that somebody listens for.
#[derive(Debug, Default)]
struct Listened {
    latest: Version,
    by: usize,
}

impl RecordingLive {
    /// Passes everything on.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on, word is recorded and lost; or no longer.
    pub fn lose(&self, lose: bool) {
        self.shared.loses.store(lose, Ordering::SeqCst);
    }

    /// From now on, word of other instances is said to come in by itself; or no longer.
    pub fn hear_others(&self, hear: bool) {
        self.shared.hears_others.store(hear, Ordering::SeqCst);
    }

    /// All that was said, lost or not, in sequence.
    pub fn published(&self) -> Vec<LiveEvent> {
        lock(&self.shared.published).clone()
    }
}

#[async_trait]
impl LiveEvents for RecordingLive {
    async fn publish(&self, events: &[LiveEvent]) {
        lock(&self.shared.published).extend(events);
        if self.shared.loses.load(Ordering::SeqCst) {
            return;
        }
        for event in events {
            if let Some(listened) = lock(&self.shared.listened).get_mut(&event.order) {
                listened.latest = event.version.max(listened.latest);
            }
        }
        self.shared.wake.notify_waiters();
        self.shared.said.notify_one();
    }

    fn subscribe(&self, order: OrderId) -> Option<Box<dyn Subscription>> {
        if self.shared.closed.load(Ordering::SeqCst) {
            return None;
        }
        lock(&self.shared.listened).entry(order).or_default().by += 1;
        Some(Box::new(Listening { order, shared: Arc::clone(&self.shared) }))
    }

    fn watched(&self) -> Vec<OrderId> {
        lock(&self.shared.listened).keys().copied().collect()
    }

    async fn anything(&self) {
        self.shared.said.notified().await;
    }

    fn hears_others(&self) -> bool {
        self.shared.hears_others.load(Ordering::SeqCst)
    }

    fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.shared.wake.notify_waiters();
    }
}

struct Listening {
    order: OrderId,
    shared: Arc<Shared>,
}

#[async_trait]
impl Subscription for Listening {
    async fn later_than(&mut self, version: Version) -> bool {
        loop {
            // Registered before the look, so that nothing falls in between.
            let woken = self.shared.wake.notified();
            if lock(&self.shared.listened).get(&self.order).is_some_and(|listened| listened.latest > version) {
                return true;
            }
            if self.shared.closed.load(Ordering::SeqCst) {
                return false;
            }
            woken.await;
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut listened = lock(&self.shared.listened);
        if let Some(order) = listened.get_mut(&self.order) {
            order.by -= 1;
        }
        listened.retain(|_, order| order.by > 0);
    }
}
