//! Events as `{type, v, data}`. Orders load from their state, so a stored event is never read back into the domain; it
//! holds no address, no coordinates (nor how far away they are), no instructions and no words.

use order_domain::order::Event;
use serde_json::{Value, json};

/// The version of the form in which events are written now.
const V: i32 = 1;

/// An event's type, version and data.
pub(crate) fn event(event: &Event) -> (&'static str, i32, Value) {
    let data = match event {
        Event::Placed(placed) => json!({
            "payment_method": placed.method.name(),
            "currency": placed.currency.code(),
            "subtotal": placed.subtotal.minor(),
            "discount": placed.discount.minor(),
            "delivery_fee": placed.delivery_fee.minor(),
            "total": placed.total.minor(),
            "lines": placed.lines.iter().map(|line| json!({
                "line": line.id.get(),
                "product_id": line.product.id.get(),
                "quantity": line.quantity.get(),
                "price": line.product.price.minor(),
                "net": line.net.minor(),
            })).collect::<Vec<_>>(),
        }),
        Event::Confirmed { paid, as_cash } => {
            json!({ "entry": paid.as_ref().map(|(entry, _)| entry), "as_cash": as_cash })
        }
        Event::PreparationStarted
        | Event::Dispatched
        | Event::Delivered
        | Event::AddressChanged { .. }
        | Event::InstructionsChanged { .. } => json!({}),
        Event::Cancelled { code, declined, reason: _ } => json!({ "code": code.name(), "declined": declined }),
        Event::Assigned { courier, previous } => {
            json!({ "courier": courier.as_str(), "previous": previous.as_ref().map(order_domain::UserId::as_str) })
        }
        Event::Unassigned { previous } => json!({ "previous": previous.as_str() }),
        Event::GoodwillGranted { amount, reason: _ } => json!({ "amount": amount.minor() }),
        Event::ChargeSettled { entry, .. }
        | Event::ChargeDeclined { entry }
        | Event::ChargeWithdrawn { entry }
        | Event::RefundSettled { entry, .. }
        | Event::RefundDeclined { entry, .. }
        | Event::RefundInReview { entry } => json!({ "entry": entry }),
        Event::TaskRetried { task, entry } => json!({ "task": task.name(), "entry": entry }),
        Event::TaskDiscarded { task } => json!({ "task": task.name() }),
    };
    (event.name(), V, data)
}
