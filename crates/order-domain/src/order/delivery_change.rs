//! Changing where an order goes and what the courier should know, before the shop packs it.
//!
//! Two things, so two events: a timeline says which of them changed, and neither of its entries says to what. Where the
//! shop delivers is asked of today's policy; what the order was charged for delivery is frozen with it, and a flat fee is
//! the same at every place.

use crate::geo::{Coordinates, Destination};
use crate::rules::Rules;
use crate::text::Text;

use super::error::Rejection;
use super::event::Event;
use super::state::Order;
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
    /// What the courier should know.
    pub instructions: Patch<Text<500>>,
}

/// Which events a change yields: at most one for the place and one for the instructions, in this sequence.
pub(super) fn decide(order: &Order, change: DeliveryChange, rules: &Rules) -> Result<Vec<Event>, Rejection> {
    let state = &order.state;
    let destination = Destination {
        address: change.address.unwrap_or_else(|| state.destination.address.clone()),
        coordinates: change.coordinates.of(state.destination.coordinates),
    };
    let instructions = change.instructions.of(state.instructions.clone());
    let (moved, reworded) = (destination != state.destination, instructions != state.instructions);
    if (moved || reworded) && !is_changeable(state.status) {
        return Err(Rejection::NotChangeable { current: state.status });
    }
    let mut events = Vec::new();
    if moved {
        let distance_km = rules.fee.distance_km(destination.coordinates.as_ref());
        let distance_km = distance_km.map_err(|_| Rejection::NotServiceable)?;
        events.push(Event::AddressChanged { destination, distance_km });
    }
    if reworded {
        events.push(Event::InstructionsChanged { instructions });
    }
    Ok(events)
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
