//! `POST /orders/{id}/payments/{n}/resolve`: what nobody but a person can tell.

use actix_web::http::Method;
use order_domain::Text;
use order_domain::order::{Actor, Command};
use order_domain::payment::EntryState;
use order_domain::time::Duration;
use order_testkit::builders::{Life, admin, an_order, usd};
use order_testkit::memory::{Fault, Op};
use serde_json::{Value, json};

use crate::support::{Answer, Shop, pairs, signed};

async fn resolve(shop: &Shop, n: u32, outcome: &str) -> Answer {
    let body = json!({"outcome": outcome, "reason": "seen in the console"});
    shop.post(&format!("/orders/1/payments/{n}/resolve"), "root", body).await
}

fn goodwill(life: Life, minor: i64) -> Life {
    let reason = Text::line("they waited long").unwrap();
    life.when(&admin(), Command::GrantGoodwill { amount: usd(minor), reason })
}

/// An order whose charge is in review, a day after it was sent.
async fn charge_in_review() -> Shop {
    let mut shop = Shop::open();
    let rules = order_domain::Rules { payment_timeout: Duration::from_hours(48), ..shop.rules.clone() };
    let sent = an_order().rules(rules.clone()).sent().after(Duration::from_hours(24));
    shop.keep(sent.when(&Actor::System, Command::PutInReview { entry: 1 })).await;
    shop.change(|shop| shop.rules = rules);
    shop
}

/// An order whose refund of 2.50, entry 2, is in review.
async fn refund_in_review() -> Shop {
    let shop = Shop::open();
    let sent = goodwill(an_order().paid(), 250).sent(2).after(Duration::from_hours(24));
    shop.keep(sent.when(&Actor::System, Command::PutInReview { entry: 2 })).await;
    shop
}

/// An order that was paid in cash, with a refund of 1.00, entry 2, to be handed over.
async fn cash_to_hand_over() -> Shop {
    let shop = Shop::open();
    shop.keep(goodwill(an_order().cash().delivered(), 100)).await;
    shop
}

/// Number, amount, method and state of all payments.
async fn ledger(shop: &Shop) -> Value {
    let ledger = shop.get("/orders/1/payments", "root").await.json();
    let entry = |entry: &Value| json!([entry["n"], entry["amount"], entry["method"], entry["state"]]);
    json!(ledger.as_array().unwrap().iter().map(entry).collect::<Vec<_>>())
}

#[actix_web::test]
async fn a_charge_that_was_found_confirms_its_order() {
    let shop = charge_in_review().await;
    let before = shop.get("/orders/1", "ann").await.json();
    assert_eq!((&before["status"], &before["payment_status"]), (&json!("pending"), &json!("review")));
    let answer = resolve(&shop, 1, "settled").await;
    let order = answer.json();
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, Some("\"4\"")), "{order}");
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
    assert_eq!(ledger(&shop).await, json!([[1, 10.98, "online", "settled"]]));
    let timeline = shop.get("/orders/1/timeline", "root").await.json();
    let of = |n: usize| {
        json!([timeline[n]["type"], timeline[n]["actor"]["role"], timeline[n]["reason"], timeline[n]["amount"]])
    };
    assert_eq!(of(1), json!(["charge_in_review", "system", null, null]));
    assert_eq!(of(2), json!(["resolved", "admin", "seen in the console", null]));
    assert_eq!(of(3), json!(["confirmed", "system", null, 10.98]));
}

#[actix_web::test]
async fn a_charge_that_was_not_found_is_declined() {
    let shop = charge_in_review().await;
    let order = resolve(&shop, 1, "not_settled").await.json();
    let shown = ["status", "cancel_code", "cancelled_by", "payment_status"].map(|name| order[name].clone());
    assert_eq!(shown, ["cancelled", "payment_declined", "system", "declined"].map(|text| json!(text)));
    assert_eq!(ledger(&shop).await, json!([[1, 10.98, "online", "declined"]]));
}

#[actix_web::test]
async fn a_refund_was_paid_or_paid_by_hand_or_is_tried_again() {
    for (outcome, entries) in [
        ("settled", json!([[1, 10.98, "online", "settled"], [2, 2.5, "online", "settled"]])),
        ("by_hand", json!([[1, 10.98, "online", "settled"], [2, 2.5, "cash", "settled"]])),
        (
            "not_settled",
            json!([[1, 10.98, "online", "settled"], [2, 2.5, "online", "declined"], [3, 2.5, "online", "booked"]]),
        ),
    ] {
        let shop = refund_in_review().await;
        assert_eq!(resolve(&shop, 2, outcome).await.status, 200);
        assert_eq!(ledger(&shop).await, entries, "{outcome}");
    }
}

