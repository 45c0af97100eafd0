//! Workers that stall, crash or lose their task, people who decide meanwhile: what goes wrong without the rules was seen
//! on the model, move by move. Each rule of the model that may be left out there has a test here that fails without it;
//! the name of the rule stands above it. Two more are in [`super::concurrent`] (`mark_checks_version`) and
//! [`super::charges`] (`sent_first`).

use order_domain::PaymentMethod;
use order_domain::order::{CancelCode, Outcome, Status};
use order_domain::payment::{EntryKind, EntryState, PaymentStatus, Purpose};
use order_domain::ports::{OrderStore, Payment, PaymentError, PaymentService, TaskKind};
use order_domain::time::{Duration, after};
use order_testkit::builders::{a_key, an_order, stocked, user};
use order_testkit::memory::{Fault, Op};
use order_testkit::services::PaymentAnswer;
use order_usecases::UseCaseError;
use order_usecases::tasks::Done;

use crate::support::{LONGER_THAN_ANY_LEASE, Shop, admin, an_id, customer, request};

const KEY: &str = "order-1-order-1";

/// Order 1, whose charge may have reached the payment service: whoever marked it sent is gone, and its lease with it.
async fn with_an_orphaned_charge() -> Shop {
    let (shop, _) = Shop::with(&an_order().sent()).await;
    shop.store.advance(LONGER_THAN_ANY_LEASE);
    shop
}

/// `unsend_own_only`.
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

/// `check_token`.
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

