//! What an event brings: moves of the ledger and tasks. Derived, not remembered, so that no path can forget a refund.

use crate::ids::EntryNo;
use crate::money::Money;
use crate::payment::{Booking, EntryKind, EntryState, Origin, PaymentMethod, Purpose};
use crate::ports::TaskKind;
use crate::time::Timestamp;

use super::adjustment::EditMoney;
use super::error::Inconsistent;
use super::event::Event;
use super::state::Order;
use super::status::Status;

/// Something that follows from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consequence {
    /// An entry moves on.
    Move {
        /// Which.
        entry: EntryNo,
        /// Where to.
        to: EntryState,
        /// What the payment service calls it, if it settles and that is known.
        transaction_id: Option<String>,
        /// It was paid from hand to hand, whatever was meant.
        by_hand: bool,
    },
    /// An entry is booked. An online one brings a task of its own, which follows it to its end.
    Book(Booking),
    /// A task that is no entry's, and when it is due.
    Task(TaskKind, Timestamp),
}

/// What `event` brings to `order`, which has just had it. The ledger is as before: each event of a command is followed
/// by its consequences before the next one happens.
///
/// # Errors
/// [`Inconsistent`] when the event speaks of an entry that is not there, or more would be refunded than is left.
pub fn consequences(order: &Order, event: &Event) -> Result<Vec<Consequence>, Inconsistent> {
    let now = order.state.updated_at;
    let mut list = Vec::new();
    match event {
        Event::Placed(_) => {
            if order.state.payment_method == PaymentMethod::Online && !order.state.total.is_zero() {
                list.push(charge(order.state.total, Purpose::Order, now));
            }
        }
        Event::Confirmed { paid, as_cash, release_at } => {
            if let Some((entry, transaction_id)) = paid {
                list.push(settle(*entry, transaction_id.as_ref()));
            }
            if *as_cash {
                withdraw_booked_charges(order, &mut list);
            }
            if !order.state.terms.cart_lines.is_empty() {
                list.push(Consequence::Task(TaskKind::ClearCart, now));
            }
            list.push(Consequence::Task(TaskKind::Notify, now));
            list.extend(release(*release_at));
        }
        Event::Rescheduled { release_at, .. } => list.extend(release(*release_at)),
        Event::Edited(edit) => pay_difference(order, edit.new.money, &mut list)?,
        Event::EditPaid { entry, transaction_id, release_at } => {
            list.push(settle(*entry, transaction_id.as_ref()));
            list.extend(release(*release_at));
        }
        Event::EditReverted { declined, release_at } => {
            list.extend(declined.map(decline));
            withdraw_booked_charges(order, &mut list);
            list.push(Consequence::Task(TaskKind::Notify, now));
            list.extend(release(*release_at));
        }
        Event::Delivered => {
            if order.state.payment_method == PaymentMethod::Cash && !order.state.total.is_zero() {
                list.push(cash_taken(order.state.total, now));
            }
            list.push(Consequence::Task(TaskKind::Notify, now));
        }
        Event::Cancelled { declined, .. } => {
            list.extend(declined.map(decline));
            withdraw_booked_charges(order, &mut list);
            share_out(order, order.ledger.left()?, Purpose::Cancel, &mut list)?;
            list.push(Consequence::Task(TaskKind::Notify, now));
        }
        Event::GoodwillGranted { amount, .. } => share_out(order, *amount, Purpose::Goodwill, &mut list)?,
        Event::ChargeSettled { entry, transaction_id } => {
            let charge = order.ledger.entry(*entry)?;
            list.push(settle(*entry, transaction_id.as_ref()));
            let of_edit = charge.purpose == Purpose::Edit && order.state.status != Status::Cancelled;
            let purpose = if of_edit { Purpose::Edit } else { Purpose::Cancel };
            list.push(refund(charge.amount, purpose, charge.method, first_of(*entry), now));
        }
        Event::ChargeDeclined { entry } => list.push(decline(*entry)),
        Event::ChargeWithdrawn { entry } => list.push(shift(*entry, EntryState::Withdrawn)),
        Event::RefundSettled { entry, transaction_id, by_hand } => {
            let (to, transaction_id) = (EntryState::Settled, transaction_id.clone());
            list.push(Consequence::Move { entry: *entry, to, transaction_id, by_hand: *by_hand });
            list.push(Consequence::Task(TaskKind::Notify, now));
        }
        Event::RefundDeclined { entry, again_at, declines } => {
            let declined = order.ledger.entry(*entry)?;
            let origin = declined.origin.ok_or_else(|| Inconsistent(format!("entry {entry} is no refund")))?;
            let again = Origin { repeats: Some(*entry), declines: *declines, ..origin };
            list.push(decline(*entry));
            list.push(refund(declined.amount, declined.purpose, declined.method, again, *again_at));
        }
        Event::ChargeInReview { entry } | Event::RefundInReview { entry } => {
            list.push(shift(*entry, EntryState::Review));
        }
        Event::PreparationStarted | Event::Dispatched => list.push(Consequence::Task(TaskKind::Notify, now)),
        Event::AddressChanged { fee, .. } => {
            if let Some((_, new)) = fee {
                pay_difference(order, new.money, &mut list)?;
            }
        }
        // What follows from an admin's word is the event after it.
        Event::Resolved { .. }
        | Event::Released
        | Event::InstructionsChanged { .. }
        | Event::Assigned { .. }
        | Event::Unassigned { .. }
        | Event::TaskRetried { .. }
        | Event::TaskDiscarded { .. } => {}
    }
    Ok(list)
}

