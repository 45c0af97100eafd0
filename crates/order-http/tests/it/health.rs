//! How an instance says that it stands, with the API and without.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::body::to_bytes;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service};
use order_http::{HealthWiring, TransportHealth, health_app};
use order_testkit::memory::MemoryStore;
use serde_json::{Value, json};

use crate::support::Shop;

/// A transport that is up while the flag is set.
fn transport(up: &Arc<AtomicBool>) -> TransportHealth {
    let up = Arc::clone(up);
    Arc::new(move || up.load(Ordering::Acquire))
}

#[actix_web::test]
async fn redis_is_told_and_makes_nobody_unready() {
    let mut shop = Shop::open();
    let without = shop.get("/health/ready", "").await.json();
    assert_eq!(without, json!({"status": "ready", "redis": null}), "none is used");
    let up = Arc::new(AtomicBool::new(true));
    shop.change(|shop| shop.transport = Some(transport(&up)));
    for (is_up, word) in [(true, "up"), (false, "down"), (true, "up")] {
        up.store(is_up, Ordering::Release);
        let answer = shop.get("/health/ready", "").await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"status": "ready", "redis": word})));
    }
}

/// Asks an instance without the API; status, media type and body.
async fn asked(wiring: &HealthWiring, method: Method, path: &str) -> (u16, String, Value) {
    let service = init_service(health_app(wiring)).await;
    let response = call_service(&service, TestRequest::with_uri(path).method(method).to_request()).await;
    let status = response.status().as_u16();
    assert!(response.headers().contains_key("x-request-id"));
    let media = response.headers().get("content-type").unwrap().to_str().unwrap().to_owned();
    let body = to_bytes(response.into_body()).await.unwrap();
    (status, media, serde_json::from_slice(&body).unwrap())
}

#[actix_web::test]
async fn an_instance_without_the_api_says_how_it_stands_and_nothing_else() {
    let (store, draining) = (MemoryStore::new(), Arc::new(AtomicBool::new(false)));
    let up = Arc::new(AtomicBool::new(false));
    let wiring = HealthWiring {
        database: Arc::new(store.clone()),
        draining: Arc::clone(&draining),
        transport: Some(transport(&up)),
    };
    let get = |path: &'static str| asked(&wiring, Method::GET, path);
    let json = "application/json".to_owned();
    assert_eq!(get("/health/live").await, (200, json.clone(), json!({"status": "alive"})));
    assert_eq!(get("/health/ready").await, (200, json, json!({"status": "ready", "redis": "down"})));

    for path in
        ["/health", "/api/v1/health/live", "/orders", "/orders/1", "/operations/tasks", "/openapi.json", "/docs", "/"]
    {
        let (status, media, problem) = get(path).await;
        assert_eq!((status, media.as_str()), (404, "application/problem+json"), "{path}");
        assert_eq!((&problem["code"], &problem["instance"]), (&json!("not_found"), &json!(path)));
    }
    let (status, _, problem) = asked(&wiring, Method::POST, "/health/ready").await;
    assert_eq!((status, &problem["code"]), (405, &json!("method_not_allowed")));

    store.set_away(true);
    assert_eq!(get("/health/live").await.0, 200);
    let (status, _, problem) = get("/health/ready").await;
    assert_eq!((status, &problem["code"]), (503, &json!("database_unavailable")));
    store.set_away(false);
    assert_eq!(get("/health/ready").await.0, 200);
    draining.store(true, Ordering::Release);
    let (status, _, problem) = get("/health/ready").await;
    assert_eq!((status, &problem["code"]), (503, &json!("draining")));
    assert_eq!(get("/health/live").await.0, 200);
}
