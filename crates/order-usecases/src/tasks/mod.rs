//! What the tasks do. Each may be run twice, by two workers at once, or die at any instruction: its effect happens once,
//! because every step is guarded by the task's token and the state that was loaded.

mod clear_cart;
mod housekeeping;
mod notify;
mod payment;
mod release;

use std::sync::Arc;
use std::time::Duration;

use order_domain::Rules;
use order_domain::order::{DomainError, Inconsistent};
use order_domain::ports::{
    Availability, CartService, Chore, ClaimedChore, ClaimedTask, CommitError, EntryFailure, IdGenerator, LiveEvents,
    NotificationService, OrderStore, PaymentService, ProductService, Rest, ServiceError, StoreError, TaskKind,
    TaskSignal, backoff_ceiling,
};

/// A number in 0..1, drawn evenly. An argument, so that tests decide.
pub type Chance = Arc<dyn Fn() -> f64 + Send + Sync>;

/// What a handler leaves to the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The task's end was committed with its effect.
    Committed,
    /// There is nothing (more) to be done: finish it.
    Finish,
    /// The task is in other hands: touch nothing.
    Lost,
    /// Nothing is to be done yet.
    Wait {
        /// For how long.
        time: Duration,
        /// What is waited for.
        why: &'static str,
    },
    /// It did not work: try again.
    Retry {
        /// What went wrong; holds nothing personal.
        error: String,
        /// What that leaves on its entry.
        entry: Option<EntryFailure>,
        /// The longest it may wait, if the handler knows.
        within: Option<Duration>,
    },
}

impl Done {
    fn retry(error: &impl ToString) -> Self {
        Self::Retry { error: error.to_string(), entry: None, within: None }
    }
}

/// Why a handler could not go on. The task is tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A commit that did not take, or did not say.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// An outside service.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The order contradicts itself.
    #[error(transparent)]
    Inconsistent(#[from] Inconsistent),
    /// The rules refuse what the task wants.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// The task itself makes no sense.
    #[error("a {} task without an entry", .0.name())]
    NoEntry(TaskKind),
}

/// The handlers, with what they work with.
#[derive(Clone)]
pub struct Handlers {
    /// Orders, loaded and committed.
    pub orders: Arc<dyn OrderStore>,
    /// Numbers.
    pub ids: Arc<dyn IdGenerator>,
    /// Wakes workers.
    pub signal: Arc<dyn TaskSignal>,
    /// Tells those who wait what happens to orders.
    pub live: Arc<dyn LiveEvents>,
    /// Which of the services below are called just now.
    pub availability: Arc<dyn Availability>,
    /// The payment service.
    pub payments: Arc<dyn PaymentService>,
    /// The product service.
    pub products: Arc<dyn ProductService>,
    /// The cart service.
    pub carts: Arc<dyn CartService>,
    /// The notification service.
    pub notifications: Arc<dyn NotificationService>,
    /// The deployment's numbers.
    pub rules: Arc<Rules>,
    /// For waits.
    pub chance: Chance,
}

impl Handlers {
    /// Whether tasks of this kind come to nothing just now: the service that they need is left alone for a while.
    pub fn rests(&self, kind: TaskKind) -> bool {
        !self.availability.takes_calls(kind.service())
    }

    /// Runs a task once.
    pub async fn run(&self, task: &ClaimedTask) -> Done {
        let done = match (task.kind, task.entry) {
            (TaskKind::Charge | TaskKind::Refund, Some(entry)) => self.follow_payment(task, entry).await,
            (kind @ (TaskKind::Charge | TaskKind::Refund), None) => Err(TaskError::NoEntry(kind)),
            (TaskKind::ClearCart, _) => self.clear_cart(task).await,
            (TaskKind::Notify, _) => self.notify(task).await,
            (TaskKind::Release, _) => self.release(task).await,
        };
        done.unwrap_or_else(|error| match error {
            TaskError::Commit(CommitError::TaskLost) => Done::Lost,
            error => Done::retry(&error),
        })
    }

    /// Does a chore once, and says when it is due again.
    pub async fn run_chore(&self, chore: &ClaimedChore) -> Rest {
        let done = match chore.chore {
            Chore::Housekeeping => self.housekeeping().await,
        };
        done.map_or_else(|error| self.failed(chore, &error), |wait| Rest { wait, error: None })
    }

    /// What an unsuccessful try of a chore leaves.
    pub fn failed(&self, chore: &ClaimedChore, error: &impl ToString) -> Rest {
        Rest { wait: self.backoff(chore.attempts), error: Some(error.to_string()) }
    }

    /// How long to wait after this many tries: evenly between nothing and the ceiling.
    pub fn backoff(&self, tries: u32) -> Duration {
        backoff_ceiling(tries.saturating_sub(1)).mul_f64((self.chance)().clamp(0.0, 1.0))
    }
}
