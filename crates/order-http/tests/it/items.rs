//! `PUT /orders/{id}/items`: other lines in the place of an order's lines.

use actix_web::http::Method;
use order_domain::order::Status;
use order_domain::ports::ServiceName;
use order_domain::time::Duration;
use order_testkit::builders::{START, a_cart, an_order, stocked};
use order_testkit::memory::{Fault, Op};
use order_testkit::services::{away, garbage};
use serde_json::{Value, json};

use crate::support::{Answer, Shop, pairs, signed};

const PATH: &str = "/orders/1/items";

fn items(lines: &[(i64, i64)]) -> Value {
    let line = |(product, quantity): &(i64, i64)| json!({ "product_id": product, "quantity": quantity });
    json!({ "items": lines.iter().map(line).collect::<Vec<_>>() })
}

async fn edit(shop: &Shop, lines: &[(i64, i64)]) -> Answer {
    shop.put(PATH, "ann", items(lines)).await
}

/// (line, product, units, unit price) of an answer's lines.
fn lines(order: &Value) -> Vec<(i64, i64, i64, f64)> {
    let line = |line: &Value| {
        let whole = |name: &str| line[name].as_i64().unwrap();
        (whole("id"), whole("product_id"), whole("quantity"), line["price"].as_f64().unwrap())
    };
    order["items"].as_array().unwrap().iter().map(line).collect()
}

/// An order of two apples at 2.99 (10.98 with delivery), paid. Apples cost 3.49 now; there are pears for 1.00.
async fn paid() -> Shop {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    shop.products.put(stocked(5, 349, 10));
    shop.products.put(stocked(6, 100, 10));
    shop
}

#[actix_web::test]
async fn what_stays_keeps_its_price_and_what_is_added_costs_what_it_costs_now() {
    let shop = paid().await;
    let answer = edit(&shop, &[(5, 3), (6, 1)]).await;
    let order = answer.json();
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, Some("\"3\"")), "{order}");
    assert_eq!(lines(&order), [(1, 5, 2, 2.99), (2, 5, 1, 3.49), (3, 6, 1, 1.0)]);
    let sums = ["subtotal", "discount", "delivery_fee", "total_amount", "charged_amount"];
    assert_eq!(sums.map(|name| order[name].clone()), [10.47, 0.0, 5.0, 15.47, 10.98].map(|sum| json!(sum)));
    assert_eq!(order["payment_status"], "processing", "the difference is being charged");
    assert_eq!(answer.text, shop.get("/orders/1", "ann").await.text, "the whole order, as it is now");
    let ledger = shop.get("/orders/1/payments", "ann").await.json();
    assert_eq!(
        json!([ledger[1]["kind"], ledger[1]["purpose"], ledger[1]["amount"], ledger[1]["state"]]),
        json!(["charge", "edit", 4.49, "booked"])
    );
}

#[actix_web::test]
async fn of_fewer_units_the_difference_is_refunded() {
    let shop = paid().await;
    let order = edit(&shop, &[(5, 1)]).await.json();
    assert_eq!((lines(&order), &order["total_amount"]), (vec![(1, 5, 1, 2.99)], &json!(7.99)));
    assert_eq!(order["payment_status"], "refund_pending");
    let ledger = shop.get("/orders/1/payments", "ann").await.json();
    assert_eq!(
        json!([ledger[1]["kind"], ledger[1]["purpose"], ledger[1]["amount"], ledger[1]["refunds"]]),
        json!(["refund", "edit", 2.99, 1])
    );
    let timeline = shop.get("/orders/1/timeline", "ann").await.json();
    assert_eq!((&timeline[2]["type"], &timeline[2]["amount"]), (&json!("edited"), &json!(null)));
}

