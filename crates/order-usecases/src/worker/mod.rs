//! The worker: claims what is due, never more than it has free slots of that kind, and runs it.
//!
//! It is woken by signals, which say what is due; what a lost signal left behind it finds by its own sweep, every second
//! or when the next task becomes due. A handler that hangs is cut off, one that panics is a failed try.
//!
//! While the service that a kind needs is left alone, tasks of that kind rest: a few of them are looked at now and then, for
//! an order may be overdue, and the others stay where they are, due at once when the service is called again. An outage
//! costs the same however much is ordered meanwhile.

mod run;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use order_domain::TaskId;
use order_domain::ports::{Chore, Claim, ClaimedChore, ClaimedTask, Sweep, TaskKind, TaskRef, TaskSignal, TaskStore};
use order_domain::time::{Timestamp, until};
use order_faults::point;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::tasks::Handlers;
use run::{Ended, Run, What};

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
    /// The shortest between two looks at tasks that rest. 200 ms.
    pub rest: Duration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            slots: 16,
            lease: Duration::from_secs(30),
            limit: Duration::from_secs(20),
            sweep: Duration::from_secs(1),
            rest: Duration::from_millis(200),
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
    running: JoinSet<Ended>,
    kinds: BTreeMap<TaskKind, Kind>,
    /// Chores that it is doing.
    chores: BTreeSet<Chore>,
    /// Before then it looks at nothing that rests.
    next_look: Instant,
}

