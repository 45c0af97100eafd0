//! The main job, on both engines: a cart becomes an order, is charged, confirmed, prepared, handed to a courier and
//! delivered.

use order_sandbox::{Route, Service as Outside};
use serde_json::json;

use crate::support::shop::{fill_cart, sandbox};
use crate::support::{Engine, Service, Shop, audit, eventually, on_both_engines};

on_both_engines! {
    async fn a_cart_becomes_a_delivered_order(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let (customer, courier, admin) = (Shop::customer(&service), Shop::courier(&service), Shop::admin(&service));

        let placed = customer.place().await.expect(201);
        let id = placed.id();
        assert_eq!(placed.header("location"), Some(format!("/orders/{id}").as_str()));
        assert_eq!((&placed.json()["status"], &placed.json()["total_amount"]), (&json!("pending"), &json!(12.47)));

        let confirmed = customer.until(id, "status", "confirmed").await;
        assert_eq!((&confirmed["payment_status"], &confirmed["charged_amount"]), (&json!("paid"), &json!(12.47)));
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;

        courier.take(id, "carl").await.expect(200);
        for status in ["preparing", "out_for_delivery", "delivered"] {
            courier.set_status(id, status).await.expect(200);
        }
        let delivered = customer.order(id).await;
        assert_eq!((&delivered["status"], &delivered["delivery_partner_id"]), (&json!("delivered"), &json!("carl")));

        let timeline = admin.get(&format!("/orders/{id}/timeline")).await.expect(200).json();
        let types: Vec<_> = timeline.as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["placed", "confirmed", "assigned", "preparing", "out_for_delivery", "delivered"]);
        assert_eq!(customer.get("/orders/my-orders").await.json().as_array().unwrap().len(), 1);
        assert_eq!(admin.get("/api/v1/orders/").await.json().as_array().unwrap().len(), 1);

        assert!(service.rest().await.success());
        assert_eq!(audit::clean(&engine, &sandbox).await.len(), 1);
        assert_eq!(sandbox.calls_to(Outside::Payment, Route::Process), 1);
    }

    async fn equal_requests_at_once_make_one_order(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let requests: Vec<_> = (0..20)
            .map(|_| {
                let customer = customer.clone();
                tokio::spawn(async move { customer.try_place(Some("one")).await.unwrap() })
            })
            .collect();
        let mut answers = Vec::new();
        for request in requests {
            answers.push(request.await.unwrap().expect(201));
        }
        assert!(answers.iter().all(|answer| answer.text == answers[0].text), "byte for byte");
        let first = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count();
        assert_eq!(first, 1);
        customer.until(answers[0].id(), "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        service.rest().await;
        assert_eq!(audit::clean(&engine, &sandbox).await.len(), 1);
    }

    async fn equal_cancellations_at_once_are_one_change_and_one_answer(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        let requests: Vec<_> = (0..20)
            .map(|_| {
                let customer = customer.clone();
                tokio::spawn(async move { customer.try_cancel(id, "one").await.unwrap() })
            })
            .collect();
        let mut answers = Vec::new();
        for request in requests {
            answers.push(request.await.unwrap().expect(200));
        }
        assert!(answers.iter().all(|answer| answer.text == answers[0].text), "byte for byte");
        assert!(answers.iter().all(|answer| answer.header("etag") == Some("\"3\"")));
        assert_eq!(answers[0].json()["refund_initiated"], json!(true));
        let first = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count();
        assert_eq!(first, 1);
        customer.until(id, "payment_status", "refunded").await;
        // The order has moved on; the answer has not.
        assert_eq!(customer.try_cancel(id, "one").await.unwrap().expect(200).text, answers[0].text);
        let timeline = admin.get(&format!("/orders/{id}/timeline")).await.expect(200).json();
        let types: Vec<_> = timeline.as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["placed", "confirmed", "cancelled", "refund_settled"]);

        service.rest().await;
        assert_eq!(audit::clean(&engine, &sandbox).await.len(), 1);
        assert_eq!(sandbox.calls_to(Outside::Payment, Route::Refund), 1);
    }

    async fn what_was_put_into_the_cart_since_stays_there(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_fault(Outside::Payment, order_sandbox::Fault::new(order_sandbox::FaultKind::Hold).on(Route::Process));
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        sandbox.wait_for_calls(Outside::Payment, Route::Process, 1).await;
        sandbox.add_to_cart("ann", 2, 5);
        sandbox.clear_faults(Outside::Payment);
        sandbox.release(Outside::Payment);
        customer.until(id, "status", "confirmed").await;
        eventually("the apples are gone", || async { sandbox.cart("ann").items.iter().all(|line| line.product_id != 1) }).await;
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        let left: Vec<_> = sandbox.cart("ann").items.iter().map(|line| (line.product_id, line.quantity)).collect();
        assert_eq!(left, [(2, 6)], "the milk was changed, so it stays");
    }

    async fn a_second_cart_makes_a_second_order(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let first = customer.try_place(Some("a")).await.unwrap().expect(201).id();
        customer.until(first, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        customer.try_place(Some("b")).await.unwrap().expect(409);
        fill_cart(&sandbox, "ann");
        let second = customer.try_place(Some("b")).await.unwrap().expect(201).id();
        assert_ne!(first, second);
        customer.until(second, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        service.rest().await;
        assert_eq!(audit::clean(&engine, &sandbox).await.len(), 2);
    }
}
