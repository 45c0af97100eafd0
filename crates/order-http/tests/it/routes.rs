//! The good days: what each route does when nothing is wrong.

use std::sync::atomic::Ordering;

use actix_web::http::Method;
use order_domain::order::Status;
use order_domain::time::Duration;
use order_testkit::builders::an_order;
use serde_json::{Value, json};

use crate::support::{Shop, signed};

fn ids(list: &Value) -> Vec<i64> {
    list.as_array().expect("a list").iter().map(|order| order["id"].as_i64().expect("an id")).collect()
}

#[actix_web::test]
async fn a_cart_becomes_an_order() {
    let shop = Shop::open();
    let body = json!({
        "delivery_address": "123 Main St",
        "delivery_latitude": 40.7128,
        "delivery_longitude": "-74.0060",
        "special_instructions": "Ring twice\n\tthen wait",
    });
    let answer = shop.post("/orders", "ann", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!((answer.header("location"), answer.header("etag")), (Some("/orders/1"), Some("\"1\"")));
    assert_eq!(answer.header("idempotency-replayed"), None);
    assert_eq!(answer.text, shop.get("/orders/1", "ann").await.text);
    let order = answer.json();
    assert_eq!(
        (&order["user_id"], &order["status"], &order["payment_status"]),
        (&json!("ann"), &json!("pending"), &json!("processing"))
    );
    assert_eq!((&order["delivery_latitude"], &order["delivery_longitude"]), (&json!("40.7128"), &json!("-74.0060")));
    assert_eq!(order["special_instructions"], "Ring twice\n\tthen wait");
    assert!(answer.text.contains(r#""total_amount":10.98"#));
}

#[actix_web::test]
async fn what_is_empty_is_absent() {
    let shop = Shop::open();
    let body = json!({
        "delivery_address": "123 Main St", "delivery_latitude": "", "delivery_longitude": null,
        "special_instructions": "", "payment_method": "cash",
    });
    let order = shop.post("/orders", "ann", body).await.json();
    assert_eq!((&order["delivery_latitude"], &order["special_instructions"]), (&json!(null), &json!(null)));
    assert_eq!((&order["payment_method"], &order["status"]), (&json!("cash"), &json!("confirmed")));
}

#[actix_web::test]
async fn every_route_answers_under_both_prefixes_with_and_without_slash() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    for path in [
        "/orders",
        "/orders/my-orders",
        "/orders/1",
        "/orders/1/timeline",
        "/orders/1/payments",
        "/health",
        "/health/live",
        "/health/ready",
    ] {
        for path in [path.to_owned(), format!("{path}/"), format!("/api/v1{path}"), format!("/api/v1{path}/")] {
            assert_eq!(shop.get(&path, "root").await.status, 200, "{path}");
            assert_eq!(shop.ask(signed(Method::HEAD, &path, "root")).await.status, 200, "HEAD {path}");
        }
    }
    let changes = [
        ("/orders/1/status", json!({"status": "confirmed"})),
        ("/orders/1/assign-delivery", json!({"delivery_partner_id": "bob"})),
    ];
    for path in ["/orders/1", "/orders/1/", "/api/v1/orders/1", "/api/v1/orders/1/"] {
        let patch = signed(Method::PATCH, path, "ann").set_json(json!({"delivery_address": "2 Main St"}));
        assert_eq!(shop.ask(patch).await.status, 200, "{path}");
    }
    for path in ["/orders/1/refunds", "/orders/1/refunds/", "/api/v1/orders/1/refunds", "/api/v1/orders/1/refunds/"] {
        let body = json!({"amount": 0.01, "reason": "sorry"});
        assert_eq!(shop.post(path, "root", body).await.status, 200, "{path}");
    }
    for (path, body) in changes {
        for path in [path.to_owned(), format!("{path}/"), format!("/api/v1{path}"), format!("/api/v1{path}/")] {
            assert_eq!(shop.put(&path, "root", body.clone()).await.status, 200, "{path}");
        }
    }
    for path in ["/orders/1/cancel", "/orders/1/cancel/", "/api/v1/orders/1/cancel", "/api/v1/orders/1/cancel/"] {
        assert_eq!(shop.post(path, "root", json!({})).await.status, 200, "{path}");
    }
    for (path, location) in
        [("/orders/", "/orders/2"), ("/api/v1/orders", "/api/v1/orders/3"), ("/api/v1/orders/", "/api/v1/orders/4")]
    {
        let shop_has = shop.post(path, "ann", json!({"delivery_address": "1 Main St"})).await;
        assert_eq!(shop_has.status, 201, "{path}: {}", shop_has.text);
        assert!(shop_has.header("location").unwrap().starts_with(&location[..location.len() - 1]), "{path}");
    }
}

#[actix_web::test]
async fn an_order_goes_its_way() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    let assigned = shop.put("/orders/1/assign-delivery", "root", json!({"delivery_partner_id": "bob"})).await;
    assert_eq!(
        (assigned.json()["delivery_partner_id"].as_str(), assigned.header("etag")),
        (Some("bob"), Some("\"3\""))
    );
    for (version, status) in [(4, "preparing"), (5, "out_for_delivery"), (6, "delivered")] {
        let answer = shop.put("/orders/1/status", "bob", json!({"status": status})).await;
        assert_eq!(
            (answer.json()["status"].as_str(), answer.json()["version"].as_i64()),
            (Some(status), Some(version))
        );
        // The status that it has already changes nothing.
        let again = shop.put("/orders/1/status", "bob", json!({"status": status})).await;
        assert_eq!(again.text, answer.text);
    }
}

#[actix_web::test]
async fn a_courier_is_a_name_or_a_number_and_nobody_is_null_or_nothing() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    for (body, courier) in [
        (json!("bob"), json!("bob")),
        (json!(7), json!("7")),
        (json!(""), json!(null)),
        (json!("bob"), json!("bob")),
        (json!(null), json!(null)),
    ] {
        let answer = shop.put("/orders/1/assign-delivery", "root", json!({"delivery_partner_id": body})).await;
        assert_eq!(answer.json()["delivery_partner_id"], courier, "{}", answer.text);
    }
}

