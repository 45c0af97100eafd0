//! What operators do: look at tasks, have one tried again, give one up, pause and resume a kind.
//!
//! What is done to a task of an order is committed with an event of that order, so its timeline says who did it. None of
//! it can pay twice: a task that is tried again asks with the same key as before, and one that moves money is never given
//! up.

use std::sync::Arc;

use order_domain::order::{Actor, Command, Inconsistent, execute};
use order_domain::ports::{
    CommitError, IdGenerator, IdempotencyKey, KindStatus, LiveEvents, OpenTask, OrderStore, Receipt, TaskDeed,
    TaskDesk, TaskFilter, TaskKind, TaskPage, TaskPlace, TaskRef, TaskSignal, TaskState, TaskTouch,
};
use order_domain::{Rules, TaskId, UserId};

use crate::caller::Caller;
use crate::error::UseCaseError;
use crate::request::{Answer, not_committed, once};
use crate::{TRIES, commit};

/// Somebody who may do all this: an admin, or whoever has the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator(UserId);

impl Operator {
    /// Whoever has the command line, under a name of their choice: it stands in timelines as the id of an admin.
    pub fn at_the_command_line(name: UserId) -> Self {
        Self(name)
    }

    fn actor(&self) -> Actor {
        Actor::Admin(self.0.clone())
    }
}

impl Caller {
    /// The caller as an operator.
    ///
    /// # Errors
    /// [`UseCaseError::Forbidden`] for anybody but an admin.
    pub fn operator(&self) -> Result<Operator, UseCaseError> {
        self.admin().map(|_| Operator(self.user.clone()))
    }
}

/// A task after something was done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskOutcome {
    /// The task as it is then; one that was discarded, as it was.
    pub task: OpenTask,
    /// It is off the list.
    pub discarded: bool,
}

/// Turns an outcome into the answer that the caller gets, so that it can be kept under the request's key.
pub type RenderTask = Arc<dyn Fn(&TaskOutcome) -> Result<Receipt, Inconsistent> + Send + Sync>;

/// How a request about a task wants to be done and answered.
#[derive(Clone)]
pub struct TaskRequest {
    /// Its idempotency key, if it has one.
    pub key: Option<IdempotencyKey>,
    /// What its answer looks like.
    pub render: RenderTask,
}

/// What operators do, over the ports that it needs.
#[derive(Clone)]
pub struct Operations {
    /// Orders, loaded and committed.
    pub orders: Arc<dyn OrderStore>,
    /// Lists of tasks, and paused kinds.
    pub desk: Arc<dyn TaskDesk>,
    /// Numbers.
    pub ids: Arc<dyn IdGenerator>,
    /// Wakes workers.
    pub signal: Arc<dyn TaskSignal>,
    /// Tells those who wait what happens to orders.
    pub live: Arc<dyn LiveEvents>,
    /// The rules of the shop.
    pub rules: Arc<Rules>,
}

#[derive(Clone, Copy)]
enum Deed {
    Retry,
    Discard,
}

impl Operations {
    /// A page of tasks, the longest due first.
    ///
    /// # Errors
    /// [`UseCaseError::Unavailable`].
    pub async fn tasks(
        &self,
        _: &Operator,
        filter: TaskFilter,
        limit: u32,
        after: Option<TaskPlace>,
    ) -> Result<TaskPage, UseCaseError> {
        Ok(self.desk.tasks(filter, limit, after).await?)
    }

    /// Has a task tried again at once, whether it waits or is dead; its tries are counted anew. One that is due and has
    /// not been tried stays as it is.
    ///
    /// # Errors
    /// [`UseCaseError::NoSuchTask`], or [`UseCaseError::Rejected`] while a worker is at it.
    pub async fn retry(&self, by: &Operator, id: TaskId, request: TaskRequest) -> Result<Answer, UseCaseError> {
        let retrying = self.touch(by, id, Deed::Retry, &request);
        once(&*self.orders, request.key, Box::pin(retrying)).await
    }

