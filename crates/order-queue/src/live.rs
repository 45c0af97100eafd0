//! What happens to orders, told within one process.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use order_domain::OrderId;
use order_domain::order::Version;
use order_domain::ports::{LiveEvent, LiveEvents, Subscription};
use order_faults::around;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// Subscriptions at once. One takes a few hundred bytes; whoever comes later is not let in.
const CAPACITY: usize = 10_000;

/// Passes on what happens to orders, to whoever listens in this process. Keeps one number per order that somebody listens
/// for: the latest version that was heard of. However much happens, nothing piles up for a listener that is slow.
#[derive(Debug, Default)]
pub struct InProcessLive {
    shared: Arc<Mutex<Shared>>,
    said: Notify,
    /// Until when word of other instances comes in by itself, as far as is known.
    hears_until: Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Shared {
    watched: HashMap<OrderId, Watched>,
    subscriptions: usize,
    closed: bool,
}

#[derive(Debug)]
struct Watched {
    latest: watch::Sender<Version>,
    by: usize,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // Counts and numbers: each is whole even if somebody panicked beside it.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl InProcessLive {
    /// Passes it on to those who listen here.
    pub(crate) fn tell(&self, events: &[LiveEvent]) {
        let shared = lock(&self.shared);
        for event in events {
            if let Some(watched) = shared.watched.get(&event.order) {
                watched.latest.send_if_modified(|latest| {
                    let later = event.version > *latest;
                    *latest = event.version.max(*latest);
                    later
                });
            }
        }
        drop(shared);
        // A permit is kept when nobody waits yet.
        self.said.notify_one();
    }

    /// From now on, and for so long, word of other instances is passed on to it.
    pub(crate) fn hears_others_for(&self, time: Duration) {
        *self.hears_until() = Some(Instant::now() + time);
    }

    fn hears_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.hears_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LiveEvents for InProcessLive {
    async fn publish(&self, events: &[LiveEvent]) {
        around!("live.publish", self.tell(events));
    }

    fn subscribe(&self, order: OrderId) -> Option<Box<dyn Subscription>> {
        let mut shared = lock(&self.shared);
        if shared.closed || shared.subscriptions >= CAPACITY {
            return None;
        }
        shared.subscriptions += 1;
        let watched = shared.watched.entry(order).or_insert_with(|| Watched { latest: watch::Sender::new(0), by: 0 });
        watched.by += 1;
        let latest = watched.latest.subscribe();
        Some(Box::new(Listening { order, latest, shared: Arc::clone(&self.shared) }))
    }

    fn watched(&self) -> Vec<OrderId> {
        lock(&self.shared).watched.keys().copied().collect()
    }

    async fn anything(&self) {
        self.said.notified().await;
    }

    /// Within one process nobody says what other instances do, unless somebody passes it on from outside.
    fn hears_others(&self) -> bool {
        self.hears_until().is_some_and(|until| Instant::now() < until)
    }

    fn close(&self) {
        let mut shared = lock(&self.shared);
        shared.closed = true;
        // Without its sender, a subscription has nothing to wait for.
        shared.watched.clear();
    }
}

struct Listening {
    order: OrderId,
    latest: watch::Receiver<Version>,
    shared: Arc<Mutex<Shared>>,
}

#[async_trait]
impl Subscription for Listening {
    async fn later_than(&mut self, version: Version) -> bool {
        self.latest.wait_for(|latest| *latest > version).await.is_ok()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        shared.subscriptions -= 1;
        if let Entry::Occupied(mut watched) = shared.watched.entry(self.order) {
            watched.get_mut().by -= 1;
            if watched.get().by == 0 {
                watched.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: i64) -> OrderId {
        OrderId::new(id).unwrap()
    }

    #[test]
    fn nothing_is_left_of_an_order_that_nobody_listens_for_any_more() {
        let live = InProcessLive::default();
        drop([live.subscribe(id(1)).unwrap(), live.subscribe(id(1)).unwrap()]);
        assert!(lock(&live.shared).watched.is_empty());
    }

    #[test]
    fn no_more_listen_than_there_is_room_for() {
        let live = InProcessLive::default();
        let mut all: Vec<_> = (1..=7).cycle().take(CAPACITY).map(|order| live.subscribe(id(order)).unwrap()).collect();
        assert!(live.subscribe(id(1)).is_none());
        all.pop();
        assert!(live.subscribe(id(1)).is_some(), "whoever leaves makes room");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_hears_others_unless_somebody_passes_their_word_on() {
        let live = InProcessLive::default();
        assert!(!live.hears_others());
        live.hears_others_for(Duration::from_secs(2));
        assert!(live.hears_others());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(!live.hears_others(), "word of it is old");
    }
}
