//! What a customer is told about the money: computed from the ledger, first match.

use crate::money::{Money, MoneyError};
use crate::order::{OrderState, Status};

use super::entry::{Entry, EntryKind, EntryState, PaymentMethod, Purpose};
use super::ledger::Ledger;
use super::next_step::is_wanted;

/// Where the money of an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    /// A person has to look at an entry.
    Review,
    /// A charge is under way.
    Processing,
    /// A refund is under way.
    RefundPending,
    /// All that was charged is back.
    Refunded,
    /// Part of it is back, by goodwill or a return.
    PartiallyRefunded,
    /// Paid, or nothing to pay.
    Paid,
    /// The charge was declined.
    Declined,
    /// Not paid.
    Unpaid,
}

impl PaymentStatus {
    /// All of them, in the order in which they are looked for.
    pub const ALL: [Self; 8] = [
        Self::Review,
        Self::Processing,
        Self::RefundPending,
        Self::Refunded,
        Self::PartiallyRefunded,
        Self::Paid,
        Self::Declined,
        Self::Unpaid,
    ];

    /// Its name on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Processing => "processing",
            Self::RefundPending => "refund_pending",
            Self::Refunded => "refunded",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Paid => "paid",
            Self::Declined => "declined",
            Self::Unpaid => "unpaid",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// Where the money of an order stands. `review` looks at every entry. For the rest, on an order that is not cancelled:
/// refunds of edits count as never charged, a charge under way that nobody wants does not count, and on a cash order
/// only cash charges and their refunds count.
///
/// # Errors
/// [`MoneyError`] when a sum does not fit.
pub fn payment_status(order: &OrderState, ledger: &Ledger) -> Result<PaymentStatus, MoneyError> {
    use EntryKind::{Charge, Refund};
    let live = order.status != Status::Cancelled;
    if ledger.entries().iter().any(|entry| entry.state == EntryState::Review) {
        return Ok(PaymentStatus::Review);
    }
    let by_cash_only = live && order.payment_method == PaymentMethod::Cash;
    let is_cash = |entry: &Entry| entry.kind == Charge && entry.method == PaymentMethod::Cash;
    let counts = |entry: &&Entry| {
        !by_cash_only || is_cash(entry) || entry.charge().and_then(|n| ledger.get(n)).is_some_and(is_cash)
    };
    let entries: Vec<&Entry> = ledger.entries().iter().filter(counts).collect();
    let under_way = |entry: &Entry| matches!(entry.state, EntryState::Booked | EntryState::Sent);
    if entries.iter().any(|entry| entry.kind == Charge && under_way(entry) && (!live || is_wanted(order, entry))) {
        return Ok(PaymentStatus::Processing);
    }
    if entries.iter().any(|entry| entry.kind == Refund && under_way(entry)) {
        return Ok(PaymentStatus::RefundPending);
    }
    let settled = |which: &dyn Fn(&Entry) -> bool| -> Result<Money, MoneyError> {
        let counted = entries.iter().filter(|entry| entry.state == EntryState::Settled && which(entry));
        Money::sum(order.currency, counted.map(|entry| entry.amount))
    };
    let charged = settled(&|entry| entry.kind == Charge)?;
    let refunded = settled(&|entry| entry.kind == Refund)?;
    let by_edits = settled(&|entry| entry.kind == Refund && entry.purpose == Purpose::Edit)?;
    if !charged.is_zero() && charged == refunded && !(live && by_edits == charged) {
        return Ok(PaymentStatus::Refunded);
    }
    let given = |entry: &&Entry| {
        entry.state == EntryState::Settled
            && entry.kind == Refund
            && matches!(entry.purpose, Purpose::Goodwill | Purpose::Return)
    };
    if entries.iter().any(given) {
        return Ok(PaymentStatus::PartiallyRefunded);
    }
    let paid = charged.minus(by_edits)?;
    if (order.total.is_zero() && live) || (paid.minor() > 0 && paid.minor() >= order.total.minor()) {
        return Ok(PaymentStatus::Paid);
    }
    if entries.iter().any(|entry| entry.kind == Charge && entry.state == EntryState::Declined) {
        return Ok(PaymentStatus::Declined);
    }
    Ok(PaymentStatus::Unpaid)
}
