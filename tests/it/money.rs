//! Where the money goes when things do not go well, on both engines.

use order_domain::order::Status;
use order_sandbox::{Decline, Fault, FaultKind, Route, Service as Outside};
use serde_json::json;

use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, audit, eventually, on_both_engines};

on_both_engines! {
    async fn a_declined_charge_cancels_and_leaves_the_cart(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_decline(Decline::charges());
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        let order = customer.until(id, "status", "cancelled").await;
        assert_eq!((&order["cancel_code"], &order["payment_status"]), (&json!("payment_declined"), &json!("declined")));
        assert_eq!(order["cancelled_by"], json!("system"));
        assert_eq!(sandbox.cart("ann").items.len(), 2, "for another try");
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
    }

    async fn a_cancellation_after_the_charge_refunds_exactly(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        let cancelled = customer.cancel(id).await.expect(200).json();
        assert_eq!((&cancelled["refund_initiated"], &cancelled["order"]["status"]), (&json!(true), &json!("cancelled")));
        assert_eq!(customer.cancel(id).await.expect(200).json()["refund_initiated"], json!(false));
        let order = customer.until(id, "payment_status", "refunded").await;
        assert_eq!((&order["charged_amount"], &order["refunded_amount"]), (&json!(12.47), &json!(12.47)));
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        let balance = sandbox.balance(&id.to_string());
        assert_eq!((balance.charged, balance.refunded), (1247, 1247));
    }

    async fn a_cancellation_while_the_charge_is_under_way_ends_with_the_money_back(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Hold).on(Route::Process));
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        sandbox.wait_for_calls(Outside::Payment, Route::Process, 1).await;
        let cancelled = customer.cancel(id).await.expect(200).json();
        assert_eq!((&cancelled["refund_initiated"], &cancelled["order"]["status"]), (&json!(true), &json!("cancelled")));
        sandbox.clear_faults(Outside::Payment);
        sandbox.release(Outside::Payment);
        customer.until(id, "payment_status", "refunded").await;
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        let balance = sandbox.balance(&id.to_string());
        assert_eq!((balance.charged, balance.refunded), (1247, 1247));
        assert_eq!(sandbox.cart("ann").items.len(), 2);
    }

    async fn an_answer_that_is_lost_is_asked_for_again_and_charges_once(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_fault(Outside::Payment, Fault::acted_answer_lost().on(Route::Process).times(3));
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        assert_eq!(sandbox.balance(&id.to_string()).charged, 1247);
        assert_eq!(sandbox.calls_to(Outside::Payment, Route::Process), 4);
    }

    async fn a_payment_service_that_is_down_is_waited_for(engine: Engine) {
        let sandbox = sandbox();
        sandbox.take_down(Outside::Payment).await.unwrap();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        assert_eq!(customer.order(id).await["status"], json!("pending"));
        sandbox.bring_back(Outside::Payment).await.unwrap();
        customer.until(id, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
    }

    async fn a_declined_refund_is_tried_under_the_next_key(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_decline(Decline::refunds().times(1));
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        customer.cancel(id).await.expect(200);
        customer.until(id, "payment_status", "refunded").await;
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        let keys: Vec<_> = sandbox.payments().into_iter().map(|payment| payment.key).collect();
        assert_eq!(keys, [format!("order-{id}-order-1"), format!("order-{id}-cancel-2"), format!("order-{id}-cancel-3")]);
    }

    async fn an_unpaid_order_is_cancelled_in_time(engine: Engine) {
        let sandbox = sandbox();
        sandbox.take_down(Outside::Payment).await.unwrap();
        let service = Service::start_with(&engine, &sandbox, &[("PAYMENT_TIMEOUT", "1s")]).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        let order = customer.until(id, "status", "cancelled").await;
        assert_eq!(order["cancel_code"], json!("payment_timeout"));
        service.rest().await;
        let orders = audit::clean(&engine, &sandbox).await;
        assert_eq!(orders[0].status(), Status::Cancelled);
        assert!(sandbox.payments().is_empty());
    }

    async fn cash_is_collected_at_the_door(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start_with(&engine, &sandbox, &[("CASH_ON_DELIVERY", "on")]).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let body = json!({ "delivery_address": "1 Main St", "payment_method": "cash" });
        let placed = customer.call(reqwest::Method::POST, "/orders", Some(body)).await.expect(201).json();
        assert_eq!((&placed["status"], &placed["amount_to_collect"]), (&json!("confirmed"), &json!(12.47)));
        let id = placed["id"].as_i64().unwrap();
        admin.take(id, "cora").await.expect(200);
        for status in ["preparing", "out_for_delivery", "delivered"] {
            admin.set_status(id, status).await.expect(200);
        }
        let order = customer.order(id).await;
        assert_eq!((&order["payment_status"], &order["charged_amount"]), (&json!("paid"), &json!(12.47)));
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        assert!(sandbox.payments().is_empty());
    }
}
