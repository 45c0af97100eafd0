//! Pages of other origins: whose may read answers, and that nobody's may unless the settings say so.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use order_http::Origins;
use serde_json::json;

use crate::support::{Answer, Shop, signed};

const SHOP: &str = "https://shop.example";
const EVIL: &str = "https://evil.example";

fn open_to(origins: &[&str]) -> Shop {
    let mut shop = Shop::open();
    let origins = Origins::parse(origins.iter().map(|&origin| origin.to_owned()).collect()).unwrap();
    shop.change(|shop| shop.config.origins = origins);
    shop
}

fn from(origin: &str, request: TestRequest) -> TestRequest {
    request.insert_header(("Origin", origin.to_owned()))
}

fn preflight(origin: &str, path: &str, method: &str, headers: &str) -> TestRequest {
    from(origin, signed(Method::OPTIONS, path, ""))
        .insert_header(("Access-Control-Request-Method", method.to_owned()))
        .insert_header(("Access-Control-Request-Headers", headers.to_owned()))
}

/// The words of a header that is a list, sorted.
fn words(answer: &Answer, header: &str) -> Vec<String> {
    let list = answer.header(header).unwrap_or_default().to_ascii_lowercase();
    let mut words: Vec<_> = list.split(", ").map(str::to_owned).collect();
    words.sort();
    words
}

fn says_something(answer: &Answer) -> bool {
    answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"))
}

#[actix_web::test]
async fn by_default_no_answer_says_anything_of_other_origins() {
    let shop = Shop::open();
    for request in [
        from(SHOP, signed(Method::GET, "/orders/my-orders", "ann")),
        from(SHOP, signed(Method::GET, "/orders/my-orders", "")),
        preflight(SHOP, "/orders", "POST", "content-type"),
    ] {
        let answer = shop.ask(request).await;
        assert!(!says_something(&answer) && answer.header("vary").is_none(), "{:?}", answer.headers);
    }
}

#[actix_web::test]
async fn a_page_of_a_named_origin_may_ask_and_read() {
    let shop = open_to(&["https://admin.example", SHOP]);
    let answer = shop.ask(from(SHOP, signed(Method::GET, "/orders/my-orders", "ann"))).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, Some(SHOP)));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert!(answer.header("vary").is_some_and(|vary| vary.contains("Origin")), "a cache must tell origins apart");
    assert_eq!(
        words(&answer, "access-control-expose-headers"),
        ["etag", "idempotency-replayed", "link", "location", "preference-applied", "retry-after", "x-request-id"]
    );
}

#[actix_web::test]
async fn every_route_answers_a_preflight() {
    let shop = open_to(&[SHOP]);
    let asked = "authorization, content-type, idempotency-key, if-match, if-none-match, prefer, x-request-id, traceparent, tracestate";
    for path in ["/orders", "/api/v1/orders/", "/orders/1", "/orders/1/status", "/orders/1/cancel", "/health"] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            let answer = shop.ask_beside_the_document(preflight(SHOP, path, method, asked)).await;
            assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, Some(SHOP)));
            assert_eq!(answer.header("access-control-max-age"), Some("3600"));
            assert_eq!(
                words(&answer, "access-control-allow-methods"),
                ["delete", "get", "head", "patch", "post", "put"]
            );
            assert_eq!(words(&answer, "access-control-allow-headers").len(), 9);
        }
    }
}

#[actix_web::test]
async fn what_the_api_does_not_take_a_preflight_refuses() {
    let shop = open_to(&[SHOP]);
    for (request, reason) in [
        (preflight(SHOP, "/orders", "TRACE", "content-type"), "method is not allowed"),
        (preflight(SHOP, "/orders", "POST", "x-role"), "headers are not allowed"),
        (preflight(EVIL, "/orders", "POST", "content-type"), "Origin is not allowed"),
        (preflight("null", "/orders", "POST", "content-type"), "Origin is not allowed"),
        (preflight("https://shop.example.evil.example", "/orders", "POST", "content-type"), "Origin is not allowed"),
    ] {
        let answer = shop.ask_beside_the_document(request).await;
        let problem = answer.is_problem(400, "bad_request");
        assert!(problem["detail"].as_str().unwrap().contains(reason), "{problem}");
        assert!(!says_something(&answer), "{:?}", answer.headers);
    }
}

#[actix_web::test]
async fn a_page_of_another_origin_is_answered_and_may_not_read_it() {
    let shop = open_to(&[SHOP]);
    let answer = shop.ask(from(EVIL, signed(Method::GET, "/orders/my-orders", "ann"))).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, None));
}

#[actix_web::test]
async fn errors_can_be_read_like_any_answer() {
    let shop = open_to(&[SHOP]);
    for (request, status) in [
        (signed(Method::GET, "/orders/1", ""), 401),
        (signed(Method::GET, "/orders/1", "ann"), 404),
        (signed(Method::GET, "/nothing", "ann"), 404),
        (signed(Method::DELETE, "/orders", "ann"), 405),
        (signed(Method::POST, "/orders", "ann").set_json(json!({})), 422),
    ] {
        let answer = shop.ask_beside_the_document(from(SHOP, request)).await;
        assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (status, Some(SHOP)));
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(words(&answer, "access-control-expose-headers").contains(&"x-request-id".to_owned()));
    }
}

#[actix_web::test]
async fn everybody_means_without_credentials() {
    let shop = open_to(&["*"]);
    for request in [
        from(EVIL, signed(Method::GET, "/orders/my-orders", "ann")),
        preflight(EVIL, "/orders", "POST", "content-type"),
    ] {
        let answer = shop.ask_beside_the_document(request).await;
        assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, Some("*")));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
}
