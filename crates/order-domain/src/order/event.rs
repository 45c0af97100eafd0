//! What has happened to an order. One event is one entry of its timeline and raises its version by one.

use crate::geo::Destination;
use crate::ids::{EntryNo, UserId};
use crate::money::Money;
use crate::ports::TaskKind;
use crate::text::Text;
use crate::time::Timestamp;

use super::command::CancelCode;
use super::place::Placed;
use super::status::Status;

/// Something that has happened. Values that are personal (an address, words) reach the order through here, and are kept
/// with the order, not with the stored event.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A cart became an order.
    Placed(Box<Placed>),
    /// Paid, nothing to pay, or to be paid in cash.
    Confirmed {
        /// The charge that settled, with the payment service's name for it.
        paid: Option<(EntryNo, String)>,
        /// An admin confirmed an unpaid order as cash.
        as_cash: bool,
    },
    /// The shop packs it.
    PreparationStarted,
    /// It is with the courier.
    Dispatched,
    /// It is with the customer.
    Delivered,
    /// It ended before delivery.
    Cancelled {
        /// Why, as a code.
        code: CancelCode,
        /// Why, in words.
        reason: Option<Text<500>>,
        /// The charge whose decline ended it.
        declined: Option<EntryNo>,
    },
    /// A courier has it now.
    Assigned {
        /// Who.
        courier: UserId,
        /// Who had it before.
        previous: Option<UserId>,
    },
    /// No courier has it any more.
    Unassigned {
        /// Who had it before.
        previous: UserId,
    },
    /// It goes to another place, or the same one is called or located otherwise.
    AddressChanged {
        /// Where to.
        destination: Destination,
        /// Kilometres from there to the nearest fulfilment point, where both are known.
        distance_km: Option<f64>,
    },
    /// The courier should know something else.
    InstructionsChanged {
        /// What; nothing any more.
        instructions: Option<Text<500>>,
    },
    /// An admin gives money back out of kindness.
    GoodwillGranted {
        /// How much, over all the charges that it is booked over.
        amount: Money,
        /// Why, in words.
        reason: Text<500>,
    },
    /// A charge settled that nobody wanted any more: it is given back.
    ChargeSettled {
        /// Which.
        entry: EntryNo,
        /// What the payment service calls it.
        transaction_id: String,
    },
    /// A charge was declined that nobody wanted any more.
    ChargeDeclined {
        /// Which.
        entry: EntryNo,
    },
    /// A booked charge was taken back.
    ChargeWithdrawn {
        /// Which.
        entry: EntryNo,
    },
    /// A refund has reached the customer.
    RefundSettled {
        /// Which.
        entry: EntryNo,
        /// What the payment service calls it.
        transaction_id: String,
    },
    /// A refund was declined and is booked again under the next key.
    RefundDeclined {
        /// Which.
        entry: EntryNo,
        /// When the one that repeats it is due.
        again_at: Timestamp,
    },
    /// A refund was declined too often: a person has to look.
    RefundInReview {
        /// Which.
        entry: EntryNo,
    },
    /// An operator has a task tried again, at once.
    TaskRetried {
        /// What is to be done.
        task: TaskKind,
        /// For which entry, where it is an entry's.
        entry: Option<EntryNo>,
    },
    /// An operator has given a task up.
    TaskDiscarded {
        /// What was to be done.
        task: TaskKind,
    },
}

impl Event {
    /// The name of [`Event::Confirmed`]: the one event that a customer is told of in a message of its own.
    pub const CONFIRMED: &'static str = "confirmed";

    /// Its name in timelines, in the database and towards other services.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Placed(_) => "placed",
            Self::Confirmed { .. } => Self::CONFIRMED,
            Self::PreparationStarted => "preparing",
            Self::Dispatched => "out_for_delivery",
            Self::Delivered => "delivered",
            Self::Cancelled { .. } => "cancelled",
            Self::Assigned { .. } => "assigned",
            Self::Unassigned { .. } => "unassigned",
            Self::AddressChanged { .. } => "address_changed",
            Self::InstructionsChanged { .. } => "instructions_changed",
            Self::GoodwillGranted { .. } => "goodwill_granted",
            Self::ChargeSettled { .. } => "charge_settled",
            Self::ChargeDeclined { .. } => "charge_declined",
            Self::ChargeWithdrawn { .. } => "charge_withdrawn",
            Self::RefundSettled { .. } => "refund_settled",
            Self::RefundDeclined { .. } => "refund_declined",
            Self::RefundInReview { .. } => "refund_in_review",
            Self::TaskRetried { .. } => "task_retried",
            Self::TaskDiscarded { .. } => "task_discarded",
        }
    }

    /// The status that the order has through it; `None`: the one it had.
    pub const fn status(&self) -> Option<Status> {
        match self {
            Self::Placed(_) => Some(Status::Pending),
            Self::Confirmed { .. } => Some(Status::Confirmed),
            Self::PreparationStarted => Some(Status::Preparing),
            Self::Dispatched => Some(Status::OutForDelivery),
            Self::Delivered => Some(Status::Delivered),
            Self::Cancelled { .. } => Some(Status::Cancelled),
            Self::Assigned { .. }
            | Self::Unassigned { .. }
            | Self::AddressChanged { .. }
            | Self::InstructionsChanged { .. }
            | Self::GoodwillGranted { .. }
            | Self::ChargeSettled { .. }
            | Self::ChargeDeclined { .. }
            | Self::ChargeWithdrawn { .. }
            | Self::RefundSettled { .. }
            | Self::RefundDeclined { .. }
            | Self::RefundInReview { .. }
            | Self::TaskRetried { .. }
            | Self::TaskDiscarded { .. } => None,
        }
    }

    /// The words that came with it: kept in a note beside the stored event, which erasure may blank.
    pub fn note(&self) -> Option<&Text<500>> {
        match self {
            Self::Cancelled { reason, .. } => reason.as_ref(),
            Self::GoodwillGranted { reason, .. } => Some(reason),
            Self::Placed(_)
            | Self::Confirmed { .. }
            | Self::PreparationStarted
            | Self::Dispatched
            | Self::Delivered
            | Self::Assigned { .. }
            | Self::Unassigned { .. }
            | Self::AddressChanged { .. }
            | Self::InstructionsChanged { .. }
            | Self::ChargeSettled { .. }
            | Self::ChargeDeclined { .. }
            | Self::ChargeWithdrawn { .. }
            | Self::RefundSettled { .. }
            | Self::RefundDeclined { .. }
            | Self::RefundInReview { .. }
            | Self::TaskRetried { .. }
            | Self::TaskDiscarded { .. } => None,
        }
    }

    /// The entry whose money moved with it.
    pub const fn settled_entry(&self) -> Option<EntryNo> {
        match self {
            Self::Confirmed { paid: Some((entry, _)), .. }
            | Self::ChargeSettled { entry, .. }
            | Self::RefundSettled { entry, .. } => Some(*entry),
            Self::Placed(_)
            | Self::Confirmed { paid: None, .. }
            | Self::PreparationStarted
            | Self::Dispatched
            | Self::Delivered
            | Self::Cancelled { .. }
            | Self::Assigned { .. }
            | Self::Unassigned { .. }
            | Self::AddressChanged { .. }
            | Self::InstructionsChanged { .. }
            | Self::GoodwillGranted { .. }
            | Self::ChargeDeclined { .. }
            | Self::ChargeWithdrawn { .. }
            | Self::RefundDeclined { .. }
            | Self::RefundInReview { .. }
            | Self::TaskRetried { .. }
            | Self::TaskDiscarded { .. } => None,
        }
    }
}
