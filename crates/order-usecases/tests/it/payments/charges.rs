//! A charge's way through its states: sent, settled, declined, asked again, put back.

use order_domain::PaymentMethod;
use order_domain::order::{CancelCode, Status};
use order_domain::payment::{EntryKind, EntryState, PaymentStatus};
use order_domain::ports::{EntryFailure, Payment, ServiceName, TaskKind};
use order_domain::time::Duration;
use order_testkit::builders::{an_order, usd, user};
use order_testkit::memory::{Fault, Op};
use order_testkit::services::{FakePayments, PaymentAnswer, PaymentCall};
use order_usecases::tasks::Done;

use crate::support::{Shop, an_id};

const KEY: &str = "order-1-order-1";

async fn with_a_charge() -> Shop {
    Shop::with(&an_order().placed()).await.0
}

fn failed(done: &Done) -> EntryFailure {
    match done {
        Done::Retry { entry: Some(failure), .. } => failure.clone(),
        other => panic!("a failed call leaves a word on its entry: {other:?}"),
    }
}

#[tokio::test]
async fn a_charge_that_is_taken_confirms_the_order_and_ends_its_task() {
    let shop = with_a_charge().await;
    let task = shop.claim(TaskKind::Charge).await;
    assert_eq!(shop.run(&task).await, Done::Committed);

    let (order, entry) = (shop.order(), shop.entry(1));
    assert_eq!((order.status(), order.payment_status()), (Status::Confirmed, Ok(PaymentStatus::Paid)));
    assert_eq!((entry.state, entry.attempts), (EntryState::Settled, 1));
    assert_eq!(entry.transaction_id, Some(FakePayments::transaction_id(KEY)));
    let payment = Payment { key: KEY.into(), customer: user("ann"), order: an_id(1), amount: usd(1_098) };
    assert_eq!(
        shop.payments.calls(),
        [PaymentCall { kind: EntryKind::Charge, payment, answer: PaymentAnswer::Settle }]
    );
    let tasks = shop.store.tasks();
    assert_eq!(tasks.iter().map(|task| task.kind).collect::<Vec<_>>(), [TaskKind::ClearCart, TaskKind::Notify]);
    let signalled: Vec<_> = shop.signal.signalled().iter().map(|task| task.id).collect();
    assert_eq!(signalled, [tasks[0].id, tasks[1].id]);
    shop.drain().await;
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_handler_that_has_settled_its_charge_does_nothing_more_when_it_runs_again() {
    let shop = with_a_charge().await;
    let task = shop.claim(TaskKind::Charge).await;
    shop.run(&task).await;
    let before = (shop.order(), shop.store.counts());
    assert_eq!(shop.run(&task).await, Done::Lost);
    assert_eq!((shop.order(), shop.store.counts()), before);
    assert_eq!(shop.payments.tries(KEY), 1);
}

/// `sent_first`.
#[tokio::test]
async fn sent_is_committed_before_the_call() {
    let shop = with_a_charge().await;
    let seen = shop.clone();
    shop.payments.during_next(move || async move {
        let entry = seen.entry(1);
        assert_eq!((entry.state, entry.attempts), (EntryState::Sent, 1));
        assert_eq!(entry.first_tried_at, Some(seen.store.now()));
        assert_eq!(seen.order().version(), 1, "marking is no event");
    });
    shop.step(TaskKind::Charge).await;
    assert_eq!(shop.payments.tries(KEY), 1);
}

#[tokio::test]
async fn a_declined_charge_cancels_the_order_and_leaves_the_cart() {
    let shop = with_a_charge().await;
    shop.payments.plan(&[PaymentAnswer::Decline]);
    let task = shop.claim(TaskKind::Charge).await;
    assert_eq!(shop.run(&task).await, Done::Committed);
    assert_eq!(shop.run(&task).await, Done::Lost);

    assert_eq!(shop.order().state().cancellation.as_ref().unwrap().code, CancelCode::PaymentDeclined);
    assert_eq!(shop.entry(1).state, EntryState::Declined);
    assert_eq!(shop.order().ledger().entries().len(), 1, "nothing is owed");
    shop.step(TaskKind::Notify).await;
    shop.assert_at_rest();
    assert_eq!(shop.carts.asked(), 0);
}

#[tokio::test]
async fn a_charge_without_an_answer_stays_sent_and_is_asked_for_again_under_the_same_key() {
    for unanswered in [PaymentAnswer::LoseRequest, PaymentAnswer::ActAndLoseAnswer] {
        let shop = with_a_charge().await;
        shop.payments.plan(&[unanswered, unanswered]);
        let done = shop.step(TaskKind::Charge).await;
        assert_eq!(failed(&done), EntryFailure { entry: 1, refusal: false, again: false });
        assert_eq!(shop.entry(1).state, EntryState::Sent, "never assumed failed");
        assert_eq!(shop.order().status(), Status::Pending);

        assert_eq!(
            failed(&shop.later_step(TaskKind::Charge).await),
            EntryFailure { entry: 1, refusal: false, again: true }
        );
        let entry = shop.entry(1);
        assert_eq!((entry.state, entry.attempts, entry.refusals), (EntryState::Sent, 2, 0));
        assert!(entry.last_error.unwrap().contains("lost"));

        assert_eq!(shop.later_step(TaskKind::Charge).await, Done::Committed);
        assert_eq!((shop.payments.tries(KEY), shop.moved()), (3, (1_098, 0)), "one effect");
        shop.drain().await;
        shop.assert_at_rest();
    }
}

#[tokio::test]
async fn a_call_that_never_left_is_put_back_by_the_handler_that_marked_it() {
    let shop = with_a_charge().await;
    shop.payments.plan(&[PaymentAnswer::NotSent]);
    let done = shop.step(TaskKind::Charge).await;
    assert_eq!(failed(&done), EntryFailure { entry: 1, refusal: false, again: false });
    let entry = shop.entry(1);
    assert_eq!((entry.state, entry.attempts), (EntryState::Booked, 1));
    assert!(entry.first_tried_at.is_none() && entry.last_error.is_some());
    assert_eq!(shop.order().version(), 1, "putting back is no event");

    assert_eq!(shop.later_step(TaskKind::Charge).await, Done::Committed);
    assert_eq!((shop.entry(1).attempts, shop.payments.tries(KEY)), (2, 2));
    shop.drain().await;
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_client_error_that_is_no_plain_no_is_counted_and_asked_about_again() {
    for refused in [PaymentAnswer::Refuse, PaymentAnswer::ActAndRefuse] {
        let shop = with_a_charge().await;
        shop.payments.plan(&[refused; 3]);
        let done = shop.step(TaskKind::Charge).await;
        assert_eq!(failed(&done), EntryFailure { entry: 1, refusal: true, again: false });
        shop.later_step(TaskKind::Charge).await;
        shop.later_step(TaskKind::Charge).await;
        let entry = shop.entry(1);
        assert_eq!((entry.state, entry.attempts, entry.refusals), (EntryState::Sent, 3, 3));

        assert_eq!(shop.later_step(TaskKind::Charge).await, Done::Committed);
        assert_eq!(shop.moved(), (1_098, 0));
        assert_eq!(shop.entry(1).refusals, 3, "what tries have left stays");
        shop.drain().await;
        shop.assert_at_rest();
    }
}

#[tokio::test]
async fn a_mark_whose_outcome_is_unknown_is_followed_by_no_call() {
    for (fault, state) in [
        (Fault::DoneButUnknown, EntryState::Sent),
        (Fault::UndoneButUnknown, EntryState::Booked),
        (Fault::Unavailable, EntryState::Booked),
    ] {
        let shop = with_a_charge().await;
        shop.store.fail_next(Op::MarkSent, fault);
        let done = shop.step(TaskKind::Charge).await;
        assert!(matches!(done, Done::Retry { entry: None, .. }), "{done:?}");
        assert_eq!((shop.payments.tries(KEY), shop.entry(1).state), (0, state));
        shop.drain().await;
        shop.assert_at_rest();
        assert_eq!(shop.moved(), (1_098, 0));
    }
}

#[tokio::test]
async fn a_settlement_whose_outcome_is_unknown_is_found_by_the_next_try() {
    let shop = with_a_charge().await;
    shop.store.fail_next(Op::Commit, Fault::DoneButUnknown);
    let task = shop.claim(TaskKind::Charge).await;
    let done = shop.run(&task).await;
    assert!(matches!(done, Done::Retry { .. }), "it can't be known: {done:?}");
    shop.conclude(&task, done).await;
    assert_eq!((shop.order().status(), shop.payments.tries(KEY)), (Status::Confirmed, 1));
    shop.drain().await;
    shop.assert_at_rest();

    let shop = with_a_charge().await;
    shop.store.fail_next(Op::Commit, Fault::UndoneButUnknown);
    shop.step(TaskKind::Charge).await;
    assert_eq!(shop.store.calls(Op::Commit), 2, "placed, and settled once: an unknown outcome is not decided again");
    assert_eq!((shop.order().status(), shop.entry(1).state), (Status::Pending, EntryState::Sent));
    shop.later_step(TaskKind::Charge).await;
    assert_eq!((shop.payments.tries(KEY), shop.moved()), (2, (1_098, 0)), "the same key again, one effect");
    shop.drain().await;
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_settlement_that_meets_changes_is_decided_again_and_then_left_to_the_next_try() {
    let shop = with_a_charge().await;
    shop.store.fail_next(Op::Commit, Fault::Conflict);
    shop.store.fail_next(Op::Commit, Fault::Conflict);
    assert_eq!(shop.step(TaskKind::Charge).await, Done::Committed);

    let shop = with_a_charge().await;
    (0..3).for_each(|_| shop.store.fail_next(Op::Commit, Fault::Conflict));
    let done = shop.step(TaskKind::Charge).await;
    assert!(matches!(done, Done::Retry { .. }), "{done:?}");
    assert_eq!((shop.payments.tries(KEY), shop.entry(1).state), (1, EntryState::Sent));
    shop.drain().await;
    assert_eq!((shop.payments.tries(KEY), shop.moved()), (2, (1_098, 0)));
    shop.assert_at_rest();
}

#[tokio::test]
async fn an_order_with_nothing_to_pay_makes_no_call() {
    let shop = Shop::with(&an_order().promo(1_000).fee(0).placed()).await.0;
    assert_eq!(shop.order().status(), Status::Confirmed);
    assert!(shop.claims(TaskKind::Charge).await.is_empty());
    shop.drain().await;
    shop.assert_at_rest();
    assert_eq!(shop.payments.calls(), []);
}

#[tokio::test]
async fn a_cash_order_makes_no_call() {
    let shop = Shop::open();
    shop.ordered("ann", PaymentMethod::Cash).await;
    shop.drain().await;
    shop.assert_at_rest();
    assert_eq!(shop.payments.calls(), []);
}

#[tokio::test]
async fn a_money_task_without_an_entry_is_a_failed_try() {
    let shop = with_a_charge().await;
    let mut task = shop.claim(TaskKind::Charge).await;
    task.entry = None;
    let done = shop.run(&task).await;
    assert!(matches!(&done, Done::Retry { error, .. } if error.contains("without an entry")), "{done:?}");
}

#[tokio::test]
async fn waits_double_up_to_five_minutes() {
    let handlers = Shop::open().handlers();
    let waits = [1, 2, 3, 10, 11, 1_000].map(|tries| handlers.backoff(tries).as_millis());
    assert_eq!(waits, [500, 1_000, 2_000, 256_000, 300_000, 300_000]);
    let lucky = order_usecases::tasks::Handlers { chance: std::sync::Arc::new(|| 0.0), ..handlers };
    assert_eq!(lucky.backoff(11), Duration::ZERO);
}

#[tokio::test]
async fn nothing_is_written_down_for_a_call_that_would_not_leave() {
    let shop = with_a_charge().await;
    shop.availability.leave_alone(ServiceName::Payment, true);
    let task = shop.claim(TaskKind::Charge).await;
    let done = shop.run(&task).await;
    let Done::Retry { error, within, .. } = &done else { panic!("{done:?}") };
    assert_eq!(error, "not sent: the payment service is left alone for a while");
    assert_eq!(*within, Some(Duration::from_mins(15)), "until its order is overdue");
    assert_eq!(failed(&done), EntryFailure { entry: 1, refusal: false, again: false });
    assert_eq!((shop.store.calls(Op::MarkSent), shop.entry(1).state), (0, EntryState::Booked));
    assert_eq!(shop.payments.calls(), []);
}
