//! `PATCH /orders/{id}`: where an order goes and what its courier should know.

use actix_web::http::Method;
use order_domain::Coordinates;
use order_domain::order::Status;
use order_domain::pricing::{FeePolicy, FeePrices, ServiceArea};
use order_testkit::builders::{an_order, usd};
use order_testkit::memory::{Fault, Op};
use serde_json::{Value, json};

use crate::support::{Answer, Shop, pairs, signed};

async fn patch(shop: &Shop, who: &str, body: Value) -> Answer {
    shop.ask(signed(Method::PATCH, "/orders/1", who).set_json(body)).await
}

/// Order 1 of `ann`, confirmed, in version 2, to be brought to a known place.
async fn confirmed() -> Shop {
    let shop = Shop::open();
    let order = an_order().address("123 Main St").coordinates("40.7128", "-74.0060").instructions("Ring twice");
    shop.keep(order.paid()).await;
    shop
}

/// Address, latitude, longitude, instructions, version.
fn shown(answer: &Answer) -> Value {
    let order = answer.json();
    assert_eq!(answer.status, 200, "{order}");
    let of = |name: &str| order[name].clone();
    json!([
        of("delivery_address"),
        of("delivery_latitude"),
        of("delivery_longitude"),
        of("special_instructions"),
        of("version")
    ])
}

#[actix_web::test]
async fn what_is_named_changes_and_the_rest_stays() {
    let shop = confirmed().await;
    for (body, expected) in [
        (json!({}), json!(["123 Main St", "40.7128", "-74.0060", "Ring twice", 2])),
        (json!({"delivery_address": "124 Main St"}), json!(["124 Main St", "40.7128", "-74.0060", "Ring twice", 3])),
        (
            json!({"delivery_latitude": "40.7", "delivery_longitude": -74}),
            json!(["124 Main St", "40.7", "-74", "Ring twice", 4]),
        ),
        (json!({"special_instructions": "The blue\ndoor"}), json!(["124 Main St", "40.7", "-74", "The blue\ndoor", 5])),
        (
            json!({"delivery_address": "1 Elm St", "special_instructions": null}),
            json!(["1 Elm St", "40.7", "-74", null, 7]),
        ),
        (
            json!({"delivery_latitude": null, "delivery_longitude": null, "special_instructions": "x"}),
            json!(["1 Elm St", null, null, "x", 9]),
        ),
        // Blank instructions are none; blank coordinates count as absent.
        (json!({"special_instructions": " "}), json!(["1 Elm St", null, null, null, 10])),
        (json!({"delivery_latitude": "", "delivery_longitude": ""}), json!(["1 Elm St", null, null, null, 10])),
    ] {
        let answer = patch(&shop, "ann", body.clone()).await;
        assert_eq!(shown(&answer), expected, "{body}");
        assert_eq!(answer.header("etag"), Some(format!("\"{}\"", expected[4]).as_str()));
        assert_eq!(answer.text, shop.get("/orders/1", "ann").await.text, "the whole order, as it is now");
    }
    let timeline = shop.get("/orders/1/timeline", "ann").await;
    let types: Vec<_> = timeline.json().as_array().unwrap().iter().map(|entry| entry["type"].clone()).collect();
    let (address, words) = ("address_changed", "instructions_changed");
    assert_eq!(types, ["placed", "confirmed", address, address, words, address, words, address, words, words]);
    for word in ["Main", "Elm", "blue", "40.7"] {
        assert!(!timeline.text.contains(word), "{word}");
    }
}

