//! What customers are told, in its sequence, whatever the notification service does meanwhile.

use order_sandbox::{Fault, FaultKind, Message, Sandbox, Service as Outside};

use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, audit, eventually, on_both_engines};

/// The messages about an order, as words.
pub fn told(sandbox: &Sandbox, id: i64) -> Vec<String> {
    let of_order = sandbox.notifications().into_iter().filter(|told| told.order_id == id.to_string());
    let words = of_order.map(|told| match told.message {
        Message::OrderConfirmation { total_minor } => format!("{}: confirmed, {total_minor}", told.user_id),
        Message::OrderStatus { status } => format!("{}: {status}", told.user_id),
    });
    words.collect()
}

on_both_engines! {
    async fn customers_are_told_of_each_step_in_its_sequence(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));

        // Nothing gets through at first, and the order goes its way all the same.
        sandbox.add_fault(Outside::Notification, Fault::new(FaultKind::Status(503)).times(2));
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        admin.take(id, "carl").await.expect(200);
        for status in ["preparing", "out_for_delivery", "delivered"] {
            admin.set_status(id, status).await.expect(200);
        }
        admin.goodwill(id, 1.0).await.expect(200);

        let all = ["confirmed, 1247", "preparing", "out_for_delivery", "delivered", "delivered"];
        let all: Vec<_> = all.iter().map(|what| format!("ann: {what}")).collect();
        eventually("everything is told once, the refund last", || async { told(&sandbox, id) == all }).await;
        service.rest().await;
        assert_eq!(told(&sandbox, id), all);
        assert_eq!(audit::clean(&engine, &sandbox).await.len(), 1);
    }
}
