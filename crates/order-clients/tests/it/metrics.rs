//! What an operator sees of the calls.

use std::collections::BTreeMap;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use order_clients::{Guards, Limits};
use order_domain::ports::CartService;
use order_domain::time::Duration;
use order_sandbox::{Fault, FaultKind, Service};

use crate::{PATIENT, bearer, guarded_cart_client, product, shop, user};

/// `name{labels}`, with the value; of a histogram, how many there are.
fn seen(recorder: &metrics_util::debugging::Snapshotter) -> BTreeMap<String, f64> {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let number = |value: DebugValue| match value {
        DebugValue::Counter(count) => count as f64,
        DebugValue::Gauge(value) => value.into_inner(),
        DebugValue::Histogram(values) => values.len() as f64,
    };
    let all = recorder.snapshot().into_vec().into_iter();
    all.map(|(key, _, _, value)| {
        let (_, key) = key.into_parts();
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        (format!("{}{{{}}}", key.name(), labels.join(",")), number(value))
    })
    .collect()
}

#[tokio::test]
async fn calls_are_counted_by_service_and_outcome_with_the_breakers_state() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let sandbox = shop();
    let hour = Duration::from_hours(1);
    let guards = Guards::new(&Limits { open_at_first: hour, open_at_most: hour, ..Limits::DEFAULT });
    let cart = guarded_cart_client(&sandbox.urls().cart, PATIENT, &guards);

    cart.cart(&bearer(&sandbox, "u1", "user")).await.unwrap();
    cart.remove(&user("u1"), product(99)).await.unwrap();
    // the first of them is asked twice, the last refused without being asked
    sandbox.add_fault(Service::Cart, Fault::new(FaultKind::Status(503)));
    cart.cart_of(&user("u1")).await.unwrap_err();
    for _ in 0..4 {
        cart.remove(&user("u1"), product(1)).await.unwrap_err();
    }

    let seen = seen(&snapshotter);
    let value = |name: &str| seen.get(name).copied();
    assert_eq!(value("outside_calls_total{service=cart,outcome=success}"), Some(1.0), "{seen:?}");
    assert_eq!(value("outside_calls_total{service=cart,outcome=refused}"), Some(1.0), "{seen:?}");
    assert_eq!(value("outside_calls_total{service=cart,outcome=server_error}"), Some(5.0), "{seen:?}");
    assert_eq!(value("outside_calls_total{service=cart,outcome=breaker_open}"), Some(1.0), "{seen:?}");
    assert_eq!(value("outside_call_duration_seconds{service=cart}"), Some(7.0), "{seen:?}");
    assert_eq!(value("outside_breaker_state{service=cart}"), Some(2.0), "{seen:?}");
    assert_eq!(value("outside_breaker_state{service=payment}"), Some(0.0), "{seen:?}");
}
