//! Replacing the lines of an order: until the shop packs it, a scheduled one until its release.
//!
//! Units that stay keep the price at which they were bought. Of a product of which fewer are wanted, the newest go first;
//! of one of which more are wanted, what is added costs what it costs today, on a line of its own where the product, its price
//! or anything else that a line copies of it, is another today.

use std::collections::BTreeMap;

use crate::ids::{LineId, ProductId};
use crate::money::Money;
use crate::pricing::{InvalidQuantity, MAX_LINES, MAX_UNIT_PRICE, Quantity, Shortage, ShortageReason, price};
use crate::rules::Rules;
use crate::time::Timestamp;

use super::adjustment::{EditMoney, NewTotal, discount_of, may_cost_otherwise, new_total};
use super::error::{DomainError, Implausible, Rejection};
use super::event::Event;
use super::line::{Line, Product};
use super::schedule;
use super::state::{Order, OrderState};
use super::status::Status;

/// Why lines can't be wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLines {
    /// None: that is a cancellation.
    #[error("an order without lines is cancelled, not edited")]
    Empty,
    /// Over 100.
    #[error("an order has at most 100 lines")]
    TooMany,
    /// Over 999 units of a product, all its lines together.
    #[error("product {0}: at most 999 units")]
    TooManyUnits(ProductId),
}

/// What an order is to consist of: each product once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedLines(Vec<(ProductId, Quantity)>);

impl WantedLines {
    /// Takes products and units; those of a product that is named twice add up.
    ///
    /// # Errors
    /// [`InvalidLines`].
    pub fn new(lines: Vec<(ProductId, Quantity)>) -> Result<Self, InvalidLines> {
        if lines.is_empty() {
            return Err(InvalidLines::Empty);
        }
        if lines.len() > MAX_LINES {
            return Err(InvalidLines::TooMany);
        }
        let mut wanted: Vec<(ProductId, Quantity)> = Vec::with_capacity(lines.len());
        for (product, quantity) in lines {
            match wanted.iter_mut().find(|(known, _)| *known == product) {
                None => wanted.push((product, quantity)),
                Some((_, units)) => {
                    let sum = Quantity::new(units.get() + quantity.get());
                    *units = sum.map_err(|InvalidQuantity| InvalidLines::TooManyUnits(product))?;
                }
            }
        }
        Ok(Self(wanted))
    }

    /// The units that `order` does not have yet: what has to be asked for, and be in stock.
    pub fn added_to(&self, order: &Order) -> Vec<(ProductId, Quantity)> {
        let more = |&(product, quantity): &(ProductId, Quantity)| {
            let has = units_of(&order.state, product);
            Some((product, Quantity::new(quantity.get().checked_sub(has)?).ok()?))
        };
        self.0.iter().filter_map(more).collect()
    }

    /// Is that what the order has, product by product?
    fn is_had_by(&self, state: &OrderState) -> bool {
        state.lines.iter().all(|line| self.0.iter().any(|(product, _)| *product == line.product.id))
            && self.0.iter().all(|&(product, quantity)| units_of(state, product) == quantity.get())
    }
}

fn units_of(state: &OrderState, product: ProductId) -> u32 {
    state.lines.iter().filter(|line| line.product.id == product).map(|line| line.quantity.get()).sum()
}

/// New lines with their prices, and what follows from the new total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The lines.
    pub lines: Vec<Line>,
    /// `Σ price × quantity`.
    pub subtotal: Money,
    /// What the cart's promotion takes off.
    pub discount: Money,
    /// What delivery costs.
    pub delivery_fee: Money,
    /// The total, and what follows from it.
    pub new: NewTotal,
}

impl Order {
    /// Whether its lines may be replaced now.
    ///
    /// # Errors
    /// [`Rejection::NotChangeable`] once it is packed or has ended; [`Rejection::AlreadyReleased`];
    /// [`Rejection::AdjustmentOpen`] and [`Rejection::PaymentInProgress`] while its money is on the way.
    pub fn may_edit(&self) -> Result<(), Rejection> {
        is_unpacked(&self.state)?;
        may_cost_otherwise(self)
    }
}

/// Which events new lines yield. `offered`: the added products as they are today.
pub(super) fn decide(
    order: &Order,
    wanted: &WantedLines,
    offered: &BTreeMap<ProductId, Product>,
    rules: &Rules,
    now: Timestamp,
) -> Result<Vec<Event>, DomainError> {
    if wanted.is_had_by(&order.state) {
        return Ok(Vec::new());
    }
    order.may_edit()?;
    let edit = priced(order, relined(&order.state, wanted, offered)?)?;
    let nothing_to_pay = edit.new.total.is_zero() && edit.new.money == EditMoney::Rebooked;
    let mut events = vec![Event::Edited(Box::new(edit))];
    if nothing_to_pay {
        events.push(schedule::confirmation(&order.state, None, false, rules, now));
    }
    Ok(events)
}

