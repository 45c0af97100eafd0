//! The tasks: claims, leases, tokens, lanes.

use order_domain::order::Version;
use order_domain::payment::EntryState;
use order_domain::ports::{
    Cause, Claim, ClaimedTask, EntryFailure, Failure, Figures, KindFigures, Lane, MAX_TRIES, NewTask, StoreError,
    Sweep, TaskKind, TaskRef, Token, backoff_ceiling,
};
use order_domain::time::{Timestamp, after};
use order_domain::{EntryNo, OrderId, TaskId};

use super::chores::Chores;
use super::tables::Tables;

/// A task that is not finished, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTask {
    /// Its number.
    pub id: TaskId,
    /// What is to be done.
    pub kind: TaskKind,
    /// For which order.
    pub order: OrderId,
    /// For which entry, where it is an entry's.
    pub entry: Option<EntryNo>,
    /// The event that caused it.
    pub seq: Version,
    /// Its place among the tasks of that event.
    pub ordinal: u32,
    /// When it is due; while it is held, when the lease runs out.
    pub run_at: Timestamp,
    /// Claims so far.
    pub attempts: u32,
    /// The token of the last claim.
    pub token: Token,
    /// It is in a worker's hands, until `run_at`.
    pub leased: bool,
    /// It has had its tries.
    pub dead: bool,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When the change was that caused it.
    pub created_at: Timestamp,
}

impl StoredTask {
    /// A task as it is committed with a change of this moment.
    pub(super) fn new(task: &NewTask, created_at: Timestamp) -> Self {
        let &NewTask { id, kind, order, entry, seq, ordinal, due } = task;
        let (token, run_at, attempts, leased, dead, last_error) = (Token(0), due, 0, false, false, None);
        Self { id, kind, order, entry, seq, ordinal, run_at, attempts, token, leased, dead, last_error, created_at }
    }

    fn lane(&self) -> Option<(OrderId, Lane)> {
        self.kind.lane().map(|lane| (self.order, lane))
    }

    fn place(&self) -> (Version, u32) {
        (self.seq, self.ordinal)
    }

    fn has_had_its_tries(&self) -> bool {
        self.kind.may_die() && self.attempts >= MAX_TRIES
    }

    fn task_ref(&self) -> TaskRef {
        TaskRef { id: self.id, kind: self.kind }
    }

    fn claimed(&self) -> ClaimedTask {
        let &Self { id, kind, order, entry, attempts, token, .. } = self;
        ClaimedTask { id, kind, order, entry, attempts, token }
    }

    pub(super) fn let_go(&mut self, run_at: Timestamp) {
        self.run_at = run_at;
        self.token.0 += 1;
        self.leased = false;
    }
}

impl Tables {
    /// Is the task in the hands that hold this claim? A dead one is in nobody's.
    pub(super) fn is_held(&self, task: &ClaimedTask) -> bool {
        self.tasks.get(&task.id).is_some_and(|row| row.token == task.token && !row.dead)
    }

    /// The event that a task follows from, if the task is held.
    pub(super) fn cause_of(&self, task: &ClaimedTask) -> Option<Cause> {
        let seq = self.tasks.get(&task.id).filter(|_| self.is_held(task))?.seq;
        let row = self.orders.get(&task.order)?;
        let event = row.events.iter().find(|event| event.seq == seq)?;
        let state = row.order.state();
        let (customer, kind) = (state.customer.clone(), event.event.name().to_owned());
        Some(Cause { customer, total: state.total, kind, status: event.status })
    }

    /// Takes a task that is held off the list.
    pub(super) fn take_off(&mut self, task: &ClaimedTask, now: Timestamp) -> Option<StoredTask> {
        let taken = if self.is_held(task) { self.tasks.remove(&task.id) } else { None };
        if let Some(task) = &taken {
            self.ended(task, now);
        }
        taken
    }

    /// A task is done or dead.
    pub(super) fn ended(&mut self, task: &StoredTask, now: Timestamp) {
        if task.kind.clears_cart() {
            self.keys.close(task.order, now);
        }
    }

    /// The head of the lane that `finished` has left, if it is due.
    pub(super) fn next_of_lane(&self, finished: &StoredTask, now: Timestamp) -> Option<TaskRef> {
        let lane = finished.lane()?;
        let waiting = self.tasks.values().filter(|task| !task.dead && task.lane() == Some(lane));
        let head = waiting.min_by_key(|task| task.place())?;
        (head.run_at <= now).then(|| head.task_ref())
    }

