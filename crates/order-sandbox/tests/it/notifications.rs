//! The notification service: what it keeps, and what it refuses.

use order_sandbox::{Fault, FaultKind, Message, Notification, Route, Service};
use reqwest::RequestBuilder;
use serde_json::json;

use crate::{Shop, answer, shop, status};

impl Shop {
    fn notify(&self, route: &str, body: &str) -> RequestBuilder {
        let call = self.http.post(format!("{}/notifications/{route}", self.sandbox.urls().notification));
        call.header("Content-Type", "application/json").body(body.to_owned())
    }
}

#[tokio::test]
async fn what_it_was_told_is_kept_and_shown() {
    let shop = shop();
    let confirmation = r#"{"user_id":"u1","order_id":1,"total_amount":10.50}"#;
    assert_eq!(status(shop.notify("order-confirmation", confirmation)).await, 202);
    assert_eq!(status(shop.notify("order-status", r#"{"user_id":7,"order_id":"2","status":"delivered"}"#)).await, 202);

    let told =
        |user: &str, order: &str, message| Notification { user_id: user.into(), order_id: order.into(), message };
    assert_eq!(
        shop.sandbox.notifications(),
        [
            told("u1", "1", Message::OrderConfirmation { total_minor: 1050 }),
            told("7", "2", Message::OrderStatus { status: "delivered".into() }),
        ]
    );
    let look = |path: &str| answer(shop.http.get(format!("{}{path}", shop.sandbox.urls().admin)));
    let first = json!({"user_id": "u1", "order_id": "1", "kind": "order_confirmation", "total_minor": 1050});
    let second = json!({"user_id": "7", "order_id": "2", "kind": "order_status", "status": "delivered"});
    assert_eq!(look("/notifications").await, (200, json!([first, second])));
    assert_eq!(look("/notifications?order_id=2").await.1, json!([second]));
    assert_eq!(look("/calls").await.1["notification"], json!({"order_confirmation": 1, "order_status": 1}));

    shop.sandbox.reset();
    assert_eq!(shop.sandbox.notifications(), []);
}

#[tokio::test]
async fn anything_but_the_contract_is_refused() {
    let shop = shop();
    for (route, body, code) in [
        ("order-confirmation", "{", 400),
        ("order-confirmation", r#"{"user_id":"u1","order_id":1}"#, 422),
        ("order-confirmation", r#"{"user_id":"u1","order_id":1,"total_amount":10.505}"#, 422),
        ("order-confirmation", r#"{"user_id":"u1","order_id":1,"total_amount":25.970000000000002}"#, 422),
        ("order-confirmation", r#"{"user_id":"u1","order_id":1,"total_amount":-1}"#, 422),
        ("order-confirmation", r#"{"user_id":"u1","order_id":1,"total_amount":1,"more":1}"#, 422),
        ("order-confirmation", r#"{"user_id":"","order_id":1,"total_amount":1}"#, 422),
        ("order-status", r#"{"user_id":"u1","order_id":[],"status":"delivered"}"#, 422),
        ("order-status", r#"{"user_id":"u1","order_id":1,"status":1}"#, 422),
        ("order-status", r#"{"user_id":"u1","order_id":1,"status":"x","total_amount":1}"#, 422),
        ("order-status/", "{}", 404),
        ("other", "{}", 404),
    ] {
        assert_eq!(status(shop.notify(route, body)).await, code, "{route} {body}");
    }
    assert_eq!(shop.sandbox.notifications(), []);
    assert_eq!(shop.sandbox.calls_to(Service::Notification, Route::Other), 2);
}

#[tokio::test]
async fn its_faults_happen_before_it_keeps_a_message_or_after() {
    let shop = shop();
    let body = r#"{"user_id":"u1","order_id":1,"status":"delivered"}"#;
    shop.sandbox.add_fault(Service::Notification, Fault::new(FaultKind::Status(503)).on(Route::OrderStatus).times(1));
    assert_eq!(status(shop.notify("order-status", body)).await, 503);
    assert_eq!(shop.sandbox.notifications().len(), 0);
    shop.sandbox.add_fault(Service::Notification, Fault::acted_answer_lost().times(1));
    assert!(shop.notify("order-status", body).send().await.is_err());
    assert_eq!(shop.sandbox.notifications().len(), 1);
}
