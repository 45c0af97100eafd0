//! Instances that do one half of the work: the API without tasks, tasks without the API.

use order_sandbox::{Fault, FaultKind, Route, Service as Outside};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::command_line::{run, said};
use crate::support::clock::{libfaketime, wrong_by};
use crate::support::service::SECRET;
use crate::support::shop::{sandbox, token_for};
use crate::support::{Engine, Service, Shop, audit, eventually};

/// Asks an instance without a token: its status and what it says.
async fn asked(service: &Service, path: &str) -> (StatusCode, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(format!("{}{path}", service.url)).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_takes_orders_and_the_other_does_what_follows() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let api = Service::start_as("http", &engine, &sandbox, &[]).await;
    let customer = Shop::customer(&api);
    let id = customer.place().await.expect(201).id();
    let news = customer.get(&format!("/orders/{id}/timeline?after=1&wait=3")).await.expect(200);
    assert_eq!((news.json(), engine.claimed().await), (json!([]), 0), "nobody works");
    assert_eq!(sandbox.calls_to(Outside::Payment, Route::Process), 0);

    let worker = Service::start_as("worker", &engine, &sandbox, &[]).await;
    customer.until(id, "status", "confirmed").await;
    eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;

    assert_eq!(asked(&worker, "/health/live").await, (StatusCode::OK, json!({"status": "alive"})));
    assert_eq!(asked(&worker, "/health/ready").await, (StatusCode::OK, json!({"status": "ready", "redis": null})));
    for path in ["/health", "/orders/my-orders", "/api/v1/health/live", "/openapi.json", "/metrics"] {
        let (status, problem) = asked(&worker, path).await;
        assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("not_found")), "{path}");
    }
    assert!(worker.rest().await.success());
    assert!(api.stop().await.success());
    assert_eq!(audit::clean(&engine, &sandbox).await.len(), 1);
}

/// Whoever watches over a worker sees that it is about to go, and that it lives until its last task is done.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_stop_finishes_and_can_be_asked_meanwhile() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Hold).on(Route::Process).times(1));
    let api = Service::start_as("http", &engine, &sandbox, &[]).await;
    // It has nobody to let know, so it does not wait for anybody to notice.
    let worker = Service::start_as("worker", &engine, &sandbox, &[("DRAIN_DELAY", "10min")]).await;
    let customer = Shop::customer(&api);
    let id = customer.place().await.expect(201).id();
    sandbox.wait_for_calls(Outside::Payment, Route::Process, 1).await;
    worker.terminate();
    eventually("it says that it is not ready", || async { asked(&worker, "/health/ready").await.0 == 503 }).await;
    assert_eq!(asked(&worker, "/health/ready").await.1["code"], json!("draining"));
    assert_eq!(asked(&worker, "/health/live").await.0, 200);
    sandbox.clear_all_faults();
    sandbox.release(Outside::Payment);
    assert!(worker.end().await.success());
    assert_eq!(customer.order(id).await["status"], json!("confirmed"), "at once: it was finished");

    let worker = Service::start_as("worker", &engine, &sandbox, &[]).await;
    eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
    worker.rest().await;
    api.stop().await;
    audit::clean(&engine, &sandbox).await;
}

/// Tokens run out by the database's clock, whatever the machine of an instance believes, and whether or not it has a worker
/// whose sweeps bring the time along.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_whose_clock_is_wrong_goes_by_the_databases() {
    if libfaketime().is_none() {
        eprintln!("left out: libfaketime is not installed, which is what makes a clock wrong");
        return;
    }
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    for (role, minutes) in [("http", 10), ("http", -10), ("all", 10), ("all", -10)] {
        let clock = wrong_by(minutes);
        let clock: Vec<_> = clock.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let instance = Service::start_as(role, &engine, &sandbox, &clock).await;
        for (seconds, expected) in [(300, 200), (-300, 401)] {
            let customer = Shop::with_token(&instance, token_for(seconds, "ann", "user"));
            let answer = customer.get("/orders/my-orders").await;
            assert_eq!(answer.status, expected, "{role} {minutes:+} min, a token of {seconds} s: {}", answer.text);
        }
        instance.stop().await;
    }
}

/// An instance that has no worker notices that its database is away, and a worker does, too.
#[tokio::test(flavor = "multi_thread")]
async fn neither_half_is_ready_without_the_database() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let halves = [
        Service::start_as("http", &engine, &sandbox, &[]).await,
        Service::start_as("worker", &engine, &sandbox, &[]).await,
    ];
    for (refuse, status) in [(true, 503), (false, 200)] {
        engine.refuse_connections(refuse).await;
        for half in &halves {
            eventually("it says so", || async { asked(half, "/health/ready").await.0 == status }).await;
            assert_eq!(asked(half, "/health/live").await.0, 200);
        }
    }
    // Both go on.
    let customer = Shop::customer(&halves[0]);
    let id = customer.place().await.expect(201).id();
    customer.until(id, "status", "confirmed").await;
    engine.rest().await;
    for half in halves {
        assert!(half.stop().await.success());
    }
    audit::clean(&engine, &sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_there_is_not_and_half_an_instance_on_a_file_are_refused() {
    let nowhere = "http://127.0.0.1:1";
    let engine = Engine::sqlite();
    let settings = [
        ("DATABASE_URL", engine.url()),
        ("JWT_SECRET_KEY", SECRET),
        ("USER_SERVICE_URL", nowhere),
        ("PRODUCT_SERVICE_URL", nowhere),
        ("CART_SERVICE_URL", nowhere),
        ("PAYMENT_SERVICE_URL", nowhere),
        ("NOTIFICATION_SERVICE_URL", nowhere),
        ("PORT", "0"),
    ];
    for role in ["http", "worker"] {
        let output = run(&["serve", "--role", role], &settings).await;
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(&format!("--role {role}: a SQLite file")), "{}", said(&output));
    }
    let output = run(&["serve", "--role", "king"], &settings).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("all, http, worker"), "{}", said(&output));
    assert!(!std::path::Path::new(engine.url().trim_start_matches("sqlite:")).exists(), "nothing was begun");
}

/// Supervisors of containers ask by the binary itself: the image has no other program.
#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_asks_by_a_command() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let worker = Service::start_as("worker", &engine, &sandbox, &[]).await;
    let (host, port) = worker.url.strip_prefix("http://").unwrap().split_once(':').unwrap();
    for arguments in [&["healthy"][..], &["healthy", "--ready"]] {
        let output = run(arguments, &[("HOST", host), ("PORT", port)]).await;
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    let anywhere = run(&["healthy"], &[("HOST", "0.0.0.0"), ("PORT", port)]).await;
    assert_eq!(anywhere.status.code(), Some(0), "who listens everywhere listens on loopback: {}", said(&anywhere));

    engine.refuse_connections(true).await;
    eventually("it is not ready", || async { asked(&worker, "/health/ready").await.0 == 503 }).await;
    let ready = run(&["healthy", "--ready"], &[("HOST", host), ("PORT", port)]).await;
    assert_eq!(ready.status.code(), Some(1));
    assert!(said(&ready).contains("503"), "{}", said(&ready));
    assert_eq!(run(&["healthy"], &[("HOST", host), ("PORT", port)]).await.status.code(), Some(0), "it lives");
    engine.refuse_connections(false).await;

    let (host, port) = (host.to_owned(), port.to_owned());
    worker.kill().await;
    let gone = run(&["healthy"], &[("HOST", &host), ("PORT", &port)]).await;
    assert_eq!(gone.status.code(), Some(1));
    assert!(said(&gone).contains("does not answer"), "{}", said(&gone));
}