    fn is_head(&self, task: &StoredTask) -> bool {
        let Some(lane) = task.lane() else { return true };
        let before = |other: &StoredTask| other.lane() == Some(lane) && other.place() < task.place();
        !self.tasks.values().any(|other| !other.dead && before(other))
    }

    pub(super) fn claim(&mut self, claim: &Claim, now: Timestamp) -> Sweep {
        let named = |task: &StoredTask| claim.only.as_ref().is_none_or(|only| only.contains(&task.id));
        let mut claimed = Vec::new();
        for &(kind, slots) in &claim.slots {
            if self.paused.contains_key(&kind) {
                continue;
            }
            let due = |task: &&StoredTask| task.kind == kind && !task.dead && task.run_at <= now && named(task);
            let mut due: Vec<_> = self.tasks.values().filter(due).map(|task| (task.run_at, task.id)).collect();
            due.sort_unstable();
            let mut free = slots;
            for (_, id) in due {
                let mut task = self.tasks[&id].clone();
                if !self.is_head(&task) {
                    continue;
                }
                if task.has_had_its_tries() {
                    task.dead = true;
                    self.ended(&task, now);
                } else if free > 0 {
                    free -= 1;
                    task.attempts += 1;
                    let moves_money = matches!(kind, TaskKind::Charge | TaskKind::Refund);
                    let longest = if moves_money { backoff_ceiling(task.attempts) } else { claim.lease };
                    task.let_go(after(now, claim.lease.max(longest)));
                    task.leased = true;
                    claimed.push(task.claimed());
                }
                self.tasks.insert(id, task);
            }
        }
        let counts = |task: &&StoredTask| !task.dead && task.run_at > now && !self.paused.contains_key(&task.kind);
        let waiting = self.tasks.values().filter(counts);
        let next_due = waiting.map(|task| task.run_at).min();
        Sweep { claimed, chores: Vec::new(), now, next_due }
    }

    pub(super) fn finish(&mut self, task: &ClaimedTask, now: Timestamp) -> Option<TaskRef> {
        let finished = self.take_off(task, now)?;
        self.next_of_lane(&finished, now)
    }

    pub(super) fn fail(&mut self, task: &ClaimedTask, failure: &Failure, now: Timestamp) -> Result<bool, StoreError> {
        if !self.is_held(task) {
            return Ok(false);
        }
        if let Some(row) = self.tasks.get_mut(&task.id) {
            row.last_error = Some(failure.error.clone());
            row.dead = row.has_had_its_tries();
            row.let_go(after(now, failure.wait));
            let row = row.clone();
            if row.dead {
                self.ended(&row, now);
            }
        }
        if let Some(EntryFailure { entry, refusal, again }) = failure.entry {
            self.note(task.order, entry, |entry| {
                entry.last_error = Some(failure.error.clone());
                entry.refusals += u32::from(refusal);
                entry.refused_at = if refusal { Some(now) } else { entry.refused_at };
                entry.attempts += u32::from(again);
            })?;
        }
        Ok(true)
    }

    pub(super) fn figures(&self, chores: &Chores, now: Timestamp) -> Figures {
        let of = |kind| {
            let all = self.tasks.values().filter(move |task| task.kind == kind);
            let (dead, waiting): (Vec<_>, Vec<_>) = all.partition(|task| task.dead);
            let due = waiting.iter().map(|task| task.run_at).filter(|run_at| *run_at <= now);
            let tried = waiting.iter().filter(|task| task.attempts > 0);
            let figures = KindFigures {
                waiting: waiting.len() as u64,
                dead: dead.len() as u64,
                due_since: due.min(),
                tried_since: tried.map(|task| task.created_at).min(),
            };
            (kind, figures)
        };
        let entries = self.orders.values().flat_map(|row| row.order.ledger().entries());
        let in_review = entries.filter(|entry| entry.state == EntryState::Review).count() as u64;
        Figures { now, kinds: TaskKind::ALL.into_iter().map(of).collect(), chores: chores.figures(now), in_review }
    }

    pub(super) fn hand_back(&mut self, task: &ClaimedTask, now: Timestamp) {
        if self.is_held(task)
            && let Some(row) = self.tasks.get_mut(&task.id)
        {
            row.attempts -= 1;
            row.let_go(now);
        }
    }
}
