//! Somebody changes the order while its charge is under way.

use order_domain::order::{Status, execute};
use order_domain::payment::{EntryKind, EntryState, PaymentStatus, Purpose};
use order_domain::ports::{Failure, OrderStore, TaskKind};
use order_domain::time::Duration;
use order_testkit::builders::{self, an_order};
use order_testkit::memory::Op;
use order_testkit::services::PaymentAnswer;
use order_usecases::tasks::Done;

use crate::support::{Shop, admin, an_id, customer};

async fn with_a_charge() -> Shop {
    Shop::with(&an_order().placed()).await.0
}

impl Shop {
    async fn assigned(self) {
        self.assign(&admin(), Some("bob")).await.unwrap();
    }

    async fn cancelled(self) {
        self.cancel(&customer("ann"), None).await.unwrap();
    }

    /// While the next call is under way, its customer cancels.
    fn cancels_during_the_call(&self) {
        let shop = self.clone();
        self.payments.during_next(move || shop.cancelled());
    }
}

#[tokio::test]
async fn a_cancellation_before_the_mark_keeps_the_charge_from_being_sent() {
    let shop = with_a_charge().await;
    let other = shop.clone();
    shop.store.before_next(Op::MarkSent, move |_| other.cancelled());
    assert_eq!(shop.step(TaskKind::Charge).await, Done::Finish);
    assert_eq!(shop.payments.calls(), []);
    assert_eq!(shop.entry(1).state, EntryState::Withdrawn);
    shop.step(TaskKind::Notify).await;
    shop.assert_at_rest();
}

