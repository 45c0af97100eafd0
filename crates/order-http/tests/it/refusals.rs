//! What the rules, the services and the database say no to, in the words of HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use order_domain::order::{CancelCode, Status, Version};
use order_domain::ports::{OrderFilter, OrderPage, OrderReader, Page, ServiceError, ServiceName, StoreError, Timeline};
use order_domain::pricing::{FeePolicy, FeePrices, ServiceArea};
use order_domain::{Coordinates, OrderId};
use order_testkit::builders::{a_cart, an_order, stocked, usd};
use order_testkit::memory::{Fault, Op};
use order_testkit::services::{away, garbage};
use serde_json::{Value, json};

use crate::support::{Answer, Shop, pairs};

async fn place(shop: &Shop) -> Answer {
    shop.post("/orders", "ann", json!({"delivery_address": "1 Main St"})).await
}

#[actix_web::test]
async fn an_empty_cart() {
    let shop = Shop::open();
    shop.carts.put(a_cart("ann", &[]));
    place(&shop).await.is_problem(409, "cart_empty");
}

#[actix_web::test]
async fn products_that_cant_be_had_are_all_named() {
    let shop = Shop::open();
    shop.carts.put(a_cart("ann", &[(5, 2), (6, 1), (7, 3), (8, 1), (7, 2)]));
    let mut gone = stocked(6, 100, 10);
    gone.active = false;
    shop.products.put(gone);
    shop.products.put(stocked(7, 100, 4));
    let problem = place(&shop).await.is_problem(409, "out_of_stock");
    assert_eq!(
        problem["shortages"],
        json!([
            {"product_id": 6, "requested": 1, "available": 0, "reason": "inactive"},
            {"product_id": 7, "requested": 5, "available": 4, "reason": "short"},
            {"product_id": 8, "requested": 1, "available": 0, "reason": "unknown"},
        ])
    );
}

#[actix_web::test]
async fn impossible_prices_are_the_product_services_fault() {
    let shop = Shop::open();
    shop.products.put(stocked(5, 0, 10));
    let problem = place(&shop).await.is_problem(502, "bad_upstream_answer");
    assert!(!problem["detail"].as_str().unwrap().contains("price"));
    shop.products.put(stocked(5, 299, 10));
    let mut cart = a_cart("ann", &[(5, 1)]);
    cart.promo_discount = usd(-1);
    shop.carts.put(cart);
    place(&shop).await.is_problem(502, "bad_upstream_answer");
    // Another's cart is no answer to this caller, either.
    shop.carts.put_for("ann", a_cart("ben", &[(5, 1)]));
    place(&shop).await.is_problem(502, "bad_upstream_answer");
}

#[actix_web::test]
async fn an_address_out_of_reach_and_cash_where_none_is_taken() {
    let mut shop = Shop::open();
    let here = Coordinates::new(40.into(), (-74).into()).unwrap();
    let near = FeePolicy {
        prices: FeePrices::flat(usd(500)),
        area: Some(ServiceArea { fulfilment_points: vec![here], radius_km: 10.0 }),
    };
    shop.change(|shop| shop.rules.fee = near);
    let far = json!({"delivery_address": "10 Downing St", "delivery_latitude": 51.5, "delivery_longitude": -0.1});
    shop.post("/orders", "ann", far).await.is_problem(409, "not_serviceable");

    shop.change(|shop| shop.rules.cash_on_delivery = false);
    let cash = json!({"delivery_address": "1 Main St", "payment_method": "cash"});
    let errors = shop.post("/orders", "ann", cash).await.errors("cash_not_accepted");
    assert_eq!(errors, pairs(&[("/payment_method", "not_accepted")]));
}

