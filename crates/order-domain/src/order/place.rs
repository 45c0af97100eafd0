//! Placing: a priced cart becomes an order.

use crate::geo::Destination;
use crate::ids::{LineId, OrderId, UserId};
use crate::money::{Currency, Money};
use crate::payment::{Ledger, PaymentMethod};
use crate::pricing::{MAX_LINES, MAX_UNIT_PRICE, Quantity, price};
use crate::rules::Rules;
use crate::text::Text;
use crate::time::Timestamp;

use super::actor::Actor;
use super::change::{Change, apply};
use super::error::{DomainError, Implausible, Inconsistent, Rejection};
use super::event::Event;
use super::line::{CartLine, Line, Product};
use super::schedule;
use super::state::{FeeTerms, Order, OrderState, Terms};
use super::status::Status;

/// What the cart holds, with the products as the product service has them now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basket {
    /// Products and units, in the cart's order.
    pub lines: Vec<(Product, Quantity)>,
    /// The same as the cart service names them.
    pub cart_lines: Vec<CartLine>,
    /// What the cart's promotion takes off.
    pub promo_discount: Money,
}

/// An order that is to be placed.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOrder {
    /// Its number.
    pub id: OrderId,
    /// Whose it is.
    pub customer: UserId,
    /// Where it goes.
    pub destination: Destination,
    /// What the customer wants the courier to know.
    pub instructions: Option<Text<500>>,
    /// How it is paid.
    pub method: PaymentMethod,
    /// When it is wanted, if at a time.
    pub scheduled_for: Option<Timestamp>,
    /// What is bought.
    pub basket: Basket,
}

/// The first event of an order: all that it starts with.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Its number.
    pub id: OrderId,
    /// Whose it is.
    pub customer: UserId,
    /// Where it goes.
    pub destination: Destination,
    /// What the customer wants the courier to know.
    pub instructions: Option<Text<500>>,
    /// How it is paid.
    pub method: PaymentMethod,
    /// When it is wanted, if at a time.
    pub scheduled_for: Option<Timestamp>,
    /// The currency of its amounts.
    pub currency: Currency,
    /// Its lines.
    pub lines: Vec<Line>,
    /// `Σ price × quantity`.
    pub subtotal: Money,
    /// The discount.
    pub discount: Money,
    /// The delivery fee.
    pub delivery_fee: Money,
    /// The total.
    pub total: Money,
    /// Inputs that are frozen.
    pub terms: Terms,
}

/// Places an order, or says why not. An order with nothing to pay online is confirmed at once, which is the system's
/// doing: the table lets no customer confirm.
///
/// # Errors
/// [`Rejection::CartEmpty`], [`Rejection::Implausible`], [`Rejection::NotServiceable`], [`Rejection::CashNotAccepted`],
/// [`Rejection::ScheduledTooSoon`] and its like for a time that can't be promised; stock is [`crate::pricing::shortages`]' affair.
pub fn place(new: NewOrder, rules: &Rules, now: Timestamp) -> Result<Change, DomainError> {
    let customer = Actor::Customer(new.customer.clone());
    if let Some(at) = new.scheduled_for {
        schedule::can_be_promised(at, rules, now)?;
    }
    let placed = priced(new, rules)?;
    let nothing_to_charge = placed.method == PaymentMethod::Cash || placed.total.is_zero();
    let order = Order::begin(&placed, now);
    let mut events = vec![(customer, Event::Placed(Box::new(placed)))];
    if nothing_to_charge {
        events.push((Actor::System, schedule::confirmation(&order.state, None, false, rules, now)));
    }
    Ok(apply(order, None, events, now)?)
}

fn priced(new: NewOrder, rules: &Rules) -> Result<Placed, Rejection> {
    let Basket { lines, cart_lines, promo_discount } = new.basket;
    if lines.is_empty() {
        return Err(Rejection::CartEmpty);
    }
    if lines.len() > MAX_LINES {
        return Err(Rejection::Implausible(Implausible::TooManyLines));
    }
    if let Some((product, _)) = lines.iter().find(|(product, _)| !(1..=MAX_UNIT_PRICE).contains(&product.price.minor()))
    {
        return Err(Rejection::Implausible(Implausible::Price(product.id)));
    }
    if promo_discount.is_negative() {
        return Err(Rejection::Implausible(Implausible::Discount));
    }
    if new.method == PaymentMethod::Cash && !rules.cash_on_delivery {
        return Err(Rejection::CashNotAccepted);
    }
    let fee = rules.fee.evaluate(new.destination.coordinates.as_ref()).map_err(|_| Rejection::NotServiceable)?;
    let impossible = |error| Rejection::Implausible(Implausible::Amount(error));
    let units = lines.iter().map(|(product, quantity)| (product.price, *quantity));
    let prices = price(rules.currency, units, promo_discount, fee.amount).map_err(impossible)?;
    let numbered = (1..).zip(lines).zip(&prices.nets).filter_map(|((number, (product, quantity)), &net)| {
        LineId::new(number).ok().map(|id| Line { id, product, quantity, net })
    });
    Ok(Placed {
        id: new.id,
        customer: new.customer,
        destination: new.destination,
        instructions: new.instructions,
        method: new.method,
        scheduled_for: new.scheduled_for,
        currency: rules.currency,
        lines: numbered.collect(),
        subtotal: prices.subtotal,
        discount: prices.discount,
        delivery_fee: fee.amount,
        total: prices.total,
        terms: Terms {
            placed_subtotal: prices.subtotal,
            granted_discount: prices.discount,
            fee: FeeTerms { distance_km: fee.distance_km, prices: rules.fee.prices.clone() },
            cart_lines,
        },
    })
}

impl Order {
    /// The order that [`Event::Placed`] begins; the event itself makes it version 1.
    pub(super) fn begin(placed: &Placed, at: Timestamp) -> Self {
        let placed = placed.clone();
        let state = OrderState {
            id: placed.id,
            customer: placed.customer,
            courier: None,
            status: Status::Pending,
            payment_method: placed.method,
            currency: placed.currency,
            lines: placed.lines,
            subtotal: placed.subtotal,
            discount: placed.discount,
            delivery_fee: placed.delivery_fee,
            total: placed.total,
            destination: placed.destination,
            instructions: placed.instructions,
            terms: placed.terms,
            adjustment: None,
            scheduled_for: placed.scheduled_for,
            released_at: None,
            delivered_at: None,
            cancellation: None,
            created_at: at,
            updated_at: at,
            version: 0,
        };
        Self { ledger: Ledger::new(placed.currency), state }
    }

    /// Is it complete?
    pub(super) fn checked(self) -> Result<Self, Inconsistent> {
        Self::restore(self.state, self.ledger)
    }
}
