//! Which events a command yields, or why it is refused.

use crate::ids::{EntryNo, UserId};
use crate::payment::{Entry, EntryKind, EntryState, is_wanted, overdue_at};
use crate::rules::Rules;
use crate::text::Text;
use crate::time::{Timestamp, after};

use super::actor::{Actor, Role};
use super::command::{CancelCode, Command};
use super::delivery_change;
use super::edit;
use super::error::{DomainError, Inconsistent, Rejection};
use super::event::Event;
use super::goodwill;
use super::state::Order;
use super::status::Status;
use super::task_touched;
use super::transitions::{Guard, find};
use super::{resolve, schedule};

/// What `command` makes happen to `order`. No event: it asks for what is already so.
///
/// # Errors
/// [`DomainError::Rejected`] says what the rules refuse, and what they would allow.
pub fn decide(
    order: &Order,
    command: Command,
    actor: &Actor,
    rules: &Rules,
    now: Timestamp,
) -> Result<Vec<Event>, DomainError> {
    if !may_ask(order, &command, actor) {
        return Err(Rejection::NotYours.into());
    }
    // What is counted from its events is counted from when they happen: never before the last one.
    let now = now.max(order.state.updated_at);
    match command {
        Command::SetStatus { to, reason } => set_status(order, to, reason, actor, rules, now),
        Command::Cancel { code, reason } => cancel(order, code, reason, actor),
        Command::Assign { courier } => assign(order, courier),
        Command::Unassign => unassign(order),
        Command::Take => take(order, actor),
        Command::GiveBack => give_back(order, actor),
        Command::ReplaceLines { lines, offered } => edit::decide(order, &lines, &offered, rules, now),
        Command::ChangeDelivery(change) => delivery_change::decide(order, change, rules, now),
        Command::GrantGoodwill { amount, reason } => goodwill::decide(order, amount, reason),
        Command::ChargeSettled { entry, transaction_id } => {
            let charge = sent(order, entry, EntryKind::Charge)?;
            Ok(vec![charge_settled(order, charge, Some(transaction_id), rules, now)])
        }
        Command::ChargeDeclined { entry } => {
            Ok(vec![charge_declined(order, sent(order, entry, EntryKind::Charge)?, rules, now)])
        }
        Command::RefundSettled { entry, transaction_id } => {
            sent(order, entry, EntryKind::Refund)?;
            Ok(vec![Event::RefundSettled { entry, transaction_id: Some(transaction_id), by_hand: false }])
        }
        Command::RefundDeclined { entry, again_in } => {
            let before = sent(order, entry, EntryKind::Refund)?.origin.map_or(0, |origin| origin.declines);
            Ok(vec![if before + 1 >= rules.refund_declines {
                Event::RefundInReview { entry }
            } else {
                let again_at = after(now, again_in);
                Event::RefundDeclined { entry, again_at, declines: before + 1 }
            }])
        }
        Command::WithdrawCharge { entry } => {
            let charge = of_kind(order, entry, EntryKind::Charge)?;
            if charge.state != EntryState::Booked || is_wanted(&order.state, charge) {
                return Err(Rejection::EntryMoved { entry, state: charge.state }.into());
            }
            Ok(vec![Event::ChargeWithdrawn { entry }])
        }
        Command::RetryTask(task) => task_touched::retry(order, &task, now),
        Command::DiscardTask(task) => task_touched::discard(order, &task),
        Command::TimeOut { entry } => {
            let charge = of_kind(order, entry, EntryKind::Charge)?;
            if !is_wanted(&order.state, charge) || now < overdue_at(&order.state, charge, rules) {
                return Err(Rejection::NotOverdue.into());
            }
            Ok(vec![if order.status() == Status::Pending {
                Event::Cancelled { code: CancelCode::PaymentTimeout, reason: None, declined: None }
            } else {
                edit_reverted(order, None, rules, now)
            }])
        }
        Command::PutInReview { entry } => {
            let entry = order.ledger.entry(entry)?;
            if entry.state != EntryState::Sent {
                return Err(Rejection::EntryMoved { entry: entry.n, state: entry.state }.into());
            }
            Ok(vec![match entry.kind {
                EntryKind::Charge => Event::ChargeInReview { entry: entry.n },
                EntryKind::Refund => Event::RefundInReview { entry: entry.n },
            }])
        }
        Command::Resolve { entry, outcome, reason } => resolve::decide(order, entry, outcome, reason, rules, now),
        Command::Release { gone } => Ok(schedule::release(order, gone, rules, now)?),
    }
}

