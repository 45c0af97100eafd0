//! Tasks and their kinds as they are shown to operators. Nothing personal is in them.

use order_domain::ports::{KindStatus, OpenTask};
use order_domain::{EntryNo, UserId};
use order_usecases::TaskOutcome;
use serde::Serialize;
use utoipa::ToSchema;

use crate::amount::Moment;
use crate::openapi::examples;
use crate::openapi::schemas::{DISCARDED, TaskKindName, TaskStateName};

/// Something that is to be done for an order.
#[derive(Serialize, ToSchema)]
#[schema(as = Task, examples(examples::task))]
pub(crate) struct TaskJson<'a> {
    #[schema(minimum = 1)]
    id: i64,
    #[schema(value_type = TaskKindName)]
    kind: &'static str,
    #[schema(value_type = TaskStateName)]
    state: &'static str,
    /// For which order.
    #[schema(minimum = 1)]
    order_id: i64,
    /// The number of the payment that it follows, if it follows one.
    #[schema(minimum = 1)]
    payment: Option<EntryNo>,
    /// Tries so far; after 8, a task that does not move money is dead.
    attempts: u32,
    /// What went wrong last.
    last_error: Option<&'a str>,
    /// When it is due; while it runs, when its worker is given up.
    due_at: Moment,
}

impl<'a> TaskJson<'a> {
    /// A task as it stands.
    pub(crate) fn new(task: &'a OpenTask) -> Self {
        Self {
            id: task.id.get(),
            kind: task.kind.name(),
            state: task.state.name(),
            order_id: task.order.get(),
            payment: task.entry,
            attempts: task.attempts,
            last_error: task.last_error.as_deref(),
            due_at: Moment(task.due_at),
        }
    }

    /// A task to which something was done.
    pub(crate) fn after(outcome: &'a TaskOutcome) -> Self {
        let task = Self::new(&outcome.task);
        let state = if outcome.discarded { DISCARDED } else { task.state };
        Self { state, ..task }
    }
}

/// A kind of tasks.
#[derive(Serialize, ToSchema)]
#[schema(as = Kind, examples(examples::kind))]
pub(crate) struct KindJson<'a> {
    #[schema(value_type = TaskKindName)]
    kind: &'static str,
    /// Nothing of it is begun.
    paused: bool,
    /// Since when.
    paused_at: Option<Moment>,
    /// By which admin; `cli` from the command line.
    paused_by: Option<&'a str>,
    /// Tasks that are not done, the dead ones left out.
    waiting: u64,
    /// Since when the one is due that has waited for a worker for longest.
    oldest_due_at: Option<Moment>,
}

impl<'a> KindJson<'a> {
    /// A kind as it stands.
    pub(crate) fn new(status: &'a KindStatus) -> Self {
        let pause = status.paused.as_ref();
        Self {
            kind: status.kind.name(),
            paused: pause.is_some(),
            paused_at: pause.map(|pause| Moment(pause.since)),
            paused_by: pause.map(|pause| &pause.by).map(UserId::as_str),
            waiting: status.waiting,
            oldest_due_at: status.oldest_due_at.map(Moment),
        }
    }
}