/// What a worker knows of a kind.
#[derive(Debug, Default)]
struct Kind {
    running: usize,
    /// Signalled, and not claimed yet.
    waiting: VecDeque<TaskRef>,
    /// The last sweep filled every slot (or had none to fill): there may be more. Until one finds less, signals of this
    /// kind claim nothing: the longest due comes first, and a stream of new work can't keep old work waiting.
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
        let (running, chores, next_look) = (JoinSet::new(), BTreeSet::new(), Instant::now());
        Self { tasks, signal, handlers, config, on_sweep, running, kinds, chores, next_look }
    }

    /// Works until it is told to stop; then finishes what it has begun and claims nothing more.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut next_sweep = Instant::now();
        while !stop.is_cancelled() {
            let wake = if self.has_backlog_at_rest() { next_sweep.min(self.next_look) } else { next_sweep };
            tokio::select! {
                // In this sequence: whatever else is ready, a stop is heeded first, and slots are free before they are
                // filled again.
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.running.join_next() => next_sweep = next_sweep.min(self.free(ended.ok().as_ref())),
                signalled = self.signal.next() => self.wait_in_line(signalled),
                () = sleep_until(wake) => {}
            }
            while let Some(ended) = self.running.try_join_next() {
                next_sweep = next_sweep.min(self.free(ended.ok().as_ref()));
            }
            if Instant::now() >= next_sweep || self.backlog_has_room() {
                next_sweep = Instant::now() + self.sweep(&stop).await;
                // What becomes due before then may be of a kind that rests.
                if self.kinds.keys().any(|name| self.handlers.rests(*name)) {
                    next_sweep = next_sweep.max(self.next_look);
                }
            }
            while !stop.is_cancelled() && self.claim_signalled(&stop).await {}
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

    /// Frees the slot of a run that has ended, and says when its task is due again.
    fn free(&mut self, ended: Option<&Ended>) -> Instant {
        let now = Instant::now();
        // Panics are caught inside, so every run that ends names its kind.
        let Some(Ended { what, again_in }) = ended else { return now };
        let again = now + again_in.unwrap_or(self.config.sweep);
        match what {
            What::Task(name) => {
                if let Some(kind) = self.kinds.get_mut(name) {
                    kind.running = kind.running.saturating_sub(1);
                }
                if self.handlers.rests(*name) { again.max(self.next_look) } else { again }
            }
            What::Chore(chore) => {
                self.chores.remove(chore);
                again
            }
        }
    }

    fn has_room(&self, kind: &Kind) -> bool {
        kind.running * 2 <= self.config.slots
    }

    /// There may be more of a kind that rests, and slots for it.
    fn has_backlog_at_rest(&self) -> bool {
        self.kinds.iter().any(|(name, kind)| kind.backlog && self.has_room(kind) && self.handlers.rests(*name))
    }

    fn backlog_has_room(&self) -> bool {
        let looks = Instant::now() >= self.next_look;
        let has_room = |(name, kind): (&TaskKind, &Kind)| {
            kind.backlog && self.has_room(kind) && (looks || !self.handlers.rests(*name))
        };
        self.kinds.iter().any(has_room)
    }

    /// How many of each kind a sweep may take. What rests and was looked at just now is left out.
    fn slots_to_fill(&mut self) -> Vec<(TaskKind, usize)> {
        let now = Instant::now();
        let (mut looked, looks) = (false, now >= self.next_look);
        let mut slots = Vec::with_capacity(self.kinds.len());
        for (name, kind) in &self.kinds {
            let rests = self.handlers.rests(*name);
            looked |= rests && looks;
            if looks || !rests {
                slots.push((*name, self.config.slots.saturating_sub(kind.running)));
            }
        }
        if looked {
            self.next_look = now + self.config.rest;
        }
        slots
    }

    /// Claims what was signalled, as far as there are slots. True: there may be more that can be claimed.
    async fn claim_signalled(&mut self, stop: &CancellationToken) -> bool {
        let (mut slots, mut only) = (Vec::new(), Vec::new());
        for (name, kind) in &mut self.kinds {
            // There may be more that rests than was signalled.
            kind.backlog |= !kind.waiting.is_empty() && self.handlers.rests(*name);
            if kind.backlog {
                kind.waiting.clear();
            }
            let batch = self.config.slots.saturating_sub(kind.running).min(kind.waiting.len());
            if batch > 0 {
                slots.push((*name, batch));
                only.extend(kind.waiting.drain(..batch).map(|task| task.id));
            }
        }
        if only.is_empty() {
            return false;
        }
        let claim = Claim { slots, chores: Vec::new(), only: Some(only), lease: self.config.lease };
        match self.tasks.claim(&claim).await {
            Ok(found) => {
                self.start(found.claimed, stop).await;
                true
            }
            Err(error) => {
                tracing::warn!(%error, "signalled tasks could not be claimed; the sweep will find them");
                false
            }
        }
    }

    /// Claims what is due, and says how long until the next look.
    async fn sweep(&mut self, stop: &CancellationToken) -> Duration {
        let slots = self.slots_to_fill();
        let chores = Chore::ALL.into_iter().filter(|chore| !self.chores.contains(chore)).collect();
        let claim = Claim { slots: slots.clone(), chores, only: None, lease: self.config.lease };
        match self.tasks.claim(&claim).await {
            Ok(Sweep { claimed, chores, now, next_due }) => {
                (self.on_sweep)(now);
                for (name, free) in slots {
                    let found = |id: &TaskId| claimed.iter().any(|task| task.id == *id);
                    if let Some(kind) = self.kinds.get_mut(&name) {
                        kind.backlog = claimed.iter().filter(|task| task.kind == name).count() == free;
                        kind.waiting.retain(|task| !found(&task.id));
                    }
                }
                self.start(claimed, stop).await;
                self.start_chores(chores, stop).await;
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

    /// Starts what was claimed; hands it back, if a stop was asked for meanwhile.
    async fn start(&mut self, claimed: Vec<ClaimedTask>, stop: &CancellationToken) {
        for task in claimed {
            point!("task.start");
            if stop.is_cancelled() {
                if let Err(error) = self.tasks.hand_back(&task).await {
                    tracing::warn!(task = %task.id, %error, "could not be handed back; its lease runs out");
                }
                continue;
            }
            if let Some(kind) = self.kinds.get_mut(&task.kind) {
                kind.running += 1;
            }
            self.running.spawn(self.new_run().run(task));
        }
    }

    /// Starts the chores that were claimed, or hands them back.
    async fn start_chores(&mut self, claimed: Vec<ClaimedChore>, stop: &CancellationToken) {
        for chore in claimed {
            if stop.is_cancelled() {
                if let Err(error) = self.tasks.hand_back_chore(&chore).await {
                    tracing::warn!(chore = chore.chore.name(), %error, "could not be handed back; its lease runs out");
                }
                continue;
            }
            self.chores.insert(chore.chore);
            self.running.spawn(self.new_run().run_chore(chore));
        }
    }

    fn new_run(&self) -> Run {
        Run {
            tasks: Arc::clone(&self.tasks),
            signal: Arc::clone(&self.signal),
            handlers: Arc::clone(&self.handlers),
            limit: self.config.limit,
        }
    }
}
