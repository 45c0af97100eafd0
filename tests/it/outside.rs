//! The outside services down, slow, or answering garbage: an honest error, and nothing written.

use order_sandbox::{DemoKey, Fault, FaultKind, Route, Service as Outside};
use serde_json::json;

use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, audit, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_placing_that_can_not_be_priced_writes_nothing() {
    let (engine, sandbox) = (Engine::sqlite(), sandbox());
    for outside in [Outside::Cart, Outside::Product] {
        // One instance for each: the failures at the end open a breaker.
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        for (kind, status) in [
            (FaultKind::Garbage, 502),
            (FaultKind::Redirect, 502),
            (FaultKind::Endless, 502),
            (FaultKind::Body(json!({ "id": "no" })), 502),
            (FaultKind::Hold, 503),
            (FaultKind::Truncated, 503),
            (FaultKind::Reset, 503),
            (FaultKind::Status(500), 503),
            (FaultKind::Status(503), 503),
        ] {
            sandbox.add_fault(outside, Fault::new(kind.clone()));
            let answer = customer.place().await;
            // An endless body is cut off by size or by time, whichever comes first.
            if kind != FaultKind::Endless || answer.status != 503 {
                assert_eq!(answer.status.as_u16(), status, "{outside} {kind:?}: {}", answer.text);
            }
            assert_eq!(answer.header("retry-after").is_some(), answer.status == 503, "{outside} {kind:?}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            sandbox.clear_all_faults();
        }
        sandbox.take_down(outside).await.unwrap();
        assert!(customer.place().await.expect(503).header("retry-after").is_some());
        sandbox.bring_back(outside).await.unwrap();
        assert_eq!(customer.get("/orders/my-orders").await.json(), json!([]));
        service.stop().await;
    }
    assert!(audit::clean(&engine, &sandbox).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_down_is_left_alone_and_used_again_when_it_is_back() {
    let (engine, sandbox) = (Engine::sqlite(), sandbox());
    let service = Service::start(&engine, &sandbox).await;
    let customer = Shop::customer(&service);
    sandbox.add_fault(Outside::Cart, Fault::new(FaultKind::Status(503)));
    for _ in 0..20 {
        customer.place().await.expect(503);
    }
    let asked = sandbox.calls_to(Outside::Cart, None);
    assert!(asked < 20, "{asked}");
    sandbox.clear_all_faults();
    eventually("it is used again", || async { customer.place().await.status == 201 }).await;
    let placed = customer.get("/orders/my-orders").await.json();
    customer.until(placed[0]["id"].as_i64().unwrap(), "status", "confirmed").await;
    eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
    service.stop().await;
    assert_eq!(audit::clean(&engine, &sandbox).await.len(), 1);
}

/// Where tokens are asymmetric, the cart is cleared with a token of this service's own key.
#[tokio::test(flavor = "multi_thread")]
async fn the_cart_is_cleared_with_a_token_of_the_services_own_key() {
    let (engine, sandbox) = (Engine::sqlite(), sandbox());
    let key = [("SERVICE_JWT_PRIVATE_KEY", DemoKey::Ec.private_pem()), ("SERVICE_JWT_KEY_ID", DemoKey::Ec.id())];
    let service = Service::start_with(&engine, &sandbox, &key).await;
    // a cart service that does not know the key refuses it
    sandbox.set_jwks(json!({"keys": []}));
    let customer = Shop::customer(&service);
    let id = customer.place().await.expect(201).id();
    customer.until(id, "status", "confirmed").await;
    sandbox.wait_for_calls(Outside::Cart, Route::Cart, 2).await;
    assert_eq!(sandbox.cart("ann").items.len(), 2);
    sandbox.set_jwks(json!({"keys": [DemoKey::Ec.public_jwk()]}));
    eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
    service.stop().await;
    assert_eq!(audit::clean(&engine, &sandbox).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_product_that_can_not_be_had_is_named_at_once() {
    use order_sandbox::Product;
    let (engine, sandbox) = (Engine::sqlite(), sandbox());
    sandbox.put_product(Product::new(3, "Bread", 2.0).stock(1));
    sandbox.put_product(Product::new(4, "Butter", 2.0).stock(9).inactive());
    sandbox.put_product(Product::new(5, "Salt", 2.0).stock(9));
    sandbox.put_cart("ann", &[(1, 1), (3, 2), (4, 1), (5, 1)]);
    sandbox.remove_product(5);
    let service = Service::start(&engine, &sandbox).await;
    let answer = Shop::customer(&service).place().await.expect(409).json();
    assert_eq!(answer["code"], json!("out_of_stock"));
    assert_eq!(
        answer["shortages"],
        json!([
            { "product_id": 3, "requested": 2, "available": 1, "reason": "short" },
            { "product_id": 4, "requested": 1, "available": 0, "reason": "inactive" },
            { "product_id": 5, "requested": 1, "available": 0, "reason": "unknown" },
        ])
    );
    service.stop().await;
    assert!(audit::clean(&engine, &sandbox).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admins_courier_has_to_be_one() {
    let (engine, sandbox) = (Engine::sqlite(), sandbox());
    let service = Service::start(&engine, &sandbox).await;
    let id = Shop::customer(&service).place().await.expect(201).id();
    let admin = Shop::admin(&service);
    assert_eq!(admin.take(id, "bob").await.expect(422).json()["code"], json!("unknown_partner"));
    assert_eq!(admin.take(id, "nobody").await.expect(422).json()["code"], json!("unknown_partner"));
    sandbox.take_down(Outside::User).await.unwrap();
    admin.take(id, "carl").await.expect(503);
    sandbox.bring_back(Outside::User).await.unwrap();
    assert_eq!(admin.take(id, "carl").await.expect(200).json()["delivery_partner_id"], json!("carl"));
    service.stop().await;
}

/// What an order shows was copied when it was placed: reading it asks nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_asks_no_other_service() {
    let (engine, sandbox) = (Engine::sqlite(), sandbox());
    let service = Service::start(&engine, &sandbox).await;
    let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
    let id = customer.place().await.expect(201).id();
    customer.until(id, "status", "confirmed").await;
    eventually("everything outside is done", || async {
        sandbox.cart("ann").items.is_empty() && sandbox.notifications().len() == 1
    })
    .await;
    let asked = sandbox.calls();
    for path in ["", "/timeline", "/payments"] {
        customer.get(&format!("/orders/{id}{path}")).await.expect(200);
    }
    let listed = customer.get("/orders/my-orders").await.expect(200).json();
    assert_eq!(listed[0]["items"][0]["product"]["name"], json!("Apple"));
    admin.get("/orders?status=confirmed").await.expect(200);
    assert_eq!(sandbox.calls(), asked);
    service.stop().await;
}

/// The database goes away and comes back: 503 meanwhile, and then as before, by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_said_to_be_so() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let service = Service::start(&engine, &sandbox).await;
    let customer = Shop::customer(&service);
    customer.place().await.expect(201);
    engine.refuse_connections(true).await;
    let answer = customer.get("/orders/my-orders").await.expect(503);
    assert!(answer.header("retry-after").is_some());
    assert!(!answer.text.contains("postgres"), "{}", answer.text);
    assert_eq!(customer.get("/health/ready").await.status, 503);
    assert_eq!(customer.get("/health/live").await.status, 200);
    engine.refuse_connections(false).await;
    crate::support::eventually("it is ready again", || async { customer.get("/health/ready").await.status == 200 })
        .await;
    customer.get("/orders/my-orders").await.expect(200);
    service.stop().await;
}
