//! A scheduled order is released once and never early.

use std::time::Duration;

use crate::order::{OrderState, Status};
use crate::time::Timestamp;

use super::Violation;

/// How long before the time that its customer named an order may be released to the shop.
pub const RELEASE_LEAD: Duration = Duration::from_mins(45);

/// The name of the event of a release. An order without a time of its own is released by its confirmation and has none.
const RELEASED: &str = "released";

/// 7: released once, not before `lead` ahead of the time that the customer named, and before the shop packs it. `events`
/// are (name, when).
pub fn release(order: &OrderState, events: &[(&str, Timestamp)], lead: Duration) -> Vec<Violation> {
    let broken = |what: String| Violation { invariant: 7, order: order.id, what };
    let told: Vec<_> = events.iter().filter(|(name, _)| *name == RELEASED).map(|(_, at)| *at).collect();
    let mut found = Vec::new();
    if told.len() > 1 {
        found.push(broken(format!("released {} times", told.len())));
    }
    if let Some(wanted) = order.scheduled_for {
        // The column as well: it is what couriers and the shop go by.
        let released = order.released_at.iter().chain(&told);
        let early = released.filter(|at| **at + lead < wanted).min();
        found.extend(early.map(|at| broken(format!("released at {at}, wanted at {wanted}"))));
    }
    let packed = match order.status {
        Status::Preparing
        | Status::OutForDelivery
        | Status::Delivered
        | Status::ReturnRequested
        | Status::ReturnApproved
        | Status::PickedUp
        | Status::Refunded => true,
        Status::Pending | Status::Confirmed | Status::Cancelled => false,
    };
    if packed && order.released_at.is_none() {
        found.push(broken(format!("{} and never released", order.status.name())));
    }
    found
}
