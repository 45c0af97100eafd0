//! Goodwill: however many give at once, never more than was charged comes back, and all that was granted does.

use reqwest::Method;
use serde_json::json;

use crate::support::shop::{Answer, sandbox};
use crate::support::{Engine, Service, Shop, audit, on_both_engines};

/// Many admins at these instances give 1.00 each of order `id`, all at once: how many times it was granted.
async fn many_at_once(instances: &[&Service], id: i64) -> i64 {
    let gifts: Vec<_> = (0..50)
        .map(|n| {
            let admin = Shop::admin(instances[n % instances.len()]);
            tokio::spawn(async move { admin.goodwill(id, 1.0).await })
        })
        .collect();
    let mut given = 0;
    for gift in gifts {
        let answer: Answer = gift.await.unwrap();
        match answer.status.as_u16() {
            200 => given += 1,
            409 => {
                let code = answer.json()["code"].clone();
                assert!(
                    code == json!("concurrent_change") || code == json!("refund_exceeds_charge"),
                    "{}",
                    answer.text
                );
            }
            _ => panic!("{} {}", answer.status, answer.text),
        }
    }
    given
}

/// What is left of 12.47 is given to the cent, and no cent more.
async fn the_rest(admin: &Shop, id: i64, given: i64) {
    assert!((1..=12).contains(&given), "{given}");
    for _ in given..12 {
        admin.goodwill(id, 1.0).await.expect(200);
    }
    let refused = admin.goodwill(id, 1.0).await.expect(409).json();
    assert_eq!((&refused["code"], &refused["refundable"]), (&json!("refund_exceeds_charge"), &json!(0.47)));
    admin.goodwill(id, 0.47).await.expect(200);
    admin.goodwill(id, 0.01).await.expect(409);
}

on_both_engines! {
    async fn fifty_at_once_never_give_back_more_than_was_charged(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        let given = many_at_once(&[&service], id).await;
        the_rest(&admin, id, given).await;
        let order = customer.until(id, "payment_status", "refunded").await;
        assert_eq!((&order["status"], &order["refunded_amount"]), (&json!("confirmed"), &json!(12.47)));
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        let balance = sandbox.balance(&id.to_string());
        assert_eq!((balance.charged, balance.refunded), (1247, 1247));
        assert_eq!(sandbox.payments().len(), 14, "a payment for each");
    }

    async fn equal_requests_at_once_give_once(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        let gifts: Vec<_> = (0..20)
            .map(|_| {
                let admin = Shop::admin(&service);
                tokio::spawn(async move { admin.goodwill_under(id, 1.0, "one").await.expect(200) })
            })
            .collect();
        let mut texts = std::collections::BTreeSet::new();
        for gift in gifts {
            texts.insert(gift.await.unwrap().text);
        }
        assert_eq!(texts.len(), 1, "byte for byte");
        let order = customer.until(id, "payment_status", "partially_refunded").await;
        assert_eq!(order["refunded_amount"], json!(1.0));
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        assert_eq!(sandbox.balance(&id.to_string()).refunded, 100);
    }

    async fn a_ledger_names_every_payment_as_the_payment_service_does(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        admin.goodwill(id, 2.5).await.expect(200);
        customer.until(id, "payment_status", "partially_refunded").await;
        customer.cancel(id).await.expect(200);
        customer.until(id, "payment_status", "refunded").await;
        let path = format!("/orders/{id}/payments");
        let ledger = admin.get(&path).await.expect(200).json();
        let of = |name: &str| -> Vec<_> { ledger.as_array().unwrap().iter().map(|entry| entry[name].clone()).collect() };
        assert_eq!(of("amount"), [json!(12.47), json!(2.5), json!(9.97)]);
        assert_eq!(of("purpose"), ["order", "goodwill", "cancel"]);
        assert_eq!(of("refunds"), [json!(null), json!(1), json!(1)]);
        let theirs: Vec<_> = sandbox.payments().into_iter().map(|payment| json!(payment.key)).collect();
        assert_eq!(of("key"), theirs);
        let shown = customer.get(&path).await.expect(200);
        assert!(!shown.text.contains("order-"), "{}", shown.text);
        Shop::of(&service, "bob", "user").get(&path).await.expect(404);
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_over_two_instances_never_give_back_more_than_was_charged() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let instances = [Service::start(&engine, &sandbox).await, Service::start(&engine, &sandbox).await];
    let customer = Shop::customer(&instances[0]);
    let id = customer.place().await.expect(201).id();
    customer.until(id, "status", "confirmed").await;
    let given = many_at_once(&[&instances[0], &instances[1]], id).await;
    // Somebody cancels: what is left comes back, too.
    customer.cancel(id).await.expect(200);
    customer.until(id, "payment_status", "refunded").await;
    Shop::admin(&instances[1])
        .call(Method::POST, &format!("/orders/{id}/refunds"), Some(json!({"amount": 1, "reason": "x"})))
        .await
        .expect(409);
    assert!((1..=12).contains(&given), "{given}");
    for instance in instances {
        instance.rest().await;
    }
    audit::clean(&engine, &sandbox).await;
    let balance = sandbox.balance(&id.to_string());
    assert_eq!((balance.charged, balance.refunded), (1247, 1247));
}
