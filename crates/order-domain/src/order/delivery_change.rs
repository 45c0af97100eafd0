//! Changing where an order goes and what the courier should know, before the shop packs it, and when it is wanted, before
//! its release.
//!
//! Three things, so three events: a timeline says which of them changed, and none of its entries says to where or to what
//! words. Where the shop delivers is asked of today's policy; what delivery costs there is what it would have cost when
//! the order was placed, and a difference is treated as an edit's.

use crate::geo::{Coordinates, Destination};
use crate::money::Money;
use crate::rules::Rules;
use crate::text::Text;
use crate::time::Timestamp;

use super::adjustment::{EditMoney, NewTotal, new_total};
use super::error::{DomainError, Rejection};
use super::event::Event;
use super::schedule;
use super::state::{Order, OrderState};
use super::status::Status;

/// What becomes of something that need not be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is no more.
    Clear,
    /// It is this.
    Set(T),
}

impl<T> Patch<T> {
    fn of(self, current: Option<T>) -> Option<T> {
        match self {
            Self::Keep => current,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// What is to be changed. Whatever is not named stays, the coordinates at a new address included: whoever sends an
/// address without them says that they are still right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryChange {
    /// The street address, if it is another one.
    pub address: Option<Text<500>>,
    /// Where that is on the globe.
    pub coordinates: Patch<Coordinates>,
    /// When it is wanted.
    pub scheduled_for: Patch<Timestamp>,
    /// What the courier should know.
    pub instructions: Patch<Text<500>>,
}

/// Which events a change yields: at most one for the place, one for the instructions and one for the time, in this
/// sequence.
pub(super) fn decide(
    order: &Order,
    change: DeliveryChange,
    rules: &Rules,
    now: Timestamp,
) -> Result<Vec<Event>, DomainError> {
    let state = &order.state;
    let destination = Destination {
        address: change.address.unwrap_or_else(|| state.destination.address.clone()),
        coordinates: change.coordinates.of(state.destination.coordinates),
    };
    let instructions = change.instructions.of(state.instructions.clone());
    let (moved, reworded) = (destination != state.destination, instructions != state.instructions);
    if (moved || reworded) && !is_changeable(state.status) {
        return Err(Rejection::NotChangeable { current: state.status }.into());
    }
    let scheduled_for = change.scheduled_for.of(state.scheduled_for);
    let mut rescheduled = schedule::reschedule(order, scheduled_for, rules, now)?;
    let (mut events, mut money) = (Vec::new(), None);
    let mut nothing_to_pay = false;
    if moved {
        let distance_km = rules.fee.distance_km(destination.coordinates.as_ref());
        let distance_km = distance_km.map_err(|_| Rejection::NotServiceable)?;
        let fee = fee_at(order, distance_km)?;
        money = fee.map(|(_, new)| new.money);
        nothing_to_pay = fee.is_some_and(|(_, new)| new.total.is_zero() && new.money == EditMoney::Rebooked);
        events.push(Event::AddressChanged { destination, distance_km, fee });
    }
    if reworded {
        events.push(Event::InstructionsChanged { instructions, with_fee: money.is_some() });
    }
    if let Some(Event::Rescheduled { release_at, .. }) = &mut rescheduled
        && matches!(money, Some(EditMoney::Charged(_)))
    {
        // It waits for its money first.
        *release_at = None;
    }
    events.extend(rescheduled);
    if nothing_to_pay {
        let state = OrderState { scheduled_for, ..state.clone() };
        events.push(schedule::confirmation(&state, None, false, rules, now));
    }
    Ok(events)
}

/// What delivery costs at that distance and what follows from it, if it is not what it costs now.
fn fee_at(order: &Order, distance_km: Option<f64>) -> Result<Option<(Money, NewTotal)>, DomainError> {
    let state = &order.state;
    let fee = state.terms.fee.prices.at(distance_km).map_err(|_| Rejection::NotServiceable)?;
    if fee == state.delivery_fee {
        return Ok(None);
    }
    let total = state.subtotal.minus(state.discount)?.plus(fee)?;
    Ok(Some((fee, new_total(order, total)?)))
}

/// Nobody has begun to pack it.
const fn is_changeable(status: Status) -> bool {
    match status {
        Status::Pending | Status::Confirmed => true,
        Status::Preparing
        | Status::OutForDelivery
        | Status::Delivered
        | Status::Cancelled
        | Status::ReturnRequested
        | Status::ReturnApproved
        | Status::PickedUp
        | Status::Refunded => false,
    }
}
