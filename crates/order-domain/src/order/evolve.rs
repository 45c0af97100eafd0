//! Letting an event happen to an order.

use crate::payment::PaymentMethod;
use crate::time::Timestamp;

use super::actor::Actor;
use super::adjustment::{instruct, relocate};
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
            Event::Confirmed { as_cash, release_at, .. } => {
                if *as_cash {
                    state.payment_method = PaymentMethod::Cash;
                }
                state.released_at = release_at.is_none().then_some(at);
            }
            Event::Released => state.released_at = Some(at),
            Event::Rescheduled { scheduled_for, .. } => state.scheduled_for = *scheduled_for,
            Event::Edited(edit) => {
                self.open_adjustment(edit.new.money);
                let state = &mut self.state;
                state.lines.clone_from(&edit.lines);
                state.subtotal = edit.subtotal;
                state.discount = edit.discount;
                state.delivery_fee = edit.delivery_fee;
                state.total = edit.new.total;
            }
            Event::EditPaid { .. } => state.adjustment = None,
            Event::EditReverted { .. } => self.revert_adjustment(),
            Event::Delivered => state.delivered_at = Some(at),
            Event::Cancelled { code, reason, .. } => {
                let cancellation = Cancellation { at, by: actor.clone(), code: *code, reason: reason.clone() };
                state.cancellation = Some(cancellation);
                // What it costs stays as edited; whatever was taken of that is refunded.
                state.adjustment = None;
            }
            Event::Assigned { courier, .. } => state.courier = Some(courier.clone()),
            Event::Unassigned { .. } => state.courier = None,
            Event::AddressChanged { destination, distance_km, fee } => {
                if let Some((delivery_fee, new)) = fee {
                    self.open_adjustment(new.money);
                    self.state.delivery_fee = *delivery_fee;
                    self.state.total = new.total;
                }
                relocate(&mut self.state, destination.clone(), *distance_km, fee.is_some());
            }
            Event::InstructionsChanged { instructions, with_fee } => {
                instruct(state, instructions.clone(), *with_fee);
            }
            Event::Placed(_)
            | Event::PreparationStarted
            | Event::Dispatched
            | Event::GoodwillGranted { .. }
            | Event::ChargeSettled { .. }
            | Event::ChargeDeclined { .. }
            | Event::ChargeWithdrawn { .. }
            | Event::RefundSettled { .. }
            | Event::RefundDeclined { .. }
            | Event::ChargeInReview { .. }
            | Event::RefundInReview { .. }
            | Event::Resolved { .. }
            | Event::TaskRetried { .. }
            | Event::TaskDiscarded { .. } => {}
        }
        self.state.updated_at = at;
        self.state.version += 1;
        Ok(())
    }
}