/// `mark_checks_version`: the cancellation saw the charge *sent* and left it alone; it is committed when a worker has put the charge back and
/// loaded it again.
#[tokio::test]
async fn a_charge_is_marked_only_at_the_version_that_was_loaded() {
    let (shop, kept) = Shop::with(&an_order().sent()).await;
    let loaded = shop.store.load(an_id(1)).await.unwrap().unwrap();
    let cancel =
        order_domain::order::Command::Cancel { code: order_domain::order::CancelCode::CustomerRequest, reason: None };
    let change = execute(&loaded.order, cancel, &builders::customer("ann"), &shop.rules, loaded.now).unwrap();
    assert!(change.moves.is_empty(), "a sent charge is left to its task");
    let held = kept.held(1);
    assert!(shop.store.put_back(held, loaded.order.version(), 1).await.unwrap());
    shop.conclude(held, Done::Retry { error: "not sent".into(), entry: None, within: Some(Duration::ZERO) }).await;

    shop.store.before_next(Op::MarkSent, move |store| async move {
        builders::commit(&store, &store, change).await.unwrap();
    });
    assert_eq!(shop.step(TaskKind::Charge).await, Done::Committed);
    assert_eq!(shop.payments.calls(), [], "nobody wants it any more");
    assert_eq!(shop.timeline(), ["placed", "cancelled", "charge_withdrawn"]);
    shop.step(TaskKind::Notify).await;
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_change_before_the_mark_that_leaves_the_charge_wanted_only_costs_another_look() {
    let shop = with_a_charge().await;
    let other = shop.clone();
    shop.store.before_next(Op::MarkSent, move |_| other.assigned());
    assert_eq!(shop.step(TaskKind::Charge).await, Done::Committed);
    assert_eq!((shop.store.calls(Op::MarkSent), shop.payments.calls().len()), (2, 1));
    assert_eq!(shop.timeline(), ["placed", "assigned", "confirmed"]);
}

#[tokio::test]
async fn a_charge_that_meets_a_change_at_each_mark_waits_for_its_next_try() {
    let shop = with_a_charge().await;
    for name in ["bob", "cat", "bob"] {
        let other = shop.clone();
        shop.store.before_next(Op::MarkSent, move |_| async move {
            other.assign(&admin(), Some(name)).await.unwrap();
        });
    }
    let done = shop.step(TaskKind::Charge).await;
    assert!(matches!(done, Done::Retry { entry: None, .. }), "{done:?}");
    assert_eq!(shop.payments.calls(), []);
    shop.drain().await;
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_call_that_never_left_is_put_back_although_the_order_was_changed_meanwhile() {
    let shop = with_a_charge().await;
    shop.payments.plan(&[PaymentAnswer::NotSent]);
    let (during, after) = (shop.clone(), shop.clone());
    shop.payments.during_next(move || during.assigned());
    // And once more, between the load and the way back.
    shop.store.before_next(Op::PutBack, move |_| async move {
        after.assign(&admin(), None).await.unwrap();
    });
    shop.step(TaskKind::Charge).await;
    assert_eq!((shop.entry(1).state, shop.store.calls(Op::PutBack)), (EntryState::Booked, 2));
    shop.drain().await;
    shop.assert_at_rest();
    assert_eq!(shop.moved(), (1_098, 0));
}

#[tokio::test]
async fn a_call_that_never_left_of_a_cancelled_order_is_put_back_and_withdrawn() {
    let shop = with_a_charge().await;
    shop.payments.plan(&[PaymentAnswer::NotSent]);
    shop.cancels_during_the_call();
    shop.step(TaskKind::Charge).await;
    assert_eq!((shop.order().status(), shop.entry(1).state), (Status::Cancelled, EntryState::Booked));

    let due = shop.store.tasks()[0].run_at;
    shop.store.advance_to(due);
    let task = shop.claim(TaskKind::Charge).await;
    assert_eq!(shop.run(&task).await, Done::Committed);
    assert_eq!(shop.run(&task).await, Done::Lost);
    assert_eq!(shop.timeline(), ["placed", "cancelled", "charge_withdrawn"]);
    assert_eq!((shop.payments.calls().len(), shop.moved()), (1, (0, 0)));
    shop.step(TaskKind::Notify).await;
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_way_back_that_is_lost_leaves_the_charge_sent() {
    let shop = with_a_charge().await;
    shop.payments.plan(&[PaymentAnswer::NotSent]);
    for fault in [order_testkit::memory::Fault::Conflict; 3] {
        shop.store.fail_next(Op::PutBack, fault);
    }
    shop.step(TaskKind::Charge).await;
    assert_eq!(shop.entry(1).state, EntryState::Sent, "slower to withdraw, never wrong");
    shop.drain().await;
    shop.assert_at_rest();
}

#[tokio::test]
async fn what_a_charge_took_after_its_order_was_cancelled_comes_back_to_the_cent() {
    for answers in [
        &[PaymentAnswer::Settle][..],
        &[PaymentAnswer::ActAndLoseAnswer],
        &[PaymentAnswer::LoseRequest],
        &[PaymentAnswer::ActAndRefuse, PaymentAnswer::LoseRequest],
    ] {
        let shop = with_a_charge().await;
        shop.payments.plan(answers);
        shop.cancels_during_the_call();
        shop.step(TaskKind::Charge).await;
        shop.drain().await;
        assert_eq!(shop.timeline(), ["placed", "cancelled", "charge_settled", "refund_settled"]);
        let refund = shop.entry(2);
        assert_eq!((refund.kind, refund.purpose, refund.charge()), (EntryKind::Refund, Purpose::Cancel, Some(1)));
        assert_eq!(shop.moved(), (1_098, 1_098));
        assert_eq!(shop.payments.tries("order-1-cancel-2"), 1);
        assert_eq!(shop.order().payment_status(), Ok(PaymentStatus::Refunded));
        shop.assert_at_rest();
    }
}

#[tokio::test]
async fn a_charge_that_is_declined_after_its_order_was_cancelled_owes_nothing() {
    let shop = with_a_charge().await;
    shop.payments.plan(&[PaymentAnswer::Decline]);
    shop.cancels_during_the_call();
    assert_eq!(shop.step(TaskKind::Charge).await, Done::Committed);
    assert_eq!(shop.timeline(), ["placed", "cancelled", "charge_declined"]);
    shop.step(TaskKind::Notify).await;
    shop.assert_at_rest();
    assert_eq!(shop.moved(), (0, 0));
}

#[tokio::test]
async fn a_charge_under_way_of_an_order_that_is_now_paid_in_cash_comes_back() {
    let shop = with_a_charge().await;
    let other = shop.clone();
    shop.payments.during_next(move || async move {
        other.set_status(&admin(), Status::Confirmed, None).await.unwrap();
    });
    shop.step(TaskKind::Charge).await;
    shop.drain().await;
    assert_eq!((shop.order().status(), shop.moved()), (Status::Confirmed, (1_098, 1_098)));
    assert_eq!(shop.order().payment_status(), Ok(PaymentStatus::Unpaid));
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_settlement_just_before_a_cancellation_is_refunded_by_it() {
    let shop = with_a_charge().await;
    let task = shop.claim(TaskKind::Charge).await;
    let worker = shop.clone();
    shop.store.before_next(Op::Commit, move |_| async move {
        assert_eq!(worker.run(&task).await, Done::Committed);
    });
    let cancelled = shop.cancel(&customer("ann"), None).await.unwrap();
    assert!(cancelled.refund_initiated());
    assert_eq!(shop.timeline(), ["placed", "confirmed", "cancelled"]);
    shop.drain().await;
    assert_eq!(shop.moved(), (1_098, 1_098));
    shop.assert_at_rest();
}

#[tokio::test]
async fn an_answer_that_comes_late_never_moves_an_entry_that_has_moved_on() {
    let shop = with_a_charge().await;
    let task = shop.claim(TaskKind::Charge).await;
    let (other, held) = (shop.clone(), task.clone());
    shop.payments.during_next(move || async move {
        assert!(other.store.put_back(&held, 1, 1).await.unwrap());
    });
    let done = shop.run(&task).await;
    assert!(matches!(&done, Done::Retry { error, .. } if error.contains("booked already")), "{done:?}");
    assert_eq!(shop.order().status(), Status::Pending);
    let failure = Failure { wait: Duration::ZERO, error: "late".into(), entry: None };
    assert!(order_domain::ports::TaskStore::fail(&shop.store, &task, &failure).await.unwrap());
    shop.drain().await;
    assert_eq!(shop.moved(), (1_098, 0));
    shop.assert_at_rest();
}
