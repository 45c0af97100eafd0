//! What a change of an order's price does to its money, and the adjustment that stays open until it is paid.
//!
//! Lines are replaced ([`super::edit`]) or the order goes to a place with another fee ([`super::delivery_change`]). Before
//! it is paid, its charge is booked anew. Once it is paid, the difference is charged or refunded; a charge that is not
//! settled yet is the *open adjustment*: declined, or unpaid in time, the order is again what it was.

use crate::geo::Destination;
use crate::ids::EntryNo;
use crate::money::{Money, MoneyError};
use crate::payment::{Entry, EntryKind, EntryState, PaymentMethod, is_wanted};
use crate::text::Text;

use super::error::{DomainError, Rejection};
use super::line::Line;
use super::state::{Order, OrderState};
use super::status::Status;

/// An edit whose difference is not paid yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjustment {
    /// The charge of the difference.
    pub charge: EntryNo,
    /// What the order is again, if the charge is declined or not paid in time.
    pub before: Box<Before>,
}

/// An order as it was before an edit, as far as an edit changes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Before {
    /// Its lines.
    pub lines: Vec<Line>,
    /// `Σ price × quantity`.
    pub subtotal: Money,
    /// What the cart's promotion took off.
    pub discount: Money,
    /// What delivery cost.
    pub delivery_fee: Money,
    /// `subtotal − discount + delivery fee`.
    pub total: Money,
    /// Where it went.
    pub destination: Destination,
    /// Kilometres from there to the nearest fulfilment point, where both places were known.
    pub distance_km: Option<f64>,
    /// What the courier should know.
    pub instructions: Option<Text<500>>,
}

/// What a new total does to the money of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditMoney {
    /// Nothing: the courier takes the new total in cash, or what is paid is what it costs.
    Nothing,
    /// Not paid yet: a charge of the new total takes the place of the one that is booked.
    Rebooked,
    /// This much more is charged.
    Charged(Money),
    /// This much is refunded.
    Refunded(Money),
}

/// A new total, and what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTotal {
    /// `subtotal − discount + delivery fee`.
    pub total: Money,
    /// What the customer pays more; below 0: gets back.
    pub difference: Money,
    /// How.
    pub money: EditMoney,
}

/// What a total of `total` does to the order's money. One adjustment at a time; and no new amount while a charge is under
/// way that may take the old one.
pub(super) fn new_total(order: &Order, total: Money) -> Result<NewTotal, DomainError> {
    let state = &order.state;
    if state.payment_method == PaymentMethod::Cash {
        let difference = total.minus(state.total)?;
        return Ok(NewTotal { total, difference, money: EditMoney::Nothing });
    }
    may_cost_otherwise(order)?;
    if state.status == Status::Pending {
        return Ok(NewTotal { total, difference: total.minus(state.total)?, money: EditMoney::Rebooked });
    }
    let paid = order.ledger.charged()?.minus(order.ledger.edit_refunds()?)?;
    let due = total.minus(paid)?;
    let nothing = Money::zero(state.currency);
    let money = if due.minor() > 0 {
        EditMoney::Charged(due)
    } else {
        // What goodwill has given back already is not given back again.
        let back = nothing.minus(due)?.min(order.ledger.left()?)?;
        if back.is_zero() { EditMoney::Nothing } else { EditMoney::Refunded(back) }
    };
    let difference = match money {
        EditMoney::Charged(more) => more,
        EditMoney::Refunded(back) => nothing.minus(back)?,
        EditMoney::Nothing | EditMoney::Rebooked => nothing,
    };
    Ok(NewTotal { total, difference, money })
}

/// May the order cost something else now? What is paid in cash always may; else one adjustment at a time, and none while a
/// charge is under way.
pub(super) fn may_cost_otherwise(order: &Order) -> Result<(), Rejection> {
    let state = &order.state;
    if state.payment_method == PaymentMethod::Cash {
        Ok(())
    } else if state.adjustment.is_some() {
        Err(Rejection::AdjustmentOpen)
    } else if order.ledger.entries().iter().any(|entry| blocks(state, entry)) {
        Err(Rejection::PaymentInProgress)
    } else {
        Ok(())
    }
}

/// A charge that is wanted and may be under way.
fn blocks(state: &OrderState, entry: &Entry) -> bool {
    entry.kind == EntryKind::Charge
        && matches!(entry.state, EntryState::Sent | EntryState::Review)
        && is_wanted(state, entry)
}

impl Order {
    /// Opens an adjustment, if there is more to be paid: the charge is the next entry that is booked.
    pub(super) fn open_adjustment(&mut self, money: EditMoney) {
        let EditMoney::Charged(_) = money else { return };
        let state = &self.state;
        let before = Before {
            lines: state.lines.clone(),
            subtotal: state.subtotal,
            discount: state.discount,
            delivery_fee: state.delivery_fee,
            total: state.total,
            destination: state.destination.clone(),
            distance_km: state.terms.fee.distance_km,
            instructions: state.instructions.clone(),
        };
        let charge = self.ledger.next_entry();
        self.state.adjustment = Some(Adjustment { charge, before: Box::new(before) });
    }

    /// Makes the order what it was before its open adjustment.
    pub(super) fn revert_adjustment(&mut self) {
        let Some(Adjustment { before, .. }) = self.state.adjustment.take() else { return };
        let state = &mut self.state;
        state.lines = before.lines;
        state.subtotal = before.subtotal;
        state.discount = before.discount;
        state.delivery_fee = before.delivery_fee;
        state.total = before.total;
        state.destination = before.destination;
        state.terms.fee.distance_km = before.distance_km;
        state.instructions = before.instructions;
    }
}

/// Sends the order elsewhere. Beside an open adjustment that is no part of it (`edits`: it is), and stays when that is
/// reverted.
pub(super) fn relocate(state: &mut OrderState, destination: Destination, distance_km: Option<f64>, edits: bool) {
    if let Some(Adjustment { before, .. }) = &mut state.adjustment
        && !edits
        && before.destination == state.destination
    {
        before.destination.clone_from(&destination);
        before.distance_km = distance_km;
    }
    state.destination = destination;
    state.terms.fee.distance_km = distance_km;
}

/// Tells the courier something else; beside an open adjustment, as [`relocate`] does.
pub(super) fn instruct(state: &mut OrderState, instructions: Option<Text<500>>, edits: bool) {
    if let Some(Adjustment { before, .. }) = &mut state.adjustment
        && !edits
        && before.instructions == state.instructions
    {
        before.instructions.clone_from(&instructions);
    }
    state.instructions = instructions;
}

/// The discount of an order whose subtotal has changed: `min(granted, granted × new subtotal ÷ placed subtotal)`, rounded
/// half up. So buying more never takes more off, and buying less takes off less in proportion.
pub(super) fn discount_of(granted: Money, placed_subtotal: Money, subtotal: Money) -> Result<Money, MoneyError> {
    let (granted_minor, placed) = (i128::from(granted.minor()), i128::from(placed_subtotal.minor()));
    if placed <= 0 {
        return granted.min(subtotal);
    }
    let share = (granted_minor * i128::from(subtotal.minor()) + placed / 2) / placed;
    let share = i64::try_from(share).map_err(|_| MoneyError::OutOfRange)?;
    granted.min(Money::from_minor(share, granted.currency()))
}
