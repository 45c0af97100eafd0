//! What the framework says by itself is a problem like any other, and every answer has its request's id.

use actix_web::http::Method;
use order_http::Code;

use crate::support::{Shop, signed};

#[actix_web::test]
async fn an_unknown_path_is_404() {
    let shop = Shop::open();
    for path in [
        "/",
        "/nothing",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v1/api/v1/orders",
        "/api/v2/orders",
        "/orders/1/nothing",
        "/orders//",
        "//orders",
        "/api/v1orders",
    ] {
        for who in ["ann", ""] {
            shop.get(path, who).await.is_problem(404, "not_found");
        }
    }
    shop.ask(signed(Method::POST, "/nothing", "ann").set_payload("{")).await.is_problem(404, "not_found");
}

#[actix_web::test]
async fn a_wrong_method_is_405_and_says_which_are_right() {
    let shop = Shop::open();
    for (path, methods) in [
        ("/orders", "GET, HEAD, POST"),
        ("/orders/my-orders", "GET, HEAD"),
        ("/orders/1/timeline/", "GET, HEAD"),
        ("/api/v1/orders/1/status", "PUT"),
        ("/api/v1/orders/1/assign-delivery/", "PUT"),
        ("/orders/1/cancel", "POST"),
        ("/orders/1/refunds/", "POST"),
        ("/api/v1/orders/1/payments", "GET, HEAD"),
        ("/health", "GET, HEAD"),
    ] {
        for method in [Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let answer = shop.ask(signed(method, path, "")).await;
            answer.is_problem(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), Some(methods), "{path}");
        }
    }
    for method in [Method::DELETE, Method::PUT, Method::OPTIONS] {
        let answer = shop.ask(signed(method, "/orders/1", "")).await;
        answer.is_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, PATCH"));
    }
}

#[actix_web::test]
async fn a_request_has_an_id_given_or_made() {
    let shop = Shop::open();
    let given = shop.ask(signed(Method::GET, "/health", "").insert_header(("X-Request-ID", "web-42"))).await;
    assert_eq!(given.header("x-request-id"), Some("web-42"));
    let given = shop.ask(signed(Method::GET, "/orders/1?a=b", "ann").insert_header(("X-Request-ID", "web-43"))).await;
    let problem = given.is_problem(404, "order_not_found");
    assert_eq!((problem["request_id"].as_str(), problem["instance"].as_str()), (Some("web-43"), Some("/orders/1")));
    let (one, other) = (shop.get("/health", "").await, shop.get("/health", "").await);
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
    for odd in ["a b", "\"><script>", &"x".repeat(129)] {
        let made = shop.ask(signed(Method::GET, "/orders/1", "").insert_header(("X-Request-ID", odd))).await;
        assert_eq!(made.header("x-request-id").map(str::len), Some(36), "{odd}");
        made.is_problem(401, "unauthorized");
    }
}

#[test]
fn a_code_goes_with_its_status() {
    let pairs = [
        (Code::CartEmpty, 409),
        (Code::IdempotencyKeyReused, 422),
        (Code::BadUpstreamAnswer, 502),
        (Code::OutcomeUnknown, 503),
    ];
    for (code, status) in pairs {
        assert_eq!(code.status(), status, "{}", code.name());
    }
}
