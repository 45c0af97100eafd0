//! Examples of bodies: what comes of a small cart. A test compares them with the schemas.

use serde_json::{Value, json};

/// As a text: it is too long for `json!`.
const ORDER: &str = r#"{
    "id": 1, "user_id": "u1", "delivery_partner_id": null,
    "status": "confirmed", "payment_status": "paid", "payment_method": "online",
    "currency": "USD", "subtotal": 7.47, "discount": 0.75, "delivery_fee": 4.99, "total_amount": 11.71,
    "charged_amount": 11.71, "refunded_amount": 0, "amount_to_collect": 0,
    "delivery_address": "123 Main St", "delivery_latitude": "40.7128", "delivery_longitude": "-74.0060",
    "estimated_delivery_time": null, "delivered_at": null,
    "cancelled_at": null, "cancelled_by": null, "cancel_code": null, "cancel_reason": null,
    "special_instructions": "Ring twice", "scheduled_for": null, "released_at": "2026-01-01T13:00:01.020304Z",
    "created_at": "2026-01-01T13:00:00.123456Z", "updated_at": "2026-01-01T13:00:01.020304Z", "version": 2,
    "items": [
        {
            "id": 1, "product_id": 1, "quantity": 2, "price": 2.99, "net": 5.38, "returned_quantity": 0,
            "product": {
                "id": 1, "name": "Apple", "description": "Red and crisp", "price": 2.99, "mrp": 3.49,
                "category_id": 1, "image_url": "https://img.example/1.png", "unit": "kg"
            }
        },
        {
            "id": 2, "product_id": 2, "quantity": 1, "price": 1.49, "net": 1.34, "returned_quantity": 0,
            "product": {
                "id": 2, "name": "Milk", "description": null, "price": 1.49, "mrp": null,
                "category_id": null, "image_url": null, "unit": "l"
            }
        }
    ],
    "feedback": null
}"#;

/// An order that is paid.
pub(crate) fn order() -> Value {
    serde_json::from_str(ORDER).unwrap_or_default()
}

/// The order, cancelled.
pub(crate) fn cancelled() -> Value {
    let mut order = order();
    let changed = json!({
        "status": "cancelled", "payment_status": "refund_pending", "updated_at": "2026-01-01T13:02:00.5Z",
        "cancelled_at": "2026-01-01T13:02:00.5Z", "cancelled_by": "customer", "cancel_code": "customer_request",
        "cancel_reason": "ordered twice", "version": 3,
    });
    if let (Some(order), Value::Object(changed)) = (order.as_object_mut(), changed) {
        order.extend(changed);
    }
    json!({ "success": true, "message": "The order is cancelled.", "refund_initiated": true, "order": order })
}

/// An entry of its timeline, as an admin sees it.
pub(crate) fn timeline_entry() -> Value {
    json!({
        "seq": 2, "type": "confirmed", "at": "2026-01-01T13:00:01.020304Z", "actor": { "role": "system", "id": null },
        "status": "confirmed", "amount": 11.71, "reason": null,
    })
}

/// What it was placed with.
pub(crate) fn new_order() -> Value {
    json!({
        "delivery_address": "123 Main St", "delivery_latitude": "40.7128", "delivery_longitude": "-74.0060",
        "special_instructions": "Ring twice", "payment_method": "online",
    })
}

/// The same, for the next evening.
pub(crate) fn new_scheduled_order() -> Value {
    json!({ "delivery_address": "123 Main St", "scheduled_for": "2026-01-02T18:00:00Z" })
}

/// Its charge, as its customer sees it.
pub(crate) fn payment() -> Value {
    json!({
        "n": 1, "kind": "charge", "purpose": "order", "method": "online", "amount": 11.71, "state": "settled",
        "refunds": null, "created_at": "2026-01-01T13:00:00.123456Z", "settled_at": "2026-01-01T13:00:01.020304Z",
    })
}

/// A task that was given up.
pub(crate) fn task() -> Value {
    json!({
        "id": 42, "kind": "notify", "state": "dead", "order_id": 1, "payment": null, "attempts": 8,
        "last_error": "notification service unavailable: no answer in 2s", "due_at": "2026-01-01T13:04:10.5Z",
    })
}

/// A kind that is paused.
pub(crate) fn kind() -> Value {
    json!({
        "kind": "charge", "paused": true, "paused_at": "2026-01-01T13:00:00Z", "paused_by": "admin1", "waiting": 7,
        "oldest_due_at": "2026-01-01T13:00:01.020304Z",
    })
}
