//! What is known of a payment after each thing that can happen to its call.

use order_clients::Deadlines;
use order_domain::OrderId;
use order_domain::ports::{Payment, PaymentError, PaymentReceipt, PaymentService};
use order_sandbox::{Decline, DeclineAnswer, Fault, FaultKind, Route, Sandbox, Service};
use serde_json::json;

use crate::raw::{Answer, Raw};
use crate::{HASTY, PATIENT, payment_client, shop, usd, user};

fn payment(key: &str, minor: i64) -> Payment {
    Payment { key: key.to_owned(), customer: user("u1"), order: OrderId::new(7).unwrap(), amount: usd(minor) }
}

fn told(outcome: &Result<PaymentReceipt, PaymentError>) -> &'static str {
    match outcome {
        Ok(_) => "settled",
        Err(PaymentError::NotSent(_)) => "not sent",
        Err(PaymentError::Declined(_)) => "declined",
        Err(PaymentError::Refused(_)) => "refused",
        Err(PaymentError::Unknown(_)) => "unknown",
    }
}

async fn charge(sandbox: &Sandbox, key: &str, deadlines: Deadlines) -> Result<PaymentReceipt, PaymentError> {
    payment_client(&sandbox.urls().payment, deadlines).charge(&payment(key, 1050)).await
}

#[tokio::test]
async fn money_moves_once_for_each_key() {
    let sandbox = shop();
    let client = payment_client(&sandbox.urls().payment, PATIENT);
    let first = client.charge(&payment("order-7-charge-1", 1050)).await.unwrap();
    let again = client.charge(&payment("order-7-charge-1", 1050)).await.unwrap();
    let back = client.refund(&payment("order-7-refund-2", 1000)).await.unwrap();

    assert_eq!(first, again);
    assert!(!first.transaction_id.is_empty() && first != back);
    let entry = sandbox.payment("order-7-charge-1").unwrap();
    assert_eq!((entry.user_id.as_str(), entry.order_id.as_str(), entry.amount.as_str()), ("u1", "7", "10.50"));
    assert_eq!((entry.attempts, entry.conflicts), (2, 0));
    let balance = sandbox.balance("7");
    assert_eq!((balance.charged, balance.refunded), (1050, 1000));
}

