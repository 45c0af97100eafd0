//! What is counted of requests, under labels that no client can make more of.

use actix_web::http::Method;
use metrics_exporter_prometheus::PrometheusBuilder;
use order_domain::order::Status;

use crate::support::{Shop, signed};

/// The lines of a family, without its histogram's buckets and sums, sorted.
fn lines(text: &str, family: &str) -> Vec<String> {
    let of = |line: &&str| line.starts_with(&format!("{family}{{")) || line.starts_with(&format!("{family}_count{{"));
    let mut lines: Vec<_> = text.lines().filter(of).map(str::to_owned).collect();
    lines.sort();
    lines
}

#[actix_web::test]
async fn requests_are_counted_by_route_method_and_status() {
    let recorder = PrometheusBuilder::new().set_buckets(&[0.001, 10.0]).unwrap().build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let shop = Shop::open().with_order(Status::Confirmed).await;
    for path in ["/orders/1", "/orders/1/", "/api/v1/orders/1"] {
        assert_eq!(shop.get(path, "ann").await.status, 200);
    }
    for path in ["/orders/2", "/orders/3?secret=1"] {
        shop.get(path, "ann").await.is_problem(404, "order_not_found");
    }
    for path in ["/nothing", "/else", "/orders/1/private"] {
        shop.get(path, "ann").await.is_problem(404, "not_found");
    }
    for method in [Method::DELETE, Method::from_bytes(b"BREW").unwrap(), Method::from_bytes(b"STEEP").unwrap()] {
        shop.ask(signed(method, "/orders", "ann")).await.is_problem(405, "method_not_allowed");
    }
    shop.get("/orders/1", "").await.is_problem(401, "unauthorized");
    let text = recorder.handle().render();
    assert_eq!(
        lines(&text, "http_requests_total"),
        [
            r#"http_requests_total{route="/orders",method="DELETE",status="405"} 1"#,
            r#"http_requests_total{route="/orders",method="other",status="405"} 2"#,
            r#"http_requests_total{route="/orders/{id}",method="GET",status="200"} 3"#,
            r#"http_requests_total{route="/orders/{id}",method="GET",status="401"} 1"#,
            r#"http_requests_total{route="/orders/{id}",method="GET",status="404"} 2"#,
            r#"http_requests_total{route="none",method="GET",status="404"} 3"#,
        ]
    );
    assert_eq!(
        lines(&text, "http_request_duration_seconds"),
        [
            r#"http_request_duration_seconds_count{route="/orders",method="DELETE"} 1"#,
            r#"http_request_duration_seconds_count{route="/orders",method="other"} 2"#,
            r#"http_request_duration_seconds_count{route="/orders/{id}",method="GET"} 6"#,
            r#"http_request_duration_seconds_count{route="none",method="GET"} 3"#,
        ]
    );
    for own in ["secret", "private", "ann", "BREW", "/orders/1"] {
        assert!(!text.contains(own), "{own} in {text}");
    }
}

#[actix_web::test]
async fn the_public_listener_has_no_metrics() {
    let shop = Shop::open();
    for path in ["/metrics", "/metrics/", "/api/v1/metrics"] {
        shop.get(path, "root").await.is_problem(404, "not_found");
    }
}
