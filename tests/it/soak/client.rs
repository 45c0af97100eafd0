//! Somebody at the service: asks whichever instance, asks again under the same key until there is an answer, and notes what
//! they were told.

use std::collections::BTreeMap;
use std::sync::{Mutex, RwLock};
use std::time::Duration;

use order_sandbox::Sandbox;
use rand::Rng;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::told::{Asked, Kept, Told, Violation};
use crate::support::Shop;
use crate::support::shop::{Answer, token};

/// After this long without an answer nobody believes that there will be one.
const PATIENCE: Duration = Duration::from_secs(75);
/// How often an answer is asked for once more as soon as it is there.
const DOUBTS: f64 = 0.2;

/// Who is there, and what they know.
pub struct World {
    pub seed: u64,
    pub sandbox: Sandbox,
    pub told: Told,
    /// Where instances answer that have an API.
    pub addresses: RwLock<BTreeMap<usize, String>>,
    pub carts: Mutex<Vec<Filled>>,
}

/// A customer's cart as it has to be in the end.
#[derive(Debug, Clone)]
pub struct Filled {
    pub customer: String,
    pub order: i64,
    /// What was ordered: taken out once the order is confirmed.
    pub ordered: Vec<i64>,
    /// What was put in later: a product, and how many. It stays.
    pub kept: Vec<(i64, u32)>,
}

/// Somebody.
pub struct Client<'a> {
    world: &'a World,
    shop: Shop,
    user: String,
    role: &'static str,
}

pub fn asked(method: Method, path: impl Into<String>, body: Option<Value>, key: Option<String>) -> Asked {
    Asked { method, path: path.into(), body, key }
}

pub fn code(answer: &Answer) -> String {
    answer.json()["code"].as_str().unwrap_or_default().to_owned()
}

impl<'a> Client<'a> {
    /// Somebody with this name and role. The connections are those of `shop`.
    pub fn new(world: &'a World, shop: &Shop, user: &str, role: &'static str) -> Self {
        Self { world, shop: shop.with_another(token(user, role)), user: user.to_owned(), role }
    }

    /// Reads. `None`: nobody ever answered, which is noted.
    pub async fn read(&self, chance: &mut StdRng, path: String) -> Option<Value> {
        let answer = self.ask(chance, &asked(Method::GET, path, None, None)).await?;
        (answer.status == 200).then(|| answer.json())
    }

    /// Changes an order under a key of its own. `None`: refused, or never answered.
    pub async fn change(
        &self,
        chance: &mut StdRng,
        method: Method,
        path: String,
        body: Option<Value>,
    ) -> Option<Value> {
        let key = format!("{:016x}", chance.random::<u64>());
        let answer = self.ask(chance, &asked(method, path, body, Some(key))).await?;
        answer.status.is_success().then(|| answer.json())
    }

    /// Asks until there is an answer, and notes it. One that says "later" is none.
    pub async fn ask(&self, chance: &mut StdRng, asked: &Asked) -> Option<Answer> {
        let answer = self.answer(chance, asked).await?;
        if asked.key.is_some() && answer.status.is_success() {
            self.world.told.keep(&self.user, self.role, asked, &answer);
            if chance.random_bool(DOUBTS) {
                self.ask_again(chance, asked, &answer).await;
            }
        }
        Some(answer)
    }

    async fn ask_again(&self, chance: &mut StdRng, asked: &Asked, first: &Answer) {
        if let Some(again) = self.answer(chance, asked).await {
            let kept = Kept {
                user: self.user.clone(),
                role: self.role,
                asked: asked.clone(),
                status: first.status.as_u16(),
                text: first.text.clone(),
            };
            self.world.told.replayed(&kept, &again);
        }
    }

    async fn answer(&self, chance: &mut StdRng, asked: &Asked) -> Option<Answer> {
        let told = &self.world.told;
        let known = order_of(&asked.path).map(|order| (order, told.version(order)));
        let begun = Instant::now();
        let mut tries = 0_u64;
        while begun.elapsed() < PATIENCE {
            told.count(|counts| {
                counts.requests += 1;
                counts.retries += u64::from(tries > 0);
            });
            tries += 1;
            let Some(url) = self.somewhere(chance) else {
                sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (method, path, body) = (asked.method.clone(), &asked.path, asked.body.clone());
            match self.shop.at(&url).try_call(method, path, body, asked.key.as_deref()).await {
                Ok(answer) if answer.status.is_server_error() => {
                    if answer.status == 500 {
                        self.complain(asked, &format!("answered {}", answer.text));
                    }
                    sleep(Duration::from_millis(chance.random_range(100..400))).await;
                }
                Ok(answer) => {
                    self.note(asked, &answer, known);
                    return Some(answer);
                }
                // No answer: nobody knows what has become of it.
                Err(_) => sleep(Duration::from_millis(chance.random_range(20..150))).await,
            }
        }
        self.complain(asked, &format!("not answered in {PATIENCE:?}, {tries} tries"));
        None
    }

    fn note(&self, asked: &Asked, answer: &Answer, known: Option<(i64, i64)>) {
        if !answer.status.is_success() {
            let may_be = matches!(answer.status.as_u16(), 409 | 412);
            let late = matches!(code(answer).as_str(), "scheduled_too_soon" | "scheduled_in_the_past");
            // The order was given to somebody else meanwhile.
            let not_theirs = self.role == "delivery_partner" && matches!(answer.status.as_u16(), 403 | 404);
            if !may_be && !late && !not_theirs {
                self.complain(asked, &format!("answered {} {}", answer.status, answer.text));
            }
            return;
        }
        let shown = answer.json();
        // What was said before says how it was then.
        let replayed = answer.header("idempotency-replayed").is_some();
        let known =
            |order: &Value| known.filter(|(id, _)| !replayed && order["id"] == *id).map_or(0, |(_, known)| known);
        let orders = match &shown {
            Value::Array(orders) => orders.iter().collect(),
            one if one["order"].is_object() => vec![&one["order"]],
            one => vec![one],
        };
        for order in orders {
            self.world.told.saw(order, known(order));
        }
    }

    /// Notes something that must not be.
    pub fn complain(&self, asked: &Asked, what: &str) {
        let what = format!("{} {} of {} {what}", asked.method, asked.path, self.user);
        self.world.told.violation(Violation { order: order_of(&asked.path), what });
    }

    /// An address of an instance that has the API; it may have died a moment ago.
    fn somewhere(&self, chance: &mut StdRng) -> Option<String> {
        let addresses = self.world.addresses.read().unwrap();
        if addresses.is_empty() {
            return None;
        }
        addresses.values().nth(chance.random_range(0..addresses.len())).cloned()
    }

    /// Asks for an answer again that was given before.
    pub async fn replay(&self, chance: &mut StdRng, kept: &Kept) {
        if let Some(answer) = self.answer(chance, &kept.asked).await {
            self.world.told.replayed(kept, &answer);
        }
    }
}

/// The order that a path is about.
fn order_of(path: &str) -> Option<i64> {
    path.strip_prefix("/orders/")?.split(['/', '?']).next()?.parse().ok()
}
