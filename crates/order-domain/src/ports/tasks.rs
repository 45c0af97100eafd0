//! Durable tasks: what has to be done outside, committed with the change that causes it. The database is the truth;
//! [`TaskSignal`] only says where to look.
//!
//! A task is an order's. What the service does for itself, such as tidying up, is a [`Chore`]: no order's, there once for
//! each kind, and due again when it has been done.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use crate::ids::{EntryNo, OrderId, TaskId};
use crate::order::Version;
use crate::time::Timestamp;

use super::services::ServiceName;
use super::store::StoreError;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TaskKind {
    /// Follow a charge to its end.
    Charge,
    /// Follow a refund to its end.
    Refund,
    /// Take what was ordered out of the customer's cart.
    ClearCart,
    /// Tell the customer what has become of the order.
    Notify,
    /// Hand a scheduled order to the shop when its time is near.
    Release,
}

/// Tries after which a task that may die is dead.
pub const MAX_TRIES: u32 = 8;

impl TaskKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Charge, Self::Refund, Self::ClearCart, Self::Notify, Self::Release];

    /// Its name in the database, in metrics and for operators.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::ClearCart => "clear_cart",
            Self::Notify => "notify",
            Self::Release => "release",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it is dead after [`MAX_TRIES`]. What moves money never dies, nor does what waits for a time.
    pub const fn may_die(self) -> bool {
        match self {
            Self::Charge | Self::Refund | Self::Release => false,
            Self::ClearCart | Self::Notify => true,
        }
    }

    /// Whether its end, done or dead, is the end of the guard of its order.
    pub const fn clears_cart(self) -> bool {
        match self {
            Self::Charge | Self::Refund | Self::Notify | Self::Release => false,
            Self::ClearCart => true,
        }
    }

    /// The outside service without which it comes to nothing.
    pub const fn service(self) -> ServiceName {
        match self {
            Self::Charge | Self::Refund => ServiceName::Payment,
            Self::ClearCart => ServiceName::Cart,
            Self::Notify => ServiceName::Notification,
            Self::Release => ServiceName::Product,
        }
    }

    /// The lane in which it keeps its order. What moves money or waits for a time has none: it loads and decides again.
    pub const fn lane(self) -> Option<Lane> {
        match self {
            Self::Charge | Self::Refund | Self::Release => None,
            Self::ClearCart => Some(Lane::Cart),
            Self::Notify => Some(Lane::Notify),
        }
    }
}

/// Tasks of one order and lane run one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What touches the customer's cart.
    Cart,
    /// What the customer is told.
    Notify,
}

impl Lane {
    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cart => "cart",
            Self::Notify => "notify",
        }
    }
}

/// What the service does for itself, again and again. Never dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Chore {
    /// Removes receipts and guards that have ended.
    Housekeeping,
}

impl Chore {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Housekeeping];

    /// Its name in the database, in metrics and for operators. No [`TaskKind`] has the same.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Housekeeping => "housekeeping",
        }
    }

    /// The chore of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|chore| chore.name() == name)
    }
}

/// The longest wait before try `attempts + 1`: 0.5 s × 2ⁿ up to 5 minutes. The wait itself is drawn evenly between
/// nothing and this (full jitter; M. Brooker, *Exponential Backoff and Jitter*, 2015).
pub fn backoff_ceiling(attempts: u32) -> Duration {
    let doubled = Duration::from_millis(500).saturating_mul(2_u32.saturating_pow(attempts));
    doubled.min(Duration::from_mins(5))
}

/// Proof of holding a task: each claim raises it, so whoever lost the task holds an old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub i64);

/// A task and what it is, as a signal tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TaskRef {
    /// Which.
    pub id: TaskId,
    /// What is to be done.
    pub kind: TaskKind,
}

/// A task that is to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
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
    /// When it is due.
    pub due: Timestamp,
}

/// A task in a worker's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedTask {
    /// Which.
    pub id: TaskId,
    /// What is to be done.
    pub kind: TaskKind,
    /// For which order.
    pub order: OrderId,
    /// For which entry, where it is an entry's.
    pub entry: Option<EntryNo>,
    /// Claims so far, this one included.
    pub attempts: u32,
    /// Proof of holding it.
    pub token: Token,
}

/// A chore in a worker's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedChore {
    /// Its task's number.
    pub id: TaskId,
    /// What is to be done.
    pub chore: Chore,
    /// Claims since it last succeeded, this one included.
    pub attempts: u32,
    /// Proof of holding it.
    pub token: Token,
}

