//! Customers: each fills a cart, orders it under a key, and looks at the order, changes it or cancels it.

use std::time::Duration;

use order_sandbox::Decline;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::client::{Client, Filled, World, asked};
use super::events::{now, written};
use super::plan::chance;
use crate::support::Shop;
use crate::support::shop::items;

/// Products that are ordered: 1 to this one.
pub const PRODUCTS: i64 = 6;
/// A product that nobody orders, and some put into their cart afterwards.
pub const AFTERTHOUGHT: i64 = 7;
/// How long a customer waits for their cart to be cleared before they turn to something else.
const CLEARED: Duration = Duration::from_secs(3);
/// Between two looks into a cart.
const LOOK: Duration = Duration::from_millis(50);

/// The `n`th of those who order, one order after the other, each as a customer of its own.
pub async fn order_on(n: u64, world: &World, shop: &Shop, closing: &CancellationToken) {
    for round in 0.. {
        if closing.is_cancelled() {
            return;
        }
        let mut chance = chance(world.seed, &[10, n, round]);
        let customer = Customer::new(world, shop, format!("c{n}-{round}"));
        customer.shops(&mut chance, closing).await;
    }
}

struct Customer<'a> {
    world: &'a World,
    client: Client<'a>,
    name: String,
}

/// Lines of a cart or an order: some products, and how many of each.
fn lines(chance: &mut StdRng) -> Vec<(i64, u32)> {
    let mut lines: Vec<(i64, u32)> = Vec::new();
    for _ in 0..chance.random_range(1..=3) {
        let product = chance.random_range(1..=PRODUCTS);
        if lines.iter().all(|(other, _)| *other != product) {
            lines.push((product, chance.random_range(1..=4)));
        }
    }
    lines
}

impl<'a> Customer<'a> {
    fn new(world: &'a World, shop: &Shop, name: String) -> Self {
        Self { world, client: Client::new(world, shop, &name, "user"), name }
    }

    async fn shops(&self, chance: &mut StdRng, closing: &CancellationToken) {
        let ordered = lines(chance);
        self.world.sandbox.put_cart(&self.name, &ordered);
        self.some_are_declined(chance);
        let Some(order) = self.places(chance).await else { return };
        let id = order["id"].as_i64().unwrap();
        let mut cart = Filled {
            customer: self.name.clone(),
            order: id,
            ordered: ordered.iter().map(|(product, _)| *product).collect(),
            kept: Vec::new(),
        };
        if chance.random_bool(0.3) {
            self.world.sandbox.add_to_cart(&self.name, AFTERTHOUGHT, 2);
            cart.kept.push((AFTERTHOUGHT, 2));
        }
        for _ in 0..chance.random_range(1..=6) {
            sleep(Duration::from_millis(chance.random_range(50..700))).await;
            if closing.is_cancelled() {
                break;
            }
            self.does_something(chance, id).await;
        }
        if chance.random_bool(0.3) {
            self.wants_more_of_it(chance, &mut cart).await;
        }
        self.world.carts.lock().unwrap().push(cart);
    }

    fn some_are_declined(&self, chance: &mut StdRng) {
        if chance.random_bool(0.06) {
            self.world.sandbox.add_decline(Decline::charges().of_user(&self.name).times(1));
        }
        if chance.random_bool(0.06) {
            let times = chance.random_range(1..=5);
            self.world.sandbox.add_decline(Decline::refunds().of_user(&self.name).times(times));
        }
    }

    /// Orders the cart under a key, some with a double click at two instances.
    async fn places(&self, chance: &mut StdRng) -> Option<Value> {
        let mut body = json!({ "delivery_address": format!("{} Main St", chance.random_range(1..100)) });
        if chance.random_bool(0.25) {
            body["payment_method"] = json!("cash");
        }
        if chance.random_bool(0.15) {
            let at = now() + chance.random_range(9_000..14_000);
            body["scheduled_for"] = json!(written(at));
        }
        let key = format!("{:016x}", chance.random::<u64>());
        let request = asked(Method::POST, "/orders", Some(body), Some(key.clone()));
        let (answer, second) = if chance.random_bool(0.15) {
            let mut other = chance.clone();
            // Another choice of instances.
            other.random::<u64>();
            tokio::join!(self.client.ask(chance, &request), self.client.ask(&mut other, &request))
        } else {
            (self.client.ask(chance, &request).await, None)
        };
        for answer in answer.iter().chain(&second) {
            // A schedule that was missed for want of an answer.
            if answer.status == 422 {
                continue;
            }
            if answer.status != 201 {
                self.client
                    .complain(&request, &format!("of a fresh cart was answered {} {}", answer.status, answer.text));
                return None;
            }
            self.world.told.placed(&self.name, &key, answer.id());
        }
        answer.filter(|answer| answer.status == 201).map(|answer| answer.json())
    }

    async fn does_something(&self, chance: &mut StdRng, id: i64) {
        let order = format!("/orders/{id}");
        match chance.random_range(0..100) {
            0..30 => drop(self.client.read(chance, order).await),
            30..40 => drop(self.client.read(chance, "/orders/my-orders".to_owned()).await),
            40..60 => {
                let after = self.world.told.version(id);
                drop(self.client.read(chance, format!("{order}/timeline?after={after}&wait=2")).await);
            }
            60..75 => {
                let body = items(&lines(chance));
                drop(self.client.change(chance, Method::PUT, format!("{order}/items"), Some(body)).await);
            }
            75..82 => {
                let body = json!({ "delivery_address": format!("{} Side of Main St", chance.random_range(1..100)) });
                drop(self.client.change(chance, Method::PATCH, order, Some(body)).await);
            }
            82..90 => {
                let body = json!({ "special_instructions": format!("ring {} times", chance.random_range(1..9)) });
                drop(self.client.change(chance, Method::PATCH, order, Some(body)).await);
            }
            _ => drop(self.client.change(chance, Method::POST, format!("{order}/cancel"), None).await),
        }
    }

    /// Puts a product into the cart again once it was taken out. No clearing of the order may take that.
    async fn wants_more_of_it(&self, chance: &mut StdRng, cart: &mut Filled) {
        let Some(product) = cart.ordered.choose(chance).copied() else { return };
        let there = || self.world.sandbox.cart(&self.name).items.iter().any(|line| line.product_id == product);
        let taken_out = async {
            while there() {
                sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(CLEARED, taken_out).await.is_ok() {
            self.world.sandbox.add_to_cart(&self.name, product, 5);
            cart.kept.push((product, 5));
        }
    }
}