/// Nobody has begun to pack it, nor has it been released at its time.
fn is_unpacked(state: &OrderState) -> Result<(), Rejection> {
    match state.status {
        Status::Pending | Status::Confirmed => {
            if state.scheduled_for.is_some() && state.released_at.is_some() {
                Err(Rejection::AlreadyReleased)
            } else {
                Ok(())
            }
        }
        Status::Preparing
        | Status::OutForDelivery
        | Status::Delivered
        | Status::Cancelled
        | Status::ReturnRequested
        | Status::ReturnApproved
        | Status::PickedUp
        | Status::Refunded => Err(Rejection::NotChangeable { current: state.status }),
    }
}

type Units = (LineId, Product, Quantity);

/// The lines that stay, in their sequence, then those that are new.
fn relined(
    state: &OrderState,
    wanted: &WantedLines,
    offered: &BTreeMap<ProductId, Product>,
) -> Result<Vec<Units>, DomainError> {
    let mut left: BTreeMap<ProductId, u32> = wanted.0.iter().map(|(product, units)| (*product, units.get())).collect();
    let mut lines: Vec<Units> = Vec::new();
    let mut oldest_first: Vec<&Line> = state.lines.iter().collect();
    oldest_first.sort_by_key(|line| line.id);
    for line in oldest_first {
        let Some(rest) = left.get_mut(&line.product.id) else { continue };
        let kept = line.quantity.get().min(*rest);
        *rest -= kept;
        if let Ok(kept) = Quantity::new(kept) {
            lines.push((line.id, line.product.clone(), kept));
        }
    }
    let mut next = state.lines.iter().map(|line| line.id.get()).max().unwrap_or(0);
    for &(id, _) in &wanted.0 {
        let Ok(added) = Quantity::new(left.get(&id).copied().unwrap_or(0)) else { continue };
        let Some(product) = offered.get(&id) else {
            let (requested, reason) = (added.get(), ShortageReason::Unknown);
            return Err(Rejection::OutOfStock(vec![Shortage { product: id, requested, available: 0, reason }]).into());
        };
        if !(1..=MAX_UNIT_PRICE).contains(&product.price.minor()) {
            return Err(Rejection::Implausible(Implausible::Price(id)).into());
        }
        let newest = lines.iter_mut().rfind(|(_, known, _)| known.id == id);
        let grown = newest.filter(|(_, known, _)| known == product).map(|(_, _, units)| {
            // At most what is wanted of the product, which is a quantity.
            *units = Quantity::new(units.get() + added.get()).unwrap_or(*units);
        });
        if grown.is_none() {
            next += 1;
            let line = LineId::new(next).map_err(|error| super::Inconsistent(error.to_string()))?;
            lines.push((line, product.clone(), added));
        }
    }
    if lines.len() > MAX_LINES {
        return Err(Rejection::TooManyLines.into());
    }
    Ok(lines)
}

/// What the lines cost: the discount in proportion, the fee by what it depended on when the order was placed.
fn priced(order: &Order, units: Vec<Units>) -> Result<Edit, DomainError> {
    let state = &order.state;
    let impossible = |error| DomainError::from(Rejection::Implausible(Implausible::Amount(error)));
    let gross = units.iter().map(|(_, product, quantity)| product.price.times(quantity.get()));
    let gross = gross.collect::<Result<Vec<_>, _>>().map_err(impossible)?;
    let subtotal = Money::sum(state.currency, gross).map_err(impossible)?;
    let discount =
        discount_of(state.terms.granted_discount, state.terms.placed_subtotal, subtotal).map_err(impossible)?;
    let fee = state.terms.fee.prices.at(state.terms.fee.distance_km).map_err(|_| Rejection::NotServiceable)?;
    let per_unit = units.iter().map(|(_, product, quantity)| (product.price, *quantity));
    let prices = price(state.currency, per_unit, discount, fee).map_err(impossible)?;
    let lines = units.into_iter().zip(prices.nets);
    let lines = lines.map(|((id, product, quantity), net)| Line { id, product, quantity, net }).collect();
    let new = new_total(order, prices.total)?;
    Ok(Edit { lines, subtotal: prices.subtotal, discount: prices.discount, delivery_fee: fee, new })
}