/// What a settled charge brings: the order is confirmed, its edit is paid, or nobody wanted it any more.
pub(super) fn charge_settled(
    order: &Order,
    charge: &Entry,
    transaction_id: Option<String>,
    rules: &Rules,
    now: Timestamp,
) -> Event {
    let (state, entry) = (&order.state, charge.n);
    if !is_wanted(state, charge) {
        Event::ChargeSettled { entry, transaction_id }
    } else if state.status == Status::Pending {
        schedule::confirmation(state, Some((entry, transaction_id)), false, rules, now)
    } else {
        let release_at = schedule::release_after_edit(state, rules, now);
        Event::EditPaid { entry, transaction_id, release_at }
    }
}

/// What a declined charge brings: the order is cancelled, its edit is reverted, or nobody wanted it any more.
pub(super) fn charge_declined(order: &Order, charge: &Entry, rules: &Rules, now: Timestamp) -> Event {
    let (state, entry) = (&order.state, charge.n);
    if !is_wanted(state, charge) {
        Event::ChargeDeclined { entry }
    } else if state.status == Status::Pending {
        Event::Cancelled { code: CancelCode::PaymentDeclined, reason: None, declined: Some(entry) }
    } else {
        edit_reverted(order, Some(entry), rules, now)
    }
}

fn edit_reverted(order: &Order, declined: Option<EntryNo>, rules: &Rules, now: Timestamp) -> Event {
    Event::EditReverted { declined, release_at: schedule::release_after_edit(&order.state, rules, now) }
}

/// Is it theirs to ask? The table says what *its* customer and *the assigned* courier may do; nobody else's customer or
/// courier may do anything, and what the payment service says is the system's to tell.
fn may_ask(order: &Order, command: &Command, actor: &Actor) -> bool {
    match command {
        Command::SetStatus { .. } | Command::Cancel { .. } => match actor {
            Actor::Customer(id) => *id == order.state.customer,
            Actor::Courier(id) => order.state.courier.as_ref() == Some(id),
            Actor::Admin(_) | Actor::System => true,
        },
        Command::ReplaceLines { .. } | Command::ChangeDelivery(_) => match actor {
            Actor::Customer(id) => *id == order.state.customer,
            Actor::Admin(_) => true,
            Actor::Courier(_) | Actor::System => false,
        },
        Command::Assign { .. }
        | Command::Unassign
        | Command::GrantGoodwill { .. }
        | Command::Resolve { .. }
        | Command::RetryTask(_)
        | Command::DiscardTask(_) => matches!(actor, Actor::Admin(_)),
        Command::Take | Command::GiveBack => matches!(actor, Actor::Courier(_)),
        Command::ChargeSettled { .. }
        | Command::ChargeDeclined { .. }
        | Command::RefundSettled { .. }
        | Command::RefundDeclined { .. }
        | Command::WithdrawCharge { .. }
        | Command::TimeOut { .. }
        | Command::PutInReview { .. }
        | Command::Release { .. } => matches!(actor, Actor::System),
    }
}

/// The statuses that somebody in this role may give the order now.
pub fn allowed(order: &Order, role: Role) -> Vec<Status> {
    let may = |to: &Status| find(order.status(), *to, role).is_some_and(|row| holds(order, row.guard, role));
    Status::ALL.into_iter().filter(may).collect()
}

/// Does the order meet the condition, for somebody in this role? The system confirms and ends a pending order by what
/// became of its charge ([`Command::ChargeSettled`] and its like), never by asking for a status.
fn holds(order: &Order, guard: Guard, role: Role) -> bool {
    match guard {
        Guard::CourierAssigned => order.state.courier.is_some(),
        Guard::ReleasedAndSettled => order.state.released_at.is_some() && order.state.adjustment.is_none(),
        Guard::PaidOrCash | Guard::UnpaidIfSystem => role != Role::System,
        Guard::None
        | Guard::Placing
        | Guard::Returnable
        | Guard::SomethingToCollect
        | Guard::NothingToCollect
        | Guard::ReturnRefundsBooked
        | Guard::RefundsSettledOrByHand => true,
    }
}

fn set_status(
    order: &Order,
    to: Status,
    reason: Option<Text<500>>,
    actor: &Actor,
    rules: &Rules,
    now: Timestamp,
) -> Result<Vec<Event>, DomainError> {
    let current = order.status();
    if to == current {
        return Ok(Vec::new());
    }
    step(order, to, reason.is_some(), actor)?;
    Ok(vec![match to {
        Status::Confirmed => schedule::confirmation(&order.state, None, true, rules, now),
        Status::Preparing => Event::PreparationStarted,
        Status::OutForDelivery => Event::Dispatched,
        Status::Delivered => Event::Delivered,
        Status::Cancelled => Event::Cancelled { code: CancelCode::of_shop(current), reason, declined: None },
        Status::Pending | Status::ReturnRequested | Status::ReturnApproved | Status::PickedUp | Status::Refunded => {
            return Err(illegal(order, to, actor).into());
        }
    }])
}

