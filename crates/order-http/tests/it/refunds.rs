//! `POST /orders/{id}/refunds`: goodwill.

use actix_web::http::Method;
use order_domain::order::{Product, Status};
use order_domain::{Currency, Money};
use order_testkit::builders::{Life, START, a_product, an_order};
use order_testkit::memory::{Fault, Op};
use serde_json::{Value, json};

use crate::support::{Answer, Shop, pairs, signed};

/// The body as it is written: a library would write the number its own way.
async fn ask(shop: &Shop, body: &str) -> Answer {
    let request = signed(Method::POST, "/orders/1/refunds", "root").insert_header(("Content-Type", "application/json"));
    shop.ask(request.set_payload(body.to_owned())).await
}

async fn give(shop: &Shop, amount: &str) -> Answer {
    ask(shop, &format!(r#"{{"amount":{amount},"reason":"they waited long"}}"#)).await
}

#[actix_web::test]
async fn a_goodwill_is_answered_with_the_whole_order() {
    let shop = Shop::open().with_order(Status::Delivered).await;
    let answer = give(&shop, "2.50").await;
    let order = answer.json();
    assert_eq!((answer.status.as_u16(), &order["payment_status"]), (200, &json!("refund_pending")), "{order}");
    assert_eq!((&order["status"], &order["refunded_amount"]), (&json!("delivered"), &json!(0.0)), "it is on its way");
    assert_eq!(answer.text, shop.get("/orders/1", "ann").await.text);
    let tag = format!("\"{}\"", order["version"]);
    assert_eq!((answer.header("etag"), answer.header("location")), (Some(tag.as_str()), None));
    let timeline = shop.get("/orders/1/timeline", "root").await.json();
    let last = timeline.as_array().unwrap().last().unwrap();
    let expected = json!(["goodwill_granted", "they waited long", null, {"role": "admin", "id": "root"}]);
    assert_eq!(json!([last["type"], last["reason"], last["amount"], last["actor"]]), expected);
}

#[actix_web::test]
async fn an_amount_is_taken_digit_by_digit() {
    for (written, booked) in [
        ("0.01", "0.01"),
        ("10.98", "10.98"),
        ("2.5", "2.50"),
        ("3", "3.00"),
        ("3.10000", "3.10"),
        ("1e1", "10.00"),
        ("25E-2", "0.25"),
    ] {
        let shop = Shop::open().with_order(Status::Confirmed).await;
        assert_eq!(give(&shop, written).await.status, 200, "{written}");
        let payments = shop.get("/orders/1/payments", "root").await.text;
        assert!(
            payments.contains(&format!(r#""purpose":"goodwill","method":"online","amount":{booked},"#)),
            "{payments}"
        );
    }
}

#[actix_web::test]
async fn what_is_no_amount_is_named() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    for (written, code) in [
        ("0", "out_of_range"),
        ("0.00", "out_of_range"),
        ("-0", "out_of_range"),
        ("-1", "out_of_range"),
        ("0.001", "too_precise"),
        ("1.005", "too_precise"),
        ("1e-3", "too_precise"),
        // A double would make 10.00 of it.
        ("9.9999999999999999999999", "too_precise"),
        ("1.00000000000000000000000000000000000000001", "out_of_range"),
        ("1e400", "out_of_range"),
        ("1e-400", "out_of_range"),
        ("99999999999999999999999999999999999", "out_of_range"),
        ("92233720368547758.08", "out_of_range"),
        ("null", "required"),
        ("\"2.50\"", "wrong_type"),
        ("true", "wrong_type"),
        ("[1]", "wrong_type"),
        ("{\"value\":1}", "wrong_type"),
    ] {
        assert_eq!(give(&shop, written).await.errors("invalid"), pairs(&[("/amount", code)]), "{written}");
    }
    give(&shop, "1.2.3").await.is_problem(400, "malformed_json");
    give(&shop, "+1").await.is_problem(400, "malformed_json");
    assert_eq!(shop.get("/orders/1", "ann").await.json()["version"], 2);
}

#[actix_web::test]
async fn a_reason_is_given_in_a_line() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    let body = |reason: Value| json!({"amount": 1, "reason": reason}).to_string();
    for (reason, code) in [
        (json!(null), "required"),
        (json!(""), "empty"),
        (json!(" "), "empty"),
        (json!("x".repeat(501)), "too_long"),
        (json!("a\nb"), "control_character"),
        (json!(5), "wrong_type"),
    ] {
        assert_eq!(ask(&shop, &body(reason)).await.errors("invalid"), pairs(&[("/reason", code)]));
    }
    for (body, errors) in [
        ("{}", vec![("/amount", "required"), ("/reason", "required")]),
        (r#"{"amount":1}"#, vec![("/reason", "required")]),
        (r#"{"reason":"x"}"#, vec![("/amount", "required")]),
        (r#"{"amount":1,"reason":"x","currency":"EUR"}"#, vec![("/currency", "unknown_field")]),
        (r#"{"amount":1,"amount":2,"reason":"x"}"#, vec![("/amount", "repeated")]),
        ("[]", vec![("", "wrong_type")]),
    ] {
        assert_eq!(ask(&shop, body).await.errors("invalid"), pairs(&errors), "{body}");
    }
}

#[actix_web::test]
async fn more_than_is_left_is_refused_with_what_is_left_to_the_cent() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    let refused = give(&shop, "10.99").await;
    refused.is_problem(409, "refund_exceeds_charge");
    assert!(refused.text.contains(r#""refundable":10.98"#), "{}", refused.text);
    give(&shop, "5.98").await;
    let refused = give(&shop, "5.01").await;
    let problem = refused.is_problem(409, "refund_exceeds_charge");
    assert!(refused.text.contains(r#""refundable":5.00"#), "{}", refused.text);
    assert!(problem["detail"].as_str().unwrap().contains("5.00"));
    assert_eq!(give(&shop, "5").await.status, 200);
    assert!(give(&shop, "0.01").await.text.contains(r#""refundable":0.00"#));
    // Nothing was charged yet.
    let shop = Shop::open().with_order(Status::Pending).await;
    give(&shop, "0.01").await.is_problem(409, "refund_exceeds_charge");
}

#[actix_web::test]
async fn whoever_was_faster_is_counted_in() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    shop.store.fail_next(Op::Commit, Fault::Conflict);
    assert_eq!(give(&shop, "1").await.status, 200);
    for _ in 0..3 {
        shop.store.fail_next(Op::Commit, Fault::Conflict);
    }
    give(&shop, "1").await.is_problem(409, "concurrent_change");
}

#[actix_web::test]
async fn an_amount_has_the_decimals_of_the_shops_currency() {
    let yen = Currency::from_code("JPY").unwrap();
    let rules = order_domain::Rules { cash_on_delivery: true, ..order_domain::Rules::new(yen) };
    let product = Product { price: Money::from_minor(300, yen), ..a_product(5, 0) };
    let mut shop = Shop::open();
    let mut wish = an_order().products(vec![(product, order_domain::Quantity::new(1).unwrap())]).wish();
    wish.basket.promo_discount = Money::zero(yen);
    let placed = order_domain::order::place(wish, &rules, START).unwrap();
    shop.keep(Life::begin(placed, rules.clone(), START).paid()).await;
    shop.change(|shop| shop.rules = rules);
    assert_eq!(give(&shop, "0.5").await.errors("invalid"), pairs(&[("/amount", "too_precise")]));
    assert_eq!(give(&shop, "305").await.status, 200);
    let refused = give(&shop, "1").await;
    assert!(
        refused.text.contains(r#""refundable":0}"#) || refused.text.contains(r#""refundable":0,"#),
        "{}",
        refused.text
    );
}
