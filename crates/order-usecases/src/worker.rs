//! The worker: claims what is due, never more than it has free slots of that kind, and runs it.
//!
//! It is woken by signals, which say what is due; what a lost signal left behind it finds by its own sweep, every second
//! or when the next task becomes due. A handler that hangs is cut off, one that panics is a failed try.

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use order_domain::ports::{Claim, ClaimedTask, Failure, StoreError, Sweep, TaskKind, TaskRef, TaskSignal, TaskStore};
use order_domain::time::{Timestamp, until};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::tasks::{Done, Handlers};

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// Tasks at once, per kind: a slow payment service never holds up carts.
    pub slots: usize,
    /// How long a claimed task is nobody else's. 30 s.
    pub lease: Duration,
    /// How long a handler may take: less than the lease. 20 s.
    pub limit: Duration,
    /// The longest between two looks at what is due. 1 s.
    pub sweep: Duration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            slots: 16,
            lease: Duration::from_secs(30),
            limit: Duration::from_secs(20),
            sweep: Duration::from_secs(1),
        }
    }
}

/// Signals that wait for a slot, per kind; more are dropped, and found by the sweep.
const WAITING: usize = 1_000;

/// Told the database's now at each sweep, so that the process's own time can follow it.
pub type OnSweep = Arc<dyn Fn(Timestamp) + Send + Sync>;

/// A worker.
pub struct Worker {
    tasks: Arc<dyn TaskStore>,
    signal: Arc<dyn TaskSignal>,
    handlers: Arc<Handlers>,
    config: WorkerConfig,
    on_sweep: OnSweep,
    running: JoinSet<TaskKind>,
    kinds: BTreeMap<TaskKind, Kind>,
}

/// What a worker knows of a kind.
#[derive(Debug, Default)]
struct Kind {
    running: usize,
    waiting: VecDeque<TaskRef>,
    /// The last sweep that had a slot for it filled every one: there may be more.
    backlog: bool,
}

impl Worker {
    /// A worker over these tasks.
    pub fn new(
        tasks: Arc<dyn TaskStore>,
        signal: Arc<dyn TaskSignal>,
        handlers: Arc<Handlers>,
        config: WorkerConfig,
        on_sweep: OnSweep,
    ) -> Self {
        let kinds = TaskKind::ALL.into_iter().map(|kind| (kind, Kind::default())).collect();
        Self { tasks, signal, handlers, config, on_sweep, running: JoinSet::new(), kinds }
    }

