//! `kill -9`, at any moment of a placing: one order, one charge, and what was begun is finished.

use std::time::Duration;

use order_sandbox::{Fault, FaultKind, Route, Service as Outside};
use serde_json::json;

use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, audit, eventually, on_both_engines};

on_both_engines! {
    /// The service dies with the request in its hands: before the cart was read, between, or just before or after the
    /// commit. Whatever had happened, the same request to the next instance gets the one order.
    async fn killed_before_the_answer_and_retried_with_the_same_key(engine: Engine) {
        let sandbox = sandbox();
        let mut service = Service::start(&engine, &sandbox).await;
        let mut orders = 0;
        // 0..: milliseconds after the request went out; a placing takes a few.
        for (round, wait) in [0, 2, 4, 6, 8, 10, 12, 15, 20, 30].into_iter().enumerate() {
            crate::support::shop::fill_cart(&sandbox, "ann");
            let key = format!("round-{round}");
            let customer = Shop::customer(&service);
            let request = tokio::spawn({
                let key = key.clone();
                async move { customer.try_place(Some(&key)).await }
            });
            tokio::time::sleep(Duration::from_millis(wait)).await;
            service.kill().await;
            let before = request.await.unwrap();

            // PostgreSQL keeps the lease of whoever died; nobody waits for it here.
            engine.expire_leases().await;
            service = Service::start(&engine, &sandbox).await;
            let customer = Shop::customer(&service);
            let again = customer.try_place(Some(&key)).await.unwrap().expect(201);
            if let Ok(before) = before {
                assert_eq!(before.expect(201).text, again.text, "byte for byte");
            }
            orders += 1;
            let id = again.id();
            customer.until(id, "status", "confirmed").await;
            eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
            assert_eq!(sandbox.balance(&id.to_string()).charged, 1247);
        }
        service.rest().await;
        assert_eq!(audit::clean(&engine, &sandbox).await.len(), orders);
    }

    /// The same, certainly before the commit: the product service has not answered yet.
    async fn killed_before_anything_was_written(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_fault(Outside::Product, Fault::new(FaultKind::Hold));
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let request = tokio::spawn(async move { customer.try_place(Some("k")).await });
        sandbox.wait_for_calls(Outside::Product, Route::Product, 1).await;
        service.kill().await;
        assert!(request.await.unwrap().is_err(), "no answer");
        sandbox.clear_all_faults();

        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        assert_eq!(customer.get("/orders/my-orders").await.json(), json!([]));
        let id = customer.try_place(Some("k")).await.unwrap().expect(201).id();
        customer.until(id, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        service.rest().await;
        assert_eq!(audit::clean(&engine, &sandbox).await.len(), 1);
    }

    /// Right after the 201, while the payment service has the charge and is slow to answer: the order is confirmed by
    /// itself, charged once, and the cart is cleared once.
    async fn killed_after_the_answer_with_the_charge_under_way(engine: Engine) {
        let sandbox = sandbox();
        // It acts, and only the answer is late.
        sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Hold).acted().on(Route::Process).times(1));
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        sandbox.wait_for_calls(Outside::Payment, Route::Process, 1).await;
        service.kill().await;
        sandbox.clear_all_faults();

        engine.expire_leases().await;
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        customer.until(id, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        assert_eq!(sandbox.balance(&id.to_string()).charged, 1247);
        assert_eq!(sandbox.calls_to(Outside::Cart, Route::Remove), 2, "each product once");
    }

    /// Killed over and over while orders go through: nothing is lost, nothing is doubled.
    async fn killed_again_and_again_under_load(engine: Engine) {
        let sandbox = sandbox();
        for n in 0..30 {
            sandbox.put_cart(&format!("c{n}"), &[(1, 1)]);
        }
        let mut service = Service::start(&engine, &sandbox).await;
        let mut ids = Vec::new();
        for round in 0..6 {
            let requests: Vec<_> = (0..5)
                .map(|n| {
                    let customer = Shop::of(&service, &format!("c{}", round * 5 + n), "user");
                    tokio::spawn(async move { customer.try_place(Some("k")).await })
                })
                .collect();
            tokio::time::sleep(Duration::from_millis(10 * round)).await;
            service.kill().await;
            for request in requests {
                drop(request.await.unwrap());
            }
            engine.expire_leases().await;
            service = Service::start(&engine, &sandbox).await;
            for n in 0..5 {
                let name = format!("c{}", round * 5 + n);
                ids.push((name.clone(), Shop::of(&service, &name, "user").try_place(Some("k")).await.unwrap().expect(201).id()));
            }
        }
        for (name, id) in &ids {
            Shop::of(&service, name, "user").until(*id, "status", "confirmed").await;
            eventually("the cart is cleared", || async { sandbox.cart(name).items.is_empty() }).await;
        }
        service.rest().await;
        assert_eq!(audit::clean(&engine, &sandbox).await.len(), 30);
    }
}
