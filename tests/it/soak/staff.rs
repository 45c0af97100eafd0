//! Who works for the shop: couriers, who take orders, give some back and deliver the others; admins, who move orders along,
//! give courier and goodwill, and settle what only a person can.

use std::time::Duration;

use order_sandbox::Outcome;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::client::{Client, World};
use super::plan::chance;
use crate::support::Shop;

/// The couriers that the user service knows.
pub const COURIERS: [&str; 2] = ["carl", "cora"];
/// An admin who moves orders, and one who settles what is left.
const ADMIN: &str = "ada";

/// A courier at work.
pub async fn deliver_on(name: &'static str, n: u64, world: &World, shop: &Shop, closing: &CancellationToken) {
    let client = Client::new(world, shop, name, "delivery_partner");
    let mut chance = chance(world.seed, &[20, n]);
    let chance = &mut chance;
    while !closing.is_cancelled() {
        sleep(Duration::from_millis(chance.random_range(150..400))).await;
        if chance.random_bool(0.35) {
            let on_offer = client.read(chance, "/orders?available=true&limit=20".to_owned()).await;
            if let Some(id) = one_of(chance, on_offer) {
                assign(&client, chance, id, Some(name)).await;
            }
            continue;
        }
        let own =
            client.read(chance, "/orders?status=confirmed&status=preparing&status=out_for_delivery".to_owned()).await;
        let Some(order) = choose(chance, own) else { continue };
        let id = order["id"].as_i64().unwrap();
        match order["status"].as_str() {
            Some("confirmed") if chance.random_bool(0.1) => assign(&client, chance, id, None).await,
            Some("confirmed") => set(&client, chance, id, "preparing").await,
            Some("preparing") => set(&client, chance, id, "out_for_delivery").await,
            _ => set(&client, chance, id, "delivered").await,
        }
    }
}

/// An admin at work.
pub async fn manage_on(world: &World, shop: &Shop, closing: &CancellationToken) {
    let client = Client::new(world, shop, ADMIN, "admin");
    let mut chance = chance(world.seed, &[30]);
    let chance = &mut chance;
    while !closing.is_cancelled() {
        sleep(Duration::from_millis(chance.random_range(100..300))).await;
        let status = *["confirmed", "preparing", "out_for_delivery", "delivered"].choose(chance).unwrap();
        let listed = client.read(chance, format!("/orders?status={status}&limit=30")).await;
        let Some(id) = one_of(chance, listed) else { continue };
        match (status, chance.random_range(0..10)) {
            ("delivered", _) | (_, 0) => {
                let body = json!({ "amount": 0.5, "reason": "they waited long" });
                drop(client.change(chance, Method::POST, format!("/orders/{id}/refunds"), Some(body)).await);
            }
            (_, 1) => {
                let body = json!({ "reason": "out of petrol" });
                drop(client.change(chance, Method::POST, format!("/orders/{id}/cancel"), Some(body)).await);
            }
            ("confirmed", 2..=5) => {
                let courier = *COURIERS.choose(chance).unwrap();
                assign(&client, chance, id, Some(courier)).await;
            }
            ("confirmed", _) => set(&client, chance, id, "preparing").await,
            ("preparing", _) => set(&client, chance, id, "out_for_delivery").await,
            _ => set(&client, chance, id, "delivered").await,
        }
    }
}

/// Settles whatever waits for a person, once: what is in review by the payment service's own book, and what is to be handed
/// over in cash. And has tasks tried again that were given up. How much there was.
pub async fn settle(world: &World, shop: &Shop, chance: &mut StdRng) -> usize {
    let client = Client::new(world, shop, ADMIN, "admin");
    let mut settled = 0;
    for waiting in ["review", "refund_pending"] {
        let listed = client.read(chance, format!("/orders?payment_status={waiting}&limit=100")).await;
        for order in listed.iter().filter_map(Value::as_array).flatten() {
            let path = format!("/orders/{}/payments", order["id"]);
            let entries = client.read(chance, path.clone()).await;
            for entry in entries.iter().filter_map(Value::as_array).flatten() {
                let Some(outcome) = word(world, entry) else { continue };
                let body = json!({ "outcome": outcome, "reason": "seen with my own eyes" });
                let said =
                    client.change(chance, Method::POST, format!("{path}/{}/resolve", entry["n"]), Some(body)).await;
                settled += usize::from(said.is_some());
            }
        }
    }
    let dead = client.read(chance, "/operations/tasks?state=dead&limit=100".to_owned()).await;
    for task in dead.iter().filter_map(Value::as_array).flatten() {
        let path = format!("/operations/tasks/{}/retry", task["id"]);
        settled += usize::from(client.change(chance, Method::POST, path, None).await.is_some());
    }
    settled
}

/// What a person says of an entry that waits for one.
fn word(world: &World, entry: &Value) -> Option<&'static str> {
    let is = |name: &str, value: &str| entry[name] == value;
    if is("method", "cash") && is("kind", "refund") && is("state", "booked") {
        return Some("settled");
    }
    let in_review = is("state", "review");
    in_review.then(|| {
        let theirs = entry["key"].as_str().and_then(|key| world.sandbox.payment(key));
        let moved = theirs.is_some_and(|payment| payment.outcome == Outcome::Accepted);
        if moved { "settled" } else { "not_settled" }
    })
}

async fn assign(client: &Client<'_>, chance: &mut StdRng, id: i64, courier: Option<&str>) {
    let body = json!({ "delivery_partner_id": courier });
    drop(client.change(chance, Method::PUT, format!("/orders/{id}/assign-delivery"), Some(body)).await);
}

async fn set(client: &Client<'_>, chance: &mut StdRng, id: i64, status: &str) {
    let body = json!({ "status": status });
    drop(client.change(chance, Method::PUT, format!("/orders/{id}/status"), Some(body)).await);
}

/// One of the orders of a list.
fn choose(chance: &mut StdRng, listed: Option<Value>) -> Option<Value> {
    listed?.as_array()?.choose(chance).cloned()
}

/// Its number.
fn one_of(chance: &mut StdRng, listed: Option<Value>) -> Option<i64> {
    choose(chance, listed)?["id"].as_i64()
}