fn cancel(
    order: &Order,
    code: CancelCode,
    reason: Option<Text<500>>,
    actor: &Actor,
) -> Result<Vec<Event>, DomainError> {
    if order.status() == Status::Cancelled {
        return Ok(Vec::new());
    }
    step(order, Status::Cancelled, reason.is_some(), actor)?;
    Ok(vec![Event::Cancelled { code, reason, declined: None }])
}

/// Is there a row of the table for this step, and does the order meet its condition?
fn step(order: &Order, to: Status, reasoned: bool, actor: &Actor) -> Result<(), Rejection> {
    let Some(row) = find(order.status(), to, actor.role()) else {
        return Err(illegal(order, to, actor));
    };
    if row.reason_of.contains(&actor.role()) && !reasoned {
        return Err(Rejection::ReasonRequired { to });
    }
    match row.guard {
        guard if holds(order, guard, actor.role()) => Ok(()),
        Guard::CourierAssigned => Err(Rejection::CourierRequired),
        Guard::ReleasedAndSettled if order.state.adjustment.is_some() => Err(Rejection::AdjustmentOpen),
        _ => Err(illegal(order, to, actor)),
    }
}

fn illegal(order: &Order, asked: Status, actor: &Actor) -> Rejection {
    Rejection::IllegalTransition { current: order.status(), asked, allowed: allowed(order, actor.role()) }
}

/// Whether a courier can be given the order now, and whether it can be without one.
fn assignable(status: Status) -> (bool, bool) {
    match status {
        Status::Pending | Status::Confirmed | Status::Preparing => (true, true),
        Status::OutForDelivery | Status::ReturnApproved => (true, false),
        Status::Delivered | Status::Cancelled | Status::ReturnRequested | Status::PickedUp | Status::Refunded => {
            (false, false)
        }
    }
}

fn assign(order: &Order, courier: UserId) -> Result<Vec<Event>, DomainError> {
    if order.state.courier.as_ref() == Some(&courier) {
        return Ok(Vec::new());
    }
    if !assignable(order.status()).0 {
        return Err(Rejection::NotAssignable { current: order.status() }.into());
    }
    Ok(vec![Event::Assigned { courier, previous: order.state.courier.clone() }])
}

fn unassign(order: &Order) -> Result<Vec<Event>, DomainError> {
    let Some(previous) = order.state.courier.clone() else {
        return Ok(Vec::new());
    };
    match assignable(order.status()) {
        (_, true) => Ok(vec![Event::Unassigned { previous }]),
        (true, false) => Err(Rejection::CourierRequired.into()),
        (false, false) => Err(Rejection::NotAssignable { current: order.status() }.into()),
    }
}

fn take(order: &Order, actor: &Actor) -> Result<Vec<Event>, DomainError> {
    let Actor::Courier(courier) = actor else {
        return Err(Rejection::NotYours.into());
    };
    match &order.state.courier {
        Some(holder) if holder == courier => return Ok(Vec::new()),
        Some(_) => return Err(Rejection::AlreadyTaken.into()),
        None => {}
    }
    let open = matches!(order.status(), Status::Confirmed | Status::Preparing) && order.state.released_at.is_some();
    if !open {
        return Err(Rejection::NotAssignable { current: order.status() }.into());
    }
    Ok(vec![Event::Assigned { courier: courier.clone(), previous: None }])
}

fn give_back(order: &Order, actor: &Actor) -> Result<Vec<Event>, DomainError> {
    if order.state.courier.as_ref() != actor.id() {
        return Err(Rejection::NotYours.into());
    }
    unassign(order)
}

/// The entry of an answer: one that was sent. A late or repeated answer never moves a settled one.
fn sent(order: &Order, n: EntryNo, kind: EntryKind) -> Result<&Entry, DomainError> {
    let entry = of_kind(order, n, kind)?;
    if entry.state == EntryState::Sent {
        Ok(entry)
    } else {
        Err(Rejection::EntryMoved { entry: n, state: entry.state }.into())
    }
}

/// An answer to a charge says nothing of a refund: mixing them up would move money that nobody accounts for.
fn of_kind(order: &Order, n: EntryNo, kind: EntryKind) -> Result<&Entry, Inconsistent> {
    let entry = order.ledger.entry(n)?;
    if entry.kind == kind { Ok(entry) } else { Err(Inconsistent(format!("entry {n} is no {}", kind.name()))) }
}
