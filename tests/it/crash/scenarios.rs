//! What is going on when the service dies. A scenario is a client's script: it asks, waits, and says at its end how things
//! have to be, whatever died on the way. Another one is a function and a line in the list.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use order_domain::time::Timestamp;
use order_sandbox::{Decline, Fault, Route, Service as Outside};
use reqwest::Method;
use serde_json::json;

use super::client::{Client, Who};

/// A script.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    /// Of every instance.
    pub settings: &'static [(&'static str, &'static str)],
    /// Where the first instance waits until the script opens its gate.
    pub waits_at: Option<&'static str>,
    pub play: for<'a> fn(&'a Client) -> BoxFuture<'a, ()>,
}

impl Scenario {
    const fn new(name: &'static str, play: for<'a> fn(&'a Client) -> BoxFuture<'a, ()>) -> Self {
        Self { name, settings: &[], waits_at: None, play }
    }

    const fn with(mut self, settings: &'static [(&'static str, &'static str)]) -> Self {
        self.settings = settings;
        self
    }

    const fn waiting_at(mut self, site: &'static str) -> Self {
        self.waits_at = Some(site);
        self
    }
}

pub const SCENARIOS: &[Scenario] = &[
    Scenario::new("place", |client| place(client).boxed()),
    Scenario::new("cancel", |client| cancel(client).boxed()),
    Scenario::new("cancel unheard", |client| cancel_unheard(client).boxed()),
    Scenario::new("deliver", |client| deliver(client).boxed()),
    Scenario::new("goodwill", |client| goodwill(client).boxed()),
    Scenario::new("edit up", |client| edit_up(client).boxed()),
    Scenario::new("edit down", |client| edit_down(client).boxed()),
    Scenario::new("edit declined", |client| edit_declined(client).boxed()),
    Scenario::new("release", |client| release(client).boxed())
        .with(&[("SCHEDULE_MIN_AHEAD", "1s"), ("RELEASE_LEAD", "59s")]),
    Scenario::new("declined", |client| declined(client).boxed()),
    Scenario::new("answer lost", |client| answer_lost(client).boxed()),
    Scenario::new("timeout", |client| timeout(client).boxed()).with(&[("PAYMENT_TIMEOUT", "1s")]),
    Scenario::new("late success", |client| late_success(client).boxed()).with(&[("PAYMENT_TIMEOUT", "1s")]),
    Scenario::new("restart", |client| restart(client).boxed()).waiting_at("task.start"),
];

/// An order of ann's cart, paid: 12.47.
async fn paid(client: &Client) -> i64 {
    let id = client.place("place").await;
    client.until(id, "status", "confirmed").await;
    id
}

/// After everything that was begun is done: what was charged and what came back of it, in cents.
async fn balance(client: &Client, id: i64) -> (i64, i64) {
    client.drain().await;
    let balance = client.sandbox.balance(&id.to_string());
    (balance.charged, balance.refunded)
}

async fn place(client: &Client) {
    let id = paid(client).await;
    assert_eq!(balance(client, id).await, (1247, 0));
    assert!(client.sandbox.cart("ann").items.is_empty());
    assert!(!client.sandbox.notifications().is_empty());
}

async fn cancel(client: &Client) {
    let id = paid(client).await;
    let path = format!("/orders/{id}/cancel");
    let cancelled = client.change(Who::Ann, Method::POST, &path, None, "cancel").await.expect(200).json();
    assert_eq!(cancelled["refund_initiated"], json!(true));
    assert_eq!(balance(client, id).await, (1247, 1247));
    let order = client.order(id).await;
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("cancelled"), &json!("refunded")));
}

/// The money has moved and nobody was told. The customer cancels while the payment service can't be asked.
async fn cancel_unheard(client: &Client) {
    // Nor is anybody told who asks what has become of it.
    client.sandbox.add_fault(Outside::Payment, Fault::acted_answer_lost());
    let id = client.place("place").await;
    client.eventually("the money has moved", || async { !client.sandbox.payments().is_empty() }).await;
    client.sandbox.take_down(Outside::Payment).await.unwrap();
    client.change(Who::Ann, Method::POST, &format!("/orders/{id}/cancel"), None, "cancel").await.expect(200);
    client.sandbox.clear_all_faults();
    client.sandbox.bring_back(Outside::Payment).await.unwrap();
    assert_eq!(balance(client, id).await, (1247, 1247));
    assert_eq!(client.sandbox.cart("ann").items.len(), 2, "for another try");
}

async fn deliver(client: &Client) {
    let id = paid(client).await;
    let path = format!("/orders/{id}/assign-delivery");
    client
        .change(Who::Ada, Method::PUT, &path, Some(json!({ "delivery_partner_id": "carl" })), "assign")
        .await
        .expect(200);
    for status in ["preparing", "out_for_delivery", "delivered"] {
        let body = Some(json!({ "status": status }));
        client.change(Who::Ada, Method::PUT, &format!("/orders/{id}/status"), body, status).await.expect(200);
    }
    assert_eq!(balance(client, id).await, (1247, 0));
    let order = client.order(id).await;
    assert_eq!((&order["status"], &order["delivery_partner_id"]), (&json!("delivered"), &json!("carl")));
}

