//! What the log of a whole service says, at its most talkative: nothing that is somebody's own.

use order_sandbox::{Fault, FaultKind, Service as Outside};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::support::shop::{sandbox, token};
use crate::support::{Engine, Service, Shop, eventually, on_both_engines};

/// Everything that our own code says; of the libraries, what one runs a service with.
const TALKATIVE: &str = "info,order_app=trace,order_http=trace,order_usecases=trace,order_clients=trace,\
                         order_persistence=trace,order_queue=trace,actix_server=trace";

on_both_engines! {
    async fn a_life_of_an_order_leaves_nothing_personal_in_the_log(engine: Engine) {
        let (sandbox, log) = (sandbox(), NamedTempFile::new().unwrap());
        let settings = [("LOG_LEVEL", TALKATIVE)];
        let (service, metrics) = Service::start_measured_logged(&engine, &sandbox, &settings, &log).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let place = json!({
            "delivery_address": "221B Baker Street",
            "delivery_latitude": "51.523767",
            "delivery_longitude": "-0.158555",
            "special_instructions": "ask for Mary",
        });
        for fault in [FaultKind::Status(500), FaultKind::Garbage, FaultKind::Reset] {
            sandbox.add_fault(Outside::Cart, Fault::new(fault));
            customer.call(Method::POST, "/orders", Some(place.clone())).await;
            sandbox.clear_all_faults();
        }
        sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Status(500)).times(1));
        sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Hold).times(1));
        let id = customer.call(Method::POST, "/orders?from=secretplace", Some(place)).await.expect(201).id();
        eventually("the charge is under way", || async { sandbox.held(Outside::Payment) == 1 }).await;
        let tasks = engine.tasks_as_text().await;
        assert!(tasks.contains("charge"), "{tasks}");
        sandbox.release(Outside::Payment);
        customer.until(id, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        customer.get("/orders/my-orders?user_id=secretname").await.expect(200);
        customer.get("/orders/secretpath").await.expect(422);
        let unreadable = json!({ "delivery_address": ["221B Baker Street"], "secretfield": 1 });
        customer.call(Method::POST, "/orders", Some(unreadable)).await.expect(422);
        let reason = json!({ "status": "cancelled", "reason": "Mary has moved" });
        admin.call(Method::PUT, &format!("/orders/{id}/status"), Some(reason)).await.expect(200);
        admin.until(id, "payment_status", "refunded").await;
        let measured = metrics.scrape().await.text;
        assert!(service.stop().await.success());

        let said = std::fs::read_to_string(log.path()).unwrap();
        let (ann, ada) = (token("ann", "user"), token("ada", "admin"));
        let signature = |token: &str| token.rsplit_once('.').unwrap().1.to_owned();
        let claims = |token: &str| token.split('.').nth(1).unwrap()[..20].to_owned();
        for personal in [
            "Baker", "51.5237", "0.1585", "Mary", "secretplace", "secretname", "secretpath", "secretfield", "Bearer",
            &signature(&ann), &claims(&ann), &signature(&ada), &claims(&ada), crate::support::service::SECRET,
        ] {
            for (what, text) in [("the log", &said), ("the metrics", &measured), ("the tasks", &tasks)] {
                assert!(!text.contains(personal), "{personal} in {what}: {text}");
            }
        }

        // And it says something: a line per request, and each line of a request names it.
        let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let answered: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
        assert!(answered.len() >= 10, "{said}");
        for line in &answered {
            for field in ["method", "route", "status", "duration_ms", "role", "request_id"] {
                assert!(!line[field].is_null(), "{field} in {line}");
            }
            assert_eq!(line["span"]["request_id"], line["request_id"]);
            assert_eq!(line["span"]["trace_id"].as_str().map(str::len), Some(32), "{line}");
        }
        assert!(answered.iter().any(|line| line["role"] == "admin" && line["route"] == "/orders/{id}/status"));
        let failed = |line: &&Value| line["message"].as_str().is_some_and(|said| said.contains("failed: "));
        assert!(lines.iter().filter(failed).all(|line| line["span"]["request_id"].is_string()), "{said}");
        assert!(lines.iter().filter(failed).count() >= 3, "{said}");
    }
}
