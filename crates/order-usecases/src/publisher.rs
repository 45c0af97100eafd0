//! The publisher: takes committed events from the outbox to the stream for other services. At least once, and those of an
//! order in their sequence.
//!
//! Every instance runs one, and the outbox's lease lets one of them work at a time. Correctness does not hang on that: what
//! two of them send is sent twice, each in sequence, and whoever reads the stream passes over what it has seen. An event
//! leaves the outbox after the stream has taken it, never before. Whoever can't reach the stream gives the lease back, so
//! that another instance, which may reach it, can try.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::FutureExt;
use order_domain::OrderId;
use order_domain::order::Version;
use order_domain::ports::{
    EventStream, LiveEvents, Outbox, Outgoing, Publisher as PublisherId, StoreError, StreamError, StreamEvent,
};
use order_domain::time::{Timestamp, until};
use order_faults::around;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How a publisher works.
#[derive(Debug, Clone)]
pub struct PublisherConfig {
    /// How long it is the only one, from each look at the outbox on. 5 s.
    pub lease: Duration,
    /// Events in hand at once. 1,000.
    pub batch: u32,
    /// How long it gathers after word of a change, so that many changes make one batch. 15 ms.
    pub gather: Duration,
    /// The longest between two looks while there is something to publish: word of a change may be lost. 100 ms.
    pub busy: Duration,
    /// The longest between two looks while there is nothing, and between two tries to get the lease. 1 s.
    pub idle: Duration,
    /// The wait after a failure: doubled by each, from this one …
    pub first_wait: Duration,
    /// … up to this one. 100 ms and 3 s.
    pub longest_wait: Duration,
    /// What is under way may take so long after it was told to stop. 2 s.
    pub grace: Duration,
}

impl Default for PublisherConfig {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(5),
            batch: 1_000,
            gather: Duration::from_millis(15),
            busy: Duration::from_millis(100),
            idle: Duration::from_secs(1),
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_secs(3),
            grace: Duration::from_secs(2),
        }
    }
}

/// While it goes on failing, it says so again after this long.
const REMIND: Duration = Duration::from_mins(1);

/// A publisher.
pub struct Publisher {
    outbox: Arc<dyn Outbox>,
    stream: Arc<dyn EventStream>,
    live: Arc<dyn LiveEvents>,
    id: PublisherId,
    config: PublisherConfig,
    /// What the stream has taken and is in the outbox still: it is removed before anything else is done.
    taken: Vec<(OrderId, Version)>,
    /// The lease is in its hands, as far as it knows.
    holds: bool,
    /// Who publishes, as it last said: whether it is this one.
    said: Option<bool>,
    /// When it last said that it fails.
    warned: Option<Instant>,
}

/// What one look at the outbox came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// Another publisher has the lease.
    Waits,
    /// So many events were published.
    Published(usize),
}

/// Why nothing, or not everything, was published.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("the publisher panicked")]
    Panic,
}

impl Publisher {
    /// A publisher of this outbox, woken by what is said of orders. The number is drawn by chance: no two that run at the
    /// same time may have the same.
    pub fn new(
        outbox: Arc<dyn Outbox>,
        stream: Arc<dyn EventStream>,
        live: Arc<dyn LiveEvents>,
        id: PublisherId,
        config: PublisherConfig,
    ) -> Self {
        Self { outbox, stream, live, id, config, taken: Vec::new(), holds: false, said: None, warned: None }
    }

