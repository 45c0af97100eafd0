//! The payment service: its ledger by key, its declines and its refusals.

use order_sandbox::{Balance, Decline, DeclineAnswer, Outcome, PaymentKind};
use serde_json::json;

use crate::{answer, payment, send, shop, status};

#[tokio::test]
async fn a_charge_and_its_refund_are_in_the_book() {
    let shop = shop();
    let (code, charged) = answer(shop.charge("order-1-charge-1", "10.98")).await;
    assert_eq!((code, charged), (200, json!({"success": true, "transaction_id": "txn-000001"})));
    assert_eq!(status(shop.refund("order-1-refund-2", "0.10")).await, 200);

    let book = shop.sandbox.payments();
    assert_eq!(book.iter().map(|entry| entry.kind).collect::<Vec<_>>(), [PaymentKind::Charge, PaymentKind::Refund]);
    let charge = &book[0];
    assert_eq!(
        (charge.key.as_str(), charge.user_id.as_str(), charge.order_id.as_str()),
        ("order-1-charge-1", "u1", "1")
    );
    assert_eq!((charge.amount_minor, charge.amount.as_str()), (1098, "10.98"));
    assert_eq!((charge.outcome, charge.attempts, charge.conflicts), (Outcome::Accepted, 1, 0));
    assert_eq!(shop.sandbox.balance("1"), Balance { charged: 1098, refunded: 10 });
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_moves_money_once() {
    let shop = shop();
    let first = send(shop.charge("k", "5.00")).await.text().await.unwrap();
    let (second, third) = tokio::join!(send(shop.charge("k", "5.00")), send(shop.charge("k", "5")));
    assert_eq!(second.text().await.unwrap(), first);
    assert_eq!(third.text().await.unwrap(), first);
    assert_eq!(shop.sandbox.payment("k").unwrap().attempts, 3);
    assert_eq!(shop.sandbox.balance("1").charged, 500);
}

#[tokio::test]
async fn another_payment_under_the_same_key_is_refused() {
    let shop = shop();
    send(shop.charge("k", "5.00")).await;
    assert_eq!(status(shop.charge("k", "5.01")).await, 422);
    assert_eq!(status(shop.refund("k", "5.00")).await, 422);
    assert_eq!(status(shop.pay("process", "k", r#"{"user_id":"u1","order_id":2,"amount":5.00}"#)).await, 422);
    let entry = shop.sandbox.payment("k").unwrap();
    assert_eq!((entry.attempts, entry.conflicts, entry.amount_minor), (1, 3, 500));
}

#[tokio::test]
async fn a_decline_is_the_outcome_of_its_key_for_ever() {
    let shop = shop();
    shop.sandbox.add_decline(Decline::charges().times(1));
    shop.sandbox.add_decline(Decline::refunds().above(1000).answering(DeclineAnswer::PaymentRequired));

    let (code, declined) = answer(shop.charge("a", "5.00")).await;
    assert_eq!((code, &declined["success"], &declined["transaction_id"]), (200, &json!(false), &json!(null)));
    assert_eq!(answer(shop.charge("b", "5.00")).await.1["success"], true);
    assert_eq!(status(shop.refund("c", "10.01")).await, 402);
    assert_eq!(status(shop.refund("d", "10.00")).await, 200);

    shop.sandbox.clear_declines();
    assert_eq!(answer(shop.charge("a", "5.00")).await.1["success"], false);
    assert_eq!(status(shop.refund("c", "10.01")).await, 402);
    assert_eq!(answer(shop.by_key("a")).await, (200, declined.clone()));
    assert_eq!(answer(shop.by_key("c")).await, (200, declined));
    assert_eq!(shop.sandbox.balance("1"), Balance { charged: 500, refunded: 1000 });
}

#[tokio::test]
async fn a_key_is_looked_up_with_its_outcome() {
    let shop = shop();
    let (_, charged) = answer(shop.charge("order-1-charge-1", "5.00")).await;
    assert_eq!(answer(shop.by_key("order-1-charge-1")).await, (200, charged));
    assert_eq!(status(shop.by_key("order-1-charge-2")).await, 404);
    assert_eq!(shop.sandbox.payment("order-1-charge-1").unwrap().attempts, 1);
}

#[tokio::test]
async fn what_the_contract_does_not_allow_is_refused_and_not_booked() {
    let shop = shop();
    let url = format!("{}/payments/process", shop.sandbox.urls().payment);
    assert_eq!(status(shop.http.post(url).body(payment("5.00"))).await, 400);
    assert_eq!(status(shop.charge("", "5.00")).await, 400);
    assert_eq!(status(shop.charge("k", "")).await, 400);
    for amount in ["25.970000000000002", "1e3", "\"5.00\"", "null", "0", "-5.00"] {
        assert_eq!(status(shop.charge("k", amount)).await, 422, "{amount}");
    }
    for body in [
        r#"{"user_id":"u1","order_id":1,"amount":5.00,"currency":"USD"}"#,
        r#"{"user_id":"u1","amount":5.00}"#,
        r#"{"user_id":null,"order_id":1,"amount":5.00}"#,
    ] {
        assert_eq!(status(shop.pay("process", "k", body)).await, 422, "{body}");
    }
    assert_eq!(shop.sandbox.payments(), []);
}
