//! What an operator does to a task of an order: it stands in the order's timeline, with who did it.

use crate::ports::{OpenTask, TaskState};
use crate::time::Timestamp;

use super::error::{DomainError, Inconsistent, Rejection};
use super::event::Event;
use super::state::Order;

/// Which event trying a task again yields: none for one that has not been tried and is due already.
pub(super) fn retry(order: &Order, task: &OpenTask, now: Timestamp) -> Result<Vec<Event>, DomainError> {
    belongs_to(order, task)?;
    match task.state {
        TaskState::Running => Err(Rejection::TaskRunning.into()),
        TaskState::Waiting if task.attempts == 0 && task.due_at <= now => Ok(Vec::new()),
        TaskState::Waiting | TaskState::Dead => Ok(vec![Event::TaskRetried { task: task.kind, entry: task.entry }]),
    }
}

/// Which event discarding a task yields. What moves money or waits for a time is never discarded:
/// somebody would wait for it for ever.
pub(super) fn discard(order: &Order, task: &OpenTask) -> Result<Vec<Event>, DomainError> {
    belongs_to(order, task)?;
    if !task.kind.may_die() {
        return Err(Rejection::NeverDiscarded { task: task.kind }.into());
    }
    match task.state {
        TaskState::Running => Err(Rejection::TaskRunning.into()),
        TaskState::Waiting | TaskState::Dead => Ok(vec![Event::TaskDiscarded { task: task.kind }]),
    }
}

fn belongs_to(order: &Order, task: &OpenTask) -> Result<(), Inconsistent> {
    if task.order == order.state.id {
        Ok(())
    } else {
        Err(Inconsistent(format!("task {} is not of order {}", task.id, order.state.id)))
    }
}
