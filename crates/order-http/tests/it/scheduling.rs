//! Orders for a time: placed, moved, dropped; and what can't be promised.

use actix_web::http::Method;
use order_domain::order::{Actor, Command, Status};
use order_domain::time::{Duration, Timestamp, after};
use order_testkit::builders::{START, an_order};
use serde_json::{Value, json};

use crate::support::{Answer, Shop, pairs, signed};

const MIN: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

fn text(moment: Timestamp) -> String {
    moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn ahead(time: Duration) -> String {
    text(after(START, time))
}

async fn place(shop: &Shop, path: &str, scheduled_for: Value) -> Answer {
    shop.post(path, "ann", json!({"delivery_address": "1 Main St", "scheduled_for": scheduled_for})).await
}

async fn patch(shop: &Shop, scheduled_for: Value) -> Answer {
    shop.ask(signed(Method::PATCH, "/orders/1", "ann").set_json(json!({"scheduled_for": scheduled_for}))).await
}

/// An order that is wanted in two hours, paid.
async fn scheduled() -> Shop {
    let shop = Shop::open();
    shop.keep(an_order().scheduled_for(after(START, 120 * MIN)).paid()).await;
    shop
}

#[actix_web::test]
async fn an_order_is_placed_for_a_time() {
    for path in ["/orders/scheduled", "/api/v1/orders/scheduled/", "/orders"] {
        let shop = Shop::open();
        let answer = place(&shop, path, json!(ahead(120 * MIN))).await;
        let order = answer.json();
        assert_eq!(answer.status, 201, "{order}");
        assert_eq!((&order["scheduled_for"], &order["released_at"]), (&json!("2026-01-01T14:00:00Z"), &json!(null)));
        let prefix = if path.starts_with("/api") { "/api/v1" } else { "" };
        assert_eq!(answer.header("location"), Some(format!("{prefix}/orders/1").as_str()));
        assert_eq!(answer.text, shop.get("/orders/1", "ann").await.text);
        assert_eq!(shop.get("/orders?scheduled=true", "root").await.json().as_array().unwrap().len(), 1);
    }
    // Without zone and seconds it is UTC, at the full minute.
    let shop = Shop::open();
    let order = place(&shop, "/orders/scheduled", json!("2026-01-01T14:30")).await.json();
    assert_eq!(order["scheduled_for"], "2026-01-01T14:30:00Z");
}

#[actix_web::test]
async fn at_the_address_of_scheduled_orders_a_time_is_required() {
    let shop = Shop::open();
    for body in
        [json!({"delivery_address": "1 Main St"}), json!({"delivery_address": "1 Main St", "scheduled_for": null})]
    {
        let answer = shop.post("/orders/scheduled", "ann", body.clone()).await;
        assert_eq!(answer.errors("invalid"), pairs(&[("/scheduled_for", "required")]));
        assert_eq!(shop.post("/orders", "ann", body).await.status, 201);
        shop.post("/orders/1/cancel", "ann", json!({})).await;
    }
    for path in ["/orders", "/orders/scheduled"] {
        for (odd, code) in [(json!("soon"), "not_a_time"), (json!(""), "not_a_time"), (json!(5), "wrong_type")] {
            assert_eq!(place(&shop, path, odd).await.errors("invalid"), pairs(&[("/scheduled_for", code)]));
        }
    }
    shop.ask(signed(Method::GET, "/orders/scheduled", "ann")).await.is_problem(405, "method_not_allowed");
}

#[actix_web::test]
async fn a_time_that_cant_be_promised_is_refused_with_the_nearest_that_can() {
    for (time, code, mistake, bound) in [
        (ahead(29 * MIN), "scheduled_too_soon", "too_soon", Some(("earliest", ahead(32 * MIN)))),
        (ahead(31 * DAY), "scheduled_too_late", "too_late", Some(("latest", ahead(30 * DAY)))),
        ("2026-01-01T11:59:59Z".to_owned(), "scheduled_in_the_past", "past", None),
        ("1999-01-01T00:00:00Z".to_owned(), "scheduled_in_the_past", "past", None),
    ] {
        let shop = Shop::open();
        for path in ["/orders", "/orders/scheduled"] {
            let answer = place(&shop, path, json!(time)).await;
            assert_eq!(answer.errors(code), pairs(&[("/scheduled_for", mistake)]), "{time}");
            if let Some((name, at)) = &bound {
                assert_eq!(answer.json()[name], json!(at), "and a moment to ask again in");
            }
        }
        assert_eq!(shop.get("/orders/my-orders", "ann").await.text, "[]");
        let shop = scheduled().await;
        assert_eq!(patch(&shop, json!(time)).await.errors(code), pairs(&[("/scheduled_for", mistake)]));
        assert_eq!(shop.get("/orders/1", "ann").await.json()["version"], 2);
    }
    for good in [30 * MIN, 30 * DAY] {
        let shop = Shop::open();
        assert_eq!(place(&shop, "/orders/scheduled", json!(ahead(good))).await.status, 201);
    }
}

#[actix_web::test]
async fn the_time_is_moved_or_dropped_before_the_release() {
    let shop = scheduled().await;
    let same = patch(&shop, json!(ahead(120 * MIN))).await;
    assert_eq!(same.header("etag"), Some("\"2\""), "nothing changes");
    let moved = patch(&shop, json!(ahead(180 * MIN))).await;
    assert_eq!((&moved.json()["scheduled_for"], moved.header("etag")), (&json!("2026-01-01T15:00:00Z"), Some("\"3\"")));
    assert_eq!(patch(&shop, json!("")).await.errors("invalid"), pairs(&[("/scheduled_for", "not_a_time")]));
    let dropped = patch(&shop, json!(null)).await.json();
    assert_eq!((&dropped["scheduled_for"], &dropped["version"]), (&json!(null), &json!(4)));
    let timeline = shop.get("/orders/1/timeline", "ann").await.json();
    let types: Vec<_> = timeline.as_array().unwrap().iter().map(|entry| entry["type"].clone()).collect();
    assert_eq!(types, ["placed", "confirmed", "rescheduled", "rescheduled"]);
    // What was never scheduled has nothing to drop.
    let shop = Shop::open().with_order(Status::Confirmed).await;
    assert_eq!(patch(&shop, json!(null)).await.header("etag"), Some("\"2\""));
}

#[actix_web::test]
async fn after_its_release_the_time_stays() {
    let shop = Shop::open();
    let due = an_order().scheduled_for(after(START, 60 * MIN)).paid().after(20 * MIN);
    shop.keep(due.when(&Actor::System, Command::Release { gone: false })).await;
    let order = shop.get("/orders/1", "ann").await.json();
    assert_eq!((&order["status"], &order["released_at"]), (&json!("confirmed"), &json!("2026-01-01T12:20:00Z")));
    for time in [json!(ahead(180 * MIN)), json!(null)] {
        patch(&shop, time).await.is_problem(409, "already_released");
    }
    let shop = Shop::open().with_order(Status::Confirmed).await;
    patch(&shop, json!(ahead(180 * MIN))).await.is_problem(409, "already_released");
    let shop = Shop::open().with_order(Status::Delivered).await;
    patch(&shop, json!(ahead(180 * MIN))).await.is_problem(409, "not_changeable");
}

#[actix_web::test]
async fn a_request_that_cant_be_kept_is_told_before_the_version() {
    let shop = scheduled().await;
    let ask = |time: String| {
        let body = json!({"scheduled_for": time});
        signed(Method::PATCH, "/orders/1", "ann").set_json(body).insert_header(("If-Match", "\"1\""))
    };
    shop.ask(ask(ahead(29 * MIN))).await.is_problem(422, "scheduled_too_soon");
    shop.ask(ask(ahead(60 * MIN))).await.is_problem(412, "precondition_failed");
}