/// `check_token`: its lease runs out between its last look and its commit.
#[tokio::test]
async fn a_settlement_is_committed_only_by_who_has_the_task() {
    let (shop, _) = Shop::with(&an_order().placed()).await;
    let slow = shop.claim(TaskKind::Charge).await;
    let other = shop.clone();
    shop.store.before_next(Op::Commit, move |store| async move {
        store.advance(LONGER_THAN_ANY_LEASE);
        other.claim(TaskKind::Charge).await;
    });
    assert_eq!(shop.run(&slow).await, Done::Lost);
    assert_eq!((shop.entry(1).state, shop.timeline()), (EntryState::Sent, vec!["placed"]));
    shop.store.advance(LONGER_THAN_ANY_LEASE);
    shop.drain().await;
    assert_eq!(shop.moved(), (1_098, 0));
    shop.assert_at_rest();
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

/// Order 1, paid: 10.98 for two units of product 5, delivered for 5.00.
async fn paid() -> Shop {
    let shop = Shop::with(&an_order().placed()).await.0;
    shop.drain().await;
    shop
}

/// A call under the key of entry `n` whose process died long ago arrives after all: the money moves, unless there was a no.
async fn arrives_late(shop: &Shop, n: u32) -> Result<(), PaymentError> {
    let entry = shop.entry(n);
    let payment = Payment { key: entry.key(an_id(1)), customer: user("ann"), order: an_id(1), amount: entry.amount };
    shop.payments.plan(&[PaymentAnswer::Settle]);
    match entry.kind {
        EntryKind::Charge => shop.payments.charge(&payment).await.map(|_| ()),
        EntryKind::Refund => shop.payments.refund(&payment).await.map(|_| ()),
    }
}

/// An admin looks at the payment service and says what it shows of each entry that needs a person.
async fn a_person_looks(shop: &Shop) {
    let settled = shop.payments.settled();
    for entry in shop.order().ledger().entries().iter().filter(|entry| entry.state == EntryState::Review) {
        let moved = settled.iter().any(|(key, ..)| *key == entry.key(an_id(1)));
        let outcome = if moved { Outcome::Settled } else { Outcome::NotSettled };
        shop.resolve(&admin(), entry.n, outcome).await.unwrap();
    }
}

/// `check_state`: the cancellation read a booked charge, which is marked sent, and no more is known of it, before the
/// cancellation is committed. Marking raises no version.
#[tokio::test]
async fn what_was_decided_about_a_booked_charge_does_not_hold_once_it_is_sent() {
    let shop = Shop::with(&an_order().placed()).await.0;
    shop.payments.plan(&[PaymentAnswer::ActAndLoseAnswer]);
    let other = shop.clone();
    shop.store.before_next(Op::Commit, move |_| async move {
        other.step(TaskKind::Charge).await;
    });
    shop.cancel(&customer("ann"), None).await.unwrap();
    assert_eq!((shop.order().status(), shop.entry(1).state), (Status::Cancelled, EntryState::Sent));
    shop.drain().await;
    assert_eq!(shop.moved(), (1_098, 1_098));
    shop.assert_at_rest();
}

/// `follow_sent`: nobody knows what a sent charge has taken, so a cancellation leaves it to its task.
#[tokio::test]
async fn a_sent_charge_is_followed_to_its_end_whatever_became_of_its_order() {
    let shop = Shop::with(&an_order().placed()).await.0;
    shop.payments.plan(&[PaymentAnswer::ActAndLoseAnswer]);
    shop.step(TaskKind::Charge).await;
    shop.cancel(&customer("ann"), None).await.unwrap();
    assert_eq!(shop.entry(1).state, EntryState::Sent);
    shop.drain().await;
    assert_eq!((shop.entry(2).purpose, shop.moved()), (Purpose::Cancel, (1_098, 1_098)));
    shop.assert_at_rest();
}

/// `rebook_at_once`: between a declined refund and the next there is no moment in which what is owed could be given away.
#[tokio::test]
async fn a_declined_refund_leaves_nothing_to_be_given_back_twice() {
    let shop = paid().await;
    shop.replace_lines(&customer("ann"), &[(5, 1)]).await.unwrap();
    shop.payments.plan(&[PaymentAnswer::Decline]);
    shop.step(TaskKind::Refund).await;
    assert_eq!((shop.entry(2).state, shop.entry(3).state), (EntryState::Declined, EntryState::Booked));
    assert!(shop.goodwill(&admin(), 800).await.is_err(), "7.99 is left");
    shop.cancel(&customer("ann"), None).await.unwrap();
    shop.drain().await;
    assert_eq!(shop.moved(), (1_098, 1_098));
    shop.assert_at_rest();
}

/// `decline_sticks`: the no to a second call is the last word under that key, for the first one, too, wherever it was.
#[tokio::test]
async fn after_a_no_nothing_moves_under_that_key_and_a_refund_is_repeated_under_the_next() {
    let shop = Shop::with(&an_order().placed()).await.0;
    shop.payments.plan(&[PaymentAnswer::LoseRequest, PaymentAnswer::Decline]);
    shop.step(TaskKind::Charge).await;
    shop.later_step(TaskKind::Charge).await;
    assert_eq!(shop.order().status(), Status::Cancelled);
    assert!(matches!(arrives_late(&shop, 1).await, Err(PaymentError::Declined(_))));
    shop.drain().await;
    assert_eq!((shop.moved(), shop.payments.tries(KEY)), ((0, 0), 3));
    shop.assert_at_rest();

    let shop = paid().await;
    shop.cancel(&customer("ann"), None).await.unwrap();
    shop.payments.plan(&[PaymentAnswer::Decline]);
    shop.drain().await;
    let (first, next) = ("order-1-cancel-2", "order-1-cancel-3");
    assert_eq!((shop.payments.tries(first), shop.payments.tries(next)), (1, 1));
    assert!(matches!(arrives_late(&shop, 2).await, Err(PaymentError::Declined(_))));
    assert_eq!(shop.moved(), (1_098, 1_098));
}

/// `quiet_review`: the last call is made a minute before its key's last hour and arrives 50 minutes later. A person who
/// had looked meanwhile would have seen nothing of it.
#[tokio::test]
async fn a_person_looks_only_when_no_call_is_under_way_any_more() {
    let shop = Shop::with(&an_order().placed()).await.0;
    shop.payments.answers(PaymentAnswer::LoseRequest);
    shop.step(TaskKind::Charge).await;
    shop.cancel(&customer("ann"), None).await.unwrap();
    let first = shop.entry(1).first_tried_at.unwrap();
    let minute = |minute: u64| after(first, Duration::from_mins(minute));
    shop.store.advance_to(minute(23 * 60 - 1));
    shop.step(TaskKind::Charge).await;
    let calls = shop.payments.calls().len();
    for at in [23 * 60, 23 * 60 + 10, 23 * 60 + 48] {
        shop.store.advance_to(minute(at));
        for task in shop.claims(TaskKind::Charge).await {
            let done = shop.run(&task).await;
            shop.conclude(&task, done).await;
        }
        a_person_looks(&shop).await;
    }
    assert_eq!(shop.payments.calls().len(), calls, "nor is it asked for again");
    arrives_late(&shop, 1).await.unwrap();
    shop.payments.answers(PaymentAnswer::Settle);
    shop.drain().await;
    assert_eq!((shop.entry(1).state, shop.store.now()), (EntryState::Review, minute(24 * 60)));
    a_person_looks(&shop).await;
    shop.drain().await;
    assert_eq!(shop.moved(), (1_098, 1_098));
    shop.assert_at_rest();
}

/// `review_keeps_timer`: neither an order nor an edit waits for a person longer than for its money.
#[tokio::test]
async fn a_charge_in_review_keeps_its_task_as_the_timer_of_what_waits_for_it() {
    for edited in [false, true] {
        let mut shop = if edited { paid().await } else { Shop::with(&an_order().placed()).await.0 };
        let rules = order_domain::Rules { payment_key_ttl: Duration::from_mins(12), ..(*shop.rules).clone() };
        shop.rules = rules.into();
        if edited {
            shop.replace_lines(&customer("ann"), &[(5, 3)]).await.unwrap();
        }
        let (n, begins) = (if edited { 2 } else { 1 }, shop.store.now());
        shop.payments.answers(PaymentAnswer::LoseRequest);
        shop.drain().await;
        assert_eq!(shop.entry(n).state, EntryState::Review, "a person looks all the same");
        let order = shop.order();
        if edited {
            assert_eq!((&order.state().adjustment, order.state().lines[0].quantity.get()), (&None, 2));
        } else {
            let code = order.state().cancellation.as_ref().map(|cancelled| cancelled.code);
            assert_eq!(code, Some(CancelCode::PaymentTimeout));
        }
        assert!(shop.store.now() >= after(begins, shop.rules.payment_timeout));
        a_person_looks(&shop).await;
        shop.drain().await;
        shop.assert_at_rest();
    }
}

/// `by_hand_is_cash`: what an admin paid by hand is no payment that the payment service would know of.
#[tokio::test]
async fn what_was_paid_by_hand_is_cash_from_then_on() {
    let shop = paid().await;
    shop.cancel(&customer("ann"), None).await.unwrap();
    shop.payments.plan(&[PaymentAnswer::Decline; 5]);
    for _ in 0..5 {
        shop.later_step(TaskKind::Refund).await;
    }
    shop.resolve(&admin(), 6, Outcome::ByHand).await.unwrap();
    shop.drain().await;
    assert_eq!((shop.entry(6).method, shop.moved()), (PaymentMethod::Cash, (1_098, 0)));
    assert_eq!(shop.order().ledger().refunded(), shop.order().ledger().charged());
    shop.assert_at_rest();
}

/// `refund_capped` and `by_ledger`: 9.00 of 10.98 are given back out of kindness. An edit to 7.99 gives back what is
/// left, 1.98; and one back to 10.98 charges that again, not the 2.99 that the price rises by.
#[tokio::test]
async fn an_edit_gives_back_at_most_what_is_left_and_charges_what_the_ledger_says() {
    let shop = paid().await;
    shop.goodwill(&admin(), 900).await.unwrap();
    shop.replace_lines(&customer("ann"), &[(5, 1)]).await.unwrap();
    shop.drain().await;
    assert_eq!(shop.moved(), (1_098, 1_098));
    shop.replace_lines(&customer("ann"), &[(5, 2)]).await.unwrap();
    shop.drain().await;
    assert_eq!(shop.moved(), (1_098 + 198, 1_098));
    shop.assert_at_rest();
}

/// `zero_total_confirms`: 9.99 off 10.00; what costs 0.01 instead is free, and there is no charge to wait for.
#[tokio::test]
async fn a_pending_order_that_costs_nothing_any_more_is_confirmed_at_once() {
    let shop = Shop::with(&an_order().lines(&[(5, 1_000, 1)]).promo(999).fee(0).placed()).await.0;
    shop.products.put(stocked(7, 1, 9));
    shop.replace_lines(&customer("ann"), &[(7, 1)]).await.unwrap();
    assert_eq!((shop.order().status(), shop.order().payment_status()), (Status::Confirmed, Ok(PaymentStatus::Paid)));
    shop.drain().await;
    assert_eq!((shop.payments.calls(), shop.moved()), (vec![], (0, 0)));
    shop.assert_at_rest();
}

/// `adjust_refund_purpose`: what the charge of a reverted edit took is no part of what the order costs.
#[tokio::test]
async fn what_a_reverted_edit_took_is_given_back_as_an_edits() {
    let shop = paid().await;
    shop.payments.answers(PaymentAnswer::ActAndLoseAnswer);
    shop.replace_lines(&customer("ann"), &[(5, 3)]).await.unwrap();
    while shop.order().state().adjustment.is_some() {
        shop.later_step(TaskKind::Charge).await;
    }
    let told = (shop.entry(2).state, shop.order().payment_status());
    assert_eq!(told, (EntryState::Sent, Ok(PaymentStatus::Paid)), "`status_rule`: nothing is processed for this order");
    shop.payments.answers(PaymentAnswer::Settle);
    shop.drain().await;
    assert_eq!((shop.entry(3).purpose, shop.moved()), (Purpose::Edit, (1_397, 299)));
    assert_eq!(shop.order().payment_status(), Ok(PaymentStatus::Paid), "not refunded in part");
    shop.assert_at_rest();
    // So the next edit is charged by what the order costs.
    shop.replace_lines(&customer("ann"), &[(5, 3)]).await.unwrap();
    shop.drain().await;
    assert_eq!(shop.moved(), (1_397 + 299, 299));
    shop.assert_at_rest();
}

/// `status_rule`: of a cash order that is on its way only its cash counts.
#[tokio::test]
async fn a_cash_order_is_unpaid_whatever_its_stray_charge_does() {
    let shop = Shop::with(&an_order().placed()).await.0;
    shop.payments.plan(&[PaymentAnswer::ActAndLoseAnswer]);
    shop.step(TaskKind::Charge).await;
    shop.set_status(&admin(), Status::Confirmed, None).await.unwrap();
    let told = || shop.order().payment_status();
    assert_eq!(told(), Ok(PaymentStatus::Unpaid), "a charge that nobody wants is under way");
    shop.later_step(TaskKind::Charge).await;
    assert_eq!(told(), Ok(PaymentStatus::Unpaid), "what it took is on its way back");
    shop.drain().await;
    assert_eq!((told(), shop.moved()), (Ok(PaymentStatus::Unpaid), (1_098, 1_098)));
    for status in [Status::Preparing, Status::OutForDelivery, Status::Delivered] {
        if status == Status::OutForDelivery {
            shop.assign(&admin(), Some("bob")).await.unwrap();
        }
        shop.set_status(&admin(), status, None).await.unwrap();
    }
    assert_eq!(told(), Ok(PaymentStatus::Paid));
    shop.drain().await;
    shop.assert_at_rest();
}

/// `unknown_commit_ends`: a goodwill whose commit took, and did not say so, is not granted again; under a key, its answer
/// is found.
#[tokio::test]
async fn what_may_have_been_committed_is_never_decided_again() {
    for (key, fault) in [
        (None, Fault::DoneButUnknown),
        (Some(a_key(1)), Fault::DoneButUnknown),
        (None, Fault::UndoneButUnknown),
        (Some(a_key(1)), Fault::UndoneButUnknown),
    ] {
        let shop = paid().await;
        shop.store.fail_next(Op::Commit, fault);
        let reason = order_domain::Text::line("they waited long").unwrap();
        let amount = order_testkit::builders::usd(100);
        let said = shop.use_cases().grant_goodwill(&admin(), an_id(1), amount, reason, request(key)).await;
        let (took, told) = (fault == Fault::DoneButUnknown, key.is_some() && fault == Fault::DoneButUnknown);
        assert_eq!(matches!(said, Err(UseCaseError::OutcomeUnknown(_))), !told, "{said:?}");
        shop.drain().await;
        assert_eq!(shop.moved(), (1_098, if took { 100 } else { 0 }), "once, if at all");
        shop.assert_at_rest();
    }
}
