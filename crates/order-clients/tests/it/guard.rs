//! What stands before each service: a breaker, a bound on calls at once, a budget of second tries.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use order_clients::{BreakerState, CartClient, Deadlines, Guards, Limits, PaymentClient, ProductClient};
use order_domain::ports::{
    Bearer, CartService, Payment, PaymentError, PaymentService, ProductService, ServiceError, ServiceName,
};
use order_domain::{Currency, OrderId};
use order_sandbox::{Decline, Fault, FaultKind, Route, Sandbox, Service};
use tokio::time::Instant;

use crate::raw::{Answer, Raw};
use crate::{HASTY, PATIENT, bearer, guarded_cart_client, product, shop, usd, user};

/// It opens for good.
const OPEN_FOR_GOOD: Limits =
    Limits { open_at_first: Duration::from_hours(1), open_at_most: Duration::from_hours(1), ..Limits::DEFAULT };
/// It is half-open with the next call.
const OPEN_FOR_A_MOMENT: Limits =
    Limits { open_at_first: Duration::ZERO, open_at_most: Duration::ZERO, ..Limits::DEFAULT };
/// So many failures open it.
const FAILURES: u64 = 5;

fn state(guards: &Guards, service: ServiceName) -> BreakerState {
    guards.states().into_iter().find(|(of, _)| *of == service).expect("every service has a guard").1
}

fn detail<T: std::fmt::Debug>(outcome: Result<T, ServiceError>) -> String {
    match outcome {
        Err(ServiceError::Unavailable { detail, .. }) => detail,
        other => panic!("{other:?}"),
    }
}

fn cart(sandbox: &Sandbox, guards: &Guards) -> Arc<CartClient> {
    Arc::new(guarded_cart_client(&sandbox.urls().cart, PATIENT, guards))
}

/// A call that is asked once, whatever becomes of it.
async fn remove(cart: &CartClient) -> Result<(), ServiceError> {
    cart.remove(&user("u1"), product(1)).await
}

async fn fail(sandbox: &Sandbox, cart: &CartClient) {
    sandbox.add_fault(Service::Cart, Fault::new(FaultKind::Status(503)).times(5));
    for _ in 0..FAILURES {
        assert_eq!(detail(remove(cart).await), "status 503");
    }
}

#[tokio::test]
async fn while_it_is_open_no_call_reaches_the_service_and_the_others_go_on() {
    let (sandbox, guards) = (shop(), Guards::new(&OPEN_FOR_GOOD));
    let cart = cart(&sandbox, &guards);
    fail(&sandbox, &cart).await;

    assert_eq!(state(&guards, ServiceName::Cart), BreakerState::Open);
    for _ in 0..20 {
        assert_eq!(detail(remove(&cart).await), "left alone for a while after failures");
        assert_eq!(detail(cart.cart(&Bearer::new("t")).await), "left alone for a while after failures");
    }
    assert_eq!(sandbox.calls_to(Service::Cart, None), FAILURES);

    let others = guards.states().into_iter().filter(|(service, _)| *service != ServiceName::Cart);
    assert!(others.clone().all(|(_, state)| state == BreakerState::Closed));
    assert_eq!(others.count(), 4);
    let products = ProductClient::new(&sandbox.urls().product, PATIENT, &guards, Currency::USD).unwrap();
    products.products(&[product(1)]).await.unwrap();
}

#[tokio::test]
async fn every_way_of_not_answering_opens_it() {
    for kind in [FaultKind::Status(500), FaultKind::Reset, FaultKind::Truncated, FaultKind::Hold] {
        let (sandbox, guards) = (shop(), Guards::new(&OPEN_FOR_GOOD));
        let hasty = Deadlines { total: Duration::from_millis(50), ..PATIENT };
        let deadlines = if kind == FaultKind::Hold { hasty } else { PATIENT };
        let cart = guarded_cart_client(&sandbox.urls().cart, deadlines, &guards);
        sandbox.add_fault(Service::Cart, Fault::new(kind.clone()));
        for _ in 0..FAILURES {
            remove(&cart).await.unwrap_err();
        }
        assert_eq!(state(&guards, ServiceName::Cart), BreakerState::Open, "{kind:?}");
        sandbox.clear_faults(Service::Cart);
    }
    let (sandbox, guards) = (shop(), Guards::new(&OPEN_FOR_GOOD));
    sandbox.take_down(Service::Cart).await.unwrap();
    let cart = cart(&sandbox, &guards);
    for _ in 0..FAILURES {
        assert_eq!(detail(remove(&cart).await), "no connection");
    }
    assert_eq!(state(&guards, ServiceName::Cart), BreakerState::Open);
}

