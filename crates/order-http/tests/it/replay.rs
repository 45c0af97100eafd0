//! Requests that are sent again.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use order_domain::order::Status;
use order_domain::time::Duration;
use order_testkit::memory::{Fault, Op};
use serde_json::json;

use crate::support::{Answer, Shop, pairs, signed};

const BODY: &str = r#"{"delivery_address":"1 Main St"}"#;

fn place(path: &str, who: &str, key: &str, body: &str) -> TestRequest {
    let request = signed(Method::POST, path, who).insert_header(("Content-Type", "application/json"));
    request.insert_header(("Idempotency-Key", key)).set_payload(body.to_owned())
}

fn said(answer: &Answer) -> (u16, &str, Option<&str>, Option<&str>) {
    (answer.status.as_u16(), &answer.text, answer.header("location"), answer.header("etag"))
}

#[actix_web::test]
async fn the_same_request_gets_the_same_answer_byte_for_byte() {
    let shop = Shop::open();
    let first = shop.ask(place("/api/v1/orders", "ann", "k-1", BODY)).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (201, None), "{}", first.text);
    // The order has moved on and the cart is empty: the answer is the one that was given, whichever way it is asked for.
    shop.put("/orders/1/status", "root", json!({"status": "confirmed"})).await;
    shop.carts.put(order_testkit::builders::a_cart("ann", &[]));
    shop.clock.advance(Duration::from_mins(30));
    for path in ["/api/v1/orders", "/orders", "/orders/", "/api/v1/orders/"] {
        let again = shop.ask(place(path, "ann", "k-1", BODY)).await;
        assert_eq!(said(&again), said(&first), "{path}");
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.header("content-type"), Some("application/json"));
    }
    assert_eq!(shop.store.counts().orders, 1);
}

#[actix_web::test]
async fn another_request_under_the_same_key_is_refused() {
    let shop = Shop::open();
    shop.ask(place("/orders", "ann", "k-1", BODY)).await;
    for request in [
        place("/orders", "ann", "k-1", r#"{"delivery_address":"2 Main St"}"#),
        place("/orders", "ann", "k-1", r#"{"delivery_address": "1 Main St"}"#),
        place("/orders?a=1", "ann", "k-1", BODY),
    ] {
        let errors = shop.ask(request).await.errors("idempotency_key_reused");
        assert_eq!(errors, pairs(&[("/header/Idempotency-Key", "reused")]));
    }
    assert_eq!(shop.store.counts().orders, 1);
}

#[actix_web::test]
async fn a_key_is_its_callers_own() {
    let shop = Shop::open();
    shop.carts.put(order_testkit::builders::a_cart("ben", &[(5, 1)]));
    shop.ask(place("/orders", "ann", "k-1", BODY)).await;
    let other = shop.ask(place("/orders", "ben", "k-1", BODY)).await;
    assert_eq!((other.status.as_u16(), other.json()["user_id"].as_str()), (201, Some("ben")));
    let another = shop.ask(place("/orders", "ann", "k-2", BODY)).await;
    assert_eq!((another.status.as_u16(), another.header("idempotency-replayed")), (201, None));
}

#[actix_web::test]
async fn a_key_is_short_and_plain_and_one() {
    let shop = Shop::open();
    for bad in ["", "a b", "é", &"x".repeat(256)] {
        let errors = shop.ask(place("/orders", "ann", bad, BODY)).await.errors("invalid_idempotency_key");
        assert_eq!(errors, pairs(&[("/header/Idempotency-Key", "invalid")]), "{bad}");
    }
    let two = place("/orders", "ann", "k-1", BODY).append_header(("Idempotency-Key", "k-2"));
    shop.ask(two).await.is_problem(422, "invalid_idempotency_key");
    assert_eq!(shop.store.counts().orders, 0);
    let twice = place("/orders", "ann", &"x".repeat(255), BODY).append_header(("Idempotency-Key", "x".repeat(255)));
    assert_eq!(shop.ask(twice).await.status, 201);
}

#[actix_web::test]
async fn only_what_was_done_is_kept() {
    let shop = Shop::open();
    shop.store.fail_next(Op::Commit, Fault::Unavailable);
    shop.ask(place("/orders", "ann", "k-1", BODY)).await.is_problem(503, "database_unavailable");
    shop.ask(place("/orders", "ann", "k-1", r#"{"delivery_address":""}"#)).await.is_problem(422, "invalid");
    let answer = shop.ask(place("/orders", "ann", "k-1", BODY)).await;
    assert_eq!((answer.status.as_u16(), answer.header("idempotency-replayed")), (201, None));
}

#[actix_web::test]
async fn an_unknown_outcome_is_found_again_by_its_key() {
    let shop = Shop::open();
    shop.store.fail_next(Op::Commit, Fault::DoneButUnknown);
    let found = shop.ask(place("/orders", "ann", "k-1", BODY)).await;
    assert_eq!((found.status.as_u16(), found.header("idempotency-replayed")), (201, Some("true")), "{}", found.text);

    shop.store.fail_next(Op::Commit, Fault::UndoneButUnknown);
    let problem = shop.ask(place("/orders", "ann", "k-2", BODY)).await.is_problem(503, "outcome_unknown");
    assert!(problem["detail"].as_str().unwrap().contains("same Idempotency-Key"));
    assert_eq!(shop.ask(place("/orders", "ann", "k-2", BODY)).await.status, 201);
}

#[actix_web::test]
async fn without_a_key_nothing_is_kept() {
    let shop = Shop::open().with_order(Status::Pending).await;
    let before = shop.store.counts().receipts;
    assert_eq!(shop.post("/orders", "ann", json!({"delivery_address": "1 Main St"})).await.status, 201);
    assert_eq!(shop.store.counts().receipts, before);
}
