//! Between the service and PostgreSQL: what was committed and not answered is never done again, and what was not
//! committed is said not to be known.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use order_sandbox::Sandbox;
use reqwest::Method;
use serde_json::json;

use crate::crash::client::Client;
use crate::crash::{at_once, scenario, to_the_end};
use crate::support::proxy::{Fault, Proxy};
use crate::support::shop::{Answer, sandbox};
use crate::support::{Engine, Service, Shop, audit, eventually};

/// What every statement has in it that writes the order, the first of them its placing: where it goes.
const WRITING: &str = "1 Main St";
/// What a cancellation's one statement has in it.
const CANCELLING: &str = "customer_request";

/// A service whose database is behind a proxy.
struct Apart {
    engine: Engine,
    sandbox: Sandbox,
    proxy: Proxy,
    service: Service,
    ann: Shop,
}

impl Apart {
    async fn start() -> Self {
        let (engine, sandbox) = (Engine::postgres().await, sandbox());
        let (proxy, through) = Proxy::before(engine.url()).await;
        let service = Service::start_with(&engine, &sandbox, &[("DATABASE_URL", &through)]).await;
        let ann = Shop::customer(&service);
        Self { engine, sandbox, proxy, service, ann }
    }

    /// The same, with an order that is paid and with which nothing is left to do.
    async fn with_an_order() -> (Self, i64) {
        let apart = Self::start().await;
        let id = apart.place(Some("place")).await.expect(201).id();
        apart.ann.until(id, "status", "confirmed").await;
        apart.engine.rest().await;
        (apart, id)
    }

    async fn place(&self, key: Option<&str>) -> Answer {
        self.ann.try_place(key).await.unwrap()
    }

    async fn cancel(&self, id: i64) -> Answer {
        self.ann.try_cancel(id, "cancel").await.unwrap()
    }

    /// Alive, and not ready, until the database is to be had again.
    async fn comes_back(&self) {
        assert_eq!(self.ann.get("/health/live").await.status, 200);
        let ready = self.ann.get("/health/ready").await.expect(503);
        assert!(ready.header("retry-after").is_some());
        self.proxy.cut(false);
        eventually("it is ready", || async { self.ann.get("/health/ready").await.status == 200 }).await;
    }

    /// Everything done, the one order of ann's in this state, and so many cents charged and refunded.
    async fn ends(self, status: &str, balance: (i64, i64)) {
        let orders = self.ann.get("/orders/my-orders").await.expect(200).json();
        assert_eq!(orders.as_array().unwrap().len(), 1, "{orders}");
        let id = orders[0]["id"].as_i64().unwrap();
        self.ann.until(id, "status", status).await;
        assert!(self.service.rest().await.success());
        assert_eq!(audit::clean(&self.engine, &self.sandbox).await.len(), 1);
        let theirs = self.sandbox.balance(&id.to_string());
        assert_eq!((theirs.charged, theirs.refunded), balance);
    }
}

