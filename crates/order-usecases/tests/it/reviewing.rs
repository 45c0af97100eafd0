//! What nobody can tell: looked up, asked again as long as the payment service knows the key, and then a person's affair.

use order_domain::order::{CancelCode, Outcome, Rejection, Status};
use order_domain::payment::{EntryState, PaymentMethod, PaymentStatus};
use order_domain::ports::TaskKind;
use order_domain::time::{Duration, Timestamp, after};
use order_testkit::builders::{an_order, usd};
use order_testkit::services::PaymentAnswer;
use order_usecases::UseCaseError;
use order_usecases::tasks::Done;

use crate::support::{Shop, admin, customer};

const KEY: &str = "order-1-order-1";

/// Order 1, cancelled while its charge was sent: nobody waits for it, and everybody has to know what it took.
async fn cancelled_while_sent() -> Shop {
    let shop = Shop::with(&an_order().placed()).await.0;
    shop.payments.plan(&[PaymentAnswer::LoseRequest]);
    shop.step(TaskKind::Charge).await;
    shop.cancel(&customer("ann"), None).await.unwrap();
    shop
}

/// Nothing is heard of entry `n` until it is in review. When the last call was made.
async fn silence_until_review(shop: &Shop, n: u32, kind: TaskKind, answer: PaymentAnswer) -> Timestamp {
    shop.payments.answers(answer);
    let (mut calls, mut last) = (shop.payments.calls().len(), shop.store.now());
    while shop.entry(n).state != EntryState::Review {
        shop.later_step(kind).await;
        if shop.payments.calls().len() > calls {
            (calls, last) = (shop.payments.calls().len(), shop.store.now());
        }
    }
    shop.payments.answers(PaymentAnswer::Settle);
    last
}

