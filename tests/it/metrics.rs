//! Metrics of a running service: each family is there and moves, on its own listener and nowhere else.

use order_sandbox::{Fault, FaultKind, Route, Service as Outside};

use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, eventually, on_both_engines};

on_both_engines! {
    async fn what_happens_is_counted(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Status(503)).on(Route::Process));
        let (service, metrics) = Service::start_measured(&engine, &sandbox, &[]).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        customer.order(id).await;
        customer.get("/no/such/path").await.expect(404);

        let seen = metrics.scrape().await;
        assert_eq!(seen.value(r#"http_requests_total{route="/orders",method="POST",status="201"}"#), Some(1.0));
        assert_eq!(seen.value(r#"http_requests_total{route="/orders/{id}",method="GET",status="200"}"#), Some(1.0));
        assert_eq!(seen.value(r#"http_requests_total{route="none",method="GET",status="404"}"#), Some(1.0));
        assert_eq!(seen.value(r#"http_request_duration_seconds_count{route="/orders",method="POST"}"#), Some(1.0));
        assert_eq!(
            seen.value(r#"http_request_duration_seconds_bucket{route="/orders",method="POST",le="10"}"#),
            Some(1.0)
        );
        let pools = if engine.is_shared() { ["http", "worker"] } else { ["readers", "writer"] };
        for pool in pools {
            let waited = seen.value(&format!(r#"database_pool_wait_seconds_count{{pool="{pool}"}}"#));
            assert!(waited.is_some_and(|waited| waited >= 1.0), "{pool} in {}", seen.text);
        }
        assert_eq!(seen.value("payment_entries_in_review"), Some(0.0));
        for family in seen.text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
            assert!(seen.text.contains(&format!("# HELP {family} ")), "{family} is not explained");
        }

        // The payment service is away: the charge waits, and is seen to grow old.
        eventually("the charge is seen to be tried", || async {
            let seen = metrics.scrape().await;
            seen.value(r#"tasks_waiting{kind="charge"}"#) == Some(1.0)
                && seen.value(r#"tasks_oldest_tried_seconds{kind="charge"}"#).is_some_and(|age| age > 0.0)
        })
        .await;
        sandbox.clear_all_faults();
        eventually("nothing is left to do", || async {
            let seen = metrics.scrape().await;
            ["charge", "refund", "clear_cart"].iter().all(|kind| {
                seen.value(&format!(r#"tasks_waiting{{kind="{kind}"}}"#)) == Some(0.0)
                    && seen.value(&format!(r#"tasks_dead{{kind="{kind}"}}"#)) == Some(0.0)
                    && seen.value(&format!(r#"tasks_oldest_due_seconds{{kind="{kind}"}}"#)) == Some(0.0)
                    && seen.value(&format!(r#"tasks_oldest_tried_seconds{{kind="{kind}"}}"#)) == Some(0.0)
            })
        })
        .await;
        assert!(service.stop().await.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listener_of_metrics_has_nothing_else_and_the_public_one_has_none() {
    let (engine, sandbox) = (Engine::sqlite(), sandbox());
    let (service, metrics) = Service::start_measured(&engine, &sandbox, &[]).await;
    let admin = Shop::admin(&service);
    for path in ["/metrics", "/metrics/", "/api/v1/metrics"] {
        admin.get(path).await.expect(404);
    }
    for path in ["/", "/health", "/orders", "/metrics/", "//metrics"] {
        assert_eq!(metrics.ask(reqwest::Method::GET, path).await.status(), 404, "{path}");
    }
    let wrong = metrics.ask(reqwest::Method::POST, "/metrics").await;
    assert_eq!((wrong.status().as_u16(), wrong.headers()["allow"].to_str().unwrap()), (405, "GET, HEAD"));
    let right = metrics.ask(reqwest::Method::GET, "/metrics?name=x").await;
    assert_eq!(right.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_a_service_still_tells_the_rest() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let (service, metrics) = Service::start_measured(&engine, &sandbox, &[]).await;
    assert_eq!(metrics.scrape().await.value("payment_entries_in_review"), Some(0.0));
    engine.refuse_connections(true).await;
    eventually("the figures are no numbers", || async {
        let seen = metrics.scrape().await;
        seen.value("payment_entries_in_review").is_some_and(f64::is_nan)
            && seen.value(r#"tasks_dead{kind="clear_cart"}"#).is_some_and(f64::is_nan)
            && seen.text.contains("database_pool_wait_seconds_count")
    })
    .await;
    engine.refuse_connections(false).await;
    eventually("they are again", || async { metrics.scrape().await.value("payment_entries_in_review") == Some(0.0) })
        .await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_tasks_and_entries_in_review_are_seen() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let (service, metrics) = Service::start_measured(&engine, &sandbox, &[]).await;
    let customer = Shop::customer(&service);
    let id = customer.place().await.expect(201).id();
    customer.until(id, "status", "confirmed").await;
    engine.execute("INSERT INTO tasks (id, kind, order_id, seq, ordinal, run_at, created_at, dead) VALUES (0, 'clear_cart', (SELECT max(id) FROM orders), 1, 9, now(), now(), true)").await;
    engine.execute("UPDATE payment_entries SET state = 'review', settled_at = NULL").await;
    eventually("both are seen", || async {
        let seen = metrics.scrape().await;
        seen.value("payment_entries_in_review") == Some(1.0)
            && seen.value(r#"tasks_dead{kind="clear_cart"}"#) == Some(1.0)
    })
    .await;
    service.stop().await;
}
