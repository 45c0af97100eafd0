//! What is refused, and why: in data, so that any surface can say it in its own words.

use crate::ids::EntryNo;
use crate::money::{Money, MoneyError};
use crate::payment::EntryState;
use crate::ports::TaskKind;
use crate::pricing::Shortage;
use crate::time::Timestamp;

use super::resolve::Outcome;
use super::status::Status;

/// A command that the rules refuse. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The cart holds nothing.
    #[error("the cart is empty")]
    CartEmpty,
    /// The cart or a product can't be as the outside services say.
    #[error("{0}")]
    Implausible(Implausible),
    /// Products that can't be had as asked, all of them.
    #[error("{} product(s) can't be had as asked", .0.len())]
    OutOfStock(Vec<Shortage>),
    /// The shop does not deliver there.
    #[error("the address is outside the delivery area")]
    NotServiceable,
    /// Cash can't be chosen in this shop.
    #[error("cash on delivery is not offered")]
    CashNotAccepted,
    /// The table has no such row for this caller now.
    #[error("an order that is {} can't become {}", current.name(), asked.name())]
    IllegalTransition {
        /// Where it stands.
        current: Status,
        /// What was asked.
        asked: Status,
        /// What this caller may make of it now.
        allowed: Vec<Status>,
    },
    /// This step needs somebody's word why.
    #[error("a reason is required to make an order {}", to.name())]
    ReasonRequired {
        /// The step.
        to: Status,
    },
    /// A step that needs an assigned courier, or would leave an order on its way without one.
    #[error("the order needs a courier")]
    CourierRequired,
    /// Another courier has it.
    #[error("another courier has taken the order")]
    AlreadyTaken,
    /// A courier can't take or be given an order in this status.
    #[error("a courier can't be assigned while the order is {}", current.name())]
    NotAssignable {
        /// Where it stands.
        current: Status,
    },
    /// The shop packs it already, or it has ended: where it goes and what the courier should know stay as they are.
    #[error("an order that is {} can't be changed", current.name())]
    NotChangeable {
        /// Where it stands.
        current: Status,
    },
    /// A scheduled order that the shop works on already.
    #[error("the order has been released to the shop")]
    AlreadyReleased,
    /// A charge is under way that may take the amount as it was.
    #[error("a payment for the order is under way")]
    PaymentInProgress,
    /// The difference that an earlier edit made is not paid yet.
    #[error("an earlier change of the order is not paid yet")]
    AdjustmentOpen,
    /// An edit after which products would stand at more prices than an order has lines.
    #[error("the order would have more than 100 lines")]
    TooManyLines,
    /// A time that has passed.
    #[error("the time has passed")]
    ScheduledInThePast,
    /// A time that is too near.
    #[error("the time is too near: {earliest} at the earliest")]
    ScheduledTooSoon {
        /// The first that could be promised.
        earliest: Timestamp,
    },
    /// A time that is too far away.
    #[error("the time is too far away: {latest} at the latest")]
    ScheduledTooLate {
        /// The last that can be promised.
        latest: Timestamp,
    },
    /// The order has no such entry.
    #[error("there is no payment {entry}")]
    NoSuchEntry {
        /// Which entry.
        entry: EntryNo,
    },
    /// Nobody has to say what has become of that entry.
    #[error("payment {entry} is {}, not in review", state.name())]
    NotInReview {
        /// Which entry.
        entry: EntryNo,
        /// Its state.
        state: EntryState,
    },
    /// That can't be what has become of it.
    #[error("that can't have become {} of it", outcome.name())]
    OutcomeNotPossible {
        /// What was said.
        outcome: Outcome,
    },
    /// It is not time for the release, or the order does not wait for it.
    #[error("the release is not due")]
    NotDue,
    /// An amount to give back that is not above 0.
    #[error("an amount to give back is above 0")]
    AmountNotPositive,
    /// More than is left of what was charged.
    #[error("only {refundable} can be given back")]
    RefundExceedsCharge {
        /// What is left.
        refundable: Money,
    },
    /// It is not this actor's to ask: another's order, or a command of somebody else's.
    #[error("not theirs to ask")]
    NotYours,
    /// The answer came too late: the entry has moved on.
    #[error("entry {entry} is {} already", state.name())]
    EntryMoved {
        /// Which entry.
        entry: EntryNo,
        /// Its state.
        state: EntryState,
    },
    /// A worker is at it: what becomes of it is open.
    #[error("the task is being done at the moment")]
    TaskRunning,
    /// What moves money is never given up.
    #[error("a task of the kind {} is never discarded", task.name())]
    NeverDiscarded {
        /// What is to be done.
        task: TaskKind,
    },
    /// Payment is still in time, or the charge is not wanted: there is nothing to time out.
    #[error("the payment is not overdue")]
    NotOverdue,
}

/// An answer of an outside service that can't be true.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Implausible {
    /// More lines than an order can have.
    #[error("the cart has more than 100 lines")]
    TooManyLines,
    /// A price that is not above 0, or above the largest.
    #[error("product {0} has an impossible price")]
    Price(crate::ids::ProductId),
    /// A discount below 0.
    #[error("the cart's discount is negative")]
    Discount,
    /// An amount in another currency, or too large.
    #[error("an amount is impossible: {0}")]
    Amount(#[from] MoneyError),
}

/// A state that no sequence of events leads to: a row that was tampered with, or a bug. Never a caller's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("inconsistent order: {0}")]
pub struct Inconsistent(pub String);

impl From<MoneyError> for Inconsistent {
    fn from(error: MoneyError) -> Self {
        Self(error.to_string())
    }
}

/// Why a command led to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// The rules refuse it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The order contradicts itself.
    #[error(transparent)]
    Inconsistent(#[from] Inconsistent),
}

impl From<MoneyError> for DomainError {
    fn from(error: MoneyError) -> Self {
        Self::Inconsistent(error.into())
    }
}