#[actix_web::test]
async fn before_it_is_paid_the_new_total_is_charged_instead() {
    let shop = Shop::open().with_order(Status::Pending).await;
    let order = edit(&shop, &[(5, 1)]).await.json();
    assert_eq!((&order["status"], &order["total_amount"]), (&json!("pending"), &json!(7.99)));
    let ledger = shop.get("/orders/1/payments", "ann").await.json();
    let of = |n: usize| json!([ledger[n]["amount"], ledger[n]["purpose"], ledger[n]["state"]]);
    assert_eq!([of(0), of(1)], [json!([10.98, "order", "withdrawn"]), json!([7.99, "order", "booked"])]);
}

#[actix_web::test]
async fn a_product_that_is_named_twice_adds_up_and_the_same_lines_change_nothing() {
    let shop = paid().await;
    for same in [&[(5, 1), (5, 1)][..], &[(5, 2)]] {
        let answer = edit(&shop, same).await;
        assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, Some("\"2\"")), "{}", answer.text);
    }
    let order = edit(&shop, &[(6, 400), (5, 2), (6, 0)]).await;
    order.is_problem(422, "invalid");
    shop.products.put(stocked(6, 100, 999));
    let order = edit(&shop, &[(6, 400), (5, 2), (6, 599)]).await.json();
    assert_eq!(lines(&order), [(1, 5, 2, 2.99), (2, 6, 999, 1.0)]);
}

#[actix_web::test]
async fn what_is_wrong_is_named_where_it_stands_and_nothing_is_changed() {
    let shop = paid().await;
    let many = |n: i64| items(&(1..=n).map(|product| (product, 1)).collect::<Vec<_>>());
    let line = |product: Value, quantity: Value| json!({"items": [{"product_id": product, "quantity": quantity}]});
    let (product, quantity) = ("/items/0/product_id", "/items/0/quantity");
    for (body, errors) in [
        (json!({}), vec![("/items", "required")]),
        (json!({"items": null}), vec![("/items", "required")]),
        (json!({"items": {"product_id": 5}}), vec![("/items", "wrong_type")]),
        (json!({"items": [5]}), vec![("/items/0", "wrong_type")]),
        (json!({"items": [{}]}), vec![(product, "required"), (quantity, "required")]),
        (json!({"items": [{"quantity": 1}]}), vec![(product, "required")]),
        (line(json!(5), json!(0)), vec![(quantity, "out_of_range")]),
        (line(json!(5), json!(-1)), vec![(quantity, "out_of_range")]),
        (line(json!(5), json!(1000)), vec![(quantity, "out_of_range")]),
        (line(json!(5), json!(u64::MAX)), vec![(quantity, "out_of_range")]),
        (line(json!(5), json!(1.5)), vec![(quantity, "wrong_type")]),
        (line(json!(5), json!("2")), vec![(quantity, "wrong_type")]),
        (line(json!(0), json!(1)), vec![(product, "out_of_range")]),
        (line(json!(1_i64 << 53), json!(1)), vec![(product, "out_of_range")]),
        (line(json!("five"), json!(1)), vec![(product, "wrong_type")]),
        (many(101), vec![("/items", "too_many")]),
        (items(&[(5, 999), (6, 1), (5, 1)]), vec![("/items/2/quantity", "too_many_units")]),
        (
            items(&[(5, 2), (6, 1000), (0, 1)]),
            vec![("/items/1/quantity", "out_of_range"), ("/items/2/product_id", "out_of_range")],
        ),
        (
            json!({"items": [{"product_id": 5, "quantity": 1, "price": 0.01}], "note": 1}),
            vec![("/note", "unknown_field"), ("/items/0/price", "unknown_field")],
        ),
    ] {
        let answer = shop.put(PATH, "ann", body.clone()).await;
        assert_eq!(answer.errors("invalid"), pairs(&errors), "{body}");
    }
    // To want nothing is to cancel.
    assert_eq!(edit(&shop, &[]).await.errors("no_items"), pairs(&[("/items", "empty")]));
    let bare = shop.ask(signed(Method::PUT, "/orders/1/items?dry_run=perhaps", "ann").set_json(items(&[(5, 1)]))).await;
    assert_eq!(bare.errors("invalid"), pairs(&[("/query/dry_run", "unknown_value")]));
    assert_eq!(shop.get("/orders/1", "ann").await.json()["version"], 2);
    // A hundred are looked for.
    shop.put(PATH, "ann", many(100)).await.is_problem(409, "out_of_stock");
}

