//! One run of one task: within a time, whatever its handler does, and concluded in the store.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use order_domain::ports::{Chore, ClaimedChore, ClaimedTask, Failure, StoreError, TaskKind, TaskSignal, TaskStore};
use tokio::time::timeout;

use crate::tasks::{Done, Handlers};

/// The longest wait of a charge after a try that did not see its order: whatever the backoff, an order whose time to pay
/// is over is not left pending for minutes.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What a run needs.
pub(super) struct Run {
    pub(super) tasks: Arc<dyn TaskStore>,
    pub(super) signal: Arc<dyn TaskSignal>,
    pub(super) handlers: Arc<Handlers>,
    /// How long the handler may take.
    pub(super) limit: Duration,
}

/// A run that has ended.
pub(super) struct Ended {
    /// Whose slot is free.
    pub(super) what: What,
    /// When it is due again, if it is.
    pub(super) again_in: Option<Duration>,
}

/// What was run.
#[derive(Clone, Copy)]
pub(super) enum What {
    Task(TaskKind),
    Chore(Chore),
}

impl Run {
    /// Runs a task and concludes it. Never panics, whatever the handler or the store does: a slot must not be lost.
    pub(super) async fn run(self, task: ClaimedTask) -> Ended {
        let kind = task.kind;
        let again_in = AssertUnwindSafe(self.once(&task)).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(task = %task.id, kind = kind.name(), "a run panicked; its lease runs out");
            None
        });
        Ended { what: What::Task(kind), again_in }
    }

    /// Does a chore and concludes it, as [`Self::run`] does a task.
    pub(super) async fn run_chore(self, chore: ClaimedChore) -> Ended {
        let name = chore.chore.name();
        let again_in = AssertUnwindSafe(self.chore_once(&chore)).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(chore = name, "a run panicked; its lease runs out");
            None
        });
        Ended { what: What::Chore(chore.chore), again_in }
    }

    async fn chore_once(&self, chore: &ClaimedChore) -> Option<Duration> {
        let handler = AssertUnwindSafe(self.handlers.run_chore(chore)).catch_unwind();
        let rest = match timeout(self.limit, handler).await {
            Ok(Ok(rest)) => rest,
            Ok(Err(_)) => self.handlers.failed(chore, &"the handler panicked"),
            Err(_) => self.handlers.failed(chore, &format!("cut off after {:?}", self.limit)),
        };
        let (name, wait) = (chore.chore.name(), rest.wait);
        if let Some(error) = &rest.error {
            tracing::warn!(chore = name, attempts = chore.attempts, ?wait, error, "chore failed");
        }
        match self.tasks.rest(chore, &rest).await {
            Ok(true) => Some(wait),
            Ok(false) => {
                tracing::info!(chore = name, "chore is in other hands");
                None
            }
            Err(error) => {
                // The lease runs out, and the chore is done again.
                tracing::warn!(chore = name, %error, "chore could not be concluded");
                None
            }
        }
    }

    async fn once(&self, task: &ClaimedTask) -> Option<Duration> {
        let handler = AssertUnwindSafe(self.handlers.run(task)).catch_unwind();
        let failed = |error: String| Done::Retry { error, entry: None, within: None };
        let done = match timeout(self.limit, handler).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => failed("the handler panicked".into()),
            Err(_) => failed(format!("cut off after {:?}", self.limit)),
        };
        self.conclude(task, done).await.unwrap_or_else(|error| {
            // The lease runs out, and the task is run again.
            tracing::warn!(task = %task.id, kind = task.kind.name(), order = %task.order, %error, "task could not be concluded");
            None
        })
    }

    /// Writes what has become of the task; the wait, if it is due again.
    async fn conclude(&self, task: &ClaimedTask, done: Done) -> Result<Option<Duration>, StoreError> {
        match done {
            Done::Committed => Ok(None),
            Done::Lost => {
                tracing::info!(task = %task.id, kind = task.kind.name(), order = %task.order, "task is in other hands");
                Ok(None)
            }
            Done::Finish => {
                if let Some(next) = self.tasks.finish(task).await? {
                    self.signal.due(&[next]).await;
                }
                Ok(None)
            }
            Done::Wait { time, why } => {
                tracing::debug!(task = %task.id, kind = task.kind.name(), order = %task.order, ?time, why, "task waits");
                self.tasks.fail(task, &Failure { wait: time, error: why.to_owned(), entry: None }).await?;
                Ok(Some(time))
            }
            Done::Retry { error, entry, within } => {
                let blind = if task.kind == TaskKind::Charge { LOOK_AGAIN } else { Duration::MAX };
                let wait = self.handlers.backoff(task.attempts).min(within.unwrap_or(blind));
                tracing::warn!(task = %task.id, kind = task.kind.name(), order = %task.order, attempts = task.attempts, ?wait, error, "task failed");
                self.tasks.fail(task, &Failure { wait, error, entry }).await?;
                Ok(Some(wait))
            }
        }
    }
}
