//! What is going on when the service dies. A scenario is a client's script: it asks, waits, and says at its end how things
//! have to be, whatever died on the way. Another one is a function and a line in the list.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
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
    /// What happens at sites of the first instance, beside its death.
    pub failpoints: &'static str,
    pub play: for<'a> fn(&'a Client) -> BoxFuture<'a, ()>,
}

impl Scenario {
    const fn new(name: &'static str, play: for<'a> fn(&'a Client) -> BoxFuture<'a, ()>) -> Self {
        Self { name, settings: &[], failpoints: "", play }
    }

    const fn with(mut self, settings: &'static [(&'static str, &'static str)]) -> Self {
        self.settings = settings;
        self
    }

    const fn and(mut self, failpoints: &'static str) -> Self {
        self.failpoints = failpoints;
        self
    }
}

pub const SCENARIOS: &[Scenario] = &[
    Scenario::new("place", |client| place(client).boxed()),
    Scenario::new("cancel", |client| cancel(client).boxed()),
    Scenario::new("deliver", |client| deliver(client).boxed()),
    Scenario::new("goodwill", |client| goodwill(client).boxed()),
    Scenario::new("declined", |client| declined(client).boxed()),
    Scenario::new("answer lost", |client| answer_lost(client).boxed()),
    Scenario::new("timeout", |client| timeout(client).boxed()).with(&[("PAYMENT_TIMEOUT", "1s")]),
    Scenario::new("late success", |client| late_success(client).boxed()).with(&[("PAYMENT_TIMEOUT", "1s")]),
    // What is claimed stays so for a moment before it is begun.
    Scenario::new("restart", |client| restart(client).boxed()).and("commit.claim.after=sleep(150)"),
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
    client.ask(Who::Ann, Method::POST, &format!("/orders/{id}/cancel"), None, Some("cancel")).await.expect(200);
    assert_eq!(balance(client, id).await, (1247, 1247));
    let order = client.order(id).await;
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("cancelled"), &json!("refunded")));
}

async fn deliver(client: &Client) {
    let id = paid(client).await;
    let path = format!("/orders/{id}/assign-delivery");
    client
        .ask(Who::Ada, Method::PUT, &path, Some(json!({ "delivery_partner_id": "carl" })), Some("assign"))
        .await
        .expect(200);
    for status in ["preparing", "out_for_delivery", "delivered"] {
        let body = Some(json!({ "status": status }));
        client.ask(Who::Ada, Method::PUT, &format!("/orders/{id}/status"), body, Some(status)).await.expect(200);
    }
    assert_eq!(balance(client, id).await, (1247, 0));
    let order = client.order(id).await;
    assert_eq!((&order["status"], &order["delivery_partner_id"]), (&json!("delivered"), &json!("carl")));
}

async fn goodwill(client: &Client) {
    let id = paid(client).await;
    let body = json!({ "amount": 2.5, "reason": "they waited long" });
    client.ask(Who::Ada, Method::POST, &format!("/orders/{id}/refunds"), Some(body), Some("gift")).await.expect(200);
    assert_eq!(balance(client, id).await, (1247, 250));
    assert_eq!(client.order(id).await["refunded_amount"], json!(2.5));
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
    client.sandbox.add_fault(Outside::Payment, Fault::acted_answer_lost().on(Route::Process));
    let id = client.place("place").await;
    client.until(id, "status", "cancelled").await;
    client.sandbox.clear_all_faults();
    assert_eq!(balance(client, id).await, (1247, 1247));
    let order = client.order(id).await;
    assert_eq!((&order["cancel_code"], &order["payment_status"]), (&json!("payment_timeout"), &json!("refunded")));
}

/// Told to stop with a claim in its hands that it has not begun: it is handed back.
async fn restart(client: &Client) {
    let id = client.place("place").await;
    client
        .eventually("it is claimed, or over", || async {
            client.engine.claimed().await > 0 || client.deaths().await > 0
        })
        .await;
    client.restart().await;
    client.until(id, "status", "confirmed").await;
    assert_eq!(balance(client, id).await, (1247, 0));
}