/// What a new total does to the money.
fn pay_difference(order: &Order, money: EditMoney, list: &mut Vec<Consequence>) -> Result<(), Inconsistent> {
    let now = order.state.updated_at;
    match money {
        EditMoney::Nothing => {}
        EditMoney::Rebooked => {
            withdraw_booked_charges(order, list);
            if !order.state.total.is_zero() {
                list.push(charge(order.state.total, Purpose::Order, now));
            }
        }
        EditMoney::Charged(more) => list.push(charge(more, Purpose::Edit, now)),
        EditMoney::Refunded(back) => share_out(order, back, Purpose::Edit, list)?,
    }
    Ok(())
}

fn release(at: Option<Timestamp>) -> Option<Consequence> {
    at.map(|at| Consequence::Task(TaskKind::Release, at))
}

fn settle(entry: EntryNo, transaction_id: Option<&String>) -> Consequence {
    let (to, transaction_id) = (EntryState::Settled, transaction_id.cloned());
    Consequence::Move { entry, to, transaction_id, by_hand: false }
}

fn decline(entry: EntryNo) -> Consequence {
    shift(entry, EntryState::Declined)
}

fn shift(entry: EntryNo, to: EntryState) -> Consequence {
    Consequence::Move { entry, to, transaction_id: None, by_hand: false }
}

/// Refunds `amount` over the charges, each part under the charge that it returns.
fn share_out(order: &Order, amount: Money, purpose: Purpose, list: &mut Vec<Consequence>) -> Result<(), Inconsistent> {
    for (charge, method, part) in order.ledger.share_out(amount)? {
        list.push(refund(part, purpose, method, first_of(charge), order.state.updated_at));
    }
    Ok(())
}

/// Only booked ones: a sent charge may have been taken, so it is followed to its end.
fn withdraw_booked_charges(order: &Order, list: &mut Vec<Consequence>) {
    let booked = order.ledger.entries().iter();
    let booked = booked.filter(|entry| entry.kind == EntryKind::Charge && entry.state == EntryState::Booked);
    list.extend(booked.map(|entry| shift(entry.n, EntryState::Withdrawn)));
}

fn charge(amount: Money, purpose: Purpose, due: Timestamp) -> Consequence {
    let (kind, method, state) = (EntryKind::Charge, PaymentMethod::Online, EntryState::Booked);
    Consequence::Book(Booking { kind, purpose, amount, method, state, origin: None, due })
}

/// What a courier has taken is booked settled.
fn cash_taken(amount: Money, at: Timestamp) -> Consequence {
    let (kind, purpose, method, state) = (EntryKind::Charge, Purpose::Order, PaymentMethod::Cash, EntryState::Settled);
    Consequence::Book(Booking { kind, purpose, amount, method, state, origin: None, due: at })
}

fn first_of(charge: EntryNo) -> Origin {
    Origin { charge, repeats: None, declines: 0 }
}

fn refund(amount: Money, purpose: Purpose, method: PaymentMethod, origin: Origin, due: Timestamp) -> Consequence {
    let (kind, state) = (EntryKind::Refund, EntryState::Booked);
    Consequence::Book(Booking { kind, purpose, amount, method, state, origin: Some(origin), due })
}
