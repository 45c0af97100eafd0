//! Entity tags: reading what has changed, changing what was read.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use order_domain::order::Status;
use order_testkit::memory::Op;
use serde_json::{Value, json};

use crate::support::{Answer, Shop, pairs, signed};

/// Order 1 of `ann` in version 2, confirmed.
async fn confirmed() -> Shop {
    Shop::open().with_order(Status::Confirmed).await
}

async fn read(shop: &Shop, method: Method, known: &str) -> Answer {
    shop.ask(signed(method, "/orders/1", "ann").insert_header(("If-None-Match", known))).await
}

fn changes(tag: &str) -> [TestRequest; 6] {
    let ask =
        |method, path, who, body: Value| signed(method, path, who).insert_header(("If-Match", tag)).set_json(body);
    let put = |path, who, body| ask(Method::PUT, path, who, body);
    [
        put("/orders/1/status", "root", json!({"status": "preparing"})),
        put("/orders/1/assign-delivery", "root", json!({"delivery_partner_id": "bob"})),
        put("/orders/1/assign-delivery", "bob", json!({"delivery_partner_id": "bob"})),
        signed(Method::POST, "/orders/1/cancel", "ann").insert_header(("If-Match", tag)),
        ask(Method::PATCH, "/orders/1", "ann", json!({"special_instructions": "ring twice"})),
        ask(Method::POST, "/orders/1/refunds", "root", json!({"amount": 1, "reason": "sorry"})),
    ]
}

#[actix_web::test]
async fn an_order_that_is_known_as_it_is_is_not_sent_again() {
    let shop = confirmed().await;
    for known in ["\"2\"", "W/\"2\"", "\"1\", \"2\"", "*"] {
        for method in [Method::GET, Method::HEAD] {
            let answer = read(&shop, method, known).await;
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (304, ""), "{known}");
            assert_eq!(answer.header("etag"), Some("\"2\""));
        }
    }
    shop.put("/orders/1/status", "root", json!({"status": "preparing"})).await;
    let answer = read(&shop, Method::GET, "\"2\"").await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, Some("\"3\"")));
}

#[actix_web::test]
async fn an_order_that_is_known_otherwise_or_in_words_nobody_understands_is_sent() {
    let shop = confirmed().await;
    for known in ["\"1\"", "\"02\"", "2", "", "\"2", "ü"] {
        let answer = read(&shop, Method::GET, known).await;
        assert_eq!((answer.status.as_u16(), answer.json()["version"].as_i64()), (200, Some(2)), "{known}");
    }
}

#[actix_web::test]
async fn whose_order_it_is_not_learns_nothing_from_its_tag() {
    let shop = confirmed().await;
    let stranger = signed(Method::GET, "/orders/1", "eve").insert_header(("If-None-Match", "*"));
    shop.ask(stranger).await.is_problem(404, "order_not_found");
    for tag in ["*", "\"1\"", "\"2\""] {
        let stranger = signed(Method::POST, "/orders/1/cancel", "eve").insert_header(("If-Match", tag));
        shop.ask(stranger).await.is_problem(404, "order_not_found");
    }
}

#[actix_web::test]
async fn a_change_is_made_to_a_version_that_its_tags_name() {
    for tag in ["*", "\"2\"", "\"1\", W/\"9\", \"2\""] {
        for change in changes(tag) {
            let shop = confirmed().await;
            let answer = shop.ask(change).await;
            assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, Some("\"3\"")), "{tag}: {}", answer.text);
        }
    }
}

#[actix_web::test]
async fn a_change_of_another_version_is_refused_with_the_one_there_is() {
    let shop = confirmed().await;
    for tag in ["\"1\"", "\"3\"", "W/\"2\"", "\"02\"", "\"a tag of another kind\"".replace(' ', "-").as_str()] {
        for change in changes(tag) {
            let problem = shop.ask(change).await.is_problem(412, "precondition_failed");
            assert_eq!(problem["current_version"], json!(2), "{tag}");
        }
    }
    assert_eq!(shop.get("/orders/1", "ann").await.json()["version"], json!(2));
}

#[actix_web::test]
async fn what_is_no_list_of_tags_is_a_mistake_of_the_request() {
    let shop = confirmed().await;
    let loads = shop.store.calls(Op::Load);
    for tag in ["2", "", "\"2", "\"1\" \"2\"", "*, \"2\""] {
        for change in changes(tag) {
            assert_eq!(shop.ask(change).await.errors("invalid"), pairs(&[("/header/If-Match", "invalid")]), "{tag}");
        }
    }
    assert_eq!(shop.store.calls(Op::Load), loads, "the order is not looked at");
}

#[actix_web::test]
async fn tags_may_stand_in_several_headers() {
    let shop = confirmed().await;
    let [change, ..] = changes("\"1\"");
    assert_eq!(shop.ask(change.append_header(("If-Match", "\"2\""))).await.status, 200);
}