    /// Gives a task up.
    ///
    /// # Errors
    /// [`UseCaseError::NoSuchTask`], or [`UseCaseError::Rejected`] for one that moves money, and while a worker is at it.
    pub async fn discard(&self, by: &Operator, id: TaskId, request: TaskRequest) -> Result<Answer, UseCaseError> {
        let discarding = self.touch(by, id, Deed::Discard, &request);
        once(&*self.orders, request.key, Box::pin(discarding)).await
    }

    /// How every kind stands.
    ///
    /// # Errors
    /// [`UseCaseError::Unavailable`].
    pub async fn kinds(&self, _: &Operator) -> Result<Vec<KindStatus>, UseCaseError> {
        Ok(self.desk.kinds().await?)
    }

    /// Nothing of a kind is begun any more, by any instance, until it is resumed. How it stands then.
    ///
    /// # Errors
    /// [`UseCaseError::Unavailable`].
    pub async fn pause(&self, by: &Operator, kind: TaskKind) -> Result<KindStatus, UseCaseError> {
        self.desk.pause(kind, &by.0).await?;
        tracing::warn!(kind = kind.name(), by = by.0.as_str(), "kind of tasks paused");
        self.kind(kind).await
    }

    /// What is due of a kind is done again. How it stands then.
    ///
    /// # Errors
    /// [`UseCaseError::Unavailable`].
    pub async fn resume(&self, by: &Operator, kind: TaskKind) -> Result<KindStatus, UseCaseError> {
        self.desk.resume(kind).await?;
        tracing::warn!(kind = kind.name(), by = by.0.as_str(), "kind of tasks resumed");
        self.kind(kind).await
    }

    async fn kind(&self, kind: TaskKind) -> Result<KindStatus, UseCaseError> {
        let mut kinds = self.desk.kinds().await?.into_iter();
        let missing = || UseCaseError::Inconsistent(format!("no kind {}", kind.name()));
        kinds.find(|status| status.kind == kind).ok_or_else(missing)
    }

    /// Looks at the task and its order, decides, commits; and again, if somebody was faster.
    async fn touch(
        &self,
        by: &Operator,
        id: TaskId,
        deed: Deed,
        request: &TaskRequest,
    ) -> Result<Answer, UseCaseError> {
        for _ in 0..TRIES {
            let seen = self.desk.task(id).await?.ok_or(UseCaseError::NoSuchTask)?;
            let loaded = self.orders.load(seen.order).await?;
            let loaded = loaded.ok_or_else(|| UseCaseError::Inconsistent(format!("task {id} of no order")))?;
            let (command, deed, discarded) = match deed {
                Deed::Retry => (Command::RetryTask(seen.clone()), TaskDeed::Retry { due: loaded.now }, false),
                Deed::Discard => (Command::DiscardTask(seen.clone()), TaskDeed::Discard, true),
            };
            let change = execute(&loaded.order, command, &by.actor(), &self.rules, loaded.now)?;
            let changed = !change.is_empty();
            let (kind, token) = (seen.kind, seen.token);
            let anew = OpenTask { state: TaskState::Waiting, attempts: 0, due_at: loaded.now, ..seen.clone() };
            let task = if changed && !discarded { anew } else { seen };
            let receipt = (request.render)(&TaskOutcome { task, discarded })?;
            let kept = request.key.map(|key| (key, receipt.clone()));
            if changed || kept.is_some() {
                let touch = changed.then_some(TaskTouch { task: id, kind, token, deed });
                let complete = |set: order_domain::ports::WriteSet| set.with_receipt(kept).touching(touch);
                match commit(&*self.orders, &*self.ids, &*self.signal, &*self.live, change, complete).await {
                    Ok(_) => {}
                    Err(CommitError::Conflict) => continue,
                    Err(error) => return Err(not_committed(error)),
                }
            }
            if changed && !discarded {
                self.signal.due(&[TaskRef { id, kind }]).await;
            }
            return Ok(Answer { receipt, replayed: false, order: None });
        }
        Err(UseCaseError::ConcurrentChange)
    }
}
