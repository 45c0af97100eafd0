//! An admin says what has become of an entry that nobody else can tell: one in review, or a refund in cash.
//!
//! The word itself is one event; what follows from it is the same as if the payment service had said it.

use crate::ids::EntryNo;
use crate::payment::{Entry, EntryKind, EntryState, PaymentMethod};
use crate::rules::Rules;
use crate::text::Text;
use crate::time::Timestamp;

use super::decide::{charge_declined, charge_settled};
use super::error::{DomainError, Rejection};
use super::event::Event;
use super::state::Order;

/// What an admin has found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The payment service shows that the money has moved. Of a refund in cash: it has been handed over.
    Settled,
    /// A refund was paid back in another way.
    ByHand,
    /// The payment service shows that it has not moved and never will under this key.
    NotSettled,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Settled, Self::ByHand, Self::NotSettled];

    /// Its name on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::ByHand => "by_hand",
            Self::NotSettled => "not_settled",
        }
    }

    /// The outcome of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// Which events an admin's word yields: it, and what follows from it.
pub(super) fn decide(
    order: &Order,
    n: EntryNo,
    outcome: Outcome,
    reason: Text<500>,
    rules: &Rules,
    now: Timestamp,
) -> Result<Vec<Event>, DomainError> {
    let Some(entry) = order.ledger.get(n) else { return Err(Rejection::NoSuchEntry { entry: n }.into()) };
    if !is_resolvable(entry) {
        return Err(Rejection::NotInReview { entry: n, state: entry.state }.into());
    }
    let in_cash = entry.method == PaymentMethod::Cash;
    let follows = match (entry.kind, outcome) {
        (EntryKind::Charge, Outcome::Settled) => charge_settled(order, entry, None, rules, now),
        (EntryKind::Charge, Outcome::NotSettled) => charge_declined(order, entry, rules, now),
        (EntryKind::Charge, Outcome::ByHand) => return Err(Rejection::OutcomeNotPossible { outcome }.into()),
        (EntryKind::Refund, Outcome::NotSettled) if in_cash => {
            return Err(Rejection::OutcomeNotPossible { outcome }.into());
        }
        (EntryKind::Refund, Outcome::NotSettled) => Event::RefundDeclined { entry: n, again_at: now, declines: 0 },
        (EntryKind::Refund, Outcome::Settled | Outcome::ByHand) => {
            Event::RefundSettled { entry: n, transaction_id: None, by_hand: in_cash || outcome == Outcome::ByHand }
        }
    };
    Ok(vec![Event::Resolved { entry: n, outcome, reason }, follows])
}

/// In review, or a refund that an admin hands over in cash.
fn is_resolvable(entry: &Entry) -> bool {
    let cash_to_hand_over = entry.kind == EntryKind::Refund && entry.method == PaymentMethod::Cash;
    entry.state == EntryState::Review || cash_to_hand_over && entry.state == EntryState::Booked
}
