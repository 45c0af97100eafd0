//! `GET /orders/{id}/payments`: what the ledger looks like, to the letter.

use actix_web::http::Method;
use order_domain::order::Command;
use order_domain::time::Duration;
use order_domain::{OrderId, Text};
use order_testkit::builders::{Life, admin, an_order, usd};
use serde_json::json;

use crate::support::{Shop, signed};

fn goodwill(life: Life, minor: i64) -> Life {
    let reason = Text::line("they waited long").unwrap();
    life.when(&admin(), Command::GrantGoodwill { amount: usd(minor), reason })
}

#[actix_web::test]
async fn a_ledger_is_written_to_the_letter() {
    let shop = Shop::open();
    let paid = an_order().placed().after(Duration::from_millis(1_500)).paid();
    let life = goodwill(paid, 250).after(Duration::from_secs(1)).refund_is_declined(2);
    shop.keep(life).await;
    let charge = concat!(
        r#"{"n":1,"kind":"charge","purpose":"order","method":"online","amount":10.98,"state":"settled","refunds":null,"#,
        r#""created_at":"2026-01-01T12:00:00Z","settled_at":"2026-01-01T12:00:01.500000Z""#,
    );
    let declined = concat!(
        r#"{"n":2,"kind":"refund","purpose":"goodwill","method":"online","amount":2.50,"state":"declined","refunds":1,"#,
        r#""created_at":"2026-01-01T12:00:01.500000Z","settled_at":null"#,
    );
    let again = concat!(
        r#"{"n":3,"kind":"refund","purpose":"goodwill","method":"online","amount":2.50,"state":"booked","refunds":1,"#,
        r#""created_at":"2026-01-01T12:00:02.500000Z","settled_at":null"#,
    );
    let to_customer = format!("[{charge}}},{declined}}},{again}}}]");
    let answer = shop.get("/orders/1/payments", "ann").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, to_customer.as_str()));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let to_admin = format!(
        "[{charge}{},{declined}{},{again}{}]",
        r#","key":"order-1-order-1","transaction_id":"tx-1","attempts":1,"last_error":null}"#,
        r#","key":"order-1-goodwill-2","transaction_id":null,"attempts":1,"last_error":null}"#,
        r#","key":"order-1-goodwill-3","transaction_id":null,"attempts":0,"last_error":null}"#,
    );
    assert_eq!(shop.get("/orders/1/payments", "root").await.text, to_admin);
    assert_eq!(shop.ask(signed(Method::HEAD, "/orders/1/payments", "ann")).await.status, 200);
}

#[actix_web::test]
async fn what_went_wrong_is_told_to_admins_alone() {
    let shop = Shop::open();
    let life = an_order().sent();
    let kept = {
        shop.store.advance_to(life.now);
        life.keep(&shop.store, &shop.store, &shop.store).await
    };
    let failure = order_domain::ports::Failure {
        wait: Duration::from_secs(1),
        error: "the payment service answered 503".into(),
        entry: Some(order_domain::ports::EntryFailure { entry: 1, refusal: false, again: false }),
    };
    assert!(order_domain::ports::TaskStore::fail(&shop.store, kept.held(1), &failure).await.unwrap());
    let entry = shop.get("/orders/1/payments", "root").await.json()[0].clone();
    assert_eq!(json!([entry["state"], entry["attempts"], entry["last_error"]]), json!(["sent", 1, failure.error]));
    assert!(!shop.get("/orders/1/payments", "ann").await.text.contains("503"));
    assert_eq!(shop.store.order(OrderId::new(1).unwrap()).unwrap().version(), 1);
}

#[actix_web::test]
async fn an_order_of_cash_has_an_empty_ledger_until_it_is_paid() {
    let shop = Shop::open();
    shop.keep(an_order().cash().placed()).await;
    assert_eq!(shop.get("/orders/1/payments", "ann").await.text, "[]");
    shop.keep(goodwill(an_order().id(2).cash().delivered(), 100)).await;
    let ledger = shop.get("/orders/2/payments", "ann").await.json();
    let of = |n: usize| json!([ledger[n]["kind"], ledger[n]["method"], ledger[n]["state"], ledger[n]["refunds"]]);
    assert_eq!((of(0), of(1)), (json!(["charge", "cash", "settled", null]), json!(["refund", "cash", "booked", 1])));
}
