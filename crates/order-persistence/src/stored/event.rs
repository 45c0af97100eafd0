//! Events as `{type, v, data}`. Orders load from their state, so a stored event is never read back into the domain; what
//! other services are told of it, `facts` reads. It holds no address, no coordinates (nor how far away they are), no
//! instructions and no words.

use chrono::SecondsFormat;
use order_domain::order::{Event, Line};
use order_domain::time::Timestamp;
use serde_json::{Value, json};

/// The version of the form in which events are written now.
pub(super) const V: i32 = 1;

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
            "scheduled_for": placed.scheduled_for.map(moment),
            "lines": lines(&placed.lines),
        }),
        Event::Confirmed { paid, as_cash, release_at } => {
            let entry = paid.as_ref().map(|(entry, _)| entry);
            json!({ "entry": entry, "as_cash": as_cash, "release_at": release_at.map(moment) })
        }
        Event::Rescheduled { scheduled_for, release_at } => {
            json!({ "scheduled_for": scheduled_for.map(moment), "release_at": release_at.map(moment) })
        }
        Event::Edited(edit) => json!({
            "subtotal": edit.subtotal.minor(),
            "discount": edit.discount.minor(),
            "delivery_fee": edit.delivery_fee.minor(),
            "total": edit.new.total.minor(),
            "difference": edit.new.difference.minor(),
            "lines": lines(&edit.lines),
        }),
        Event::EditPaid { entry, release_at, .. } => json!({ "entry": entry, "release_at": release_at.map(moment) }),
        Event::EditReverted { declined, release_at } => {
            json!({ "declined": declined, "release_at": release_at.map(moment) })
        }
        Event::AddressChanged { fee: Some((fee, new)), .. } => json!({
            "delivery_fee": fee.minor(),
            "total": new.total.minor(),
            "difference": new.difference.minor(),
        }),
        Event::PreparationStarted
        | Event::Dispatched
        | Event::Delivered
        | Event::Released
        | Event::AddressChanged { fee: None, .. }
        | Event::InstructionsChanged { .. } => json!({}),
        Event::Cancelled { code, declined, reason: _ } => json!({ "code": code.name(), "declined": declined }),
        Event::Assigned { courier, previous } => {
            json!({ "courier": courier.as_str(), "previous": previous.as_ref().map(order_domain::UserId::as_str) })
        }
        Event::Unassigned { previous } => json!({ "previous": previous.as_str() }),
        Event::GoodwillGranted { amount, reason: _ } => json!({ "amount": amount.minor() }),
        Event::Resolved { entry, outcome, reason: _ } => json!({ "entry": entry, "outcome": outcome.name() }),
        Event::RefundSettled { entry, by_hand, .. } => json!({ "entry": entry, "by_hand": by_hand }),
        Event::ChargeSettled { entry, .. }
        | Event::ChargeDeclined { entry }
        | Event::ChargeWithdrawn { entry }
        | Event::RefundDeclined { entry, .. }
        | Event::ChargeInReview { entry }
        | Event::RefundInReview { entry } => json!({ "entry": entry }),
        Event::TaskRetried { task, entry } => json!({ "task": task.name(), "entry": entry }),
        Event::TaskDiscarded { task } => json!({ "task": task.name() }),
    };
    (event.name(), V, data)
}

fn moment(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn lines(lines: &[Line]) -> Value {
    let line = |line: &Line| {
        json!({
            "line": line.id.get(),
            "product_id": line.product.id.get(),
            "quantity": line.quantity.get(),
            "price": line.product.price.minor(),
            "net": line.net.minor(),
        })
    };
    lines.iter().map(line).collect()
}
