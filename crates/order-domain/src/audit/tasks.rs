//! Tasks end, and until they do somebody follows what they are for.

use crate::ids::OrderId;
use crate::order::{OrderState, Status};
use crate::payment::{EntryKind, EntryState, Ledger, PaymentMethod};
use crate::ports::{AuditedTask, TaskState};
use crate::time::Timestamp;

use super::Violation;

/// Whether an order is at rest: none of its tasks is still to be done. (Dead ones wait for an operator, not for a worker.)
pub fn at_rest(tasks: &[AuditedTask]) -> bool {
    tasks.iter().all(|open| open.task.state == TaskState::Dead)
}

/// 5, as far as it holds at any time: what moves money is never dead, and an entry that is under way at the payment service
/// is followed by a task.
pub fn followed(order: &OrderState, ledger: &Ledger, tasks: &[AuditedTask]) -> Vec<Violation> {
    let broken = |what: String| Violation { invariant: 5, order: order.id, what };
    let money = tasks.iter().map(|open| &open.task).filter(|task| !task.kind.may_die());
    let dead = money.clone().filter(|task| task.state == TaskState::Dead);
    let mut found: Vec<_> =
        dead.map(|task| broken(format!("task {} ({}) is dead", task.id, task.kind.name()))).collect();
    let under_way = ledger.entries().iter().filter(|entry| {
        entry.method == PaymentMethod::Online && matches!(entry.state, EntryState::Booked | EntryState::Sent)
    });
    let forgotten = under_way.filter(|entry| money.clone().all(|task| task.entry != Some(entry.n)));
    found.extend(forgotten.map(|entry| {
        let what = format!("{} {} is {} and no task follows it", entry.kind.name(), entry.n, entry.state.name());
        broken(what)
    }));
    found
}

/// 9: an order that is at rest has no unsent charge if it is cancelled.
pub fn unsent_charges(order: &OrderState, ledger: &Ledger) -> Vec<Violation> {
    let unsent = ledger.entries().iter().filter(|entry| {
        order.status == Status::Cancelled && entry.kind == EntryKind::Charge && entry.state == EntryState::Booked
    });
    let broken = |n| Violation { invariant: 9, order: order.id, what: format!("cancelled with charge {n} unsent") };
    unsent.map(|entry| broken(entry.n)).collect()
}

/// 5 and 9 of a database that is drained: nothing is left that is due or was tried, and no lease has run out. A task of
/// which the time has not come yet may wait.
pub fn drained(order: OrderId, tasks: &[AuditedTask], now: Timestamp) -> Vec<Violation> {
    let mut found = Vec::new();
    for AuditedTask { task, lease_expired } in tasks {
        let what = |what: &str| format!("task {} ({}) {what}", task.id, task.kind.name());
        if *lease_expired {
            found.push(Violation { invariant: 9, order, what: what("has a lease that ran out") });
        }
        let begun = task.attempts > 0 || task.due_at <= now;
        if task.state != TaskState::Dead && begun {
            found.push(Violation { invariant: 5, order, what: what("is not done") });
        }
    }
    found
}