async fn goodwill(client: &Client) {
    let id = paid(client).await;
    let body = json!({ "amount": 2.5, "reason": "they waited long" });
    client.change(Who::Ada, Method::POST, &format!("/orders/{id}/refunds"), Some(body), "gift").await.expect(200);
    assert_eq!(balance(client, id).await, (1247, 250));
    assert_eq!(client.order(id).await["refunded_amount"], json!(2.5));
}

/// The order is to consist of so many apples and so much milk.
async fn edit(client: &Client, id: i64, apples: u32, milk: u32) {
    let items = json!([{ "product_id": 1, "quantity": apples }, { "product_id": 2, "quantity": milk }]);
    let body = Some(json!({ "items": items }));
    client.change(Who::Ann, Method::PUT, &format!("/orders/{id}/items"), body, "edit").await.expect(200);
}

async fn edit_up(client: &Client) {
    let id = paid(client).await;
    edit(client, id, 3, 1).await;
    assert_eq!(balance(client, id).await, (1546, 0));
    let order = client.order(id).await;
    assert_eq!((&order["total_amount"], &order["payment_status"]), (&json!(15.46), &json!("paid")));
}

async fn edit_down(client: &Client) {
    let id = paid(client).await;
    edit(client, id, 1, 1).await;
    assert_eq!(balance(client, id).await, (1247, 299));
    let order = client.order(id).await;
    assert_eq!((&order["total_amount"], &order["payment_status"]), (&json!(9.48), &json!("paid")));
}

/// The difference is declined: the order is what it was.
async fn edit_declined(client: &Client) {
    let id = paid(client).await;
    client.sandbox.add_decline(Decline::charges());
    edit(client, id, 3, 1).await;
    assert_eq!(balance(client, id).await, (1247, 0));
    let order = client.order(id).await;
    assert_eq!((&order["total_amount"], &order["payment_status"]), (&json!(12.47), &json!("paid")));
    assert_eq!(order["items"].as_array().unwrap().len(), 2);
}

/// An order for a time that comes soon: it is released once, and not before.
async fn release(client: &Client) {
    // Wanted so soon that it is released when a second has passed, and so late that it may be asked for again by then.
    let in_a_minute = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() + 60;
    let at = Timestamp::from_timestamp(i64::try_from(in_a_minute).unwrap(), 0).unwrap();
    let body = json!({ "delivery_address": "1 Main St", "scheduled_for": at.to_rfc3339() });
    let placed = client.change(Who::Ann, Method::POST, "/orders/scheduled", Some(body), "place").await;
    let id = placed.expect(201).id();
    let is_released = || async { !client.order(id).await["released_at"].is_null() };
    client.eventually("it is released", is_released).await;
    assert_eq!(balance(client, id).await, (1247, 0));
    let timeline = client.timeline(id).await;
    let releases: Vec<_> = timeline.iter().filter(|entry| entry["type"] == json!("released")).collect();
    assert_eq!(releases.len(), 1, "{timeline:?}");
}

async fn declined(client: &Client) {
    client.sandbox.add_decline(Decline::charges());
    let id = client.place("place").await;
    client.until(id, "status", "cancelled").await;
    assert_eq!(balance(client, id).await, (0, 0));
    assert_eq!(client.order(id).await["cancel_code"], json!("payment_declined"));
    assert_eq!(client.sandbox.cart("ann").items.len(), 2, "for another try");
}

/// The money moves, and nobody is told at first.
async fn answer_lost(client: &Client) {
    client.sandbox.add_fault(Outside::Payment, Fault::acted_answer_lost().on(Route::Process).times(1));
    let id = paid(client).await;
    assert_eq!(balance(client, id).await, (1247, 0));
}

/// Nobody takes the money until it is too late.
async fn timeout(client: &Client) {
    client.sandbox.take_down(Outside::Payment).await.unwrap();
    let id = client.place("place").await;
    client.until(id, "status", "cancelled").await;
    client.sandbox.bring_back(Outside::Payment).await.unwrap();
    let (charged, refunded) = balance(client, id).await;
    assert_eq!(charged, refunded, "of a cancelled order");
    assert_eq!(client.order(id).await["cancel_code"], json!("payment_timeout"));
    assert_eq!(client.sandbox.cart("ann").items.len(), 2, "for another try");
}

/// The money is taken in time, and it is said when it is too late.
async fn late_success(client: &Client) {
    // Nor is anybody told who asks what has become of it.
    client.sandbox.add_fault(Outside::Payment, Fault::acted_answer_lost());
    let id = client.place("place").await;
    client.until(id, "status", "cancelled").await;
    client.sandbox.clear_all_faults();
    let (charged, refunded) = balance(client, id).await;
    assert_eq!(charged, refunded, "of a cancelled order");
    let order = client.order(id).await;
    assert_eq!(order["cancel_code"], json!("payment_timeout"));
    // Whoever dies before the charge is sent may come back when the time is over: then nothing was taken at all.
    if charged != 0 || client.deaths().await == 0 {
        assert_eq!((charged, &order["payment_status"]), (1247, &json!("refunded")));
    }
}

/// Told to stop with a claim in its hands that it has not begun: it is handed back.
async fn restart(client: &Client) {
    let id = client.place("place").await;
    let claimed = || async { client.engine.claimed().await > 0 || client.deaths().await > 0 };
    client.eventually("it is claimed, or it is over with who would have claimed it", claimed).await;
    client.restart().await;
    client.until(id, "status", "confirmed").await;
    assert_eq!(balance(client, id).await, (1247, 0));
}
