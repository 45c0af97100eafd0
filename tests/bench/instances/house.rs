//! Three instances of the release binary over one database and one Redis.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use order_testkit::pg::TestDatabase;
use order_testkit::redis_server::RedisServer;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::outside::Outside;
use crate::process::{Shop, token};

/// The instances and what they stand on.
pub(crate) struct House {
    database: TestDatabase,
    /// Where Redis is.
    pub(crate) redis: String,
    server: Mutex<RedisServer>,
    /// The other services.
    pub(crate) outside: Outside,
    instances: [Shop; 2],
    worker: Shop,
    http: Client,
    customers: AtomicUsize,
}

impl House {
    pub(crate) async fn open() -> Self {
        let (database, server, outside) = (TestDatabase::create().await, RedisServer::start(), Outside::start().await);
        let redis = server.url();
        let start = async |role| Shop::start_as(role, database.url(), Some(&redis), &outside).await;
        let (instances, worker) = ([start("http").await, start("http").await], start("worker").await);
        let (server, http) = (Mutex::new(server), Client::new());
        Self { database, redis, server, outside, instances, worker, http, customers: AtomicUsize::new(0) }
    }

    pub(crate) async fn close(self) {
        for instance in self.instances.into_iter().chain([self.worker]) {
            instance.stop().await;
        }
    }

    /// Redis ends as by `kill -9`.
    pub(crate) fn stop_redis(&self) {
        self.server.lock().expect("nobody panicked").kill();
    }

    fn url(&self, instance: usize, path: &str) -> String {
        format!("http://{}{path}", self.instances[instance % 2].address)
    }

    fn placing(&self, instance: usize) -> RequestBuilder {
        let n = self.customers.fetch_add(1, Ordering::Relaxed);
        self.http
            .post(self.url(instance, "/orders"))
            .bearer_auth(token(&format!("customer-{n}"), "user"))
            .header("Idempotency-Key", format!("bench-{n}"))
            .json(&json!({ "delivery_address": "123 Main St" }))
    }

    /// A new order at one of the two: its number, and when it was answered for.
    pub(crate) fn place(&self, instance: usize) -> impl Future<Output = (i64, Instant)> + Send + use<> {
        let placing = self.placing(instance);
        async move {
            let order = json_of(placing.send().await, StatusCode::CREATED).await;
            let answered = Instant::now();
            (number(&order), answered)
        }
    }

    /// A new order that is paid, and the number of its last event.
    pub(crate) async fn settled(&self, instance: usize) -> (i64, i64) {
        let order = self.placing(instance).header("Prefer", "wait=10").send().await;
        let id = number(&json_of(order, StatusCode::CREATED).await);
        loop {
            let timeline = self.timeline(instance, id, "").await;
            let last = timeline.last().expect("it was placed");
            if last["type"] == "confirmed" {
                return (id, last["seq"].as_i64().expect("a number"));
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn timeline(&self, instance: usize, id: i64, query: &str) -> impl Future<Output = Vec<Value>> + Send + use<> {
        let url = self.url(instance, &format!("/orders/{id}/timeline{query}"));
        let asking = self.http.get(url).bearer_auth(token("ada", "admin"));
        async move {
            let timeline = json_of(asking.send().await, StatusCode::OK).await;
            timeline.as_array().expect("a list").clone()
        }
    }

    /// Waits for what happens after an event: when the answer was there.
    pub(crate) fn waits(&self, instance: usize, (id, seq): (i64, i64)) -> impl Future<Output = Instant> + Send + use<> {
        let waiting = self.timeline(instance, id, &format!("?after={seq}&wait=10"));
        async move {
            assert!(!waiting.await.is_empty(), "something has happened");
            Instant::now()
        }
    }

    /// Other instructions for the courier: when that was answered.
    pub(crate) async fn instruct(&self, instance: usize, id: i64) -> Instant {
        let url = self.url(instance, &format!("/orders/{id}"));
        let asking = self.http.patch(url).bearer_auth(token("ada", "admin"));
        let asking = asking.json(&json!({ "special_instructions": "ring twice" })).send().await;
        json_of(asking, StatusCode::OK).await;
        Instant::now()
    }

    /// Orders one after the other for so long: what each took.
    pub(crate) async fn place_for(&self, time: Duration) -> Vec<Duration> {
        let (until, mut times) = (Instant::now() + time, Vec::new());
        while Instant::now() < until {
            let began = Instant::now();
            let (_, answered) = self.place(times.len()).await;
            times.push(answered - began);
        }
        times
    }

    /// So many events that are to be published again: those of the orders that are there, over and over.
    pub(crate) async fn pile_up(&self, events: usize) {
        let client = self.database.connect().await;
        let orders: i64 = client.query_one("SELECT count(*) FROM orders", &[]).await.expect("orders").get(0);
        let of_each = i64::try_from(events).expect("few") / orders + 2;
        // Later than all that have happened, in one transaction: nobody publishes the first while the last are written.
        let pile = format!(
            "INSERT INTO order_events (order_id, seq, type, v, data, at, actor_role, status)
                 SELECT id, 1000 + n, 'instructions_changed', 1, '{{}}', now(), 'system', status
                 FROM orders, generate_series(1, {of_each}) AS n ORDER BY id, n LIMIT {events};
             INSERT INTO outbox (order_id, seq) SELECT order_id, seq FROM order_events WHERE seq > 1000"
        );
        client.batch_execute(&format!("BEGIN; {pile}; COMMIT")).await.expect("events");
    }

    /// Is there a task that is not done, or an event that is not published?
    pub(crate) async fn unfinished(&self) -> bool {
        let left = "SELECT EXISTS (SELECT FROM tasks WHERE order_id IS NOT NULL) OR EXISTS (SELECT FROM outbox)";
        self.database.connect().await.query_one(left, &[]).await.expect("an answer").get(0)
    }

    /// Events that wait to be published.
    pub(crate) async fn unpublished(&self) -> i64 {
        let client = self.database.connect().await;
        client.query_one("SELECT count(*) FROM outbox", &[]).await.expect("a count").get(0)
    }
}

fn number(order: &Value) -> i64 {
    order["id"].as_i64().expect("an order")
}

async fn json_of(answer: reqwest::Result<Response>, expected: StatusCode) -> Value {
    let answer = answer.expect("an answer");
    let (status, text) = (answer.status(), answer.text().await.expect("a body"));
    assert_eq!(status, expected, "{text}");
    serde_json::from_str(&text).expect("JSON")
}
