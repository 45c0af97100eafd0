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
    /// Nothing is to be done before that moment.
    WaitUntil(Timestamp),
    /// No call under its key is under way any more, and none may be made: a person has to look.
    Review,
}

/// Does anybody still want this entry? A charge is wanted while the order is pending, to be paid online, and it is the
/// order's charge; or while it is the charge of the open adjustment. A refund always is.
pub fn is_wanted(order: &OrderState, entry: &Entry) -> bool {
    match entry.kind {
        EntryKind::Refund => true,
        EntryKind::Charge => {
            if order.status == Status::Pending {
                order.payment_method == PaymentMethod::Online && entry.purpose == Purpose::Order
            } else {
                order.adjustment.as_ref().is_some_and(|adjustment| adjustment.charge == entry.n)
            }
        }
    }
}

/// The moment from which a charge is overdue: `PAYMENT_TIMEOUT` after the order was placed, or, of an edit's, after the
/// edit.
pub fn overdue_at(order: &OrderState, charge: &Entry, rules: &Rules) -> Timestamp {
    let since = if charge.purpose == Purpose::Edit { charge.created_at } else { order.created_at };
    after(since, rules.payment_timeout)
}

/// A share of `PAYMENT_KEY_TTL`, 1/24: longer than any call takes. No try starts in the last of them, so that the payment
/// service still knows the key when the call arrives; and a person looks only when one more has passed without a try, so
/// that no call is under way any more.
const SHARE: u32 = 24;

/// From when on no call is made under the key of an entry that was sent; `None`: not known yet.
fn no_try_from(entry: &Entry, rules: &Rules) -> Option<Timestamp> {
    let ttl = rules.payment_key_ttl;
    let forgotten = entry.first_tried_at.map(|first| after(first, ttl.saturating_sub(ttl / SHARE)));
    let refused = entry.refused_at.filter(|_| entry.refusals >= rules.payment_refusals);
    match (forgotten, refused) {
        (Some(forgotten), Some(refused)) => Some(forgotten.min(refused)),
        (forgotten, refused) => forgotten.or(refused),
    }
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
    let overdue_at = (entry.kind == EntryKind::Charge && wanted).then(|| overdue_at(order, entry, rules));
    let overdue = overdue_at.is_some_and(|at| now >= at);
    Ok(match entry.state {
        EntryState::Settled | EntryState::Declined | EntryState::Withdrawn => Step::Finish,
        EntryState::Booked if !wanted => Step::Withdraw,
        EntryState::Booked | EntryState::Sent | EntryState::Review if overdue => Step::TimeOut,
        // Nothing more is to be found out; but the order does not wait for a person longer than for the money.
        EntryState::Review => overdue_at.map_or(Step::Finish, Step::WaitUntil),
        EntryState::Booked if entry.method == PaymentMethod::Cash => Step::Finish,
        EntryState::Booked => Step::Send,
        EntryState::Sent => match no_try_from(entry, rules) {
            Some(closed) if now >= closed => {
                let quiet = after(closed, rules.payment_key_ttl / SHARE);
                // The order does not wait for that longer than for its money.
                if now >= quiet { Step::Review } else { Step::WaitUntil(overdue_at.map_or(quiet, |at| at.min(quiet))) }
            }
            _ => Step::AskAgain,
        },
    })
}
