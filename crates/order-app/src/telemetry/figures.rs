//! The gauges that are read from the database when somebody asks for metrics: what is left to do, and what needs a person.

use std::sync::Arc;
use std::time::Duration;

use order_domain::ports::{Chore, Figures, Outbox, StoreError, TaskKind, TaskStore, Unpublished};
use order_domain::time::{Timestamp, until};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// The database is asked once in this time at most, whoever asks for metrics how often.
const FRESH: Duration = Duration::from_secs(1);
/// How long it may take. The rest of the metrics does not wait longer for a database that is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads the figures now and then.
pub(super) struct FiguresReader {
    tasks: Arc<dyn TaskStore>,
    outbox: Arc<dyn Outbox>,
    read: Mutex<Option<Instant>>,
}

impl FiguresReader {
    pub(super) fn new(tasks: Arc<dyn TaskStore>, outbox: Arc<dyn Outbox>) -> Self {
        Self { tasks, outbox, read: Mutex::new(None) }
    }

    /// Brings the gauges up to date. Without an answer they are no numbers: old ones would be taken for news.
    pub(super) async fn refresh(&self) {
        let mut read = self.read.lock().await;
        if read.is_some_and(|read| read.elapsed() < FRESH) {
            return;
        }
        let late = || StoreError::Unavailable(format!("no answer in {PATIENCE:?}"));
        let both = async { tokio::try_join!(self.tasks.figures(), self.outbox.unpublished()) };
        let found = timeout(PATIENCE, both).await.unwrap_or_else(|_| Err(late()));
        if let Err(error) = &found {
            tracing::warn!(%error, "the metrics lack what is left to do");
        }
        set(found.as_ref().ok().map(|(figures, _)| figures));
        set_unpublished(found.ok().map(|(_, unpublished)| unpublished));
        *read = Some(Instant::now());
    }
}

fn set(figures: Option<&Figures>) {
    let age = |since: Option<Timestamp>, now| since.map_or(0.0, |since| until(since, now).as_secs_f64());
    for kind in TaskKind::ALL {
        let found = figures.map(|figures| (figures.kinds.get(&kind).copied().unwrap_or_default(), figures.now));
        let gauge = |name: &'static str| metrics::gauge!(name, "kind" => kind.name());
        gauge("tasks_waiting").set(found.map_or(f64::NAN, |(kind, _)| count(kind.waiting)));
        gauge("tasks_dead").set(found.map_or(f64::NAN, |(kind, _)| count(kind.dead)));
        gauge("tasks_oldest_due_seconds").set(found.map_or(f64::NAN, |(kind, now)| age(kind.due_since, now)));
        gauge("tasks_oldest_tried_seconds").set(found.map_or(f64::NAN, |(kind, now)| age(kind.tried_since, now)));
    }
    for chore in Chore::ALL {
        let found = figures.map(|figures| (figures.chores.get(&chore).copied().unwrap_or_default(), figures.now));
        let gauge = |name: &'static str| metrics::gauge!(name, "kind" => chore.name());
        gauge("tasks_oldest_due_seconds").set(found.map_or(f64::NAN, |(chore, now)| age(chore.due_since, now)));
        gauge("chore_tries").set(found.map_or(f64::NAN, |(chore, _)| f64::from(chore.tries)));
    }
    metrics::gauge!("payment_entries_in_review").set(figures.map_or(f64::NAN, |figures| count(figures.in_review)));
}

fn set_unpublished(found: Option<Unpublished>) {
    let oldest = |found: Unpublished| found.oldest.map_or(0.0, |oldest| oldest.as_secs_f64());
    metrics::gauge!("events_unpublished").set(found.map_or(f64::NAN, |found| count(found.events)));
    metrics::gauge!("events_oldest_unpublished_seconds").set(found.map_or(f64::NAN, oldest));
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, which no table holds")]
fn count(number: u64) -> f64 {
    number as f64
}