#[actix_web::test]
async fn what_cant_be_had_is_named_with_what_is_added_of_it() {
    let shop = paid().await;
    let mut gone = stocked(7, 100, 10);
    gone.active = false;
    shop.products.put(gone);
    let problem = edit(&shop, &[(5, 13), (7, 1), (9, 2)]).await.is_problem(409, "out_of_stock");
    assert_eq!(
        problem["shortages"],
        json!([
            {"product_id": 5, "requested": 11, "available": 10, "reason": "short"},
            {"product_id": 7, "requested": 1, "available": 0, "reason": "inactive"},
            {"product_id": 9, "requested": 2, "available": 0, "reason": "unknown"},
        ])
    );
    shop.products.fail_next(away(ServiceName::Product));
    edit(&shop, &[(5, 3)]).await.is_problem(503, "upstream_unavailable");
    shop.products.fail_next(garbage(ServiceName::Product));
    edit(&shop, &[(5, 3)]).await.is_problem(502, "bad_upstream_answer");
    shop.products.put(stocked(6, 0, 10));
    edit(&shop, &[(6, 1)]).await.is_problem(502, "bad_upstream_answer");
    assert_eq!(shop.get("/orders/1", "ann").await.json()["version"], 2);
    // Of fewer, nobody is asked.
    shop.products.fail_next(away(ServiceName::Product));
    assert_eq!(edit(&shop, &[(5, 1)]).await.status, 200);
}

#[actix_web::test]
async fn a_dry_run_says_what_it_would_come_to_and_changes_nothing() {
    let shop = paid().await;
    let ask = |body: Value| signed(Method::PUT, "/orders/1/items?dry_run=true", "ann").set_json(body);
    let key = ("Idempotency-Key", "one");
    for (wanted, expected) in [
        (
            items(&[(5, 3)]),
            r#"{"subtotal":9.47,"discount":0.00,"delivery_fee":5.00,"total_amount":14.47,"difference":3.49}"#,
        ),
        (
            items(&[(5, 1)]),
            r#"{"subtotal":2.99,"discount":0.00,"delivery_fee":5.00,"total_amount":7.99,"difference":-2.99}"#,
        ),
        (
            items(&[(5, 2)]),
            r#"{"subtotal":5.98,"discount":0.00,"delivery_fee":5.00,"total_amount":10.98,"difference":0.00}"#,
        ),
    ] {
        // Its key, good or bad, is passed over: the same one stands before all three.
        let answer = shop.ask(ask(wanted).insert_header(key)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, expected));
        assert_eq!((answer.header("etag"), answer.header("idempotency-replayed")), (Some("\"2\""), None));
    }
    assert_eq!(shop.ask(ask(items(&[(5, 2)])).insert_header(("Idempotency-Key", "not one"))).await.status, 200);
    // It is refused as the edit would be.
    shop.ask(ask(items(&[]))).await.is_problem(422, "no_items");
    shop.ask(ask(items(&[(9, 1)]))).await.is_problem(409, "out_of_stock");
    shop.ask(ask(items(&[(5, 1)])).insert_header(("If-Match", "\"1\""))).await.is_problem(412, "precondition_failed");
    assert_eq!(shop.ask(ask(items(&[(5, 1)])).insert_header(("If-Match", "\"2\""))).await.status, 200);
    let of_others = signed(Method::PUT, "/orders/1/items?dry_run=true", "ben").set_json(items(&[(5, 1)]));
    shop.ask(of_others).await.is_problem(404, "order_not_found");
    assert_eq!(shop.get("/orders/1", "ann").await.json()["version"], 2);
    // `false` and nothing mean it.
    let meant = signed(Method::PUT, "/orders/1/items?dry_run=false", "ann").set_json(items(&[(5, 1)]));
    assert_eq!(shop.ask(meant).await.json()["version"], 3);
}