#[actix_web::test]
async fn what_is_wrong_is_named_all_at_once() {
    let shop = confirmed().await;
    let (address, lat, lon) = ("/delivery_address", "/delivery_latitude", "/delivery_longitude");
    let instructions = "/special_instructions";
    for (body, errors) in [
        (json!({"delivery_address": null}), vec![(address, "required")]),
        (json!({"delivery_address": " "}), vec![(address, "empty")]),
        (json!({"delivery_address": "é".repeat(501)}), vec![(address, "too_long")]),
        (json!({"delivery_address": "1 Main\nSt"}), vec![(address, "control_character")]),
        (json!({"delivery_address": 5}), vec![(address, "wrong_type")]),
        (json!({"delivery_latitude": 40}), vec![(lon, "incomplete")]),
        (json!({"delivery_longitude": "40"}), vec![(lat, "incomplete")]),
        (json!({"delivery_latitude": null}), vec![(lon, "incomplete")]),
        (json!({"delivery_longitude": null}), vec![(lat, "incomplete")]),
        (json!({"delivery_latitude": null, "delivery_longitude": 5}), vec![(lon, "incomplete")]),
        (json!({"delivery_latitude": 5, "delivery_longitude": null}), vec![(lat, "incomplete")]),
        (json!({"delivery_latitude": null, "delivery_longitude": ""}), vec![(lon, "incomplete")]),
        (json!({"delivery_latitude": 91, "delivery_longitude": 0}), vec![(lat, "out_of_range")]),
        (
            json!({"delivery_latitude": "x", "delivery_longitude": 181}),
            vec![(lat, "out_of_range"), (lon, "out_of_range")],
        ),
        (json!({"special_instructions": "é".repeat(501)}), vec![(instructions, "too_long")]),
        (json!({"special_instructions": "a\u{0}b"}), vec![(instructions, "control_character")]),
        (json!({"special_instructions": ["a"]}), vec![(instructions, "wrong_type")]),
        (json!({"scheduled_for": "soon"}), vec![("/scheduled_for", "not_a_time")]),
        (
            json!({"status": "delivered", "delivery_address": "", "delivery_latitude": 1, "special_instructions": "\u{7}"}),
            vec![
                ("/status", "unknown_field"),
                (address, "empty"),
                (lon, "incomplete"),
                (instructions, "control_character"),
            ],
        ),
    ] {
        assert_eq!(patch(&shop, "ann", body.clone()).await.errors("invalid"), pairs(&errors), "{body}");
    }
    patch(&shop, "ann", json!([])).await.is_problem(422, "invalid");
    assert_eq!(shop.get("/orders/1", "ann").await.json()["version"], 2);
}

#[actix_web::test]
async fn what_is_packed_or_has_ended_stays_as_it_is() {
    for status in [Status::Preparing, Status::OutForDelivery, Status::Delivered] {
        let shop = Shop::open().with_order(status).await;
        let problem =
            patch(&shop, "ann", json!({"delivery_address": "2 Main St"})).await.is_problem(409, "not_changeable");
        assert_eq!(problem["current_status"], status.name());
        // Nothing to change is no change.
        assert_eq!(patch(&shop, "ann", json!({"delivery_address": "1 Main St"})).await.status, 200);
    }
    let shop = Shop::open().with_order(Status::Pending).await;
    assert_eq!(patch(&shop, "ann", json!({"delivery_address": "2 Main St"})).await.status, 200);
    shop.post("/orders/1/cancel", "ann", json!({})).await;
    let problem = patch(&shop, "root", json!({"special_instructions": "x"})).await.is_problem(409, "not_changeable");
    assert_eq!(problem["current_status"], "cancelled");
}

#[actix_web::test]
async fn where_the_shop_does_not_deliver_it_does_not_go() {
    let mut shop = confirmed().await;
    let here = Coordinates::new(40.into(), (-74).into()).unwrap();
    let area = ServiceArea { fulfilment_points: vec![here], radius_km: 100.0 };
    shop.change(|shop| shop.rules.fee = FeePolicy { prices: FeePrices::flat(usd(700)), area: Some(area) });
    let far = json!({"delivery_address": "10 Downing St", "delivery_latitude": 51.5, "delivery_longitude": -0.1});
    patch(&shop, "ann", far).await.is_problem(409, "not_serviceable");
    let near = json!({"delivery_latitude": 40.1, "delivery_longitude": -74});
    let order = patch(&shop, "ann", near).await.json();
    assert_eq!((&order["delivery_fee"], &order["total_amount"]), (&json!(5.0), &json!(10.98)), "as it was placed");
}

#[actix_web::test]
async fn somebody_who_was_faster_is_not_overwritten() {
    let shop = confirmed().await;
    shop.store.fail_next(Op::Commit, Fault::Conflict);
    patch(&shop, "ann", json!({"delivery_address": "2 Main St"})).await.is_problem(409, "concurrent_change");
}
