//! What has happened to an order. One event is one entry of its timeline and raises its version by one.

use crate::geo::Destination;
use crate::ids::{EntryNo, UserId};
use crate::money::Money;
use crate::ports::TaskKind;
use crate::text::Text;
use crate::time::Timestamp;

use super::adjustment::NewTotal;
use super::command::CancelCode;
use super::edit::Edit;
use super::place::Placed;
use super::resolve::Outcome;
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
        paid: Option<(EntryNo, Option<String>)>,
        /// An admin confirmed an unpaid order as cash.
        as_cash: bool,
        /// Of a scheduled order: when it is to be released. Any other is released with its confirmation.
        release_at: Option<Timestamp>,
    },
    /// The shop may begin with it: its time is near.
    Released,
    /// It is wanted at another time, or as soon as can be.
    Rescheduled {
        /// When, if at a time.
        scheduled_for: Option<Timestamp>,
        /// When it is to be released, if nothing else is waited for.
        release_at: Option<Timestamp>,
    },
    /// Other lines took the place of its lines.
    Edited(Box<Edit>),
    /// The difference that an edit made was paid.
    EditPaid {
        /// The charge of the difference.
        entry: EntryNo,
        /// What the payment service calls it, where it said so itself.
        transaction_id: Option<String>,
        /// When the order is to be released, if it waited for this.
        release_at: Option<Timestamp>,
    },
    /// The difference that an edit made was declined, or not paid in time: the order is what it was before.
    EditReverted {
        /// The charge whose decline did it.
        declined: Option<EntryNo>,
        /// When the order is to be released, if it waited for this.
        release_at: Option<Timestamp>,
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
        /// What delivery costs there and what follows from that, if it is not what it cost.
        fee: Option<(Money, NewTotal)>,
    },
    /// The courier should know something else.
    InstructionsChanged {
        /// What; nothing any more.
        instructions: Option<Text<500>>,
        /// It came with an address where delivery costs something else, and goes with that if that is reverted.
        with_fee: bool,
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
        /// What the payment service calls it, where it said so itself.
        transaction_id: Option<String>,
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
        /// What the payment service calls it, where it said so itself.
        transaction_id: Option<String>,
        /// It was paid from hand to hand.
        by_hand: bool,
    },
    /// A refund was declined and is booked again under the next key.
    RefundDeclined {
        /// Which.
        entry: EntryNo,
        /// When the one that repeats it is due.
        again_at: Timestamp,
        /// Declines in a row before that one.
        declines: u32,
    },
    /// What has become of a charge can't be found out: a person has to look.
    ChargeInReview {
        /// Which.
        entry: EntryNo,
    },
    /// A refund was declined too often, or what has become of it can't be found out: a person has to look.
    RefundInReview {
        /// Which.
        entry: EntryNo,
    },
    /// An admin has found out what has become of an entry. What follows from that is the next event.
    Resolved {
        /// Which.
        entry: EntryNo,
        /// What.
        outcome: Outcome,
        /// How they know, in words.
        reason: Text<500>,
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
            Self::Released => "released",
            Self::Rescheduled { .. } => "rescheduled",
            Self::Edited(_) => "edited",
            Self::EditPaid { .. } => "edit_paid",
            Self::EditReverted { .. } => "edit_reverted",
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
            Self::ChargeInReview { .. } => "charge_in_review",
            Self::RefundInReview { .. } => "refund_in_review",
            Self::Resolved { .. } => "resolved",
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
            Self::Released
            | Self::Rescheduled { .. }
            | Self::Edited(_)
            | Self::EditPaid { .. }
            | Self::EditReverted { .. }
            | Self::Assigned { .. }
            | Self::Unassigned { .. }
            | Self::AddressChanged { .. }
            | Self::InstructionsChanged { .. }
            | Self::GoodwillGranted { .. }
            | Self::ChargeSettled { .. }
            | Self::ChargeDeclined { .. }
            | Self::ChargeWithdrawn { .. }
            | Self::RefundSettled { .. }
            | Self::RefundDeclined { .. }
            | Self::ChargeInReview { .. }
            | Self::RefundInReview { .. }
            | Self::Resolved { .. }
            | Self::TaskRetried { .. }
            | Self::TaskDiscarded { .. } => None,
        }
    }

    /// Whether only the service itself lets it happen, whoever asked for what led to it: what becomes of money, and what
    /// follows from that.
    pub const fn is_the_systems(&self) -> bool {
        match self {
            Self::Confirmed { as_cash, .. } => !*as_cash,
            Self::Cancelled { declined, .. } => declined.is_some(),
            Self::Released
            | Self::EditPaid { .. }
            | Self::EditReverted { .. }
            | Self::ChargeSettled { .. }
            | Self::ChargeDeclined { .. }
            | Self::ChargeWithdrawn { .. }
            | Self::RefundSettled { .. }
            | Self::RefundDeclined { .. }
            | Self::ChargeInReview { .. }
            | Self::RefundInReview { .. } => true,
            Self::Placed(_)
            | Self::PreparationStarted
            | Self::Dispatched
            | Self::Delivered
            | Self::Rescheduled { .. }
            | Self::Edited(_)
            | Self::Assigned { .. }
            | Self::Unassigned { .. }
            | Self::AddressChanged { .. }
            | Self::InstructionsChanged { .. }
            | Self::GoodwillGranted { .. }
            | Self::Resolved { .. }
            | Self::TaskRetried { .. }
            | Self::TaskDiscarded { .. } => false,
        }
    }

    /// The words that came with it: kept in a note beside the stored event, which erasure may blank.
    pub fn note(&self) -> Option<&Text<500>> {
        match self {
            Self::Cancelled { reason, .. } => reason.as_ref(),
            Self::GoodwillGranted { reason, .. } | Self::Resolved { reason, .. } => Some(reason),
            Self::Placed(_)
            | Self::Confirmed { .. }
            | Self::Released
            | Self::Rescheduled { .. }
            | Self::Edited(_)
            | Self::EditPaid { .. }
            | Self::EditReverted { .. }
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
            | Self::ChargeInReview { .. }
            | Self::RefundInReview { .. }
            | Self::TaskRetried { .. }
            | Self::TaskDiscarded { .. } => None,
        }
    }

    /// The entry whose money moved with it.
    pub const fn settled_entry(&self) -> Option<EntryNo> {
        match self {
            Self::Confirmed { paid: Some((entry, _)), .. }
            | Self::EditPaid { entry, .. }
            | Self::ChargeSettled { entry, .. }
            | Self::RefundSettled { entry, .. } => Some(*entry),
            Self::Placed(_)
            | Self::Confirmed { paid: None, .. }
            | Self::Released
            | Self::Rescheduled { .. }
            | Self::Edited(_)
            | Self::EditReverted { .. }
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
            | Self::ChargeInReview { .. }
            | Self::RefundInReview { .. }
            | Self::Resolved { .. }
            | Self::TaskRetried { .. }
            | Self::TaskDiscarded { .. } => None,
        }
    }
}
