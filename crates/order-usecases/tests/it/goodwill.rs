//! Goodwill: an admin gives money back, and however many do so at once, never more than was taken.

use order_domain::PaymentMethod;
use order_domain::order::{Rejection, Status};
use order_domain::payment::{EntryState, PaymentStatus, Purpose};
use order_domain::ports::TaskKind;
use order_testkit::builders::{Life, an_order, usd};
use order_testkit::memory::Op;
use order_testkit::services::PaymentAnswer;
use order_usecases::UseCaseError;

use crate::support::{Shop, admin, courier, customer};

async fn with(life: &Life) -> Shop {
    Shop::with(life).await.0
}

/// Order 1 of 10.98, charged as the payment service remembers.
async fn paid() -> Shop {
    let shop = with(&an_order().placed()).await;
    shop.step(TaskKind::Charge).await;
    shop
}

fn exceeds(left: i64) -> UseCaseError {
    Rejection::RefundExceedsCharge { refundable: usd(left) }.into()
}

#[tokio::test]
async fn a_goodwill_reaches_the_customer() {
    let shop = paid().await;
    let outcome = shop.goodwill(&admin(), 250).await.unwrap();
    assert_eq!((outcome.changed, outcome.order.ledger().refund_held()), (true, Ok(usd(250))));
    assert_eq!(shop.order().payment_status(), Ok(PaymentStatus::RefundPending));
    shop.drain().await;
    assert_eq!((shop.entry(2).state, shop.entry(2).purpose), (EntryState::Settled, Purpose::Goodwill));
    assert_eq!((shop.moved(), shop.order().payment_status()), ((1_098, 250), Ok(PaymentStatus::PartiallyRefunded)));
    shop.assert_at_rest();
}

#[tokio::test]
async fn only_an_admin_gives_and_whose_order_it_is_not_learns_nothing() {
    let shop = with(&an_order().assigned_to("bob")).await;
    for who in [customer("ann"), courier("bob")] {
        assert_eq!(shop.goodwill(&who, 1).await, Err(UseCaseError::Forbidden));
    }
    for who in [customer("eve"), courier("cat")] {
        assert_eq!(shop.goodwill(&who, 1).await, Err(UseCaseError::NotFound));
    }
    assert_eq!(shop.timeline(), ["placed", "confirmed", "assigned"]);
}

#[tokio::test]
async fn more_than_is_left_is_refused_with_what_is_left() {
    let shop = paid().await;
    assert_eq!(shop.goodwill(&admin(), 1_099).await, Err(exceeds(1_098)));
    shop.goodwill(&admin(), 1_000).await.unwrap();
    assert_eq!(shop.goodwill(&admin(), 99).await, Err(exceeds(98)));
    assert_eq!(shop.goodwill(&admin(), 0).await, Err(Rejection::AmountNotPositive.into()));
}

#[tokio::test]
async fn one_that_meets_a_change_is_decided_again_on_what_is_left_then() {
    let shop = paid().await;
    let (other, commits) = (shop.clone(), shop.store.calls(Op::Commit));
    shop.store.before_next(Op::Commit, move |_| async move {
        other.goodwill(&admin(), 1_000).await.unwrap();
    });
    shop.goodwill(&admin(), 98).await.unwrap();
    assert_eq!(shop.store.calls(Op::Commit) - commits, 3);

    let shop = paid().await;
    let other = shop.clone();
    shop.store.before_next(Op::Commit, move |_| async move {
        other.goodwill(&admin(), 1_000).await.unwrap();
    });
    assert_eq!(shop.goodwill(&admin(), 99).await, Err(exceeds(98)));
}

#[tokio::test]
async fn fifty_at_once_never_give_back_more_than_was_taken() {
    let shop = paid().await;
    let gifts: Vec<_> = (0..50)
        .map(|_| {
            let shop = shop.clone();
            tokio::spawn(async move { shop.goodwill(&admin(), 100).await })
        })
        .collect();
    let mut given = 0;
    for gift in gifts {
        match gift.await.unwrap() {
            Ok(_) => given += 1,
            Err(UseCaseError::ConcurrentChange | UseCaseError::Rejected(Rejection::RefundExceedsCharge { .. })) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!((1..=10).contains(&given), "{given}");
    assert_eq!(shop.order().ledger().refund_held(), Ok(usd(given * 100)));
    // One after another, all that is left can be given, to the cent.
    for _ in given..10 {
        shop.goodwill(&admin(), 100).await.unwrap();
    }
    assert_eq!(shop.goodwill(&admin(), 100).await, Err(exceeds(98)));
    shop.goodwill(&admin(), 98).await.unwrap();
    shop.drain().await;
    assert_eq!((shop.moved(), shop.order().payment_status()), ((1_098, 1_098), Ok(PaymentStatus::Refunded)));
    shop.assert_at_rest();
}

#[tokio::test]
async fn one_that_is_declined_is_tried_under_the_next_key() {
    let shop = paid().await;
    shop.payments.plan(&[PaymentAnswer::Decline]);
    shop.goodwill(&admin(), 250).await.unwrap();
    shop.drain().await;
    assert_eq!((shop.entry(2).state, shop.entry(3).state), (EntryState::Declined, EntryState::Settled));
    assert_eq!((shop.entry(3).key(shop.order().id()), shop.moved()), ("order-1-goodwill-3".to_owned(), (1_098, 250)));
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_cancellation_gives_back_the_rest() {
    let shop = paid().await;
    shop.goodwill(&admin(), 250).await.unwrap();
    shop.cancel(&customer("ann"), None).await.unwrap();
    shop.drain().await;
    assert_eq!(shop.moved(), (1_098, 1_098));
    shop.assert_at_rest();
}

#[tokio::test]
async fn cash_goes_from_hand_to_hand() {
    let shop = Shop::open();
    shop.ordered("ann", PaymentMethod::Cash).await;
    assert_eq!(shop.goodwill(&admin(), 1).await, Err(exceeds(0)), "nothing was taken yet");
    shop.assign(&admin(), Some("bob")).await.unwrap();
    for status in [Status::Preparing, Status::OutForDelivery, Status::Delivered] {
        shop.set_status(&admin(), status, None).await.unwrap();
    }
    shop.goodwill(&admin(), 250).await.unwrap();
    shop.drain().await;
    assert_eq!((shop.entry(2).state, shop.entry(2).method), (EntryState::Booked, PaymentMethod::Cash));
    assert_eq!((shop.payments.calls(), shop.order().payment_status()), (vec![], Ok(PaymentStatus::RefundPending)));
    shop.assert_at_rest();
}
