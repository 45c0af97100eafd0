//! `PAYMENT_TIMEOUT`: an unpaid order is cancelled, once, and what is taken later comes back.

use order_domain::order::{CancelCode, Status};
use order_domain::payment::EntryState;
use order_domain::ports::TaskKind;
use order_domain::time::Duration;
use order_testkit::builders::{START, an_order};
use order_testkit::memory::{Fault, Op};
use order_testkit::services::PaymentAnswer;
use order_usecases::tasks::Done;

use crate::support::{LONGER_THAN_ANY_LEASE, Shop, customer};

const TIMEOUT: Duration = Duration::from_mins(15);

async fn with_a_charge() -> Shop {
    Shop::with(&an_order().placed()).await.0
}

fn longest_wait(done: &Done) -> Option<Duration> {
    match done {
        Done::Retry { within, .. } => *within,
        other => panic!("a failed try: {other:?}"),
    }
}

#[tokio::test]
async fn an_order_whose_charge_was_never_sent_in_time_is_cancelled_without_a_call() {
    let shop = with_a_charge().await;
    shop.store.advance(TIMEOUT);
    let task = shop.claim(TaskKind::Charge).await;
    assert_eq!(shop.run(&task).await, Done::Committed);
    assert_eq!(shop.run(&task).await, Done::Lost);
    assert_eq!(shop.timeline(), ["placed", "cancelled"]);
    assert_eq!(shop.order().state().cancellation.as_ref().unwrap().code, CancelCode::PaymentTimeout);
    assert_eq!((shop.entry(1).state, shop.payments.calls()), (EntryState::Withdrawn, vec![]));
    shop.step(TaskKind::Notify).await;
    shop.assert_at_rest();
}

#[tokio::test]
async fn until_the_very_end_of_its_time_a_charge_is_tried() {
    let shop = with_a_charge().await;
    shop.store.advance_to(START + TIMEOUT - Duration::from_micros(1));
    assert_eq!(shop.step(TaskKind::Charge).await, Done::Committed);
    assert_eq!(shop.order().status(), Status::Confirmed);
}

#[tokio::test]
async fn an_order_whose_charge_is_under_way_is_cancelled_once_and_the_charge_is_followed_on() {
    let shop = with_a_charge().await;
    shop.payments.plan(&[PaymentAnswer::ActAndLoseAnswer, PaymentAnswer::LoseRequest, PaymentAnswer::LoseRequest]);
    shop.step(TaskKind::Charge).await;
    shop.store.advance(TIMEOUT);
    shop.step(TaskKind::Charge).await;
    assert_eq!(shop.timeline(), ["placed", "cancelled"]);
    assert_eq!((shop.entry(1).state, shop.payments.calls().len()), (EntryState::Sent, 2));

    shop.later_step(TaskKind::Charge).await;
    assert_eq!(shop.timeline(), ["placed", "cancelled"], "cancelled once");
    shop.drain().await;
    assert_eq!(shop.timeline(), ["placed", "cancelled", "charge_settled", "refund_settled"]);
    assert_eq!(shop.moved(), (1_098, 1_098));
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_timeout_that_meets_the_customers_own_cancellation_leaves_it_as_it_is() {
    for sent in [false, true] {
        let shop = with_a_charge().await;
        if sent {
            shop.payments.plan(&[PaymentAnswer::LoseRequest]);
            shop.step(TaskKind::Charge).await;
        }
        shop.store.advance(TIMEOUT);
        let other = shop.clone();
        shop.store.before_next(Op::Commit, move |_| async move {
            other.cancel(&customer("ann"), None).await.unwrap();
        });
        shop.step(TaskKind::Charge).await;
        assert_eq!(shop.order().state().cancellation.as_ref().unwrap().code, CancelCode::CustomerRequest);
        shop.drain().await;
        shop.assert_at_rest();
        assert_eq!(shop.moved(), if sent { (1_098, 1_098) } else { (0, 0) });
    }
}

#[tokio::test]
async fn a_timeout_whose_outcome_is_unknown_cancels_once() {
    for (sent, fault) in [
        (false, Fault::DoneButUnknown),
        (false, Fault::UndoneButUnknown),
        (true, Fault::DoneButUnknown),
        (true, Fault::UndoneButUnknown),
    ] {
        let shop = with_a_charge().await;
        if sent {
            shop.payments.plan(&[PaymentAnswer::Refuse]);
            shop.step(TaskKind::Charge).await;
        }
        shop.store.advance(TIMEOUT);
        shop.store.fail_next(Op::Commit, fault);
        let calls = shop.payments.calls().len();
        shop.step(TaskKind::Charge).await;
        assert_eq!(shop.payments.calls().len(), calls);
        shop.drain().await;
        shop.assert_at_rest();
        assert_eq!(shop.timeline().iter().filter(|name| **name == "cancelled").count(), 1);
    }
}

#[tokio::test]
async fn a_handler_that_lost_its_task_times_nothing_out() {
    for sent in [false, true] {
        let shop = with_a_charge().await;
        if sent {
            shop.payments.plan(&[PaymentAnswer::LoseRequest]);
            shop.step(TaskKind::Charge).await;
        }
        shop.store.advance(TIMEOUT);
        let stalled = shop.claim(TaskKind::Charge).await;
        let (other, calls) = (shop.clone(), shop.payments.calls().len());
        shop.store.before_next(Op::Commit, move |store| async move {
            store.advance(LONGER_THAN_ANY_LEASE);
            other.claim(TaskKind::Charge).await;
        });
        assert_eq!(shop.run(&stalled).await, Done::Lost);
        assert_eq!((shop.order().status(), shop.payments.calls().len()), (Status::Pending, calls));
    }
}

#[tokio::test]
async fn a_charge_that_is_waited_for_is_looked_at_again_when_its_time_is_over() {
    for answer in [PaymentAnswer::LoseRequest, PaymentAnswer::NotSent, PaymentAnswer::Refuse] {
        let shop = with_a_charge().await;
        shop.store.advance_to(START + TIMEOUT - Duration::from_millis(20));
        shop.payments.plan(&[answer]);
        let done = shop.step(TaskKind::Charge).await;
        assert_eq!(longest_wait(&done), Some(Duration::from_millis(20)));
        assert_eq!(shop.store.tasks()[0].run_at, START + TIMEOUT);
        shop.later_step(TaskKind::Charge).await;
        assert_eq!(shop.order().status(), Status::Cancelled);
    }
}

#[tokio::test]
async fn what_nobody_waits_for_waits_for_its_backoff_alone() {
    let shop = with_a_charge().await;
    shop.payments.plan(&[PaymentAnswer::LoseRequest; 2]);
    shop.step(TaskKind::Charge).await;
    shop.cancel(&customer("ann"), None).await.unwrap();
    assert_eq!(longest_wait(&shop.later_step(TaskKind::Charge).await), Some(Duration::MAX));

    let (shop, _) = Shop::with(&an_order().paid().cancelled()).await;
    shop.payments.plan(&[PaymentAnswer::LoseRequest]);
    assert_eq!(longest_wait(&shop.step(TaskKind::Refund).await), Some(Duration::MAX));
}
