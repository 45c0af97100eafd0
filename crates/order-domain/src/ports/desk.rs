//! The desk of an operator: what is to be done, what is dead, and which kinds of tasks are paused.
//!
//! What an operator does to a task of an order is an event of that order, so it is committed as one: see
//! [`TaskTouch`]. Pausing concerns no order: it is kept, whatever restarts, until somebody resumes.

use async_trait::async_trait;

use crate::ids::{EntryNo, OrderId, TaskId, UserId};
use crate::time::Timestamp;

use super::store::StoreError;
use super::tasks::{TaskKind, Token};

/// How a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// To be done, now or later.
    Waiting,
    /// In a worker's hands.
    Running,
    /// It has had its tries.
    Dead,
}

impl TaskState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Running, Self::Dead];

    /// Its name for operators.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Dead => "dead",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A task of an order that is not done, as an operator sees it. Holds nothing personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTask {
    /// Its number.
    pub id: TaskId,
    /// What is to be done.
    pub kind: TaskKind,
    /// How it stands. A lease that has run out holds nothing.
    pub state: TaskState,
    /// For which order.
    pub order: OrderId,
    /// For which entry, where it is an entry's.
    pub entry: Option<EntryNo>,
    /// Tries so far.
    pub attempts: u32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it is due; while it runs, when its lease runs out; of a dead one, when it would have been tried again.
    pub due_at: Timestamp,
    /// The token of its last claim: as long as it is the same, nobody has done anything to the task.
    pub token: Token,
}

/// Which tasks a list shows. Every criterion that is set has to be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskFilter {
    /// That stand so.
    pub state: TaskState,
    /// Of this kind.
    pub kind: Option<TaskKind>,
    /// Of this order.
    pub order: Option<OrderId>,
}

/// A task's place in a list: the longest due first, of the same moment by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskPlace {
    /// When it is due.
    pub due_at: Timestamp,
    /// Its number.
    pub id: TaskId,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPage {
    /// Its tasks, the longest due first.
    pub tasks: Vec<OpenTask>,
    /// The place after which the next page begins; `None`: this is the last.
    pub next: Option<TaskPlace>,
}

/// Since when a kind is paused, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// By whom.
    pub by: UserId,
}

/// How a kind of tasks stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindStatus {
    /// Which.
    pub kind: TaskKind,
    /// Whether it is paused: nothing of it is claimed then. What was claimed before is finished.
    pub paused: Option<Pause>,
    /// Unfinished and not dead, in a worker's hands or not.
    pub waiting: u64,
    /// When the one became due that has been due for longest and is in nobody's hands; `None` when none is due.
    pub oldest_due_at: Option<Timestamp>,
}

/// What an operator does to a task, committed with the event that says so ([`super::WriteSet::touches`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskTouch {
    /// To which.
    pub task: TaskId,
    /// What it is.
    pub kind: TaskKind,
    /// Its token as it was seen. Another one now is a conflict: somebody has done something to the task meanwhile.
    pub token: Token,
    /// What is done to it.
    pub deed: TaskDeed,
}

/// What can be done to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskDeed {
    /// It is due, and its tries are counted anew.
    Retry {
        /// Since when: now, as the order was loaded.
        due: Timestamp,
    },
    /// It is taken off the list. What else ends with a task that is done ends with it.
    Discard,
}

/// Where an operator looks, and pauses kinds.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait TaskDesk: Send + Sync {
    /// A page of tasks, the longest due first, after a place in the list (`None`: from its beginning). A task that
    /// becomes due at another moment meanwhile moves in the list. Costs as much as there are unfinished and dead tasks,
    /// whatever the number of orders.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn tasks(&self, filter: TaskFilter, limit: u32, after: Option<TaskPlace>) -> Result<TaskPage, StoreError>;

    /// A task of an order; `None` when there is none of that number (any more).
    ///
    /// # Errors
    /// [`StoreError`].
    async fn task(&self, id: TaskId) -> Result<Option<OpenTask>, StoreError>;

    /// How every kind stands.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn kinds(&self) -> Result<Vec<KindStatus>, StoreError>;

    /// Nothing of this kind is claimed any more, by any instance. One that is paused already stays so, since when and by
    /// whom it was.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn pause(&self, kind: TaskKind, by: &UserId) -> Result<(), StoreError>;

    /// What is due of this kind is claimed again.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn resume(&self, kind: TaskKind) -> Result<(), StoreError>;
}