#[actix_web::test]
async fn services_that_are_away_or_wrong() {
    let shop = Shop::open();
    shop.carts.fail_next(away(ServiceName::Cart));
    let problem = place(&shop).await.is_problem(503, "upstream_unavailable");
    assert!(problem["detail"].as_str().unwrap().contains("cart service"));
    assert!(!problem["detail"].as_str().unwrap().contains("as the test wants it"));
    shop.products.fail_next(away(ServiceName::Product));
    place(&shop).await.is_problem(503, "upstream_unavailable");
    shop.products.fail_next(garbage(ServiceName::Product));
    place(&shop).await.is_problem(502, "bad_upstream_answer");
    shop.carts.fail_next(ServiceError::Unauthorized { service: ServiceName::Cart });
    place(&shop).await.is_problem(401, "unauthorized");
    assert_eq!(place(&shop).await.status, 201);
}

#[actix_web::test]
async fn the_database_is_away_or_does_not_say() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    shop.store.set_away(true);
    place(&shop).await.is_problem(503, "database_unavailable");
    for path in ["/orders/1", "/orders/1/timeline", "/orders/my-orders"] {
        let problem = shop.get(path, "ann").await.is_problem(503, "database_unavailable");
        assert!(!problem.to_string().contains("as the test wants it"));
    }
    shop.store.set_away(false);
    shop.store.fail_next(Op::Commit, Fault::UndoneButUnknown);
    shop.put("/orders/1/status", "root", json!({"status": "preparing"})).await.is_problem(503, "outcome_unknown");
}

#[actix_web::test]
async fn an_illegal_transition_says_what_is_allowed() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    let problem = shop
        .put("/orders/1/status", "root", json!({"status": "delivered"}))
        .await
        .is_problem(409, "illegal_transition");
    assert_eq!(
        (&problem["current_status"], &problem["allowed"]),
        (&json!("confirmed"), &json!(["preparing", "cancelled"]))
    );
    let delivered = Shop::open().with_order(Status::Delivered).await;
    let problem = delivered.post("/orders/1/cancel", "ann", json!({})).await.is_problem(409, "illegal_transition");
    assert_eq!((&problem["current_status"], &problem["allowed"]), (&json!("delivered"), &json!([])));
}

#[actix_web::test]
async fn some_steps_need_a_reason_and_some_a_courier() {
    let shop = Shop::open().with_order(Status::Preparing).await;
    for body in [json!({"status": "cancelled"}), json!({"status": "cancelled", "reason": " "})] {
        let errors = shop.put("/orders/1/status", "root", body).await.errors("reason_required");
        assert_eq!(errors, pairs(&[("/reason", "required")]));
    }
    shop.post("/orders/1/cancel", "root", json!({})).await.is_problem(422, "reason_required");
    shop.put("/orders/1/status", "root", json!({"status": "out_for_delivery"}))
        .await
        .is_problem(409, "partner_required");

    let shop = Shop::open().with_order(Status::OutForDelivery).await;
    let nobody = json!({"delivery_partner_id": null});
    shop.put("/orders/1/assign-delivery", "root", nobody.clone()).await.is_problem(409, "partner_required");
    shop.put("/orders/1/assign-delivery", "bob", nobody).await.is_problem(409, "partner_required");
}

#[actix_web::test]
async fn assigning_may_fail_in_many_ways() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    let to = |name: &str| json!({"delivery_partner_id": name});
    let path = "/orders/1/assign-delivery";
    let errors = shop.put(path, "root", to("ben")).await.errors("unknown_partner");
    assert_eq!(errors, pairs(&[("/delivery_partner_id", "unknown")]));
    shop.users.fail_next(away(ServiceName::User));
    shop.put(path, "root", to("bob")).await.is_problem(503, "upstream_unavailable");
    shop.users.fail_next(ServiceError::Unauthorized { service: ServiceName::User });
    shop.put(path, "root", to("bob")).await.is_problem(401, "unauthorized");
    shop.store.fail_next(Op::Commit, Fault::Conflict);
    shop.put(path, "root", to("bob")).await.is_problem(409, "concurrent_change");
    assert_eq!(shop.put(path, "bob", to("bob")).await.status, 200);
    shop.put(path, "bea", to("bea")).await.is_problem(409, "already_taken");

    let delivered = Shop::open().with_order(Status::Delivered).await;
    let problem = delivered.put(path, "root", to("7")).await.is_problem(409, "not_assignable");
    assert_eq!(problem["current_status"], "delivered");
}

