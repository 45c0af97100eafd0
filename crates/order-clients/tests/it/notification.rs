//! What the notification service is told, and what becomes of it.

use order_domain::OrderId;
use order_domain::order::Status;
use order_domain::ports::{NotificationService, ServiceError};
use order_sandbox::{Fault, FaultKind, Message, Notification, Route, Service};

use crate::raw::{Answer, Raw};
use crate::{HASTY, PATIENT, kind, notification_client, shop, usd, user};

fn order() -> OrderId {
    OrderId::new(7).unwrap()
}

#[tokio::test]
async fn it_is_told_of_a_confirmed_order_and_of_each_status() {
    let sandbox = shop();
    let client = notification_client(&sandbox.urls().notification, PATIENT);
    client.order_confirmed(&user("u1"), order(), usd(1050)).await.unwrap();
    client.order_status(&user("u1"), order(), Status::OutForDelivery).await.unwrap();

    let told = |message| Notification { user_id: "u1".into(), order_id: "7".into(), message };
    assert_eq!(
        sandbox.notifications(),
        [
            told(Message::OrderConfirmation { total_minor: 1050 }),
            told(Message::OrderStatus { status: "out_for_delivery".into() }),
        ]
    );
    assert_eq!(sandbox.calls_to(Service::Notification, Route::Other), 0);
}

#[tokio::test]
async fn a_message_is_written_exactly_and_brings_no_token() {
    let server = Raw::always(Answer::status("204 No Content", "")).await;
    let client = notification_client(&server.url, PATIENT);
    client.order_confirmed(&user("u\"1"), order(), usd(1000)).await.unwrap();
    client.order_status(&user("u1"), order(), Status::Cancelled).await.unwrap();
    let requests = server.requests();
    assert!(requests[0].starts_with("POST /notifications/order-confirmation HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(requests[0].contains("\r\ncontent-type: application/json\r\n"), "{}", requests[0]);
    assert!(requests[0].ends_with(r#"{"user_id":"u\"1","order_id":7,"total_amount":10.00}"#), "{}", requests[0]);
    assert!(requests[1].starts_with("POST /notifications/order-status HTTP/1.1\r\n"), "{}", requests[1]);
    assert!(requests[1].ends_with(r#"{"user_id":"u1","order_id":7,"status":"cancelled"}"#), "{}", requests[1]);
    assert!(requests.iter().all(|request| !request.contains("authorization")), "{requests:?}");
}

#[tokio::test]
async fn each_fault_has_its_error_and_is_asked_once() {
    for (fault, expected) in [
        (FaultKind::Status(500), "unavailable"),
        (FaultKind::Status(503), "unavailable"),
        (FaultKind::Status(429), "unavailable"),
        (FaultKind::Reset, "unavailable"),
        (FaultKind::Status(400), "bad answer"),
        (FaultKind::Status(401), "bad answer"),
        (FaultKind::Status(404), "bad answer"),
        (FaultKind::Status(422), "bad answer"),
        (FaultKind::Redirect, "bad answer"),
        // its word is taken from the status, whatever comes after it
        (FaultKind::Garbage, "ok"),
        (FaultKind::Truncated, "ok"),
        (FaultKind::Endless, "ok"),
    ] {
        let sandbox = shop();
        let client = notification_client(&sandbox.urls().notification, PATIENT);
        sandbox.add_fault(Service::Notification, Fault::new(fault.clone()));
        let outcome = client.order_confirmed(&user("u1"), order(), usd(1050)).await;
        assert_eq!(kind(&outcome), expected, "{fault:?}: {outcome:?}");
        assert_eq!(sandbox.calls_to(Service::Notification, None), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn it_is_given_up_when_it_is_slow_or_down() {
    let sandbox = shop();
    sandbox.add_fault(Service::Notification, Fault::new(FaultKind::Hold));
    let client = notification_client(&sandbox.urls().notification, HASTY);
    assert_eq!(kind(&client.order_status(&user("u1"), order(), Status::Delivered).await), "unavailable");
    sandbox.clear_faults(Service::Notification);

    sandbox.take_down(Service::Notification).await.unwrap();
    let outcome = client.order_status(&user("u1"), order(), Status::Delivered).await;
    let Err(ServiceError::Unavailable { service, detail }) = outcome else { panic!("{outcome:?}") };
    assert_eq!((service.name(), detail.as_str()), ("notification", "no connection"));
}

#[tokio::test]
async fn a_body_that_never_ends_is_not_waited_for_beyond_the_deadline() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n".to_vec();
    let server = Raw::always(Answer::Silence(head)).await;
    let client = notification_client(&server.url, HASTY);
    assert_eq!(client.order_status(&user("u1"), order(), Status::Delivered).await, Ok(()));
}