#[actix_web::test]
async fn one_adjustment_at_a_time() {
    let shop = paid().await;
    assert_eq!(edit(&shop, &[(5, 3)]).await.status, 200);
    edit(&shop, &[(5, 4)]).await.is_problem(409, "adjustment_open");
    shop.put("/orders/1/status", "root", json!({"status": "preparing"})).await.is_problem(409, "adjustment_open");
    // The same again is no change.
    assert_eq!(edit(&shop, &[(5, 3)]).await.status, 200);
    // An edit's refund stands in nobody's way.
    let shop = paid().await;
    assert_eq!(edit(&shop, &[(5, 1)]).await.status, 200);
    assert_eq!(edit(&shop, &[(5, 2)]).await.status, 200);
}

#[actix_web::test]
async fn while_a_charge_is_under_way_its_amount_stays() {
    let shop = Shop::open();
    shop.keep(an_order().sent()).await;
    edit(&shop, &[(5, 1)]).await.is_problem(409, "payment_in_progress");
    assert_eq!(shop.get("/orders/1", "ann").await.json()["version"], 1);
}

#[actix_web::test]
async fn what_is_packed_released_or_has_ended_keeps_its_lines() {
    for status in [Status::Preparing, Status::OutForDelivery, Status::Delivered] {
        let shop = Shop::open().with_order(status).await;
        let problem = edit(&shop, &[(5, 1)]).await.is_problem(409, "not_changeable");
        assert_eq!(problem["current_status"], status.name());
    }
    let shop = Shop::open();
    let wanted = order_domain::time::after(START, Duration::from_hours(1));
    let released = an_order().scheduled_for(wanted).paid().after(Duration::from_mins(20));
    let system = order_domain::order::Actor::System;
    shop.keep(released.when(&system, order_domain::order::Command::Release { gone: false })).await;
    edit(&shop, &[(5, 1)]).await.is_problem(409, "already_released");
}

#[actix_web::test]
async fn an_order_has_a_hundred_lines_at_most() {
    let shop = Shop::open();
    let lines: Vec<_> = (1..=100).map(|product| (product, 100, 1)).collect();
    shop.keep(an_order().lines(&lines).paid()).await;
    shop.products.put(stocked(1, 120, 10));
    let wanted: Vec<_> = (1..=100).map(|product| (product, if product == 1 { 2 } else { 1 })).collect();
    edit(&shop, &wanted).await.is_problem(409, "too_many_lines");
}

#[actix_web::test]
async fn somebody_who_was_faster_is_not_overwritten_and_asked_twice_it_is_done_once() {
    let shop = paid().await;
    shop.store.fail_next(Op::Commit, Fault::Conflict);
    edit(&shop, &[(5, 1)]).await.is_problem(409, "concurrent_change");
    let ask = || signed(Method::PUT, PATH, "ann").set_json(items(&[(5, 1)])).insert_header(("Idempotency-Key", "k"));
    let first = shop.ask(ask()).await;
    let again = shop.ask(ask()).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (200, None));
    assert_eq!((again.text.as_str(), again.header("idempotency-replayed")), (first.text.as_str(), Some("true")));
    let other = signed(Method::PUT, PATH, "ann").set_json(items(&[(5, 2)])).insert_header(("Idempotency-Key", "k"));
    shop.ask(other).await.is_problem(422, "idempotency_key_reused");
    let stale = signed(Method::PUT, PATH, "ann").set_json(items(&[(5, 2)])).insert_header(("If-Match", "\"2\""));
    shop.ask(stale).await.is_problem(412, "precondition_failed");
}

#[actix_web::test]
async fn the_cart_of_its_customer_is_not_touched() {
    let shop = paid().await;
    shop.carts.put(a_cart("ann", &[(6, 1)]));
    edit(&shop, &[(5, 1)]).await;
    assert_eq!(shop.post("/orders", "ann", json!({"delivery_address": "1 Main St"})).await.json()["subtotal"], 1.0);
}