#[actix_web::test]
async fn cancelling_says_whether_money_goes_back() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    let answer = shop.ask(signed(Method::POST, "/orders/1/cancel", "ann")).await;
    let body = answer.json();
    assert_eq!(answer.status, 200, "{body}");
    assert_eq!((&body["success"], &body["refund_initiated"]), (&json!(true), &json!(true)));
    assert_eq!(
        (&body["order"]["status"], &body["order"]["cancel_code"]),
        (&json!("cancelled"), &json!("customer_request"))
    );
    assert!(body["message"].is_string());
    assert_eq!(answer.header("etag"), Some("\"3\""));
    assert!(answer.text.starts_with(r#"{"success":true,"message":"#));

    let again = shop.post("/orders/1/cancel", "ann", json!({"reason": "again"})).await;
    assert_eq!((again.status.as_u16(), &again.json()["refund_initiated"]), (200, &json!(false)));
    assert_eq!(again.json()["order"], body["order"]);
}

#[actix_web::test]
async fn an_admin_cancels_with_a_code_and_a_reason() {
    let shop = Shop::open().with_order(Status::Preparing).await;
    let body = json!({"code": "out_of_stock", "reason": "no apples left"});
    let order = shop.post("/orders/1/cancel", "root", body).await.json()["order"].clone();
    assert_eq!((&order["cancelled_by"], &order["cancel_code"]), (&json!("admin"), &json!("out_of_stock")));
    assert_eq!(order["cancel_reason"], "no apples left");
}

#[actix_web::test]
async fn lists_are_filtered_and_paged() {
    let shop = Shop::open();
    shop.keep(an_order().paid()).await;
    shop.store.advance(Duration::from_mins(1));
    shop.keep(an_order().id(2).at(shop.store.now()).customer("ben").placed()).await;
    shop.store.advance(Duration::from_mins(1));
    shop.keep(an_order().id(3).at(shop.store.now()).assigned_to("bob")).await;
    for (query, expected) in [
        ("", vec![3, 2, 1]),
        ("?limit=1", vec![3]),
        ("?limit=1&offset=1", vec![2]),
        ("?offset=3", vec![]),
        ("?status=pending", vec![2]),
        ("?order_status=pending", vec![2]),
        ("?status=pending&status=confirmed", vec![3, 2, 1]),
        ("?status=&payment_status=&user_id=&limit=&available=&unheard_of=1", vec![3, 2, 1]),
        ("?payment_status=processing", vec![2]),
        ("?user_id=ben", vec![2]),
        ("?delivery_partner_id=bob", vec![3]),
        ("?created_from=2026-01-01T12:01:00Z", vec![3, 2]),
        ("?created_to=2026-01-01T12:01", vec![2, 1]),
        ("?created_from=2026-01-01T13:01:00%2B01:00&created_to=2026-01-01T12:01:00", vec![2]),
        ("?available=true", vec![1]),
        ("?available=false", vec![3, 2, 1]),
    ] {
        assert_eq!(ids(&shop.get(&format!("/orders{query}"), "root").await.json()), expected, "{query}");
    }
    assert_eq!(ids(&shop.get("/orders/my-orders?status=confirmed&limit=1", "ann").await.json()), [3]);
    // Whose orders they are is not for a query to say.
    assert_eq!(ids(&shop.get("/orders/my-orders?user_id=ben", "ann").await.json()), [3, 1]);
    assert_eq!(ids(&shop.get("/orders", "bob").await.json()), [3]);
    assert_eq!(ids(&shop.get("/orders?delivery_partner_id=bea", "bob").await.json()), [3]);
    assert_eq!(ids(&shop.get("/orders?available=true", "bob").await.json()), [1]);
}

#[actix_web::test]
async fn health_is_for_everybody() {
    let shop = Shop::open();
    let health = shop.get("/health", "").await.json();
    assert_eq!((&health["status"], &health["service"]), (&json!("healthy"), &json!("order-service")));
    assert_eq!(shop.get("/health/live", "").await.status, 200);
    assert_eq!(shop.get("/health/ready", "").await.status, 200);

    shop.store.set_away(true);
    shop.get("/health/ready", "").await.is_problem(503, "database_unavailable");
    assert_eq!(shop.get("/health/live", "").await.status, 200);
    assert_eq!(shop.get("/health", "").await.status, 200);
    shop.store.set_away(false);

    shop.draining.store(true, Ordering::Release);
    shop.get("/health/ready", "").await.is_problem(503, "draining");
    assert_eq!(shop.get("/orders/my-orders", "ann").await.status, 200);
}
