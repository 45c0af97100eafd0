//! Letting an event happen to an order.

use crate::payment::PaymentMethod;
use crate::time::Timestamp;

use super::actor::Actor;
use super::error::Inconsistent;
use super::event::Event;
use super::state::{Cancellation, Order};
use super::transitions::is_row;

impl Order {
    /// Lets an event happen, its ledger aside: that follows from [`super::consequences`].
    ///
    /// # Errors
    /// [`Inconsistent`] when the event's status may not follow the order's.
    pub fn evolve(&mut self, event: &Event, actor: &Actor, at: Timestamp) -> Result<(), Inconsistent> {
        let state = &mut self.state;
        if let Some(to) = event.status() {
            let from = (state.version > 0).then_some(state.status);
            if !is_row(from, to) {
                return Err(Inconsistent(format!("order {}: no way from {from:?} to {to:?}", state.id)));
            }
            state.status = to;
        }
        match event {
            Event::Confirmed { as_cash, .. } => {
                if *as_cash {
                    state.payment_method = PaymentMethod::Cash;
                }
                state.released_at = Some(at);
            }
            Event::Delivered => state.delivered_at = Some(at),
            Event::Cancelled { code, reason, .. } => {
                let cancellation = Cancellation { at, by: actor.clone(), code: *code, reason: reason.clone() };
                state.cancellation = Some(cancellation);
            }
            Event::Assigned { courier, .. } => state.courier = Some(courier.clone()),
            Event::Unassigned { .. } => state.courier = None,
            Event::AddressChanged { destination, distance_km } => {
                state.destination = destination.clone();
                state.terms.fee.distance_km = *distance_km;
            }
            Event::InstructionsChanged { instructions } => state.instructions.clone_from(instructions),
            Event::Placed(_)
            | Event::PreparationStarted
            | Event::Dispatched
            | Event::GoodwillGranted { .. }
            | Event::ChargeSettled { .. }
            | Event::ChargeDeclined { .. }
            | Event::ChargeWithdrawn { .. }
            | Event::RefundSettled { .. }
            | Event::RefundDeclined { .. }
            | Event::RefundInReview { .. }
            | Event::TaskRetried { .. }
            | Event::TaskDiscarded { .. } => {}
        }
        state.updated_at = at;
        state.version += 1;
        Ok(())
    }
}
