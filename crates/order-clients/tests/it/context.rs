//! What a call tells of the request it is made for.

use order_clients::context::{CallContext, with_context};
use order_domain::ports::{Bearer, CartService, ProductService};

use crate::raw::{Answer, Raw};
use crate::{PATIENT, cart_client, product, product_client};

fn context(request_id: &str, traceparent: Option<&str>) -> CallContext {
    CallContext { request_id: request_id.to_owned(), traceparent: traceparent.map(str::to_owned) }
}

#[tokio::test]
async fn the_requests_id_and_trace_go_along_with_every_call() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let server = Raw::always(Answer::status("404 Not Found", "")).await;
    let client = product_client(&server.url, PATIENT);
    let ids = [product(1), product(2), product(3)];

    with_context(context("req-1", Some(TRACE)), client.products(&ids)).await.unwrap();

    assert_eq!(server.requests().len(), 3);
    for request in server.requests() {
        assert!(request.contains("\r\nx-request-id: req-1\r\n"), "{request}");
        assert!(request.contains(&format!("\r\ntraceparent: {TRACE}\r\n")), "{request}");
    }
}

#[tokio::test]
async fn a_second_try_is_of_the_same_request() {
    let server = Raw::always(Answer::status("503 Service Unavailable", "")).await;
    let client = cart_client(&server.url, PATIENT);
    let outcome = with_context(context("req-2", None), client.cart(&Bearer::new("t"))).await;
    assert!(outcome.is_err());
    assert_eq!(server.requests().len(), 2);
    for request in server.requests() {
        assert!(request.contains("\r\nx-request-id: req-2\r\n") && !request.contains("traceparent"), "{request}");
    }
}

#[tokio::test]
async fn outside_of_a_request_and_for_what_fits_into_no_header_there_is_none() {
    let server = Raw::always(Answer::status("404 Not Found", "")).await;
    let client = product_client(&server.url, PATIENT);
    client.products(&[product(1)]).await.unwrap();
    with_context(context("a\r\nx-role: admin", Some("b\nc")), client.products(&[product(1)])).await.unwrap();
    for request in server.requests() {
        for header in ["x-request-id", "traceparent", "x-role"] {
            assert!(!request.contains(header), "{request}");
        }
    }
}
