//! The names of a request: whoever is asked on its way can be told them, and nobody can slip something else in.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use futures_util::FutureExt;
use order_http::{RequestContext, Scope};

use crate::support::{CONTEXT, Shop, signed};

const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn noting() -> Shop {
    let mut shop = Shop::open();
    let scope: Scope = Arc::new(|context, answering| CONTEXT.scope(context, answering).boxed_local());
    shop.change(|shop| shop.scope = Some(scope));
    shop
}

fn heard(shop: &Shop) -> Vec<RequestContext> {
    shop.heard.lock().unwrap().clone()
}

fn place() -> TestRequest {
    signed(Method::POST, "/orders", "ann").set_payload(r#"{"delivery_address":"1 Main St"}"#)
}

#[actix_web::test]
async fn whoever_is_asked_on_the_way_can_be_told_the_requests_names() {
    let shop = noting();
    let request = place().insert_header(("X-Request-ID", "web-42")).insert_header(("traceparent", GIVEN));
    assert_eq!(shop.ask(request).await.status, 201);
    let context = heard(&shop).remove(0);
    assert_eq!(context.request_id, "web-42");
    let parts: Vec<_> = context.traceparent.split('-').collect();
    assert_eq!((parts[0], parts[1], parts[3]), ("00", "4bf92f3577b34da6a3ce929d0e0e4736", "01"));
    assert_ne!(parts[2], "00f067aa0ba902b7", "a span of its own");
    assert_eq!(parts[2].len(), 16);
}

#[actix_web::test]
async fn a_request_without_names_gets_some() {
    let shop = noting();
    let answer = shop.ask(place()).await;
    shop.ask(place()).await;
    let noted = heard(&shop);
    assert_eq!(answer.header("x-request-id"), Some(noted[0].request_id.as_str()));
    assert_eq!(noted[0].traceparent.len(), GIVEN.len());
    assert_ne!(noted[0].traceparent.split('-').nth(1), noted[1].traceparent.split('-').nth(1), "a trace each");
    assert_ne!(noted[0].request_id, noted[1].request_id);
}

#[actix_web::test]
async fn names_that_are_none_are_replaced() {
    let shop = noting();
    let request = place()
        .insert_header(("X-Request-ID", "a b\"><script>"))
        .insert_header(("traceparent", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"));
    let answer = shop.ask(request).await;
    let context = heard(&shop).remove(0);
    assert_eq!(answer.header("x-request-id"), Some(context.request_id.as_str()));
    assert_eq!(context.request_id.len(), 36);
    assert!(!context.traceparent.to_lowercase().contains("4bf92f3577b34da6a3ce929d0e0e4736"));
}

#[actix_web::test]
async fn an_error_has_its_id_whatever_is_put_around_it() {
    let shop = noting();
    let lost = signed(Method::GET, "/nothing", "").insert_header(("X-Request-ID", "web-43"));
    assert_eq!(shop.ask(lost).await.is_problem(404, "not_found")["request_id"], "web-43");
}