#[actix_web::test]
async fn cash_is_handed_over_by_either_name() {
    for outcome in ["settled", "by_hand"] {
        let shop = cash_to_hand_over().await;
        let order = resolve(&shop, 2, outcome).await.json();
        assert_eq!((&order["payment_status"], &order["refunded_amount"]), (&json!("partially_refunded"), &json!(1.0)));
        assert_eq!(ledger(&shop).await, json!([[1, 10.98, "cash", "settled"], [2, 1.0, "cash", "settled"]]));
    }
    let shop = cash_to_hand_over().await;
    assert_eq!(
        resolve(&shop, 2, "not_settled").await.errors("outcome_not_possible"),
        pairs(&[("/outcome", "not_possible")])
    );
    let shop = charge_in_review().await;
    assert_eq!(
        resolve(&shop, 1, "by_hand").await.errors("outcome_not_possible"),
        pairs(&[("/outcome", "not_possible")])
    );
    assert_eq!(shop.get("/orders/1", "ann").await.json()["version"], 2);
}

#[actix_web::test]
async fn it_is_said_once_and_only_of_what_nobody_else_can_tell() {
    let shop = refund_in_review().await;
    assert_eq!(resolve(&shop, 1, "settled").await.is_problem(409, "not_in_review")["state"], "settled");
    resolve(&shop, 3, "settled").await.is_problem(404, "payment_not_found");
    assert_eq!(resolve(&shop, 2, "settled").await.status, 200);
    for outcome in ["settled", "by_hand", "not_settled"] {
        assert_eq!(resolve(&shop, 2, outcome).await.is_problem(409, "not_in_review")["state"], "settled");
    }
    for (life, state) in [
        (an_order().placed(), EntryState::Booked),
        (an_order().sent(), EntryState::Sent),
        (an_order().placed().charge_is_declined(1), EntryState::Declined),
        (an_order().placed().cancelled(), EntryState::Withdrawn),
    ] {
        let shop = Shop::open();
        shop.keep(life).await;
        assert_eq!(resolve(&shop, 1, "settled").await.is_problem(409, "not_in_review")["state"], state.name());
    }
}

#[actix_web::test]
async fn outcome_and_reason_are_required() {
    let shop = refund_in_review().await;
    for (body, errors) in [
        (json!({}), vec![("/outcome", "required"), ("/reason", "required")]),
        (json!({"reason": "x"}), vec![("/outcome", "required")]),
        (json!({"outcome": null, "reason": "x"}), vec![("/outcome", "required")]),
        (json!({"outcome": "settled"}), vec![("/reason", "required")]),
        (json!({"outcome": "settled", "reason": " "}), vec![("/reason", "empty")]),
        (json!({"outcome": "settled", "reason": "a\nb"}), vec![("/reason", "control_character")]),
        (json!({"outcome": "settled", "reason": "x".repeat(501)}), vec![("/reason", "too_long")]),
        (json!({"outcome": "paid", "reason": "x"}), vec![("/outcome", "unknown_value")]),
        (json!({"outcome": 1, "reason": "x"}), vec![("/outcome", "wrong_type")]),
        (json!({"outcome": "settled", "reason": "x", "amount": 1}), vec![("/amount", "unknown_field")]),
    ] {
        let answer = shop.post("/orders/1/payments/2/resolve", "root", body.clone()).await;
        assert_eq!(answer.errors("invalid"), pairs(&errors), "{body}");
    }
    for n in ["0", "-1", "01", "two", "4294967296"] {
        let answer = shop.post(&format!("/orders/1/payments/{n}/resolve"), "root", json!({})).await;
        assert_eq!(answer.errors("invalid_id"), pairs(&[("/path/n", "invalid_id")]), "{n}");
    }
    assert_eq!(shop.get("/orders/1", "ann").await.json()["version"], 4);
}

#[actix_web::test]
async fn whoever_was_faster_is_counted_in_and_asked_twice_it_is_said_once() {
    let shop = refund_in_review().await;
    shop.store.fail_next(Op::Commit, Fault::Conflict);
    let ask = |outcome: &str| {
        let body = json!({"outcome": outcome, "reason": "seen"});
        signed(Method::POST, "/orders/1/payments/2/resolve", "root")
            .set_json(body)
            .insert_header(("Idempotency-Key", "k"))
    };
    let first = shop.ask(ask("settled")).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (200, None));
    let again = shop.ask(ask("settled")).await;
    assert_eq!((again.text.as_str(), again.header("idempotency-replayed")), (first.text.as_str(), Some("true")));
    shop.ask(ask("by_hand")).await.is_problem(422, "idempotency_key_reused");
    // Whose version is stale is told so; what can't be is said first.
    let shop = cash_to_hand_over().await;
    let stale = |n: u32, outcome: &str| {
        let body = json!({"outcome": outcome, "reason": "seen"});
        let path = format!("/orders/1/payments/{n}/resolve");
        signed(Method::POST, &path, "root").set_json(body).insert_header(("If-Match", "\"1\""))
    };
    shop.ask(stale(2, "not_settled")).await.is_problem(422, "outcome_not_possible");
    shop.ask(stale(9, "settled")).await.is_problem(404, "payment_not_found");
    shop.ask(stale(2, "settled")).await.is_problem(412, "precondition_failed");
}
