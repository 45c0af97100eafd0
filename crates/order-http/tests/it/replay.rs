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
    shop.carts.put(order_testkit::builders::a_cart("ann", &[(5, 1)]));
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

    shop.carts.put(order_testkit::builders::a_cart("ann", &[(5, 1)]));
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

/// A shop with order 1 of `ann`, confirmed, and every change that may be made of it: method, path, who, body.
const CHANGES: [(Method, &str, &str, &str); 6] = [
    (Method::PUT, "/orders/1/status", "root", r#"{"status":"preparing"}"#),
    (Method::PUT, "/orders/1/assign-delivery", "root", r#"{"delivery_partner_id":"bob"}"#),
    (Method::PUT, "/orders/1/assign-delivery", "bob", r#"{"delivery_partner_id":"bob"}"#),
    (Method::POST, "/orders/1/cancel", "ann", ""),
    (Method::PATCH, "/orders/1", "ann", r#"{"delivery_address":"2 Main St"}"#),
    (Method::POST, "/orders/1/refunds", "root", r#"{"amount":2.50,"reason":"sorry"}"#),
];

fn change((method, path, who, body): &(Method, &str, &str, &str), prefix: &str, slash: &str, key: &str) -> TestRequest {
    let request =
        signed(method.clone(), &format!("{prefix}{path}{slash}"), who).insert_header(("Idempotency-Key", key));
    if body.is_empty() {
        request
    } else {
        request.insert_header(("Content-Type", "application/json")).set_payload((*body).to_owned())
    }
}

#[actix_web::test]
async fn a_change_that_is_sent_again_gets_the_same_answer_byte_for_byte() {
    for asked in &CHANGES {
        let shop = Shop::open().with_order(Status::Confirmed).await;
        let first = shop.ask(change(asked, "", "", "k-1")).await;
        let what = format!("{asked:?}: {}", first.text);
        assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (200, None), "{what}");
        assert_eq!(first.header("etag"), Some("\"3\""), "{what}");
        // The order has moved on: the answer is the one that was given, whichever way it is asked for.
        shop.put("/orders/1/assign-delivery", "root", json!({"delivery_partner_id": "7"})).await;
        shop.post("/orders/1/cancel", "root", json!({"reason": "closed"})).await;
        let counts = shop.store.counts();
        for (prefix, slash) in [("", ""), ("/api/v1", ""), ("", "/"), ("/api/v1", "/")] {
            let again = shop.ask(change(asked, prefix, slash, "k-1")).await;
            assert_eq!(said(&again), said(&first), "{what}");
            assert_eq!(again.header("idempotency-replayed"), Some("true"));
            assert_eq!(again.header("content-type"), Some("application/json"));
        }
        assert_eq!(shop.store.counts(), counts);
    }
}

#[actix_web::test]
async fn a_cancellation_that_is_sent_again_says_again_that_money_comes_back() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    let first = shop.ask(change(&CHANGES[3], "", "", "k-1")).await.json();
    assert_eq!((&first["refund_initiated"], &first["message"]), (&json!(true), &json!("The order is cancelled.")));
    assert_eq!(shop.ask(change(&CHANGES[3], "", "", "k-1")).await.json(), first);

    // Under another key it is another request: it was cancelled before, which is kept as well.
    let anew = shop.ask(change(&CHANGES[3], "", "", "k-2")).await;
    assert_eq!((anew.header("idempotency-replayed"), &anew.json()["refund_initiated"]), (None, &json!(false)));
    let again = shop.ask(change(&CHANGES[3], "", "", "k-2")).await;
    assert_eq!((again.header("idempotency-replayed"), &again.text), (Some("true"), &anew.text));
    assert_eq!(shop.store.counts().receipts, 2);
}

#[actix_web::test]
async fn a_key_stands_for_one_change_of_one_order_by_one_caller() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    let status = |path, who, body: &str| {
        let request = signed(Method::PUT, path, who).insert_header(("Idempotency-Key", "k-1"));
        request.insert_header(("Content-Type", "application/json")).set_payload(body.to_owned())
    };
    let preparing = r#"{"status":"preparing"}"#;
    assert_eq!(shop.ask(status("/orders/1/status", "root", preparing)).await.status, 200);
    for (path, body) in
        [("/orders/1/status", r#"{"status":"cancelled","reason":"x"}"#), ("/orders/1/status?a=1", preparing)]
    {
        let errors = shop.ask(status(path, "root", body)).await.errors("idempotency_key_reused");
        assert_eq!(errors, pairs(&[("/header/Idempotency-Key", "reused")]), "{path} {body}");
    }
    // Another order's, another caller's and another path's key is another one, however it is spelled.
    shop.ask(status("/orders/2/status", "root", preparing)).await.is_problem(404, "order_not_found");
    shop.ask(status("/orders/1/status", "ann", preparing)).await.is_problem(403, "forbidden");
    let assigned = shop.ask(status("/orders/1/assign-delivery", "root", r#"{"delivery_partner_id":"bob"}"#)).await;
    assert_eq!((assigned.status.as_u16(), assigned.header("idempotency-replayed")), (200, None), "{}", assigned.text);
}

#[actix_web::test]
async fn a_change_with_a_key_that_is_none_is_refused_before_anything_is_said_of_the_order() {
    let shop = Shop::open();
    for asked in &CHANGES {
        let errors = shop.ask(change(asked, "", "", "a b")).await.errors("invalid_idempotency_key");
        assert_eq!(errors, pairs(&[("/header/Idempotency-Key", "invalid")]), "{asked:?}");
        let (method, path, _, _) = asked;
        let nobody = signed(method.clone(), path, "").insert_header(("Idempotency-Key", "a b"));
        shop.ask(nobody).await.is_problem(401, "unauthorized");
    }
}

#[actix_web::test]
async fn an_unknown_outcome_of_a_change_is_found_again_by_its_key() {
    for asked in &CHANGES {
        let shop = Shop::open().with_order(Status::Confirmed).await;
        shop.store.fail_next(Op::Commit, Fault::UndoneButUnknown);
        shop.ask(change(asked, "", "", "k-1")).await.is_problem(503, "outcome_unknown");
        shop.store.fail_next(Op::Commit, Fault::DoneButUnknown);
        let found = shop.ask(change(asked, "", "", "k-1")).await;
        assert_eq!((found.status.as_u16(), found.header("idempotency-replayed")), (200, Some("true")), "{asked:?}");
    }
}

/// Without a key.
fn click(path: &str, body: &str) -> TestRequest {
    let request = signed(Method::POST, path, "ann").insert_header(("Content-Type", "application/json"));
    request.set_payload(body.to_owned())
}

#[actix_web::test]
async fn a_second_click_without_a_key_gets_the_order_as_it_is_now() {
    let shop = Shop::open();
    let first = shop.ask(click("/orders", BODY)).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (201, None), "{}", first.text);
    let second = shop.ask(click("/orders", BODY)).await;
    assert_eq!((said(&second), second.header("idempotency-replayed")), (said(&first), Some("true")));

    shop.put("/orders/1/status", "root", json!({"status": "confirmed"})).await;
    for (path, location) in [("/orders/", "/orders/1"), ("/api/v1/orders", "/api/v1/orders/1")] {
        let again = shop.ask(click(path, BODY)).await;
        assert_eq!(
            (again.status.as_u16(), again.header("idempotency-replayed")),
            (201, Some("true")),
            "{}",
            again.text
        );
        assert_eq!((again.header("location"), again.header("etag")), (Some(location), Some("\"2\"")));
        let now = shop.get("/orders/1", "ann").await;
        assert_eq!((&again.text, again.json()["status"].as_str()), (&now.text, Some("confirmed")));
    }
    assert_eq!(shop.store.counts().orders, 1);
}

#[actix_web::test]
async fn another_request_for_an_ordered_cart_is_told_of_the_order() {
    let shop = Shop::open();
    shop.ask(click("/orders", BODY)).await;
    let before = shop.store.counts();
    for other in [
        click("/orders", r#"{"delivery_address":"2 Main St"}"#),
        click("/orders", r#"{"delivery_address": "1 Main St"}"#),
        click("/orders?a=1", BODY),
        place("/orders", "ann", "k-1", BODY),
    ] {
        let problem = shop.ask(other).await.is_problem(409, "already_ordered");
        assert_eq!(problem["order_id"], json!(1));
        assert!(problem["detail"].as_str().unwrap().contains("order 1"), "{problem}");
    }
    assert_eq!(shop.store.counts(), before);
    // The customer thinks again: the cart is theirs.
    shop.post("/orders/1/cancel", "ann", json!({})).await;
    let anew = shop.ask(place("/orders", "ann", "k-1", BODY)).await;
    assert_eq!((anew.status.as_u16(), anew.header("location")), (201, Some("/orders/2")));
}

#[actix_web::test]
async fn an_empty_cart_is_the_order_of_a_moment_ago_or_empty() {
    let shop = Shop::open();
    shop.ask(click("/orders", BODY)).await;
    shop.carts.put(order_testkit::builders::a_cart("ann", &[]));
    let again = shop.ask(click("/orders", BODY)).await;
    assert_eq!((again.status.as_u16(), again.header("location")), (201, Some("/orders/1")));
    shop.ask(place("/orders", "ann", "k-1", BODY)).await.is_problem(409, "cart_empty");
    shop.store.advance(Duration::from_secs(10));
    shop.ask(click("/orders", BODY)).await.is_problem(409, "cart_empty");
}
