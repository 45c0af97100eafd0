//! Asking what has become of a payment: only a plain yes or no under its key says so; nothing follows from anything else.

use order_clients::Deadlines;
use order_domain::OrderId;
use order_domain::ports::{Payment, PaymentError, PaymentReceipt, PaymentService};
use order_sandbox::{Decline, DeclineAnswer, Fault, FaultKind, Route, Sandbox, Service};
use serde_json::json;
use tokio::time::Instant;

use crate::raw::{Answer, Raw};
use crate::{HASTY, PATIENT, payment_client, shop, usd, user};

fn payment(key: &str) -> Payment {
    Payment { key: key.to_owned(), customer: user("u1"), order: OrderId::new(7).unwrap(), amount: usd(1050) }
}

fn told(outcome: &Result<Option<PaymentReceipt>, PaymentError>) -> &'static str {
    match outcome {
        Ok(Some(_)) => "settled",
        Ok(None) => "nobody knows",
        Err(PaymentError::NotSent(_)) => "not sent",
        Err(PaymentError::Declined(_)) => "declined",
        Err(PaymentError::Refused(_)) => "refused",
        Err(PaymentError::Unknown(_)) => "unknown",
    }
}

async fn look(sandbox: &Sandbox, key: &str, deadlines: Deadlines) -> Result<Option<PaymentReceipt>, PaymentError> {
    payment_client(&sandbox.urls().payment, deadlines).outcome(&payment(key)).await
}

#[tokio::test]
async fn what_has_become_of_a_key_is_found_without_asking_for_it_again() {
    let sandbox = shop();
    let client = payment_client(&sandbox.urls().payment, PATIENT);
    sandbox.add_fault(Service::Payment, Fault::acted_answer_lost().on(Route::Process).times(1));
    assert!(client.charge(&payment("k-1")).await.is_err(), "the answer is lost");
    let found = client.outcome(&payment("k-1")).await.unwrap().unwrap();
    assert_eq!(Some(found.transaction_id), sandbox.payment("k-1").unwrap().transaction_id);
    assert_eq!((sandbox.payment("k-1").unwrap().attempts, sandbox.calls_to(Service::Payment, Route::ByKey)), (1, 1));
    assert_eq!(told(&client.outcome(&payment("k-2")).await), "nobody knows", "it was never heard of");
    assert_eq!(sandbox.payments().len(), 1, "and is not by being asked about");
    for (nth, answer) in [DeclineAnswer::SuccessFalse, DeclineAnswer::PaymentRequired].into_iter().enumerate() {
        sandbox.add_decline(Decline::refunds().answering(answer).times(1));
        let key = format!("k-no-{nth}");
        assert!(client.refund(&payment(&key)).await.is_err());
        assert_eq!(told(&client.outcome(&payment(&key)).await), "declined", "{answer:?}");
    }
}