    /// Works until it is told to stop; then finishes what it has begun and claims nothing more.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut next_sweep = Instant::now();
        loop {
            tokio::select! {
                // In this sequence: whatever else is ready, a stop is heeded first, and slots are free before they are
                // filled again.
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.running.join_next() => self.free(ended.ok()),
                signalled = self.signal.next() => self.wait_in_line(signalled),
                () = sleep_until(next_sweep) => next_sweep = Instant::now(),
            }
            while let Some(ended) = self.running.try_join_next() {
                self.free(ended.ok());
            }
            self.claim_signalled().await;
            if stop.is_cancelled() {
                break;
            }
            if Instant::now() >= next_sweep || self.backlog_has_room() {
                next_sweep = Instant::now() + self.sweep().await;
            }
        }
        while self.running.join_next().await.is_some() {}
    }

    fn wait_in_line(&mut self, signalled: Vec<TaskRef>) {
        for task in signalled {
            if let Some(kind) = self.kinds.get_mut(&task.kind)
                && kind.waiting.len() < WAITING
            {
                kind.waiting.push_back(task);
            }
        }
    }

    fn free(&mut self, ended: Option<TaskKind>) {
        // Panics are caught inside, so every task that ends names its kind.
        if let Some(kind) = ended.and_then(|kind| self.kinds.get_mut(&kind)) {
            kind.running = kind.running.saturating_sub(1);
        }
    }

    fn backlog_has_room(&self) -> bool {
        self.kinds.values().any(|kind| kind.backlog && kind.running * 2 <= self.config.slots)
    }

    async fn claim_signalled(&mut self) {
        let (mut slots, mut only) = (Vec::new(), Vec::new());
        for (name, kind) in &mut self.kinds {
            let free = self.config.slots.saturating_sub(kind.running);
            let batch = free.min(kind.waiting.len());
            if batch > 0 {
                slots.push((*name, batch));
                only.extend(kind.waiting.drain(..batch).map(|task| task.id));
            }
        }
        if !only.is_empty() {
            let claim = Claim { slots, only: Some(only), lease: self.config.lease };
            match self.tasks.claim(&claim).await {
                Ok(found) => self.start(found.claimed),
                Err(error) => tracing::warn!(%error, "signalled tasks could not be claimed; the sweep will find them"),
            }
        }
    }

    /// Claims what is due, and says how long until the next look.
    async fn sweep(&mut self) -> Duration {
        let free = |kind: &Kind| self.config.slots.saturating_sub(kind.running);
        let slots: Vec<_> = self.kinds.iter().map(|(name, kind)| (*name, free(kind))).collect();
        let claim = Claim { slots: slots.clone(), only: None, lease: self.config.lease };
        match self.tasks.claim(&claim).await {
            Ok(Sweep { claimed, now, next_due }) => {
                (self.on_sweep)(now);
                for (name, free) in slots {
                    let found = claimed.iter().filter(|task| task.kind == name).count();
                    // A sweep without a free slot has not looked, so it knows no better than the one before.
                    if free > 0
                        && let Some(kind) = self.kinds.get_mut(&name)
                    {
                        kind.backlog = found == free;
                    }
                }
                self.start(claimed);
                let due = next_due.map_or(self.config.sweep, |due| until(now, due));
                // Not at once again for what became due between the read and now: that would be polling.
                due.max(Duration::from_millis(10)).min(self.config.sweep)
            }
            Err(error) => {
                tracing::warn!(%error, "tasks can't be looked at");
                self.config.sweep
            }
        }
    }

    fn start(&mut self, claimed: Vec<ClaimedTask>) {
        for task in claimed {
            if let Some(kind) = self.kinds.get_mut(&task.kind) {
                kind.running += 1;
            }
            let run = Run {
                tasks: Arc::clone(&self.tasks),
                signal: Arc::clone(&self.signal),
                handlers: Arc::clone(&self.handlers),
                limit: self.config.limit,
            };
            self.running.spawn(async move {
                let (id, kind) = (task.id, task.kind);
                // Beside the handler itself, what concludes it must not take its slot along either.
                if AssertUnwindSafe(run.once(task)).catch_unwind().await.is_err() {
                    tracing::error!(task = %id, kind = kind.name(), "a run panicked; its lease runs out");
                }
                kind
            });
        }
    }
}

/// One run of one task.
struct Run {
    tasks: Arc<dyn TaskStore>,
    signal: Arc<dyn TaskSignal>,
    handlers: Arc<Handlers>,
    limit: Duration,
}

impl Run {
    async fn once(self, task: ClaimedTask) {
        let handler = AssertUnwindSafe(self.handlers.run(&task)).catch_unwind();
        let done = match timeout(self.limit, handler).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Done::Retry { error: "the handler panicked".into(), entry: None, within: None },
            Err(_) => Done::Retry { error: format!("cut off after {:?}", self.limit), entry: None, within: None },
        };
        if let Err(error) = self.conclude(&task, done).await {
            // The lease runs out, and the task is run again.
            tracing::warn!(task = %task.id, kind = task.kind.name(), order = %task.order, %error, "task could not be concluded");
        }
    }

    async fn conclude(&self, task: &ClaimedTask, done: Done) -> Result<(), StoreError> {
        match done {
            Done::Committed => {}
            Done::Lost => {
                tracing::info!(task = %task.id, kind = task.kind.name(), order = %task.order, "task is in other hands");
            }
            Done::Finish => {
                if let Some(next) = self.tasks.finish(task).await? {
                    self.signal.due(&[next]).await;
                }
            }
            Done::Retry { error, entry, within } => {
                let wait = self.handlers.backoff(task.attempts).min(within.unwrap_or(Duration::MAX));
                tracing::warn!(task = %task.id, kind = task.kind.name(), order = %task.order, attempts = task.attempts, ?wait, error, "task failed");
                self.tasks.fail(task, &Failure { wait, error, entry }).await?;
            }
        }
        Ok(())
    }
}
