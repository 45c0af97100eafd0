//! What an event brings: moves of the ledger and tasks. Derived, not remembered, so that no path can forget a refund.

use crate::ids::EntryNo;
use crate::money::Money;
use crate::payment::{Booking, EntryKind, EntryState, Origin, PaymentMethod, Purpose};
use crate::ports::TaskKind;
use crate::time::Timestamp;

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
        /// What the payment service calls it, if it settles.
        transaction_id: Option<String>,
    },
    /// An entry is booked. An online one brings a task of its own, which follows it to its end.
    Book(Booking),
    /// A task that is no entry's.
    Task(TaskKind),
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
                list.push(charge(order.state.total, PaymentMethod::Online, EntryState::Booked, now));
            }
        }
        Event::Confirmed { paid, as_cash } => {
            if let Some((entry, transaction_id)) = paid {
                list.push(settle(*entry, transaction_id));
            }
            if *as_cash {
                withdraw_booked_charges(order, &mut list);
            }
            if !order.state.terms.cart_lines.is_empty() {
                list.push(Consequence::Task(TaskKind::ClearCart));
            }
            list.push(Consequence::Task(TaskKind::Notify));
        }
        Event::Delivered => {
            if order.state.payment_method == PaymentMethod::Cash && !order.state.total.is_zero() {
                list.push(charge(order.state.total, PaymentMethod::Cash, EntryState::Settled, now));
            }
            list.push(Consequence::Task(TaskKind::Notify));
        }
        Event::Cancelled { declined, .. } => {
            if let Some(entry) = declined {
                list.push(Consequence::Move { entry: *entry, to: EntryState::Declined, transaction_id: None });
            }
            withdraw_booked_charges(order, &mut list);
            share_out(order, order.ledger.left()?, Purpose::Cancel, &mut list)?;
            list.push(Consequence::Task(TaskKind::Notify));
        }
        Event::GoodwillGranted { amount, .. } => share_out(order, *amount, Purpose::Goodwill, &mut list)?,
        Event::ChargeSettled { entry, transaction_id } => {
            let charge = order.ledger.entry(*entry)?;
            list.push(settle(*entry, transaction_id));
            let of_edit = charge.purpose == Purpose::Edit && order.state.status != Status::Cancelled;
            let purpose = if of_edit { Purpose::Edit } else { Purpose::Cancel };
            list.push(refund(charge.amount, purpose, charge.method, first_of(*entry), now));
        }
        Event::ChargeDeclined { entry } => {
            list.push(Consequence::Move { entry: *entry, to: EntryState::Declined, transaction_id: None });
        }
        Event::ChargeWithdrawn { entry } => list.push(withdraw(*entry)),
        Event::RefundSettled { entry, transaction_id } => {
            list.push(settle(*entry, transaction_id));
            list.push(Consequence::Task(TaskKind::Notify));
        }
        Event::RefundDeclined { entry, again_at } => {
            let declined = order.ledger.entry(*entry)?;
            let origin = declined.origin.ok_or_else(|| Inconsistent(format!("entry {entry} is no refund")))?;
            let again = Origin { repeats: Some(*entry), declines: origin.declines + 1, ..origin };
            list.push(Consequence::Move { entry: *entry, to: EntryState::Declined, transaction_id: None });
            list.push(refund(declined.amount, declined.purpose, declined.method, again, *again_at));
        }
        Event::RefundInReview { entry } => {
            list.push(Consequence::Move { entry: *entry, to: EntryState::Review, transaction_id: None });
        }
        Event::PreparationStarted | Event::Dispatched => list.push(Consequence::Task(TaskKind::Notify)),
        // The default fee is the same wherever the shop delivers, so a new address moves no money.
        Event::AddressChanged { .. }
        | Event::InstructionsChanged { .. }
        | Event::Assigned { .. }
        | Event::Unassigned { .. }
        | Event::TaskRetried { .. }
        | Event::TaskDiscarded { .. } => {}
    }
    Ok(list)
}

fn settle(entry: EntryNo, transaction_id: &str) -> Consequence {
    Consequence::Move { entry, to: EntryState::Settled, transaction_id: Some(transaction_id.to_owned()) }
}

fn withdraw(entry: EntryNo) -> Consequence {
    Consequence::Move { entry, to: EntryState::Withdrawn, transaction_id: None }
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
    list.extend(booked.map(|entry| withdraw(entry.n)));
}

fn charge(amount: Money, method: PaymentMethod, state: EntryState, due: Timestamp) -> Consequence {
    let (kind, purpose) = (EntryKind::Charge, Purpose::Order);
    Consequence::Book(Booking { kind, purpose, amount, method, state, origin: None, due })
}

fn first_of(charge: EntryNo) -> Origin {
    Origin { charge, repeats: None, declines: 0 }
}

fn refund(amount: Money, purpose: Purpose, method: PaymentMethod, origin: Origin, due: Timestamp) -> Consequence {
    let (kind, state) = (EntryKind::Refund, EntryState::Booked);
    Consequence::Book(Booking { kind, purpose, amount, method, state, origin: Some(origin), due })
}
