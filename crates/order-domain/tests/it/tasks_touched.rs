//! What an operator does to a task of an order.

use order_domain::order::{Command, DomainError, Rejection};
use order_domain::ports::{OpenTask, TaskKind, TaskState, Token};
use order_domain::{OrderId, TaskId};

use crate::support::{Life, admin, an_order, courier, customer, minutes};

/// A task of the order that was tried twice and is due in ten minutes.
fn a_task(life: &Life, kind: TaskKind, state: TaskState) -> OpenTask {
    let entry = (!kind.may_die()).then_some(1);
    let (id, order, token) = (TaskId::new(9).unwrap(), life.order.id(), Token(3));
    OpenTask { id, kind, state, order, entry, attempts: 2, last_error: None, due_at: minutes(10), token }
}

#[test]
fn a_task_that_waits_or_is_dead_is_retried_and_the_timeline_says_by_whom() {
    for (kind, state) in [
        (TaskKind::Notify, TaskState::Dead),
        (TaskKind::Charge, TaskState::Waiting),
        (TaskKind::Refund, TaskState::Dead),
    ] {
        let mut life = an_order().paid();
        let task = a_task(&life, kind, state);
        let change = life.when(&admin(), Command::RetryTask(task));
        assert_eq!(life.story().last().unwrap(), "task_retried by admin");
        assert_eq!((change.tasks.len(), change.moves.len(), change.booked.len()), (0, 0, 0), "it is the same task");
        assert_eq!((change.order.version(), life.audit(), life.owed()), (3, vec![], vec![]));
    }
}

#[test]
fn what_is_due_and_was_not_tried_is_retried_already() {
    let life = an_order();
    let due = OpenTask { attempts: 0, due_at: life.now, ..a_task(&life, TaskKind::Charge, TaskState::Waiting) };
    assert!(life.asks(&admin(), Command::RetryTask(due.clone())).unwrap().is_empty());
    let tried = OpenTask { attempts: 1, ..due.clone() };
    assert!(!life.asks(&admin(), Command::RetryTask(tried)).unwrap().is_empty(), "its tries count anew");
    let dead = OpenTask { state: TaskState::Dead, ..due };
    assert!(!life.asks(&admin(), Command::RetryTask(dead)).unwrap().is_empty());
}

#[test]
fn a_task_is_discarded_unless_it_moves_money_or_waits_for_a_time() {
    let mut life = an_order().paid();
    for kind in TaskKind::ALL {
        for state in [TaskState::Waiting, TaskState::Dead] {
            let discard = Command::DiscardTask(a_task(&life, kind, state));
            match kind {
                TaskKind::Charge | TaskKind::Refund | TaskKind::Release => {
                    assert_eq!(life.is_refused(&admin(), discard), Rejection::NeverDiscarded { task: kind });
                }
                TaskKind::ClearCart | TaskKind::Notify => {
                    life.when(&admin(), discard);
                    assert_eq!(life.story().last().unwrap(), "task_discarded by admin");
                }
            }
        }
    }
}

#[test]
fn what_a_worker_holds_is_left_to_it() {
    let life = an_order().paid();
    let held = a_task(&life, TaskKind::Notify, TaskState::Running);
    for command in [Command::RetryTask(held.clone()), Command::DiscardTask(held)] {
        assert_eq!(life.is_refused(&admin(), command), Rejection::TaskRunning);
    }
}

#[test]
fn only_an_operator_touches_tasks() {
    let life = an_order().paid().given_to("bob");
    let dead = a_task(&life, TaskKind::Notify, TaskState::Dead);
    for who in [customer(), courier(), order_domain::order::Actor::System] {
        for command in [Command::RetryTask(dead.clone()), Command::DiscardTask(dead.clone())] {
            assert_eq!(life.is_refused(&who, command), Rejection::NotYours);
        }
    }
}

#[test]
fn a_task_of_another_order_is_a_fault_of_ours() {
    let life = an_order().paid();
    let others = OpenTask { order: OrderId::new(8).unwrap(), ..a_task(&life, TaskKind::Notify, TaskState::Dead) };
    for command in [Command::RetryTask(others.clone()), Command::DiscardTask(others)] {
        assert!(matches!(life.asks(&admin(), command), Err(DomainError::Inconsistent(_))));
    }
}