    /// Publishes until it is told to stop; then ends what is under way, within a moment, and gives the lease back.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut waits = self.waits();
        while !stop.is_cancelled() {
            let grace = self.config.grace;
            let done = {
                let mut round = std::pin::pin!(AssertUnwindSafe(self.round()).catch_unwind());
                tokio::select! {
                    biased;
                    done = &mut round => Some(done),
                    () = stop.cancelled() => timeout(grace, round).await.ok(),
                }
            };
            let wait = match done.map(|done| done.unwrap_or(Err(Trouble::Panic))) {
                // It was told to stop.
                None => break,
                Some(Ok(round)) => {
                    waits = self.waits();
                    self.goes_on(round);
                    self.until_next(round)
                }
                Some(Err(trouble)) => {
                    let wait = waits.next().unwrap_or(self.config.longest_wait);
                    self.fails(&trouble, wait).await;
                    Wait::Asleep(wait)
                }
            };
            stop.run_until_cancelled(self.wait(wait)).await;
        }
        if self.holds {
            self.leave().await;
        }
    }

    /// Nobody else publishes at the same time, so the waits need no chance.
    fn waits(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        let waits = ExponentialBuilder::new().with_min_delay(self.config.first_wait);
        waits.with_max_delay(self.config.longest_wait).without_max_times().build()
    }

    /// One look at the outbox, and all that follows from it.
    async fn round(&mut self) -> Result<Round, Trouble> {
        self.remove_taken().await?;
        let found = self.outbox.next(self.id, self.config.lease, self.config.batch).await?;
        self.holds = found.is_some();
        let Some(Outgoing { events, now }) = found else { return Ok(Round::Waits) };
        if events.is_empty() {
            return Ok(Round::Published(0));
        }
        let read = Instant::now();
        around!("events.send", self.stream.send(&events).await)?;
        self.taken = events.iter().map(|event| (event.order, event.seq)).collect();
        count(&events, now, read.elapsed());
        self.remove_taken().await?;
        Ok(Round::Published(events.len()))
    }

    /// Removes what the stream has taken. Kept until that is done, so that a database that was away for a moment makes no
    /// repeats.
    async fn remove_taken(&mut self) -> Result<(), StoreError> {
        if !self.taken.is_empty() {
            self.outbox.published(&self.taken).await?;
            self.taken.clear();
        }
        Ok(())
    }

    /// Says who publishes, when that changes, and that it goes on after a failure.
    fn goes_on(&mut self, round: Round) {
        let here = round != Round::Waits;
        if self.said.replace(here) != Some(here) {
            let who = if here { "this instance" } else { "another instance" };
            tracing::info!("events are published by {who}");
        }
        if matches!(round, Round::Published(1..)) && self.warned.take().is_some() {
            tracing::info!("events are published again");
        }
    }

    async fn fails(&mut self, trouble: &Trouble, wait: Duration) {
        if self.warned.is_none_or(|warned| warned.elapsed() >= REMIND) {
            self.warned = Some(Instant::now());
            tracing::warn!(%trouble, ?wait, "events can't be published; the outbox keeps them");
        }
        if matches!(trouble, Trouble::Stream(_)) {
            // Another instance may reach the stream.
            self.leave().await;
        }
    }

    /// Gives the lease back. It ends by itself where that fails.
    async fn leave(&mut self) {
        self.holds = false;
        if let Err(error) = self.outbox.leave(self.id).await {
            tracing::debug!(%error, "the lease of the publisher runs out by itself");
        }
    }

    fn until_next(&self, round: Round) -> Wait {
        match round {
            Round::Waits => Wait::Asleep(self.config.idle),
            Round::Published(0) => Wait::Listening(self.config.idle),
            // A full batch: there may be more.
            Round::Published(events) if events >= self.config.batch as usize => Wait::Asleep(Duration::ZERO),
            Round::Published(_) => Wait::Listening(self.config.busy),
        }
    }

    async fn wait(&self, wait: Wait) {
        match wait {
            Wait::Asleep(time) => sleep(time).await,
            Wait::Listening(time) => {
                let _: Result<(), _> = timeout(time, async {
                    self.live.anything().await;
                    sleep(self.config.gather).await;
                })
                .await;
            }
        }
    }
}

/// How it waits for the next look.
#[derive(Debug, Clone, Copy)]
enum Wait {
    /// This long, whatever is said.
    Asleep(Duration),
    /// Until something is said, and this long at most.
    Listening(Duration),
}

/// Measures what was published: how many, and how long after it happened, by the database's clock.
fn count(events: &[StreamEvent], now: Timestamp, since: Duration) {
    metrics::counter!("events_published_total").increment(events.len() as u64);
    let lag = metrics::histogram!("event_publish_lag_seconds");
    for event in events {
        lag.record(until(event.at, now) + since);
    }
}
