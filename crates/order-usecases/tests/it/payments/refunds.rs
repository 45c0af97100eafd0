//! Money that is owed is on its way until it is back, or until a person looks.

use order_domain::order::Status;
use order_domain::payment::{EntryState, Origin, PaymentStatus};
use order_domain::ports::TaskKind;
use order_domain::time::Duration;
use order_testkit::builders::{an_order, usd};
use order_testkit::memory::{Fault, Op};
use order_testkit::services::{FakePayments, PaymentAnswer};
use order_usecases::tasks::Done;

use crate::support::{LONGER_THAN_ANY_LEASE, Shop};

/// Order 1, paid and then cancelled: entry 2 is to bring 10.98 back. The payment service remembers the charge.
async fn with_a_refund() -> Shop {
    let shop = Shop::with(&an_order().placed()).await.0;
    shop.step(TaskKind::Charge).await;
    shop.cancel(&crate::support::customer("ann"), None).await.unwrap();
    shop
}

impl Shop {
    fn held(&self) -> i64 {
        self.order().ledger().refund_held().unwrap().minor()
    }
}

#[tokio::test]
async fn a_refund_that_is_paid_is_an_event_of_its_own() {
    let shop = with_a_refund().await;
    assert_eq!(shop.order().payment_status(), Ok(PaymentStatus::RefundPending));
    let task = shop.claim(TaskKind::Refund).await;
    assert_eq!(shop.run(&task).await, Done::Committed);
    assert_eq!(shop.run(&task).await, Done::Lost);
    assert_eq!(shop.entry(2).transaction_id, Some(FakePayments::transaction_id("order-1-cancel-2")));
    assert_eq!((shop.order().status(), shop.moved()), (Status::Cancelled, (1_098, 1_098)));
    assert_eq!(shop.order().payment_status(), Ok(PaymentStatus::Refunded));
    shop.drain().await;
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_refund_that_got_no_answer_or_never_left_is_paid_once() {
    for answers in [
        &[PaymentAnswer::ActAndLoseAnswer, PaymentAnswer::NotSent][..],
        &[PaymentAnswer::LoseRequest, PaymentAnswer::ActAndRefuse],
        &[PaymentAnswer::NotSent, PaymentAnswer::ActAndLoseAnswer],
        &[PaymentAnswer::Refuse, PaymentAnswer::Refuse],
    ] {
        let shop = with_a_refund().await;
        shop.payments.plan(answers);
        shop.step(TaskKind::Refund).await;
        assert_eq!(shop.held(), 1_098);
        shop.later_step(TaskKind::Refund).await;
        assert_eq!(shop.held(), 1_098);
        shop.drain().await;
        assert_eq!((shop.payments.tries("order-1-cancel-2"), shop.moved()), (3, (1_098, 1_098)));
        shop.assert_at_rest();
    }
}

#[tokio::test]
async fn a_declined_refund_is_booked_again_under_the_next_key_and_stays_held() {
    let shop = with_a_refund().await;
    shop.payments.plan(&[PaymentAnswer::Decline]);
    let signalled = shop.signal.signalled().len();
    let task = shop.claim(TaskKind::Refund).await;
    assert_eq!(shop.run(&task).await, Done::Committed);
    assert_eq!(shop.run(&task).await, Done::Lost);

    assert_eq!((shop.entry(2).state, shop.entry(3).state), (EntryState::Declined, EntryState::Booked));
    assert_eq!(shop.entry(3).origin, Some(Origin { charge: 1, repeats: Some(2), declines: 1 }));
    assert_eq!((shop.entry(3).amount, shop.held()), (usd(1_098), 1_098));
    let again: Vec<_> = shop.store.tasks().into_iter().filter(|task| task.kind == TaskKind::Refund).collect();
    assert_eq!((again.len(), again[0].entry), (1, Some(3)));
    assert_eq!(again[0].run_at, shop.store.now() + Duration::from_millis(500));
    assert!(shop.claims(TaskKind::Refund).await.is_empty(), "not before its backoff");
    assert_eq!(shop.signal.signalled().len(), signalled, "what is not due yet is not signalled");

    shop.drain().await;
    assert_eq!((shop.payments.tries("order-1-cancel-2"), shop.payments.tries("order-1-cancel-3")), (1, 1));
    shop.assert_at_rest();
}

#[tokio::test]
async fn the_fifth_decline_in_a_row_puts_a_refund_in_review() {
    let shop = with_a_refund().await;
    shop.payments.plan(&[PaymentAnswer::Decline; 5]);
    let mut waits = Vec::new();
    for _ in 0..5 {
        assert_eq!(shop.held(), 1_098, "what is owed stays held");
        let declined_at = shop.store.now();
        shop.later_step(TaskKind::Refund).await;
        let next = shop.store.tasks().into_iter().find(|task| task.kind == TaskKind::Refund);
        waits.extend(next.map(|task| (task.run_at - declined_at).num_milliseconds()));
    }
    assert_eq!(waits.len(), 4);
    assert_eq!((shop.entry(6).state, shop.held()), (EntryState::Review, 1_098));
    assert_eq!(shop.order().payment_status(), Ok(PaymentStatus::Review));
    assert_eq!(shop.payments.calls().len(), 6);
    shop.drain().await;
    assert_eq!((shop.store.tasks(), shop.moved()), (vec![], (1_098, 0)), "now a person has to look");
}

#[tokio::test]
async fn declines_lengthen_the_wait() {
    let shop = with_a_refund().await;
    shop.payments.plan(&[PaymentAnswer::Decline; 4]);
    for wait in [500, 1_000, 2_000, 4_000] {
        shop.later_step(TaskKind::Refund).await;
        let next = shop.store.tasks().into_iter().find(|task| task.kind == TaskKind::Refund).unwrap();
        assert_eq!(next.run_at, shop.store.now() + Duration::from_millis(wait));
    }
}

#[tokio::test]
async fn a_refund_whose_settlement_is_unknown_is_paid_once() {
    for fault in [Fault::DoneButUnknown, Fault::UndoneButUnknown, Fault::Unavailable, Fault::Conflict] {
        for answer in [PaymentAnswer::Settle, PaymentAnswer::Decline] {
            let shop = with_a_refund().await;
            shop.payments.plan(&[answer]);
            shop.store.fail_next(Op::Commit, fault);
            shop.step(TaskKind::Refund).await;
            shop.drain().await;
            assert_eq!(shop.moved(), (1_098, 1_098), "{fault:?} after {answer:?}");
            assert!(shop.order().ledger().entries().len() <= 3, "booked again once");
            shop.assert_at_rest();
        }
    }
}

#[tokio::test]
async fn a_refund_whose_handler_dies_anywhere_is_paid_once() {
    for answer in [PaymentAnswer::Settle, PaymentAnswer::Decline, PaymentAnswer::NotSent] {
        for steps in 0..12 {
            let shop = with_a_refund().await;
            shop.payments.plan(&[answer]);
            let task = shop.claim(TaskKind::Refund).await;
            crate::support::for_steps(steps, shop.run(&task)).await;
            shop.store.advance(LONGER_THAN_ANY_LEASE);
            shop.drain().await;
            assert_eq!(shop.moved(), (1_098, 1_098));
            shop.assert_at_rest();
        }
    }
}

#[tokio::test]
async fn the_cash_of_a_cancelled_order_was_never_taken() {
    let shop = Shop::open();
    shop.ordered("ann", order_domain::PaymentMethod::Cash).await;
    shop.cancel(&crate::support::customer("ann"), None).await.unwrap();
    shop.drain().await;
    shop.assert_at_rest();
    assert_eq!(shop.payments.calls(), []);
}