/// What a worker would take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Per kind, how many at most; a kind that is not named is not claimed.
    pub slots: Vec<(TaskKind, usize)>,
    /// Chores that are to be claimed; one that is not named is not.
    pub chores: Vec<Chore>,
    /// Only these tasks (and no chore), if named; else whatever is due, the longest due first.
    pub only: Option<Vec<TaskId>>,
    /// How long they stay in the worker's hands. What never dies stays at least as long as its backoff, so that one
    /// that kills its process does not kill the next at once.
    pub lease: Duration,
}

/// What a look at the tasks found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// What was claimed.
    pub claimed: Vec<ClaimedTask>,
    /// Chores that were claimed.
    pub chores: Vec<ClaimedChore>,
    /// The database's now.
    pub now: Timestamp,
    /// When the next unfinished task becomes due that is not due yet. Chores count if the claim names any.
    pub next_due: Option<Timestamp>,
}

/// What is left to do of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KindFigures {
    /// Unfinished and not dead, in a worker's hands or not.
    pub waiting: u64,
    /// Dead: for a person to look at.
    pub dead: u64,
    /// When the one became due that has been due for longest and is in nobody's hands; `None` when none is due.
    pub due_since: Option<Timestamp>,
    /// When the oldest was made that has been tried and is not done; `None` when there is none.
    pub tried_since: Option<Timestamp>,
}

/// How a chore is doing, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChoreFigures {
    /// Since when it has been due, if it is; while it is held, its lease is not over.
    pub due_since: Option<Timestamp>,
    /// Tries since it last succeeded.
    pub tries: u32,
}

/// What is left to do, in numbers, for an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The database's now.
    pub now: Timestamp,
    /// Tasks, by kind. Each kind is there.
    pub kinds: BTreeMap<TaskKind, KindFigures>,
    /// Chores. Each is there.
    pub chores: BTreeMap<Chore, ChoreFigures>,
    /// Entries of the ledger that wait for a person.
    pub in_review: u64,
}

/// What an unsuccessful try leaves on its entry, for an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryFailure {
    /// Which entry.
    pub entry: EntryNo,
    /// Whether the answer was a client error other than a plain no.
    pub refusal: bool,
    /// Whether the call repeated an earlier one, and so counts as one more attempt: the first one was counted when the
    /// entry was marked sent.
    pub again: bool,
}

/// An unsuccessful try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How long the task waits.
    pub wait: Duration,
    /// What went wrong; holds nothing personal.
    pub error: String,
    /// What it leaves on its entry.
    pub entry: Option<EntryFailure>,
}

/// The end of a run of a chore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// How long until it is due again.
    pub wait: Duration,
    /// What went wrong, if it did not succeed; holds nothing personal.
    pub error: Option<String>,
}

/// Where tasks are kept. (They are written by [`super::OrderStore::commit`], with what causes them.)
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait TaskStore: Send + Sync {
    /// Claims due tasks, each the head of its lane. Tasks that may die and have had their tries are marked dead instead.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn claim(&self, claim: &Claim) -> Result<Sweep, StoreError>;

    /// Ends a task, and answers with the next of its lane, if that is due. Nothing happens, and `Ok(None)` is the
    /// answer, when the token is no longer its own.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn finish(&self, task: &ClaimedTask) -> Result<Option<TaskRef>, StoreError>;

    /// Puts a task back, due after a wait. One that may die and has had its tries is dead; that frees its lane. False,
    /// and nothing happens, when the token is no longer its own.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn fail(&self, task: &ClaimedTask, failure: &Failure) -> Result<bool, StoreError>;

    /// Gives a task back untouched, due at once; the claim does not count as a try. For a worker that stops.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn hand_back(&self, task: &ClaimedTask) -> Result<(), StoreError>;

    /// What is left to do. Costs as much as there are unfinished and dead tasks, whatever the number of orders.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn figures(&self) -> Result<Figures, StoreError>;

    /// Ends a run of a chore, which is due again after a wait. False, and nothing happens, when the token is no longer
    /// its own.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn rest(&self, chore: &ClaimedChore, rest: &Rest) -> Result<bool, StoreError>;

    /// Gives a chore back untouched, as [`Self::hand_back`] does a task.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn hand_back_chore(&self, chore: &ClaimedChore) -> Result<(), StoreError>;
}

/// Wakes workers. May lose signals: what is due is found by the next sweep.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait TaskSignal: Send + Sync {
    /// Says that these are due.
    async fn due(&self, tasks: &[TaskRef]);

    /// Waits for a signal.
    async fn next(&self) -> Vec<TaskRef>;
}
