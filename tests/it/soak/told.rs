//! What clients were told, against which the database is held in the end; and what was found wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Mutex;

use reqwest::Method;
use serde_json::Value;

use crate::support::shop::Answer;

/// Something that must not be. Sorted by orders, what is of none first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    pub order: Option<i64>,
    pub what: String,
}

impl Violation {
    pub fn of(order: i64, what: impl Into<String>) -> Self {
        Self { order: Some(order), what: what.into() }
    }

    pub fn general(what: impl Into<String>) -> Self {
        Self { order: None, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.order {
            Some(order) => write!(f, "order {order}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// A request that may be sent again.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
    pub key: Option<String>,
}

/// An answer that was given under a key, and who got it.
#[derive(Debug, Clone)]
pub struct Kept {
    pub user: String,
    pub role: &'static str,
    pub asked: Asked,
    pub status: u16,
    pub text: String,
}

/// An order as somebody was told that it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub version: i64,
    pub status: String,
    /// Total, charged and refunded.
    pub amounts: [f64; 3],
}

impl Seen {
    /// Of an answer that shows an order.
    fn of(order: &Value) -> Option<(i64, Self)> {
        let amounts = ["total_amount", "charged_amount", "refunded_amount"].map(|name| order[name].as_f64());
        let [Some(total), Some(charged), Some(refunded)] = amounts else { return None };
        let version = order["version"].as_i64()?;
        let status = order["status"].as_str()?.to_owned();
        Some((order["id"].as_i64()?, Self { version, status, amounts: [total, charged, refunded] }))
    }
}

/// How much was done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Requests that were sent.
    pub requests: u64,
    /// Of these, such as were sent again because no answer came, or one that says "later".
    pub retries: u64,
    /// Answers under keys that were asked for again, and came byte for byte.
    pub replays: u64,
}

/// What stands around a place of a text.
fn around(text: &str, at: usize) -> String {
    text.chars().skip(at.saturating_sub(40)).take(120).collect()
}

/// Everything that anybody was told. What is never kept is an answer that refuses: nothing was changed, and the next one may
/// be another.
#[derive(Default)]
pub struct Told {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    orders: BTreeMap<i64, Seen>,
    /// The orders that were made of a key, and of each customer's keys.
    placed: BTreeMap<(String, String), BTreeSet<i64>>,
    kept: Vec<Kept>,
    violations: BTreeSet<Violation>,
    counts: Counts,
}

impl Told {
    fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.inner.lock().unwrap())
    }

    pub fn violation(&self, violation: Violation) {
        self.change(|inner| inner.violations.insert(violation));
    }

    pub fn count(&self, count: impl FnOnce(&mut Counts)) {
        self.change(|inner| count(&mut inner.counts));
    }

    /// The version that somebody has been shown of an order.
    pub fn version(&self, order: i64) -> i64 {
        self.change(|inner| inner.orders.get(&order).map_or(0, |seen| seen.version))
    }

    /// Somebody was shown an order, who asked when it was known to have had this version already.
    pub fn saw(&self, order: &Value, known: i64) {
        let Some((id, seen)) = Seen::of(order) else { return };
        self.change(|inner| {
            if seen.version < known {
                let what = format!("shown in version {}, when it had been shown in version {known}", seen.version);
                inner.violations.insert(Violation::of(id, what));
            }
            let newest = inner.orders.entry(id).or_insert_with(|| seen.clone());
            if newest.version == seen.version && *newest != seen {
                let what = format!("version {} was shown as {newest:?} and as {seen:?}", seen.version);
                inner.violations.insert(Violation::of(id, what));
            }
            if newest.version < seen.version {
                *newest = seen;
            }
        });
    }

    /// A key of a customer was answered with an order.
    pub fn placed(&self, customer: &str, key: &str, order: i64) {
        self.change(|inner| {
            let orders = inner.placed.entry((customer.to_owned(), key.to_owned())).or_default();
            orders.insert(order);
            if orders.len() > 1 {
                let what = format!("key {key} of {customer} was answered with the orders {orders:?}");
                inner.violations.insert(Violation::of(order, what));
            }
        });
    }

    /// An answer that stays what it is.
    pub fn keep(&self, user: &str, role: &'static str, asked: &Asked, answer: &Answer) {
        let (user, asked, text) = (user.to_owned(), asked.clone(), answer.text.clone());
        let kept = Kept { user, role, asked, status: answer.status.as_u16(), text };
        self.change(|inner| inner.kept.push(kept));
    }

    /// The answer to a request that was answered before.
    pub fn replayed(&self, kept: &Kept, answer: &Answer) {
        self.change(|inner| {
            inner.counts.replays += 1;
            if (kept.status, kept.text.as_str()) != (answer.status.as_u16(), answer.text.as_str()) {
                let Asked { method, path, key, .. } = &kept.asked;
                let at = kept.text.bytes().zip(answer.text.bytes()).take_while(|(one, other)| one == other).count();
                let [before, after] = [&kept.text, &answer.text].map(|text| around(text, at));
                let (first, then) = (kept.status, answer.status.as_u16());
                let key = key.as_deref().unwrap_or_default();
                let what = format!(
                    "{method} {path} of {} under {key}: {first} …{before}… at first, then {then} …{after}…",
                    kept.user
                );
                let order = serde_json::from_str::<Value>(&kept.text).ok().and_then(|order| order["id"].as_i64());
                inner.violations.insert(Violation { order, what });
            }
        });
    }

    pub fn kept(&self) -> Vec<Kept> {
        self.change(|inner| inner.kept.clone())
    }

    pub fn counts(&self) -> Counts {
        self.change(|inner| inner.counts)
    }

    pub fn violations(&self) -> Vec<Violation> {
        self.change(|inner| inner.violations.iter().cloned().collect())
    }

    /// Every order that somebody was told of, as it was when it was last shown.
    pub fn orders(&self) -> BTreeMap<i64, Seen> {
        self.change(|inner| inner.orders.clone())
    }

    /// Every order that was made of a key.
    pub fn placed_orders(&self) -> BTreeSet<i64> {
        self.change(|inner| inner.placed.values().flatten().copied().collect())
    }
}