#[tokio::test]
async fn what_is_an_answer_does_not_open_it() {
    for kind in [
        FaultKind::Status(400),
        FaultKind::Status(401),
        FaultKind::Status(404),
        FaultKind::Status(422),
        FaultKind::Status(429),
        FaultKind::Garbage,
        FaultKind::Redirect,
        FaultKind::Body(serde_json::json!([])),
    ] {
        let (sandbox, guards) = (shop(), Guards::new(&OPEN_FOR_GOOD));
        let cart = cart(&sandbox, &guards);
        sandbox.add_fault(Service::Cart, Fault::new(kind.clone()));
        for _ in 0..3 * FAILURES {
            let _ = remove(&cart).await;
        }
        assert_eq!(state(&guards, ServiceName::Cart), BreakerState::Closed, "{kind:?}");
        assert_eq!(sandbox.calls_to(Service::Cart, None), 3 * FAILURES);
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_does_not_open_it() {
    let announced = b"HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n".to_vec();
    let (server, guards) = (Raw::always(Answer::Silence(announced)).await, Guards::new(&OPEN_FOR_GOOD));
    let cart = guarded_cart_client(&server.url, PATIENT, &guards);
    for _ in 0..3 * FAILURES {
        assert!(matches!(remove(&cart).await, Err(ServiceError::BadAnswer { .. })));
    }
    assert_eq!(state(&guards, ServiceName::Cart), BreakerState::Closed);
}

fn payment(n: u64) -> Payment {
    let key = format!("order-7-charge-{n}");
    Payment { key, customer: user("u1"), order: OrderId::new(7).unwrap(), amount: usd(1050) }
}

#[tokio::test]
async fn a_payment_that_the_breaker_refuses_is_not_sent() {
    let (sandbox, guards) = (shop(), Guards::new(&OPEN_FOR_GOOD));
    let client = PaymentClient::new(&sandbox.urls().payment, PATIENT, &guards).unwrap();
    sandbox.add_fault(Service::Payment, Fault::new(FaultKind::Status(503)));
    for n in 0..FAILURES {
        assert!(matches!(client.charge(&payment(n)).await, Err(PaymentError::Unknown(_))));
    }
    sandbox.clear_faults(Service::Payment);
    for n in 0..FAILURES {
        assert!(matches!(client.charge(&payment(n)).await, Err(PaymentError::NotSent(_))));
        assert!(matches!(client.refund(&payment(n)).await, Err(PaymentError::NotSent(_))));
    }
    assert_eq!(sandbox.calls_to(Service::Payment, None), FAILURES);
    assert_eq!(sandbox.payments(), []);
}

#[tokio::test]
async fn a_no_of_the_payment_service_does_not_open_it() {
    let (sandbox, guards) = (shop(), Guards::new(&OPEN_FOR_GOOD));
    let client = PaymentClient::new(&sandbox.urls().payment, PATIENT, &guards).unwrap();
    sandbox.add_decline(Decline::all());
    for n in 0..3 * FAILURES {
        assert!(matches!(client.charge(&payment(n)).await, Err(PaymentError::Declined(_))));
    }
    assert_eq!(state(&guards, ServiceName::Payment), BreakerState::Closed);
}

#[tokio::test]
async fn half_open_lets_two_try_and_closes_when_they_come_back() {
    let (sandbox, guards) = (shop(), Guards::new(&OPEN_FOR_A_MOMENT));
    let cart = cart(&sandbox, &guards);
    fail(&sandbox, &cart).await;
    sandbox.add_fault(Service::Cart, Fault::new(FaultKind::Hold).times(2));

    let calls: Vec<_> = (0..20).map(|_| Arc::clone(&cart)).map(|cart| async move { remove(&cart).await }).collect();
    let calls = tokio::spawn(join_all(calls));
    sandbox.wait_for_calls(Service::Cart, None, FAILURES + 2).await;
    assert_eq!(detail(remove(&cart).await), "left alone for a while after failures");
    assert_eq!(state(&guards, ServiceName::Cart), BreakerState::HalfOpen);
    assert_eq!(sandbox.release(Service::Cart), 2);

    let outcomes = calls.await.unwrap();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2, "{outcomes:?}");
    assert_eq!(sandbox.calls_to(Service::Cart, None), FAILURES + 2);
    assert_eq!(state(&guards, ServiceName::Cart), BreakerState::Closed);
    let all = join_all((0..20).map(|_| remove(&cart))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
}

#[tokio::test]
async fn half_open_and_failing_it_opens_again() {
    let (sandbox, guards) = (shop(), Guards::new(&OPEN_FOR_A_MOMENT));
    let cart = cart(&sandbox, &guards);
    fail(&sandbox, &cart).await;
    sandbox.add_fault(Service::Cart, Fault::new(FaultKind::Status(500)).times(1));
    assert_eq!(detail(remove(&cart).await), "status 500");
    assert_eq!(state(&guards, ServiceName::Cart), BreakerState::Open);
}

#[tokio::test]
async fn a_slow_service_does_not_slow_another() {
    let (sandbox, guards) = (shop(), Guards::new(&Limits { parallelism: 1, ..Limits::DEFAULT }));
    let products = ProductClient::new(&sandbox.urls().product, PATIENT, &guards, Currency::USD).unwrap();
    sandbox.add_fault(Service::Product, Fault::new(FaultKind::Hold));
    let slow = tokio::spawn(async move { products.products(&[product(1)]).await });
    sandbox.wait_for_calls(Service::Product, None, 1).await;

    let cart = cart(&sandbox, &guards);
    for _ in 0..3 {
        assert_eq!(cart.cart(&bearer(&sandbox, "u1", "user")).await.unwrap().lines.len(), 2);
    }
    assert_eq!(sandbox.held(Service::Product), 1);
    sandbox.release(Service::Product);
    slow.await.unwrap().unwrap();
}

#[tokio::test]
async fn one_call_too_many_is_refused_soon_and_is_no_failure_of_the_service() {
    let limits = Limits { parallelism: 2, turn: Duration::from_millis(1), ..OPEN_FOR_GOOD };
    let (sandbox, guards) = (shop(), Guards::new(&limits));
    let cart = cart(&sandbox, &guards);
    sandbox.add_fault(Service::Cart, Fault::new(FaultKind::Hold).times(2));
    let held = [Arc::clone(&cart), Arc::clone(&cart)].map(|cart| tokio::spawn(async move { remove(&cart).await }));
    sandbox.wait_for_calls(Service::Cart, None, 2).await;

    for _ in 0..3 * FAILURES {
        assert_eq!(detail(remove(&cart).await), "too many calls at once");
    }
    assert_eq!(sandbox.calls_to(Service::Cart, None), 2);
    assert_eq!(state(&guards, ServiceName::Cart), BreakerState::Closed);

    sandbox.release(Service::Cart);
    for held in held {
        held.await.unwrap().unwrap();
    }
    remove(&cart).await.unwrap();
}

#[tokio::test]
async fn a_call_waits_for_its_turn() {
    let limits = Limits { parallelism: 1, turn: PATIENT.total, ..Limits::DEFAULT };
    let (sandbox, guards) = (shop(), Guards::new(&limits));
    let cart = cart(&sandbox, &guards);
    sandbox.add_fault(Service::Cart, Fault::new(FaultKind::Hold).times(1));
    let calls: Vec<_> = (0..10).map(|_| Arc::clone(&cart)).map(|cart| async move { remove(&cart).await }).collect();
    let calls = tokio::spawn(join_all(calls));
    sandbox.wait_for_calls(Service::Cart, None, 1).await;
    sandbox.release(Service::Cart);
    assert!(calls.await.unwrap().iter().all(Result::is_ok));
    assert_eq!(sandbox.calls_to(Service::Cart, Route::Remove), 10);
}

#[tokio::test]
async fn whoever_waited_for_a_turn_is_refused_when_the_breaker_opened_meanwhile() {
    let limits = Limits { parallelism: 1, turn: PATIENT.total, failures: 1, ..OPEN_FOR_GOOD };
    let (sandbox, guards) = (shop(), Guards::new(&limits));
    let cart = guarded_cart_client(&sandbox.urls().cart, HASTY, &guards);
    sandbox.add_fault(Service::Cart, Fault::new(FaultKind::Hold));
    let outcomes = join_all((0..3).map(|_| remove(&cart))).await;
    let details: Vec<_> = outcomes.into_iter().map(detail).collect();
    let left_alone = "left alone for a while after failures";
    assert_eq!(details, ["no answer in time", left_alone, left_alone]);
    assert_eq!(sandbox.calls_to(Service::Cart, None), 1);
    sandbox.release(Service::Cart);
}

#[tokio::test]
async fn a_payment_without_a_turn_is_not_sent() {
    let limits = Limits { parallelism: 1, turn: Duration::from_millis(1), ..Limits::DEFAULT };
    let (sandbox, guards) = (shop(), Guards::new(&limits));
    let client = Arc::new(PaymentClient::new(&sandbox.urls().payment, PATIENT, &guards).unwrap());
    sandbox.add_fault(Service::Payment, Fault::new(FaultKind::Hold).times(1));
    let first = Arc::clone(&client);
    let held = tokio::spawn(async move { first.charge(&payment(1)).await });
    sandbox.wait_for_calls(Service::Payment, None, 1).await;
    assert!(matches!(client.charge(&payment(2)).await, Err(PaymentError::NotSent(_))));
    sandbox.release(Service::Payment);
    held.await.unwrap().unwrap();
    assert_eq!(sandbox.payments().len(), 1);
}

#[tokio::test]
async fn second_tries_are_few_when_everything_fails() {
    const CALLS: u64 = 100;
    let (sandbox, guards) = (shop(), Guards::new(&Limits { failures: u32::MAX, ..OPEN_FOR_GOOD }));
    let cart = cart(&sandbox, &guards);
    sandbox.add_fault(Service::Cart, Fault::new(FaultKind::Status(503)));
    let token = bearer(&sandbox, "u1", "user");
    for _ in 0..CALLS {
        assert_eq!(detail(cart.cart(&token).await), "status 503");
    }
    // a fifth of the first ones, and the ten of a window without any
    let asked = sandbox.calls_to(Service::Cart, None);
    assert!(asked > CALLS && asked <= CALLS + CALLS / 5 + 10, "{asked}");
}

#[tokio::test]
async fn a_second_try_ends_with_the_deadline_of_the_first() {
    let late = Answer::LateEnd(Duration::from_millis(1_500));
    let server = Raw::start(vec![late, Answer::Silence(Vec::new())]).await;
    let deadlines = Deadlines { total: Duration::from_secs(3), ..PATIENT };
    let cart = guarded_cart_client(&server.url, deadlines, &Guards::default());
    let started = Instant::now();
    assert_eq!(detail(cart.cart(&Bearer::new("t")).await), "no answer in time");
    // with a deadline of its own it would end after 4.5 s
    assert!(started.elapsed() < Duration::from_millis(4_400), "{:?}", started.elapsed());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn there_is_no_second_try_without_time_for_it() {
    let server = Raw::start(vec![Answer::LateEnd(Duration::from_millis(960)), Answer::ok("{}")]).await;
    let deadlines = Deadlines { total: Duration::from_secs(1), ..PATIENT };
    let cart = guarded_cart_client(&server.url, deadlines, &Guards::default());
    detail(cart.cart(&Bearer::new("t")).await);
    assert_eq!(server.requests().len(), 1);
}
