//! What may be asked of an order.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ids::{EntryNo, ProductId, UserId};
use crate::money::Money;
use crate::ports::OpenTask;
use crate::text::Text;

use super::delivery_change::DeliveryChange;
use super::edit::WantedLines;
use super::line::Product;
use super::resolve::Outcome;
use super::status::Status;

/// Why an order was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CancelCode {
    /// Its customer changed their mind.
    CustomerRequest,
    /// The charge was declined.
    PaymentDeclined,
    /// It was unpaid after `PAYMENT_TIMEOUT`.
    PaymentTimeout,
    /// Something was gone.
    OutOfStock,
    /// It could not be handed over.
    DeliveryFailed,
    /// The shop's own reasons.
    Shop,
    /// Anything else.
    Other,
}

impl CancelCode {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::CustomerRequest,
        Self::PaymentDeclined,
        Self::PaymentTimeout,
        Self::OutOfStock,
        Self::DeliveryFailed,
        Self::Shop,
        Self::Other,
    ];

    /// Its name on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CustomerRequest => "customer_request",
            Self::PaymentDeclined => "payment_declined",
            Self::PaymentTimeout => "payment_timeout",
            Self::OutOfStock => "out_of_stock",
            Self::DeliveryFailed => "delivery_failed",
            Self::Shop => "shop",
            Self::Other => "other",
        }
    }

    /// The code of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }

    /// The code of a cancellation by the shop that gives none.
    pub const fn of_shop(from: Status) -> Self {
        match from {
            Status::OutForDelivery => Self::DeliveryFailed,
            Status::Pending
            | Status::Confirmed
            | Status::Preparing
            | Status::Delivered
            | Status::Cancelled
            | Status::ReturnRequested
            | Status::ReturnApproved
            | Status::PickedUp
            | Status::Refunded => Self::Shop,
        }
    }
}

/// What may be asked of an order that exists. Who asks is the [`super::Actor`] beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Move it along the table. To `confirmed`: an admin confirms an unpaid order as cash. To `cancelled`: as
    /// [`Command::Cancel`] with the shop's code.
    SetStatus {
        /// Where to.
        to: Status,
        /// Why, in words.
        reason: Option<Text<500>>,
    },
    /// Cancel it.
    Cancel {
        /// Why, as a code.
        code: CancelCode,
        /// Why, in words.
        reason: Option<Text<500>>,
    },
    /// An admin gives it to a courier.
    Assign {
        /// To whom.
        courier: UserId,
    },
    /// An admin takes it from its courier.
    Unassign,
    /// A courier takes it.
    Take,
    /// A courier gives it back.
    GiveBack,
    /// Its customer or an admin puts other lines in the place of its lines.
    ReplaceLines {
        /// What it is to consist of.
        lines: WantedLines,
        /// The products of which units are added, as they are sold today.
        offered: BTreeMap<ProductId, Product>,
    },
    /// Its customer or an admin changes where it goes, when it is wanted, or what the courier should know, before the shop packs it.
    ChangeDelivery(DeliveryChange),
    /// An admin gives money back out of kindness: any amount above 0 up to what is left of what was charged, in whatever
    /// status. It is booked over the charges, online ones first, the latest first, none beyond what it took; each part
    /// is an entry of its own. What goes back online has a task; cash stays booked until an admin has handed it over.
    ///
    /// An example: 10.98 was charged for the order (entry 1), 3.00 for an edit of it (entry 2), and 1.00 of the first has
    /// been given back (entry 3). 12.98 is left. A goodwill of 4.50 becomes two refunds, 3.00 of entry 2 (entry 4) and
    /// 1.50 of entry 1 (entry 5); 8.48 is left then, which a goodwill of 8.49 exceeds.
    GrantGoodwill {
        /// How much.
        amount: Money,
        /// Why, in words.
        reason: Text<500>,
    },
    /// The payment service says that it took a charge.
    ChargeSettled {
        /// Which.
        entry: EntryNo,
        /// What the payment service calls it.
        transaction_id: String,
    },
    /// The payment service says that it never takes a charge.
    ChargeDeclined {
        /// Which.
        entry: EntryNo,
    },
    /// The payment service says that it paid a refund.
    RefundSettled {
        /// Which.
        entry: EntryNo,
        /// What the payment service calls it.
        transaction_id: String,
    },
    /// The payment service says that it never pays a refund under this key.
    RefundDeclined {
        /// Which.
        entry: EntryNo,
        /// How long the refund that repeats it waits.
        again_in: Duration,
    },
    /// Nobody wants a booked charge any more.
    WithdrawCharge {
        /// Which.
        entry: EntryNo,
    },
    /// An operator has a task of the order tried again at once, whether it waits or is dead.
    RetryTask(OpenTask),
    /// An operator gives a task of the order up.
    DiscardTask(OpenTask),
    /// `PAYMENT_TIMEOUT` has passed: the order is cancelled, or its edit reverted.
    TimeOut {
        /// The charge that is waited for.
        entry: EntryNo,
    },
    /// What has become of an entry can't be found out, and no call under its key is under way any more.
    PutInReview {
        /// Which.
        entry: EntryNo,
    },
    /// An admin says what has become of an entry in review, or that a refund in cash was handed over.
    Resolve {
        /// Which.
        entry: EntryNo,
        /// What.
        outcome: Outcome,
        /// How they know, in words.
        reason: Text<500>,
    },
    /// The time of a scheduled order is near.
    Release {
        /// Something of it is no longer in stock: it is cancelled instead.
        gone: bool,
    },
}
