//! The aggregate: the state of an order with its ledger, and the one way back from where it was stored.

use crate::geo::Destination;
use crate::ids::{EntryNo, OrderId, UserId};
use crate::money::{Currency, Money};
use crate::payment::{Entry, EntryKind, EntryState, Ledger, PaymentMethod, PaymentStatus, payment_status};
use crate::pricing::FeePrices;
use crate::text::Text;
use crate::time::Timestamp;

use super::actor::Actor;
use super::adjustment::Adjustment;
use super::command::CancelCode;
use super::error::Inconsistent;
use super::line::{CartLine, Line};
use super::status::Status;

/// The number of events an order has had. Each raises it by one, so it serves as an entity tag.
pub type Version = i64;

/// How and why an order was cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// Why, as a code.
    pub code: CancelCode,
    /// Why, in words.
    pub reason: Option<Text<500>>,
}

/// What the fee depends on: as it was when the order was placed, and the place as it was last changed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeeTerms {
    /// Kilometres to the nearest fulfilment point, where both places were known.
    pub distance_km: Option<f64>,
    /// What delivery cost at which distance.
    pub prices: FeePrices,
}

/// Inputs that are frozen at placing.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// The subtotal as placed.
    pub placed_subtotal: Money,
    /// The discount as granted.
    pub granted_discount: Money,
    /// What the fee depended on.
    pub fee: FeeTerms,
    /// The cart's lines that were ordered: what clearing the cart may remove.
    pub cart_lines: Vec<CartLine>,
}

/// The state of an order, its ledger aside. Freely built and read; only [`Order::restore`] and the events of [`super`]
/// turn it into an [`Order`].
#[derive(Debug, Clone, PartialEq)]
pub struct OrderState {
    /// Its number.
    pub id: OrderId,
    /// Whose it is.
    pub customer: UserId,
    /// The courier it is assigned to.
    pub courier: Option<UserId>,
    /// Where it stands.
    pub status: Status,
    /// How it is paid.
    pub payment_method: PaymentMethod,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// Its lines, in the cart's order.
    pub lines: Vec<Line>,
    /// `Σ price × quantity`.
    pub subtotal: Money,
    /// What the cart's promotion takes off, at most the subtotal.
    pub discount: Money,
    /// What delivery costs.
    pub delivery_fee: Money,
    /// `subtotal − discount + delivery fee`.
    pub total: Money,
    /// Where it goes.
    pub destination: Destination,
    /// What the customer wants the courier to know.
    pub instructions: Option<Text<500>>,
    /// Inputs that are frozen at placing.
    pub terms: Terms,
    /// An edit whose difference is not paid yet.
    pub adjustment: Option<Adjustment>,
    /// When it is wanted, if its customer named a time.
    pub scheduled_for: Option<Timestamp>,
    /// When it was released to the shop: with its confirmation; a scheduled one later.
    pub released_at: Option<Timestamp>,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// How it was cancelled.
    pub cancellation: Option<Cancellation>,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When its last event happened.
    pub updated_at: Timestamp,
    /// How many events it has had.
    pub version: Version,
}

/// An order that is whole: its sums add up, and its ledger is within what was charged.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub(super) state: OrderState,
    pub(super) ledger: Ledger,
}

impl Order {
    /// An order as it was stored.
    ///
    /// # Errors
    /// [`Inconsistent`] when the state contradicts itself: sums that do not add up, a cancellation without its time, a
    /// ledger that gives back more than it took.
    pub fn restore(state: OrderState, ledger: Ledger) -> Result<Self, Inconsistent> {
        let wrong = |what: &str| Err(Inconsistent(format!("order {}: {what}", state.id)));
        let gross = state.lines.iter().map(Line::gross).collect::<Result<Vec<_>, _>>()?;
        let net = Money::sum(state.currency, state.lines.iter().map(|line| line.net))?;
        if state.lines.is_empty() {
            return wrong("no lines");
        }
        if Money::sum(state.currency, gross)? != state.subtotal {
            return wrong("the lines do not add up to the subtotal");
        }
        if state.discount.is_negative() || net != state.subtotal.minus(state.discount)? {
            return wrong("the nets do not add up to subtotal - discount");
        }
        if state.discount.minor() > state.subtotal.minor() {
            return wrong("the discount is above the subtotal");
        }
        if net.plus(state.delivery_fee)? != state.total || state.delivery_fee.is_negative() {
            return wrong("total is not subtotal - discount + fee");
        }
        if (state.status == Status::Cancelled) != state.cancellation.is_some() {
            return wrong("the status and the cancellation disagree");
        }
        if let Some(adjustment) = &state.adjustment {
            let charge = ledger.get(adjustment.charge);
            if state.status != Status::Confirmed
                || !charge.is_some_and(|entry| entry.kind == EntryKind::Charge && entry.state.is_open())
            {
                return wrong("an adjustment without its charge");
            }
        }
        if state.version < 1 || state.updated_at < state.created_at {
            return wrong("version or times are impossible");
        }
        if ledger.left()?.is_negative() {
            return wrong("more is refunded or held than was charged");
        }
        Ok(Self { state, ledger })
    }

    /// Everything about it, its ledger aside.
    pub fn state(&self) -> &OrderState {
        &self.state
    }

    /// Its ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Its number.
    pub fn id(&self) -> OrderId {
        self.state.id
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        self.state.status
    }

    /// How many events it has had.
    pub fn version(&self) -> Version {
        self.state.version
    }

    /// Where its money stands.
    ///
    /// # Errors
    /// [`Inconsistent`] when a sum does not fit.
    pub fn payment_status(&self) -> Result<PaymentStatus, Inconsistent> {
        Ok(payment_status(&self.state, &self.ledger)?)
    }

    /// What the courier takes in cash: the total of a cash order until it is delivered, else nothing.
    pub fn amount_to_collect(&self) -> Money {
        let on_its_way = match self.state.status {
            Status::Pending | Status::Confirmed | Status::Preparing | Status::OutForDelivery => true,
            Status::Delivered
            | Status::Cancelled
            | Status::ReturnRequested
            | Status::ReturnApproved
            | Status::PickedUp
            | Status::Refunded => false,
        };
        if on_its_way && self.state.payment_method == PaymentMethod::Cash {
            self.state.total
        } else {
            Money::zero(self.state.currency)
        }
    }

    /// `booked → sent`, the move that is committed before a call. With its way back it is the only one without an
    /// event: it changes nothing that anybody is shown.
    ///
    /// # Errors
    /// [`Inconsistent`] when the entry is not booked.
    pub fn mark_sent(&mut self, n: EntryNo, at: Timestamp) -> Result<&Entry, Inconsistent> {
        let entry = self.ledger.shift(n, EntryState::Sent, at)?;
        entry.first_tried_at.get_or_insert(at);
        entry.attempts += 1;
        Ok(entry)
    }

    /// `sent → booked`: the one call of whoever marked it sent was refused before it connected.
    ///
    /// # Errors
    /// [`Inconsistent`] when the entry is not sent.
    pub fn put_back(&mut self, n: EntryNo, at: Timestamp) -> Result<(), Inconsistent> {
        // Nothing has arrived under its key: the time for which that is kept has not begun.
        self.ledger.shift(n, EntryState::Booked, at)?.first_tried_at = None;
        Ok(())
    }
}
