//! What the task of an entry does next. Derived from the order as loaded, never remembered.

use crate::ids::EntryNo;
use crate::order::{Inconsistent, OrderState, Status};
use crate::rules::Rules;
use crate::time::{Timestamp, after};

use super::entry::{Entry, EntryKind, EntryState, PaymentMethod, Purpose};
use super::ledger::Ledger;

/// The next step of an entry's task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The entry is where it ends, or a person has to move it: the task is done.
    Finish,
    /// Nobody wants it any more and no call was made: withdraw it.
    Withdraw,
    /// The order is unpaid after its time: cancel it. A sent charge is followed on.
    TimeOut,
    /// Mark it sent, then call.
    Send,
    /// It was sent before: ask again, with the same key.
    AskAgain,
}

/// Does anybody still want this entry? A charge is wanted while the order is pending, to be paid online, and it is the
/// order's charge. A refund always is.
pub fn is_wanted(order: &OrderState, entry: &Entry) -> bool {
    match entry.kind {
        EntryKind::Refund => true,
        EntryKind::Charge => {
            order.status == Status::Pending
                && order.payment_method == PaymentMethod::Online
                && entry.purpose == Purpose::Order
        }
    }
}

/// The moment from which an unpaid order is overdue: `PAYMENT_TIMEOUT` after it was placed.
pub fn overdue_at(order: &OrderState, rules: &Rules) -> Timestamp {
    after(order.created_at, rules.payment_timeout)
}

/// What the task of entry `n` does next.
///
/// # Errors
/// [`Inconsistent`] when there is no such entry.
pub fn next_step(
    order: &OrderState,
    ledger: &Ledger,
    n: EntryNo,
    rules: &Rules,
    now: Timestamp,
) -> Result<Step, Inconsistent> {
    let entry = ledger.entry(n)?;
    let wanted = is_wanted(order, entry);
    let overdue = entry.kind == EntryKind::Charge && wanted && now >= overdue_at(order, rules);
    Ok(match entry.state {
        EntryState::Settled | EntryState::Declined | EntryState::Withdrawn | EntryState::Review => Step::Finish,
        EntryState::Booked if !wanted => Step::Withdraw,
        EntryState::Booked | EntryState::Sent if overdue => Step::TimeOut,
        EntryState::Booked if entry.method == PaymentMethod::Cash => Step::Finish,
        EntryState::Booked => Step::Send,
        EntryState::Sent => Step::AskAgain,
    })
}
