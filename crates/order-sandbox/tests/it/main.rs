//! The sandbox as its clients see it: over HTTP, and where that is not enough, over TCP.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod admin;
mod faults;
mod lifecycle;
mod notifications;
mod payments;
mod shapes;

use std::time::Duration;

use order_sandbox::{Options, Sandbox};
use reqwest::{Client, RequestBuilder, Response, redirect};
use serde_json::{Value, json};

const SECRET: &str = "a secret of at least thirty-two bytes";
const MINUTE: Duration = Duration::from_mins(1);

/// A seeded sandbox and a client that follows no redirects.
fn shop() -> Shop {
    let sandbox = Sandbox::start(&Options::new(SECRET)).unwrap();
    sandbox.demo_seed();
    Shop { sandbox, http: client() }
}

fn client() -> Client {
    Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap()
}

struct Shop {
    sandbox: Sandbox,
    http: Client,
}

impl Shop {
    fn token(&self, uid: &str, role: &str) -> String {
        self.sandbox.token(uid, role, MINUTE).unwrap()
    }

    fn user(&self, uid: &str) -> RequestBuilder {
        self.http.get(format!("{}/auth/users/{uid}", self.sandbox.urls().user))
    }

    fn product(&self, id: &str) -> RequestBuilder {
        self.http.get(format!("{}/api/products/{id}", self.sandbox.urls().product))
    }

    fn cart(&self, uid: &str) -> RequestBuilder {
        self.http.get(format!("{}/api/v1/cart", self.sandbox.urls().cart)).bearer_auth(self.token(uid, "user"))
    }

    fn remove(&self, uid: &str, product_id: i64) -> RequestBuilder {
        let call = self.http.post(format!("{}/api/v1/cart/remove", self.sandbox.urls().cart));
        call.bearer_auth(self.token(uid, "user")).json(&json!({"product_id": product_id}))
    }

    fn pay(&self, route: &str, key: &str, body: &str) -> RequestBuilder {
        let call = self.http.post(format!("{}/payments/{route}", self.sandbox.urls().payment));
        call.header("Idempotency-Key", key).header("Content-Type", "application/json").body(body.to_owned())
    }

    fn charge(&self, key: &str, amount: &str) -> RequestBuilder {
        self.pay("process", key, &payment(amount))
    }

    fn refund(&self, key: &str, amount: &str) -> RequestBuilder {
        self.pay("refund", key, &payment(amount))
    }

    fn by_key(&self, key: &str) -> RequestBuilder {
        self.http.get(format!("{}/payments/by-key/{key}", self.sandbox.urls().payment))
    }
}

fn payment(amount: &str) -> String {
    format!(r#"{{"user_id":"u1","order_id":1,"amount":{amount}}}"#)
}

async fn send(call: RequestBuilder) -> Response {
    call.timeout(MINUTE).send().await.unwrap()
}

async fn answer(call: RequestBuilder) -> (u16, Value) {
    let response = send(call).await;
    (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
}

async fn status(call: RequestBuilder) -> u16 {
    send(call).await.status().as_u16()
}

/// So that a condition which never comes fails the test instead of hanging it.
async fn soon<T>(condition: impl Future<Output = T>) -> T {
    tokio::time::timeout(MINUTE, condition).await.expect("the condition never came")
}