#[tokio::test]
async fn what_has_become_of_a_payment_is_looked_up_before_it_is_asked_for_again() {
    let shop = Shop::with(&an_order().placed()).await.0;
    shop.payments.tells_outcomes();
    shop.payments.plan(&[PaymentAnswer::ActAndLoseAnswer]);
    shop.step(TaskKind::Charge).await;
    assert_eq!(shop.payments.looks(), 0, "a first call has nothing to look up");
    assert_eq!(shop.later_step(TaskKind::Charge).await, Done::Committed);
    assert_eq!((shop.payments.tries(KEY), shop.payments.looks(), shop.moved()), (1, 1, (1_098, 0)));
    shop.drain().await;
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_look_that_finds_nothing_concludes_nothing() {
    let shop = Shop::with(&an_order().placed()).await.0;
    shop.payments.tells_outcomes();
    shop.payments.plan(&[PaymentAnswer::LoseRequest]);
    shop.step(TaskKind::Charge).await;
    assert_eq!(shop.later_step(TaskKind::Charge).await, Done::Committed);
    assert_eq!((shop.payments.tries(KEY), shop.payments.looks(), shop.moved()), (2, 1, (1_098, 0)));
}

/// The key is known for 24 hours: the last call is made in the 23rd, and a person looks when the 24th is over.
#[tokio::test]
async fn no_call_is_made_when_its_key_may_be_forgotten_and_a_person_looks_when_none_is_under_way() {
    let shop = cancelled_while_sent().await;
    let first = shop.entry(1).first_tried_at.unwrap();
    let last_call = silence_until_review(&shop, 1, TaskKind::Charge, PaymentAnswer::LoseRequest).await;
    let (now, hour) = (shop.store.now(), Duration::from_hours(1));
    assert_eq!(now, after(first, hour * 24));
    assert!(shop.payments.tries(KEY) > 100, "asked until then");
    assert!(last_call < after(first, hour * 23) && last_call > after(first, hour * 22), "{last_call}");
    assert_eq!(shop.order().payment_status(), Ok(PaymentStatus::Review));
    assert_eq!(shop.timeline(), ["placed", "cancelled", "charge_in_review"]);
}

#[tokio::test]
async fn eight_refusals_are_enough_and_a_person_looks_an_hour_later() {
    let shop = cancelled_while_sent().await;
    let tried = shop.payments.tries(KEY);
    silence_until_review(&shop, 1, TaskKind::Charge, PaymentAnswer::Refuse).await;
    let entry = shop.entry(1);
    assert_eq!((shop.payments.tries(KEY) - tried, entry.refusals), (8, 8));
    assert_eq!(shop.store.now(), after(entry.refused_at.unwrap(), Duration::from_hours(1)));
}

/// It acted on the last call that it refused, and says so when it is asked.
#[tokio::test]
async fn what_is_known_by_then_needs_nobody() {
    let shop = cancelled_while_sent().await;
    for _ in 0..8 {
        shop.payments.plan(&[PaymentAnswer::ActAndRefuse]);
        shop.later_step(TaskKind::Charge).await;
    }
    shop.payments.tells_outcomes();
    shop.drain().await;
    assert_eq!((shop.entry(1).state, shop.moved()), (EntryState::Settled, (1_098, 1_098)));
    shop.assert_at_rest();
}

#[tokio::test]
async fn an_order_does_not_wait_for_a_person_longer_than_for_its_money() {
    let mut shop = Shop::with(&an_order().placed()).await.0;
    let rules = order_domain::Rules { payment_key_ttl: Duration::from_mins(12), ..(*shop.rules).clone() };
    shop.rules = rules.into();
    silence_until_review(&shop, 1, TaskKind::Charge, PaymentAnswer::LoseRequest).await;
    assert_eq!(shop.order().status(), Status::Pending);
    shop.later_step(TaskKind::Charge).await;
    let order = shop.order();
    assert_eq!(order.state().cancellation.as_ref().map(|cancelled| cancelled.code), Some(CancelCode::PaymentTimeout));
    assert_eq!(shop.store.now(), after(order.state().created_at, shop.rules.payment_timeout));
    assert_eq!(shop.entry(1).state, EntryState::Review, "a person looks all the same");
}

#[tokio::test]
async fn an_admin_says_that_a_charge_has_settled_and_what_it_took_is_given_back() {
    let shop = cancelled_while_sent().await;
    silence_until_review(&shop, 1, TaskKind::Charge, PaymentAnswer::ActAndLoseAnswer).await;
    shop.resolve(&admin(), 1, Outcome::Settled).await.unwrap();
    shop.drain().await;
    assert_eq!(shop.timeline()[3..], ["resolved", "charge_settled", "refund_settled"]);
    assert_eq!(shop.moved(), (1_098, 1_098));
    let again = shop.resolve(&admin(), 1, Outcome::Settled).await;
    assert_eq!(again, Err(Rejection::NotInReview { entry: 1, state: EntryState::Settled }.into()));
}

#[tokio::test]
async fn an_admin_says_that_a_charge_never_was() {
    let shop = cancelled_while_sent().await;
    silence_until_review(&shop, 1, TaskKind::Charge, PaymentAnswer::LoseRequest).await;
    shop.resolve(&admin(), 1, Outcome::NotSettled).await.unwrap();
    assert_eq!(
        (shop.entry(1).state, shop.order().payment_status()),
        (EntryState::Declined, Ok(PaymentStatus::Declined))
    );
    shop.drain().await;
    shop.assert_at_rest();
    assert_eq!(shop.resolve(&admin(), 9, Outcome::Settled).await, Err(Rejection::NoSuchEntry { entry: 9 }.into()));
}

#[tokio::test]
async fn a_refund_that_was_declined_five_times_is_paid_by_hand_or_tried_anew() {
    for outcome in [Outcome::ByHand, Outcome::NotSettled] {
        let shop = Shop::with(&an_order().placed()).await.0;
        shop.step(TaskKind::Charge).await;
        shop.cancel(&customer("ann"), None).await.unwrap();
        shop.payments.plan(&[PaymentAnswer::Decline; 5]);
        for _ in 0..5 {
            shop.later_step(TaskKind::Refund).await;
        }
        assert_eq!(
            (shop.entry(6).state, shop.order().payment_status()),
            (EntryState::Review, Ok(PaymentStatus::Review))
        );
        shop.resolve(&admin(), 6, outcome).await.unwrap();
        shop.drain().await;
        shop.assert_at_rest();
        if outcome == Outcome::ByHand {
            assert_eq!((shop.entry(6).method, shop.moved()), (PaymentMethod::Cash, (1_098, 0)));
        } else {
            assert_eq!((shop.entry(7).origin.map(|origin| origin.declines), shop.moved()), (Some(0), (1_098, 1_098)));
        }
        assert_eq!(shop.order().payment_status(), Ok(PaymentStatus::Refunded));
    }
}

#[tokio::test]
async fn cash_is_handed_back_by_an_admins_word() {
    let shop = Shop::with(&an_order().cash().delivered()).await.0;
    shop.goodwill(&admin(), 300).await.unwrap();
    shop.drain().await;
    assert_eq!(shop.order().payment_status(), Ok(PaymentStatus::RefundPending));
    let not_that = shop.resolve(&admin(), 2, Outcome::NotSettled).await;
    assert_eq!(not_that, Err(Rejection::OutcomeNotPossible { outcome: Outcome::NotSettled }.into()));
    shop.resolve(&admin(), 2, Outcome::Settled).await.unwrap();
    assert_eq!((shop.entry(2).state, shop.order().ledger().refunded()), (EntryState::Settled, Ok(usd(300))));
    assert_eq!(shop.resolve(&customer("ann"), 2, Outcome::Settled).await, Err(UseCaseError::Forbidden));
    assert_eq!(shop.resolve(&customer("eve"), 2, Outcome::Settled).await, Err(UseCaseError::NotFound));
}