fn later(answer: Answer) {
    let answer = answer.expect(503);
    assert!(answer.header("retry-after").is_some(), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_commit_is_not_answered_is_found_under_its_key() {
    let apart = Apart::start().await;
    apart.proxy.disturb(WRITING, Fault::LoseAnswer, 1);
    let placed = apart.place(Some("k")).await.expect(201);
    assert_eq!(apart.proxy.happened(), 1);
    assert_eq!(apart.place(Some("k")).await.expect(201).text, placed.text, "byte for byte");
    apart.ends("confirmed", (1247, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_without_a_key_whose_commit_is_not_answered_is_what_the_next_click_gets() {
    let apart = Apart::start().await;
    apart.proxy.disturb(WRITING, Fault::LoseAnswer, 1);
    later(apart.place(None).await);
    apart.place(None).await.expect(201);
    apart.ends("confirmed", (1247, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_not_placed_again_when_the_database_goes_away_with_the_answer() {
    let apart = Apart::start().await;
    apart.proxy.disturb(WRITING, Fault::CutOff, 1);
    later(apart.place(Some("k")).await);
    apart.comes_back().await;
    apart.place(Some("k")).await.expect(201);
    apart.ends("confirmed", (1247, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_whose_commit_is_not_answered_is_found_under_its_key() {
    let (apart, id) = Apart::with_an_order().await;
    apart.proxy.disturb(CANCELLING, Fault::LoseAnswer, 1);
    let cancelled = apart.cancel(id).await.expect(200);
    assert_eq!(cancelled.json()["refund_initiated"], json!(true));
    assert_eq!(apart.proxy.happened(), 1);
    assert_eq!(apart.cancel(id).await.expect(200).text, cancelled.text, "byte for byte");
    apart.ends("cancelled", (1247, 1247)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_cancelled_once_when_the_database_goes_away_with_the_answer() {
    let (apart, id) = Apart::with_an_order().await;
    apart.proxy.disturb(CANCELLING, Fault::CutOff, 1);
    later(apart.cancel(id).await);
    apart.comes_back().await;
    assert_eq!(apart.cancel(id).await.expect(200).json()["refund_initiated"], json!(true), "the first answer");
    apart.ends("cancelled", (1247, 1247)).await;
}

/// The statement is on its way to a backend that is killed.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_whose_backend_is_killed_at_its_statement_has_not_been() {
    let (apart, id) = Apart::with_an_order().await;
    apart.proxy.disturb(CANCELLING, Fault::Hold, 1);
    let (ann, path) = (apart.ann.clone(), format!("/orders/{id}/cancel"));
    let cancelling =
        tokio::spawn(async move { ann.try_call(Method::POST, &path, None, Some("cancel")).await.unwrap() });
    eventually("the statement is on its way", || async { apart.proxy.happened() == 1 }).await;
    apart.engine.kill_backends().await;
    apart.proxy.release();
    later(cancelling.await.unwrap());
    assert_eq!(apart.ann.order(id).await["status"], json!("confirmed"));
    assert_eq!(apart.cancel(id).await.expect(200).json()["refund_initiated"], json!(true));
    apart.ends("cancelled", (1247, 1247)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placing_whose_backend_is_killed_at_its_statement_has_not_been() {
    let apart = Apart::start().await;
    apart.proxy.disturb(WRITING, Fault::Hold, 1);
    let ann = apart.ann.clone();
    let placing = tokio::spawn(async move { ann.try_place(Some("k")).await.unwrap() });
    eventually("the statement is on its way", || async { apart.proxy.happened() == 1 }).await;
    apart.engine.kill_backends().await;
    apart.proxy.release();
    later(placing.await.unwrap());
    assert_eq!(apart.ann.get("/orders/my-orders").await.json(), json!([]));
    apart.place(Some("k")).await.expect(201);
    apart.ends("confirmed", (1247, 0)).await;
}

/// Whichever commit of an order's life it is, the client's or the worker's.
async fn delivered(commit: u32, fault: Fault) {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let (proxy, through) = Proxy::before(engine.url()).await;
    // Whoever shortens leases looks for tasks from the beginning.
    order_persistence::migrate(&order_persistence::DatabaseUrl::parse(engine.url()).unwrap(), true).await.unwrap();
    proxy.disturb_after(commit, WRITING, fault, 1);
    let client = Client::new(engine, sandbox, vec![("DATABASE_URL".to_owned(), through)], Vec::new(), PathBuf::new());
    let deaths = tokio::select! {
        deaths = to_the_end(scenario("deliver"), &client) => deaths,
        // A task whose end was not written waits for its lease. Nobody waits so long here.
        () = client.engine.shorten_leases() => unreachable!("it goes on"),
    };
    assert_eq!(deaths, 0, "nobody dies of it");
    assert_eq!(proxy.happened(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_befalls_a_commit_an_order_is_paid_once_and_delivered() {
    let faults = [Fault::Delay(Duration::from_millis(300)), Fault::Reset, Fault::Truncate, Fault::LoseAnswer];
    let cases = (0..6).flat_map(|commit| faults.map(|fault| (commit, fault)));
    let played = stream::iter(cases).map(|(commit, fault)| async move {
        let played = tokio::spawn(delivered(commit, fault)).await;
        played.is_err().then(|| format!("commit {commit}, {fault:?}"))
    });
    let failed: Vec<_> = played.buffer_unordered(at_once()).filter_map(std::future::ready).collect().await;
    assert!(failed.is_empty(), "{failed:?}");
}