#[tokio::test]
async fn a_payment_is_written_exactly() {
    let server = Raw::always(Answer::ok(r#"{"success":true}"#)).await;
    let client = payment_client(&server.url, PATIENT);
    client.charge(&payment("k-1", 1050)).await.unwrap();
    client.refund(&payment("k-2", i64::MAX)).await.unwrap();
    let requests = server.requests();
    assert!(requests[0].starts_with("POST /payments/process HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(requests[0].contains("\r\nidempotency-key: k-1\r\n"), "{}", requests[0]);
    assert!(requests[0].contains("\r\ncontent-type: application/json\r\n"), "{}", requests[0]);
    assert!(requests[0].ends_with("\r\n\r\n{\"user_id\":\"u1\",\"order_id\":7,\"amount\":10.50}"), "{}", requests[0]);
    assert!(requests[1].starts_with("POST /payments/refund HTTP/1.1\r\n"), "{}", requests[1]);
    assert!(requests[1].ends_with("\"amount\":92233720368547758.07}"), "{}", requests[1]);
}

#[tokio::test]
async fn both_ways_of_saying_no_are_a_no() {
    for answer in [DeclineAnswer::SuccessFalse, DeclineAnswer::PaymentRequired] {
        let sandbox = shop();
        sandbox.add_decline(Decline::charges().answering(answer));
        assert_eq!(told(&charge(&sandbox, "k", PATIENT).await), "declined", "{answer:?}");
        assert_eq!(sandbox.balance("7").charged, 0);
    }
}

#[tokio::test]
async fn each_status_and_each_fault_has_its_meaning() {
    let sandbox = shop();
    let mut faults = vec![
        (FaultKind::Status(402), "declined"),
        (FaultKind::Reset, "unknown"),
        (FaultKind::Truncated, "unknown"),
        (FaultKind::Garbage, "unknown"),
        (FaultKind::Endless, "unknown"),
        (FaultKind::Redirect, "unknown"),
    ];
    faults.extend([400, 401, 403, 404, 405, 409, 410, 413, 422, 451].map(|s| (FaultKind::Status(s), "refused")));
    faults.extend([408, 425, 429, 500, 501, 502, 503, 504, 599].map(|s| (FaultKind::Status(s), "unknown")));
    for (nth, (fault, expected)) in faults.into_iter().enumerate() {
        sandbox.add_fault(Service::Payment, Fault::new(fault.clone()).times(1));
        let outcome = charge(&sandbox, &format!("k-{nth}"), PATIENT).await;
        assert_eq!(told(&outcome), expected, "{fault:?}: {outcome:?}");
        assert_eq!(sandbox.calls_to(Service::Payment, Route::Process), nth as u64 + 1, "{fault:?} was asked again");
    }
    assert_eq!(sandbox.calls_to(Service::Payment, Route::Other), 0, "a redirect was followed");
}

#[tokio::test]
async fn only_a_plain_true_is_a_yes_and_only_a_plain_false_a_no() {
    let sandbox = shop();
    for (body, expected) in [
        (json!({"success": true}), "settled"),
        (json!({"success": true, "order_id": 7, "amount": 10.5}), "settled"),
        (json!({"success": true, "order_id": "7", "amount": "10.50", "more": [{}]}), "settled"),
        (json!({"success": true, "order_id": null, "amount": null}), "settled"),
        (json!({"success": true, "amount": 10.500_000_000_000_002}), "settled"),
        (json!({"success": false}), "declined"),
        (json!({"success": "yes"}), "unknown"),
        (json!({"success": "true"}), "unknown"),
        (json!({"success": "false"}), "unknown"),
        (json!({"success": 1}), "unknown"),
        (json!({"success": 0}), "unknown"),
        (json!({"success": null}), "unknown"),
        (json!({"status": "ok"}), "unknown"),
        (json!([true]), "unknown"),
        (json!(true), "unknown"),
        (json!({"success": true, "amount": 10.51}), "unknown"),
        (json!({"success": true, "amount": 1050}), "unknown"),
        (json!({"success": true, "amount": -10.5}), "unknown"),
        (json!({"success": true, "amount": "much"}), "unknown"),
        (json!({"success": true, "order_id": 8}), "unknown"),
        (json!({"success": true, "order_id": {}}), "unknown"),
        (json!({"success": false, "order_id": 8}), "unknown"),
    ] {
        sandbox.add_fault(Service::Payment, Fault::new(FaultKind::Body(body.clone())).times(1));
        let outcome = charge(&sandbox, "k", PATIENT).await;
        assert_eq!(told(&outcome), expected, "{body}: {outcome:?}");
    }
    for (answer, expected) in [
        (Answer::ok(r#"{"success":true,"success":false}"#), "unknown"),
        (Answer::ok(r#"{"success":true}{"#), "unknown"),
        (Answer::status("201 Created", r#"{"success":true}"#), "unknown"),
        (Answer::status("202 Accepted", r#"{"success":true}"#), "unknown"),
        (Answer::status("204 No Content", ""), "unknown"),
        (Answer::status("400 Bad Request", r#"{"success":false}"#), "refused"),
        (Answer::status("500 Oops", r#"{"success":false}"#), "unknown"),
        (Answer::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n{\"success\":true}".to_vec()), "unknown"),
        (Answer::Last(b"HTTP/1.1 2".to_vec()), "unknown"),
    ] {
        let server = Raw::always(answer).await;
        let outcome = payment_client(&server.url, PATIENT).charge(&payment("k", 1050)).await;
        assert_eq!(told(&outcome), expected, "{outcome:?}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_transaction_is_called_what_can_be_kept() {
    for (id, kept) in [
        (json!("txn-1"), "txn-1".to_owned()),
        (json!(17), "17".to_owned()),
        (json!("x".repeat(200)), "x".repeat(200)),
        (json!("x".repeat(201)), String::new()),
        (json!("a\u{0}b"), String::new()),
        (json!(null), String::new()),
        (json!({"id": 1}), String::new()),
    ] {
        let server = Raw::always(Answer::ok(json!({"success": true, "transaction_id": id}).to_string())).await;
        let outcome = payment_client(&server.url, PATIENT).charge(&payment("k", 1050)).await;
        assert_eq!(outcome, Ok(PaymentReceipt { transaction_id: kept }), "{id}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_the_same_key_finds_it_out() {
    let sandbox = shop();
    for (key, fault) in [
        ("k-1", Fault::acted_answer_lost()),
        ("k-2", Fault::new(FaultKind::Truncated).acted()),
        ("k-3", Fault::new(FaultKind::Status(502)).acted()),
    ] {
        sandbox.add_fault(Service::Payment, fault.times(1));
        assert_eq!(told(&charge(&sandbox, key, PATIENT).await), "unknown", "{key}");
        assert_eq!(told(&charge(&sandbox, key, PATIENT).await), "settled", "{key}");
        assert_eq!(sandbox.payment(key).unwrap().attempts, 2);
    }
    assert_eq!(sandbox.balance("7").charged, 3 * 1050);
}

#[tokio::test]
async fn a_slow_answer_is_unknown() {
    let sandbox = shop();
    sandbox.add_fault(Service::Payment, Fault::new(FaultKind::Hold).times(1));
    assert_eq!(told(&charge(&sandbox, "k", HASTY).await), "unknown");
    // it was heard, and is done when nobody waits any more
    sandbox.release(Service::Payment);
    sandbox.wait_until(|sandbox| sandbox.payment("k").is_some()).await;
    assert_eq!(told(&charge(&sandbox, "k", PATIENT).await), "settled");
    assert_eq!(sandbox.balance("7").charged, 1050);
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let sandbox = shop();
    sandbox.take_down(Service::Payment).await.unwrap();
    assert_eq!(told(&charge(&sandbox, "k", PATIENT).await), "not sent");
    sandbox.bring_back(Service::Payment).await.unwrap();
    assert_eq!(told(&charge(&sandbox, "k", PATIENT).await), "settled");

    let silent = Raw::always(Answer::Silence(Vec::new())).await;
    let plain = Raw::always(Answer::Last(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())).await;
    let patient_total = Deadlines { total: PATIENT.total, ..HASTY };
    for url in [
        // TLS that is never answered, and TLS that is answered with something else
        silent.url.replace("http:", "https:"),
        plain.url.replace("http:", "https:"),
        // a name that is reserved for not existing (RFC 6761)
        "http://payment.invalid".to_owned(),
    ] {
        let outcome = payment_client(&url, patient_total).charge(&payment("k", 1050)).await;
        assert_eq!(told(&outcome), "not sent", "{url}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_under_a_second_call_is_not_asked_again() {
    let settled = Answer::ok(r#"{"success":true}"#);
    for broken in [Answer::Last(Vec::new()), Answer::Last(b"HTTP/1.1 200 OK\r\n".to_vec())] {
        let server = Raw::start(vec![settled.clone(), broken, settled.clone()]).await;
        let client = payment_client(&server.url, PATIENT);
        assert_eq!(told(&client.charge(&payment("k-1", 1050)).await), "settled");
        // on the same, kept connection, which ends when the call has been read
        assert_eq!(told(&client.charge(&payment("k-2", 1050)).await), "unknown");
        assert_eq!(server.requests().len(), 2);
        assert_eq!(told(&client.charge(&payment("k-2", 1050)).await), "settled");
    }
}

#[tokio::test]
async fn a_connection_that_closes_while_it_is_kept_costs_at_most_the_knowledge() {
    // The end of the connection may be seen before the next call is written to it or after: a fresh connection in the
    // one case, an unknown outcome in the other. Never "not sent", and never two calls for one.
    for _ in 0..50 {
        let last = b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"success\":true}";
        let server = Raw::always(Answer::Last(last.to_vec())).await;
        let client = payment_client(&server.url, PATIENT);
        assert_eq!(told(&client.charge(&payment("k-1", 1050)).await), "settled");
        let outcome = client.charge(&payment("k-2", 1050)).await;
        match told(&outcome) {
            "settled" => assert_eq!(server.requests().len(), 2),
            "unknown" => assert!(server.requests().len() <= 2),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn what_can_not_be_a_payment_is_not_sent() {
    let server = Raw::always(Answer::ok(r#"{"success":true}"#)).await;
    let client = payment_client(&server.url, PATIENT);
    for bad in [payment("k", 0), payment("k", -1), payment("k\r\nx: y", 1)] {
        assert_eq!(told(&client.charge(&bad).await), "not sent");
        assert_eq!(told(&client.refund(&bad).await), "not sent");
    }
    assert!(server.requests().is_empty());
}
