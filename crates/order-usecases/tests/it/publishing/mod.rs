//! The publisher: at least once, in sequence, by one at a time. Time is tokio's, paused.

mod faults;
mod flow;
mod stop;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use order_domain::OrderId;
use order_domain::order::{Role, Status, Version};
use order_domain::ports::{
    EventFacts, LiveEvent, LiveEvents, Outbox, Outgoing, Publisher as PublisherId, StoreError, StreamEvent, Unpublished,
};
use order_domain::time::{Duration, after};
use order_testkit::builders::{START, user};
use order_testkit::services::{RecordingLive, RecordingStream};
use order_usecases::publisher::{Publisher, PublisherConfig};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Longer than anything takes here.
const NEVER: Duration = Duration::from_hours(1);

fn id(id: i64) -> OrderId {
    OrderId::new(id).unwrap()
}

/// The outbox of a database: leases go by tokio's time.
struct FakeOutbox {
    begun: Instant,
    rows: Mutex<BTreeSet<(OrderId, Version)>>,
    at: Mutex<BTreeMap<(OrderId, Version), Instant>>,
    lease: Mutex<Option<(PublisherId, Instant)>>,
    /// When it was asked for events, and by whom.
    looks: Mutex<Vec<(PublisherId, Instant)>>,
    /// Calls of `published`.
    removals: Mutex<usize>,
    /// Calls of `published` that fail.
    unremoved: Mutex<VecDeque<()>>,
    /// Calls of `next` that fail.
    away: Mutex<VecDeque<()>>,
}

impl FakeOutbox {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            rows: Mutex::default(),
            at: Mutex::default(),
            lease: Mutex::default(),
            looks: Mutex::default(),
            removals: Mutex::default(),
            unremoved: Mutex::default(),
            away: Mutex::default(),
        })
    }

    /// The next events of an order are committed.
    fn commit(&self, order: i64, events: i64) {
        let mut at = self.at.lock().unwrap();
        let last = at.keys().filter(|(of, _)| *of == id(order)).map(|(_, seq)| *seq).max().unwrap_or(0);
        for seq in last + 1..=last + events {
            at.insert((id(order), seq), Instant::now());
            self.rows.lock().unwrap().insert((id(order), seq));
        }
    }

    fn left(&self) -> usize {
        self.rows.lock().unwrap().len()
    }

    fn holder(&self) -> Option<PublisherId> {
        self.lease.lock().unwrap().filter(|(_, ends)| *ends > Instant::now()).map(|(holder, _)| holder)
    }

    /// What was asked of it, from the beginning: by one publisher, in milliseconds.
    fn looks(&self, of: i64) -> Vec<u128> {
        let looks = self.looks.lock().unwrap();
        let of = looks.iter().filter(|(publisher, _)| *publisher == PublisherId(of));
        of.map(|(_, at)| at.duration_since(self.begun).as_millis()).collect()
    }

    /// The last event of each order that was committed.
    fn truth(&self) -> BTreeMap<OrderId, Version> {
        self.at.lock().unwrap().keys().copied().collect()
    }
}

#[async_trait]
impl Outbox for FakeOutbox {
    async fn next(&self, publisher: PublisherId, lease: Duration, limit: u32) -> Result<Option<Outgoing>, StoreError> {
        self.looks.lock().unwrap().push((publisher, Instant::now()));
        if self.away.lock().unwrap().pop_front().is_some() {
            return Err(StoreError::Unavailable("as the test wants it".into()));
        }
        if self.holder().is_some_and(|holder| holder != publisher) {
            return Ok(None);
        }
        *self.lease.lock().unwrap() = Some((publisher, Instant::now() + lease));
        let at = self.at.lock().unwrap();
        let event = |&(order, seq): &(OrderId, Version)| StreamEvent {
            order,
            seq,
            kind: "released".into(),
            at: after(START, at[&(order, seq)].duration_since(self.begun)),
            role: Role::System,
            customer: user("ann"),
            status: Status::Confirmed,
            amount: None,
            facts: EventFacts::default(),
        };
        let events = self.rows.lock().unwrap().iter().take(limit as usize).map(event).collect();
        Ok(Some(Outgoing { events, now: after(START, self.begun.elapsed()) }))
    }

    async fn published(&self, events: &[(OrderId, Version)]) -> Result<(), StoreError> {
        *self.removals.lock().unwrap() += 1;
        if self.unremoved.lock().unwrap().pop_front().is_some() {
            return Err(StoreError::Unavailable("as the test wants it".into()));
        }
        let mut rows = self.rows.lock().unwrap();
        for event in events {
            rows.remove(event);
        }
        Ok(())
    }

    async fn leave(&self, publisher: PublisherId) -> Result<(), StoreError> {
        self.lease.lock().unwrap().take_if(|(holder, _)| *holder == publisher);
        Ok(())
    }

    async fn unpublished(&self) -> Result<Unpublished, StoreError> {
        Ok(Unpublished { events: self.left() as u64, oldest: None })
    }
}

/// A publisher at work, and the way to stop it.
struct Working {
    stop: CancellationToken,
    ended: JoinHandle<()>,
    live: Arc<RecordingLive>,
}

impl Working {
    async fn stopped(self) {
        self.stop.cancel();
        self.ended.await.unwrap();
    }

    /// Its instance says that something has happened.
    async fn say(&self) {
        self.live.publish(&[LiveEvent { order: id(1), version: 1 }]).await;
    }
}

fn at_work(outbox: &Arc<FakeOutbox>, stream: &Arc<RecordingStream>, id: i64) -> Working {
    at_work_with(outbox, stream, id, PublisherConfig::default())
}

fn at_work_with(outbox: &Arc<FakeOutbox>, stream: &Arc<RecordingStream>, id: i64, config: PublisherConfig) -> Working {
    let live = Arc::new(RecordingLive::new());
    let publisher = Publisher::new(outbox.clone(), stream.clone(), live.clone(), PublisherId(id), config);
    let stop = CancellationToken::new();
    Working { ended: tokio::spawn(publisher.run(stop.clone())), stop, live }
}

/// Lets time pass, a thousandth of a second at a time, until `condition` holds, and says how long that took.
async fn until(what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < NEVER, "not within an hour: {what}");
        sleep(Duration::from_millis(1)).await;
    }
    begun.elapsed()
}
