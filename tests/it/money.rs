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

    async fn an_answer_that_is_lost_is_looked_up_and_not_asked_for_again(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_fault(Outside::Payment, Fault::acted_answer_lost().on(Route::Process).times(1));
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        assert_eq!(sandbox.balance(&id.to_string()).charged, 1247);
        let calls = [Route::Process, Route::ByKey].map(|route| sandbox.calls_to(Outside::Payment, route));
        assert_eq!(calls, [1, 1], "no second charge");
    }

    async fn a_lost_answer_that_cant_be_looked_up_is_asked_for_again_and_charges_once(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Status(404)).on(Route::ByKey));
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

    /// Nobody waits for a charge that may still come: what it takes after all is given back.
    async fn an_order_that_is_confirmed_as_cash_while_it_is_charged_gives_back_what_is_taken(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Hold).on(Route::Process).times(1));
        let service = Service::start(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let id = customer.place().await.expect(201).id();
        sandbox.wait_for_calls(Outside::Payment, Route::Process, 1).await;
        let order = admin.set_status(id, "confirmed").await.expect(200).json();
        let shown = ["payment_method", "payment_status", "amount_to_collect"].map(|name| order[name].clone());
        assert_eq!(shown, [json!("cash"), json!("unpaid"), json!(12.47)]);
        sandbox.release(Outside::Payment);
        let back = "2 online refund of 1 (cancel) 12.47 settled";
        eventually("what was taken is back", || async { admin.ledger(id).await.get(1).is_some_and(|entry| entry == back) })
            .await;
        // An edit moves no money: the courier takes the new total.
        let order = customer.edit(id, &[(1, 1), (2, 1)]).await.expect(200).json();
        assert_eq!((&order["total_amount"], &order["amount_to_collect"]), (&json!(9.48), &json!(9.48)));
        admin.take(id, "cora").await.expect(200);
        for status in ["preparing", "out_for_delivery", "delivered"] {
            admin.set_status(id, status).await.expect(200);
        }
        let order = customer.order(id).await;
        assert_eq!((&order["payment_status"], &order["amount_to_collect"]), (&json!("paid"), &json!(0.0)));
        let ledger = ["1 online charge (order) 12.47 settled", back, "3 cash charge (order) 9.48 settled"];
        assert_eq!(admin.ledger(id).await, ledger);
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        let balance = sandbox.balance(&id.to_string());
        assert_eq!((balance.charged, balance.refunded), (1247, 1247));
    }

    /// What goes back in cash waits for somebody's hand, and moves nothing at the payment service.
    async fn goodwill_for_cash_is_settled_by_hand(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start_with(&engine, &sandbox, &[("CASH_ON_DELIVERY", "on")]).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let cash = json!({ "delivery_address": "1 Main St", "payment_method": "cash" });
        let id = customer.place_with(cash).await.expect(201).id();
        let refused = admin.goodwill(id, 1.0).await.expect(409).json();
        assert_eq!(refused["refundable"], json!(0.0), "nothing was taken yet");
        admin.take(id, "cora").await.expect(200);
        for status in ["preparing", "out_for_delivery", "delivered"] {
            admin.set_status(id, status).await.expect(200);
        }
        let order = admin.goodwill(id, 2.5).await.expect(200).json();
        assert_eq!((&order["payment_status"], &order["refunded_amount"]), (&json!("refund_pending"), &json!(0.0)));
        let order = admin.resolve(id, 2, "by_hand").await.expect(200).json();
        assert_eq!((&order["payment_status"], &order["refunded_amount"]), (&json!("partially_refunded"), &json!(2.5)));
        assert_eq!(admin.resolve(id, 2, "by_hand").await.expect(409).json()["code"], json!("not_in_review"));
        let ledger = ["1 cash charge (order) 12.47 settled", "2 cash refund of 1 (goodwill) 2.50 settled"];
        assert_eq!(customer.ledger(id).await, ledger);
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
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
