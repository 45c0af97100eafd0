//! Workers that stall, crash or lose their task: what goes wrong without the rules was seen on the model, move by move.

use order_domain::order::Status;
use order_domain::payment::EntryState;
use order_domain::ports::{OrderStore, TaskKind};
use order_testkit::builders::an_order;
use order_testkit::memory::Op;
use order_testkit::services::PaymentAnswer;
use order_usecases::tasks::Done;

use crate::support::{LONGER_THAN_ANY_LEASE, Shop, an_id, customer};

const KEY: &str = "order-1-order-1";

/// Order 1, whose charge may have reached the payment service: whoever marked it sent is gone, and its lease with it.
async fn with_an_orphaned_charge() -> Shop {
    let (shop, _) = Shop::with(&an_order().sent()).await;
    shop.store.advance(LONGER_THAN_ANY_LEASE);
    shop
}

#[tokio::test]
async fn a_charge_that_was_found_sent_is_never_put_back() {
    let shop = with_an_orphaned_charge().await;
    shop.payments.plan(&[PaymentAnswer::NotSent, PaymentAnswer::NotSent]);
    shop.step(TaskKind::Charge).await;
    assert_eq!((shop.entry(1).state, shop.entry(1).attempts), (EntryState::Sent, 2));
    shop.later_step(TaskKind::Charge).await;
    assert_eq!((shop.entry(1).state, shop.store.calls(Op::PutBack)), (EntryState::Sent, 0));
    shop.drain().await;
    shop.assert_at_rest();
}

/// `unsend_own_only`: the money has moved, the answer was lost, the next call does not connect, the customer cancels.
#[tokio::test]
async fn what_a_lost_answer_took_is_not_forgotten_because_the_next_call_did_not_connect() {
    let (shop, _) = Shop::with(&an_order().placed()).await;
    shop.payments.plan(&[PaymentAnswer::ActAndLoseAnswer, PaymentAnswer::NotSent]);
    shop.step(TaskKind::Charge).await;
    shop.later_step(TaskKind::Charge).await;
    assert_eq!(shop.entry(1).state, EntryState::Sent);
    shop.cancel(&customer("ann"), None).await.unwrap();
    shop.drain().await;
    assert_eq!(shop.moved(), (1_098, 1_098));
    shop.assert_at_rest();
}

/// `token_at_load`: a handler that stalls before its first look.
#[tokio::test]
async fn a_handler_that_lost_its_task_before_it_looked_makes_no_call() {
    let (shop, _) = Shop::with(&an_order().placed()).await;
    let stalled = shop.claim(TaskKind::Charge).await;
    shop.store.advance(LONGER_THAN_ANY_LEASE);
    let task = shop.claim(TaskKind::Charge).await;
    assert_eq!(shop.run(&stalled).await, Done::Lost);
    assert_eq!((shop.payments.calls(), shop.entry(1).state), (vec![], EntryState::Booked));

    // Nor while the new one's call is under way, which would else be asked about by both.
    let (other, late) = (shop.clone(), stalled.clone());
    shop.payments.during_next(move || async move { assert_eq!(other.run(&late).await, Done::Lost) });
    assert_eq!(shop.run(&task).await, Done::Committed);
    assert_eq!(shop.payments.tries(KEY), 1);
}

#[tokio::test]
async fn a_handler_that_loses_its_task_between_look_and_mark_makes_no_call() {
    let (shop, _) = Shop::with(&an_order().placed()).await;
    let stalled = shop.claim(TaskKind::Charge).await;
    let other = shop.clone();
    shop.store.before_next(Op::MarkSent, move |store| async move {
        store.advance(LONGER_THAN_ANY_LEASE);
        other.claim(TaskKind::Charge).await;
    });
    assert_eq!(shop.run(&stalled).await, Done::Lost);
    assert_eq!((shop.payments.calls(), shop.entry(1).state), (vec![], EntryState::Booked));
}

#[tokio::test]
async fn an_answer_to_a_handler_that_lost_its_task_is_left_to_the_one_who_has_it() {
    for answer in [PaymentAnswer::Settle, PaymentAnswer::Decline, PaymentAnswer::ActAndLoseAnswer] {
        let (shop, _) = Shop::with(&an_order().placed()).await;
        let slow = shop.claim(TaskKind::Charge).await;
        shop.payments.plan(&[answer]);
        let other = shop.clone();
        shop.payments.during_next(move || async move {
            other.store.advance(LONGER_THAN_ANY_LEASE);
            assert_eq!(other.step(TaskKind::Charge).await, Done::Committed);
        });
        let done = shop.run(&slow).await;
        assert!(matches!(done, Done::Lost | Done::Retry { .. }), "{done:?}");
        let before = (shop.order(), shop.store.tasks());
        shop.conclude(&slow, done).await;
        assert_eq!((shop.order(), shop.store.tasks()), before, "whatever it says changes nothing");
        assert_eq!(shop.timeline().len(), 2);
        shop.drain().await;
        shop.assert_at_rest();
    }
}

#[tokio::test]
async fn a_call_that_never_left_is_not_put_back_by_a_handler_that_lost_its_task() {
    let (shop, _) = Shop::with(&an_order().placed()).await;
    let slow = shop.claim(TaskKind::Charge).await;
    shop.payments.plan(&[PaymentAnswer::NotSent, PaymentAnswer::ActAndLoseAnswer]);
    let other = shop.clone();
    shop.payments.during_next(move || async move {
        other.store.advance(LONGER_THAN_ANY_LEASE);
        other.step(TaskKind::Charge).await;
    });
    let done = shop.run(&slow).await;
    shop.conclude(&slow, done).await;
    assert_eq!(shop.entry(1).state, EntryState::Sent, "the other's call may have arrived, and has");
    shop.drain().await;
    shop.assert_at_rest();
    assert_eq!(shop.moved(), (1_098, 0));
}

/// It dies at every point at which it waits for somebody, in turn.
#[tokio::test]
async fn a_handler_that_dies_anywhere_has_one_effect() {
    for answer in [PaymentAnswer::Settle, PaymentAnswer::Decline, PaymentAnswer::NotSent] {
        for steps in 0..12 {
            let (shop, _) = Shop::with(&an_order().placed()).await;
            shop.payments.plan(&[answer]);
            let task = shop.claim(TaskKind::Charge).await;
            crate::support::for_steps(steps, shop.run(&task)).await;
            shop.store.advance(LONGER_THAN_ANY_LEASE);
            shop.drain().await;
            shop.assert_at_rest();
            let taken = if shop.order().status() == Status::Confirmed { 1_098 } else { 0 };
            assert_eq!(shop.moved(), (taken, 0), "{answer:?}, dead after {steps}");
        }
    }
}

#[tokio::test]
async fn an_order_that_is_gone_has_no_task_to_run() {
    let (shop, _) = Shop::with(&an_order().placed()).await;
    let mut task = shop.claim(TaskKind::Charge).await;
    task.order = an_id(7);
    assert!(shop.store.load_for(&task).await.unwrap().is_none());
    assert_eq!(shop.run(&task).await, Done::Lost);
}