#[actix_web::test]
async fn some_codes_are_not_everybodys_to_give() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    for (who, code) in
        [("ann", CancelCode::Shop), ("ann", CancelCode::PaymentTimeout), ("root", CancelCode::PaymentDeclined)]
    {
        let errors = shop.post("/orders/1/cancel", who, json!({"code": code.name()})).await.errors("code_not_allowed");
        assert_eq!(errors, pairs(&[("/code", "not_allowed")]), "{who} {code:?}");
    }
}

/// But for its id and where it was asked for, an answer says nothing of the request.
fn bare(answer: &Answer) -> Value {
    let mut body = answer.is_problem(404, "order_not_found");
    body["request_id"] = json!(null);
    body["instance"] = json!(null);
    body
}

#[actix_web::test]
async fn anothers_order_looks_like_a_missing_one() {
    let shop = Shop::open();
    shop.keep(an_order().assigned_to("bob")).await;
    for who in ["ben", "bea"] {
        for path in ["", "/timeline"] {
            let (theirs, missing) =
                (shop.get(&format!("/orders/1{path}"), who).await, shop.get(&format!("/orders/2{path}"), who).await);
            assert_eq!(bare(&theirs), bare(&missing), "{who} {path}");
        }
        let status = json!({"status": "preparing"});
        let (theirs, missing) =
            (shop.put("/orders/1/status", who, status.clone()).await, shop.put("/orders/2/status", who, status).await);
        assert_eq!(bare(&theirs), bare(&missing), "{who}");
        let (theirs, missing) =
            (shop.post("/orders/1/cancel", who, json!({})).await, shop.post("/orders/2/cancel", who, json!({})).await);
        assert_eq!(bare(&theirs), bare(&missing), "{who}");
    }
    let assign = json!({"delivery_partner_id": "ben"});
    let (theirs, missing) = (
        shop.put("/orders/1/assign-delivery", "ben", assign.clone()).await,
        shop.put("/orders/2/assign-delivery", "ben", assign).await,
    );
    assert_eq!(bare(&theirs), bare(&missing));
}

/// A reader over rows that were tampered with, and over a bug.
struct Broken;

#[async_trait]
impl OrderReader for Broken {
    async fn list(&self, _: &OrderFilter, _: Page) -> Result<OrderPage, StoreError> {
        Err(StoreError::Inconsistent("order 77: the nets do not add up".into()))
    }

    async fn timeline(&self, _: OrderId, _: Version) -> Result<Option<Timeline>, StoreError> {
        panic!("a bug with a secret in it")
    }

    async fn versions(&self, _: &[OrderId]) -> Result<Vec<(OrderId, Version)>, StoreError> {
        panic!("a bug with a secret in it")
    }

    async fn ping(&self) -> Result<(), StoreError> {
        panic!("a bug with a secret in it")
    }
}

#[actix_web::test]
async fn what_breaks_inside_shows_nothing_of_itself() {
    let mut shop = Shop::open().with_order(Status::Confirmed).await;
    shop.change(|shop| shop.reader = Some(Arc::new(Broken)));
    for path in ["/orders/my-orders", "/orders/1/timeline", "/health/ready", "/api/v1/health/ready/"] {
        let problem = shop.get(path, "ann").await.is_problem(500, "internal_error").to_string();
        for inside in ["order 77", "nets", "secret", "panic", "bug"] {
            assert!(!problem.contains(inside), "{problem}");
        }
    }
    assert_eq!(shop.get("/orders/1", "ann").await.status, 200);
}