#[tokio::test]
async fn a_key_is_one_segment_of_the_path_and_a_look_carries_nothing() {
    let server = Raw::always(Answer::ok(r#"{"success":true,"transaction_id":"t"}"#)).await;
    let client = payment_client(&server.url, PATIENT);
    let found = client.outcome(&payment("order-7-order-1")).await;
    assert_eq!(found, Ok(Some(PaymentReceipt { transaction_id: "t".to_owned() })));
    client.outcome(&payment("a/../b?c=d")).await.unwrap();
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /payments/by-key/order-7-order-1 HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(requests[1].starts_with("GET /payments/by-key/a%2F..%2Fb%3Fc=d HTTP/1.1\r\n"), "{}", requests[1]);
    for request in requests {
        assert!(request.ends_with("\r\n\r\n") && !request.contains("idempotency-key"), "{request}");
    }
}

#[tokio::test]
async fn nothing_follows_from_an_error_or_from_no_answer() {
    let sandbox = shop();
    payment_client(&sandbox.urls().payment, PATIENT).charge(&payment("k")).await.unwrap();
    let statuses = [400, 401, 402, 403, 404, 405, 409, 410, 422, 429, 500, 502, 503, 504];
    let statuses = statuses.map(|status| (FaultKind::Status(status), "nobody knows"));
    for (fault, expected) in [
        (FaultKind::Reset, "unknown"),
        (FaultKind::Truncated, "unknown"),
        (FaultKind::Garbage, "unknown"),
        (FaultKind::Endless, "unknown"),
        (FaultKind::Redirect, "nobody knows"),
    ]
    .into_iter()
    .chain(statuses)
    {
        // A look is repeated once; both tries meet it.
        sandbox.add_fault(Service::Payment, Fault::new(fault.clone()).on(Route::ByKey));
        let outcome = look(&sandbox, "k", PATIENT).await;
        assert_eq!(told(&outcome), expected, "{fault:?}: {outcome:?}");
        sandbox.clear_faults(Service::Payment);
    }
    assert_eq!(sandbox.calls_to(Service::Payment, Route::Other), 0, "a redirect was followed");
    sandbox.add_fault(Service::Payment, Fault::new(FaultKind::Hold).on(Route::ByKey));
    assert_eq!(told(&look(&sandbox, "k", HASTY).await), "unknown");
    sandbox.clear_faults(Service::Payment);
    sandbox.release(Service::Payment);
    sandbox.take_down(Service::Payment).await.unwrap();
    assert_eq!(
        told(&look(&sandbox, "k", PATIENT).await),
        "unknown",
        "that a look was not sent says nothing of the payment"
    );
    sandbox.bring_back(Service::Payment).await.unwrap();
    assert_eq!(told(&look(&sandbox, "k", PATIENT).await), "settled");
    assert_eq!(sandbox.payment("k").unwrap().attempts, 1);
}

#[tokio::test]
async fn only_a_plain_word_about_this_payment_counts() {
    for (body, expected) in [
        (json!({"success": true}), "settled"),
        (json!({"success": true, "order_id": "7", "amount": "10.50"}), "settled"),
        (json!({"success": false}), "declined"),
        (json!({"success": false, "order_id": 7, "amount": 10.5}), "declined"),
        (json!({"success": "yes"}), "unknown"),
        (json!({"success": "false"}), "unknown"),
        (json!({"success": 1}), "unknown"),
        (json!({"success": null}), "unknown"),
        (json!({"state": "settled"}), "unknown"),
        (json!([]), "unknown"),
        (json!(null), "unknown"),
        (json!({"success": true, "amount": 10.51}), "unknown"),
        (json!({"success": true, "amount": 1050}), "unknown"),
        (json!({"success": false, "amount": 10.51}), "unknown"),
        (json!({"success": true, "order_id": 8}), "unknown"),
        (json!({"success": false, "order_id": 8}), "unknown"),
    ] {
        let server = Raw::always(Answer::ok(body.to_string())).await;
        let outcome = payment_client(&server.url, PATIENT).outcome(&payment("k")).await;
        assert_eq!(told(&outcome), expected, "{body}: {outcome:?}");
    }
    for (answer, expected) in [
        (Answer::ok(""), "unknown"),
        (Answer::ok(r#"{"success":true,"success":false}"#), "unknown"),
        (Answer::ok("[".repeat(100_000)), "unknown"),
        (Answer::status("201 Created", r#"{"success":true}"#), "nobody knows"),
        (Answer::status("202 Accepted", r#"{"success":false}"#), "nobody knows"),
        (Answer::status("204 No Content", ""), "nobody knows"),
        (Answer::status("404 Not Found", r#"{"success":false}"#), "nobody knows"),
        (Answer::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n{\"success\":true}".to_vec()), "unknown"),
        (Answer::Last(b"HTTP/1.1 2".to_vec()), "unknown"),
    ] {
        let server = Raw::always(answer).await;
        let outcome = payment_client(&server.url, PATIENT).outcome(&payment("k")).await;
        assert_eq!(told(&outcome), expected, "{outcome:?}");
    }
}

#[tokio::test]
async fn looking_takes_no_time_from_the_call_that_may_follow() {
    let sandbox = shop();
    sandbox.add_fault(Service::Payment, Fault::new(FaultKind::Hold).on(Route::ByKey));
    let begun = Instant::now();
    assert_eq!(told(&look(&sandbox, "k", Deadlines::PAYMENT).await), "unknown");
    assert!(begun.elapsed() < Deadlines::PAYMENT.total / 2, "{:?}", begun.elapsed());
    sandbox.release(Service::Payment);
}
