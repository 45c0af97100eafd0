//! The outside services.

use std::sync::Arc;

use order_domain::ports::{
    Bearer, CartService, Clock, Payment, PaymentError, PaymentService, ProductService, ServiceName, TaskKind, TaskRef,
    TaskSignal, UserService,
};
use order_domain::time::Duration;
use order_domain::{OrderId, ProductId, TaskId};
use order_testkit::builders::{START, a_cart, stocked, usd, user};
use order_testkit::services::{
    FakeCarts, FakePayments, FakeProducts, FakeUsers, FixedClock, PaymentAnswer, RecordingSignal, away, garbage,
};

fn payment(key: &str, amount: i64) -> Payment {
    Payment { key: key.into(), customer: user("ann"), order: OrderId::new(1).unwrap(), amount: usd(amount) }
}

#[tokio::test]
async fn a_key_is_paid_once_however_often_it_is_asked_for() {
    use PaymentAnswer::{ActAndLoseAnswer, ActAndRefuse, Decline, LoseRequest, NotSent, Refuse, Settle};
    let service = FakePayments::new();
    service.plan(&[NotSent, LoseRequest, Refuse, ActAndLoseAnswer, Decline, ActAndRefuse, Settle]);
    let charge = payment("order-1-order-1", 1_098);
    let mut answers = Vec::new();
    for _ in 0..8 {
        answers.push(service.charge(&charge).await);
    }
    assert!(matches!(answers[0], Err(PaymentError::NotSent(_))));
    assert!(matches!(answers[1], Err(PaymentError::Unknown(_))));
    assert!(matches!(answers[2], Err(PaymentError::Refused(_))));
    assert!(matches!(answers[3], Err(PaymentError::Unknown(_))));
    assert!(answers[4].is_ok(), "its money has moved: a decline comes too late");
    assert!(matches!(answers[5], Err(PaymentError::Refused(_))));
    assert!(answers[6] == answers[4] && answers[7] == answers[4]);
    assert_eq!(service.tries(&charge.key), 8);
    assert_eq!(service.settled().len(), 1);
}

#[tokio::test]
async fn a_declined_key_is_declined_for_ever() {
    let service = FakePayments::new();
    service.plan(&[PaymentAnswer::Decline]);
    let refund = payment("order-1-cancel-2", 5);
    for _ in 0..2 {
        assert!(matches!(service.refund(&refund).await, Err(PaymentError::Declined(_))));
    }
    assert!(service.settled().is_empty());
}

#[tokio::test]
#[should_panic(expected = "a key stands for one payment for ever")]
async fn a_key_with_another_amount_fails_the_test() {
    let service = FakePayments::new();
    service.charge(&payment("k", 1)).await.unwrap();
    service.charge(&payment("k", 2)).await.ok();
}

#[tokio::test]
async fn something_happens_while_a_payment_is_under_way() {
    let service = Arc::new(FakePayments::new());
    let inside = Arc::clone(&service);
    service.during_next(move || async move { assert_eq!(inside.settled().len(), 1, "its effect is done") });
    assert!(service.charge(&payment("k", 1)).await.is_ok());
}

#[tokio::test]
async fn a_cart_is_its_callers_and_remembers_what_was_taken_out() {
    let carts = FakeCarts::new();
    carts.put(a_cart("ann", &[(5, 2), (6, 1), (5, 1)]));
    carts.put_for("eve", a_cart("ann", &[]));
    assert_eq!(carts.cart(&Bearer::new("ann")).await.unwrap().lines.len(), 3);
    assert_eq!(carts.cart(&Bearer::new("eve")).await.unwrap().customer, user("ann"), "as hostile as it is told to be");
    assert_eq!(carts.cart_of(&user("bob")).await.unwrap(), a_cart("bob", &[]));
    let apple = ProductId::new(5).unwrap();
    carts.fail_next(away(ServiceName::Cart));
    assert_eq!(carts.remove(&user("ann"), apple).await, Err(away(ServiceName::Cart)));
    assert_eq!(carts.remove(&user("ann"), apple).await, Ok(()));
    assert_eq!(carts.cart_now("ann").lines.len(), 1);
    assert_eq!((carts.removed(), carts.asked()), (vec![(user("ann"), apple)], 5));
}

#[tokio::test]
async fn products_and_couriers_are_those_that_were_put_there() {
    let products = FakeProducts::of([stocked(5, 299, 10)]);
    let ids = [5, 6].map(|id| ProductId::new(id).unwrap());
    let found = products.products(&ids).await.unwrap();
    assert_eq!((found[&ids[0]].clone(), found[&ids[1]].clone()), (Some(stocked(5, 299, 10)), None));
    products.fail_next(garbage(ServiceName::Product));
    assert_eq!(products.products(&ids).await, Err(garbage(ServiceName::Product)));
    assert_eq!(products.asked(), [ids, ids]);

    let users = FakeUsers::with_couriers(&["bob"]);
    let admin = Bearer::new("root");
    assert_eq!(users.is_courier(&user("bob"), &admin).await, Ok(true));
    assert_eq!(users.is_courier(&user("ann"), &admin).await, Ok(false));
    assert_eq!(users.asked()[0], (user("bob"), "root".to_owned()));
}

#[tokio::test]
async fn a_signal_wakes_whoever_waits_unless_it_is_lost() {
    let task = |id| TaskRef { id: TaskId::new(id).unwrap(), kind: TaskKind::Charge };
    let signal = Arc::new(RecordingSignal::new());
    let waiting = tokio::spawn({
        let signal = Arc::clone(&signal);
        async move { signal.next().await }
    });
    tokio::task::yield_now().await;
    signal.due(&[task(1)]).await;
    assert_eq!(waiting.await.unwrap(), [task(1)]);
    signal.lose(true);
    signal.due(&[task(2)]).await;
    signal.lose(false);
    signal.due(&[task(3)]).await;
    assert_eq!(signal.next().await, [task(3)]);
    assert_eq!(signal.signalled(), [task(1), task(2), task(3)]);
}

#[test]
fn a_clock_stands_still_until_it_is_moved() {
    let clock = FixedClock::default();
    assert_eq!(clock.now(), START);
    clock.advance(Duration::from_secs(1));
    assert_eq!((clock.now() - START).num_seconds(), 1);
}
