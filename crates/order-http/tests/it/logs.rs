//! What the log says: a line per request, and nothing that is somebody's own.

use std::io;
use std::sync::{Arc, Mutex};

use actix_web::http::Method;
use order_testkit::memory::{Fault, Op};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Shop, signed, token_of};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[actix_web::test]
async fn a_line_per_request_and_nothing_personal() {
    let lines = Lines::default();
    let subscriber =
        tracing_subscriber::fmt().with_writer(lines.clone()).with_max_level(tracing::Level::TRACE).with_ansi(false);
    // For the whole binary: what other tests meanwhile log has to keep to the rule, too.
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();

    let shop = Shop::open();
    let place = |id: &'static str| {
        let body = json!({
            "delivery_address": "221B Baker Street",
            "delivery_latitude": 51.5237,
            "delivery_longitude": -0.1585,
            "special_instructions": "ask for Mary",
        });
        signed(Method::POST, "/api/v1/orders/?from=secretplace", "ann")
            .insert_header(("X-Request-ID", id))
            .insert_header(("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
            .insert_header(("Idempotency-Key", "key-of-ann"))
            .set_json(body)
    };
    assert_eq!(shop.ask(place("first-request")).await.status, 201);
    shop.store.fail_next(Op::Commit, Fault::UndoneButUnknown);
    let failed = signed(Method::PUT, "/orders/1/status", "root").insert_header(("X-Request-ID", "second-request"));
    shop.ask(failed.set_json(json!({"status": "cancelled", "reason": "Mary moved"})))
        .await
        .is_problem(503, "outcome_unknown");
    let nowhere = signed(Method::GET, "/some/private/path", "ann").insert_header(("X-Request-ID", "third-request"));
    shop.ask(nowhere).await.is_problem(404, "not_found");

    let nobody = signed(Method::GET, "/orders/1?token=private", "").insert_header(("X-Request-ID", "fourth-request"));
    shop.ask(nobody.insert_header(("Authorization", "Basic secretplace"))).await.is_problem(401, "unauthorized");
    // Whatever else is logged while a request is answered says whose it is.
    shop.carts.fail_next(order_testkit::services::away(order_domain::ports::ServiceName::Cart));
    shop.ask(place("fifth-request").insert_header(("Idempotency-Key", "another")))
        .await
        .is_problem(503, "upstream_unavailable");

    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let of =
        |part: &str| log.lines().filter(|line| line.contains("answered") && line.contains(part)).collect::<Vec<_>>();
    for id in ["first-request", "second-request", "third-request", "fourth-request", "fifth-request"] {
        assert_eq!(
            of(&format!("request_id={id} ")).len() + of(&format!("request_id={id}\n")).len(),
            1,
            "{id} in {log}"
        );
    }
    let first = of("first-request").join("");
    for part in [
        "INFO",
        "method=POST",
        "route=\"/orders\"",
        "status=201",
        "duration_ms=",
        "role=\"user\"",
        "trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
    ] {
        assert!(first.contains(part), "{part} in {first}");
    }
    let second = of("second-request").join("");
    assert!(second.contains("route=\"/orders/{id}/status\"") && second.contains("role=\"admin\""), "{log}");
    assert!(of("third-request").join("").contains("route=\"none\""), "{log}");
    assert!(of("fourth-request").join("").contains("role=\"none\""), "{log}");
    let inside = log.lines().find(|line| line.contains("second-request") && line.contains("outcome_unknown"));
    assert!(inside.is_some_and(|line| line.contains("WARN")), "{log}");
    let inside = log.lines().filter(|line| line.contains("fifth-request") && line.contains("WARN"));
    let named =
        |line: &str| line.contains("request{request_id=fifth-request trace_id=4bf92f3577b34da6a3ce929d0e0e4736}");
    assert!(inside.clone().count() == 1 && inside.clone().all(named), "{log}");
    let bearer = token_of("ann");
    for personal in [
        "Baker",
        "51.5237",
        "Mary",
        "secretplace",
        "key-of-ann",
        "private",
        &bearer,
        bearer.rsplit_once('.').unwrap().1,
    ] {
        assert!(!log.contains(personal), "{personal} in {log}");
    }
}
