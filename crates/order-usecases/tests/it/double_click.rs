//! A cart is ordered once: what the second click gets, and when the cart may be ordered again.

use std::sync::Arc;

use async_trait::async_trait;
use order_domain::order::{Rejection, Status};
use order_domain::ports::{Bearer, Cart, CartService, IdempotencyKey, MAX_TRIES, ServiceError, ServiceName, TaskKind};
use order_domain::time::Duration;
use order_domain::{PaymentMethod, ProductId, UserId};
use order_testkit::builders::{a_cart, a_key, cart_line};
use order_testkit::memory::{Fault, Op};
use order_testkit::services::{PaymentAnswer, away};
use order_usecases::{Answer, Request, UseCaseError};

use crate::support::{Shop, an_id, customer, order_of, request, wish};

const ONLINE: PaymentMethod = PaymentMethod::Online;
const CASH: PaymentMethod = PaymentMethod::Cash;
const SECOND: Duration = Duration::from_secs(1);

/// A shop in which the cart of `ann` holds two units of product 5 and one of product 6.
fn with_a_cart() -> Shop {
    let shop = Shop::open();
    fill(&shop);
    shop
}

fn fill(shop: &Shop) {
    shop.carts.put(a_cart("ann", &[(5, 2), (6, 1)]));
}

async fn click(shop: &Shop, key: Option<IdempotencyKey>) -> Result<Answer, UseCaseError> {
    shop.place(&customer("ann"), key, ONLINE).await
}

/// The same cart with another body.
async fn click_otherwise(shop: &Shop) -> Result<Answer, UseCaseError> {
    let request = Request { fingerprint: [9; 32], ..request(None) };
    shop.use_cases().place(&customer("ann"), wish(ONLINE), request).await
}

const ALREADY: fn(i64) -> Result<Answer, UseCaseError> = |n| Err(UseCaseError::AlreadyOrdered { order: an_id(n) });

/// The cart is ordered anew: order `n`.
async fn is_ordered_anew(shop: &Shop, n: i64) {
    let answer = click(shop, None).await.unwrap();
    assert_eq!((answer.replayed, order_of(&answer)), (false, an_id(n)));
}

#[tokio::test]
async fn a_second_click_gets_the_order_of_the_first_as_it_is_now() {
    let shop = with_a_cart();
    let first = click(&shop, None).await.unwrap();
    let second = click(&shop, None).await.unwrap();
    assert_eq!((first.replayed, second.replayed), (false, true));
    assert_eq!(first.receipt, second.receipt, "nothing has happened since");
    assert_eq!((shop.store.calls(Op::Commit), shop.products.asked().len()), (1, 1));

    shop.step(TaskKind::Charge).await;
    let third = click(&shop, None).await.unwrap();
    assert_eq!((third.replayed, order_of(&third)), (true, an_id(1)));
    assert_eq!(third.receipt.headers, [("ETag".to_owned(), "\"2\"".to_owned())], "it is confirmed meanwhile");
    assert_eq!(shop.store.counts().orders, 1);
}

#[tokio::test]
async fn another_body_or_key_is_told_of_the_order_and_changes_nothing() {
    for first_key in [None, Some(a_key(1))] {
        let shop = with_a_cart();
        click(&shop, first_key).await.unwrap();
        let before = shop.store.counts();
        assert_eq!(click_otherwise(&shop).await, ALREADY(1));
        assert_eq!(click(&shop, Some(a_key(2))).await, ALREADY(1));
        assert_eq!((shop.store.counts(), shop.products.asked().len()), (before, 1));
        // The key that was refused is free, and without one it is the same order.
        assert_eq!(shop.store.receipts().len(), usize::from(first_key.is_some()));
        assert_eq!(order_of(&click(&shop, None).await.unwrap()), an_id(1));
    }
}

#[tokio::test]
async fn what_is_left_of_a_cart_that_is_being_cleared_is_not_ordered_again() {
    let shop = with_a_cart();
    click(&shop, None).await.unwrap();
    shop.carts.put(Cart { lines: vec![cart_line(102, 6, 1)], ..a_cart("ann", &[]) });
    assert!(click(&shop, None).await.unwrap().replayed);
    assert_eq!(click(&shop, Some(a_key(1))).await, ALREADY(1));
}

#[tokio::test]
async fn a_cart_with_something_new_in_it_is_another_order() {
    let shop = with_a_cart();
    click(&shop, None).await.unwrap();
    shop.carts.put(a_cart("ann", &[(5, 2), (6, 1), (6, 1)]));
    is_ordered_anew(&shop, 2).await;
}

#[tokio::test]
async fn a_cleared_cart_is_the_order_of_a_moment_ago_for_ten_seconds() {
    let shop = with_a_cart();
    shop.place(&customer("ann"), None, CASH).await.unwrap();
    shop.step(TaskKind::ClearCart).await;
    shop.store.advance(9 * SECOND);
    assert_eq!(order_of(&click(&shop, None).await.unwrap()), an_id(1));
    assert_eq!(click_otherwise(&shop).await, Err(Rejection::CartEmpty.into()));
    assert_eq!(
        click(&shop, Some(a_key(1))).await,
        Err(Rejection::CartEmpty.into()),
        "whoever has a key has not lost it"
    );
    shop.store.advance(SECOND);
    assert_eq!(click(&shop, None).await, Err(Rejection::CartEmpty.into()));
}

#[tokio::test]
async fn a_cart_is_free_ten_seconds_after_it_was_ordered_and_cleared() {
    let shop = with_a_cart();
    shop.place(&customer("ann"), None, CASH).await.unwrap();
    shop.step(TaskKind::ClearCart).await;
    fill(&shop);
    shop.store.advance(9 * SECOND);
    assert!(click(&shop, None).await.unwrap().replayed);
    shop.store.advance(SECOND);
    is_ordered_anew(&shop, 2).await;
}

#[tokio::test]
async fn a_cart_is_guarded_as_long_as_it_is_not_cleared() {
    let shop = with_a_cart();
    shop.payments.plan(&[PaymentAnswer::LoseRequest]);
    click(&shop, None).await.unwrap();
    shop.step(TaskKind::Charge).await;
    shop.store.advance(Duration::from_mins(5));
    assert!(click(&shop, None).await.unwrap().replayed, "the payment is not known yet");
    shop.step(TaskKind::Charge).await;
    shop.carts.fail_next(away(ServiceName::Cart));
    shop.step(TaskKind::ClearCart).await;
    assert!(click(&shop, None).await.unwrap().replayed, "the cart could not be cleared yet");
    shop.later_step(TaskKind::ClearCart).await;
    fill(&shop);
    is_ordered_anew(&shop, 2).await;
}

#[tokio::test]
async fn a_cancelled_order_leaves_its_cart_to_be_ordered_at_once() {
    let shop = with_a_cart();
    click(&shop, None).await.unwrap();
    shop.cancel(&customer("ann"), None).await.unwrap();
    is_ordered_anew(&shop, 2).await;
}

#[tokio::test]
async fn a_declined_charge_leaves_the_cart_for_another_try() {
    let shop = with_a_cart();
    shop.payments.plan(&[PaymentAnswer::Decline]);
    click(&shop, None).await.unwrap();
    shop.step(TaskKind::Charge).await;
    assert_eq!(shop.order().status(), Status::Cancelled);
    is_ordered_anew(&shop, 2).await;
}

#[tokio::test]
async fn a_cart_that_nobody_clears_any_more_is_free() {
    let shop = with_a_cart();
    shop.place(&customer("ann"), None, CASH).await.unwrap();
    for _ in 0..MAX_TRIES {
        assert_eq!(click(&shop, Some(a_key(1))).await, ALREADY(1));
        shop.carts.fail_next(away(ServiceName::Cart));
        shop.later_step(TaskKind::ClearCart).await;
    }
    assert_eq!(shop.store.dead_tasks().len(), 1);
    is_ordered_anew(&shop, 2).await;
}

/// The order is cancelled between the look and the answer: the cart is the customer's again.
#[tokio::test]
async fn an_order_that_is_cancelled_just_now_is_no_answer() {
    let shop = with_a_cart();
    click(&shop, None).await.unwrap();
    let other = shop.clone();
    shop.store.before_next(Op::Load, move |_| async move {
        other.cancel(&customer("ann"), None).await.unwrap();
    });
    is_ordered_anew(&shop, 2).await;
}

#[tokio::test]
async fn many_clicks_at_once_are_one_order() {
    for keyed in [false, true] {
        let shop = with_a_cart();
        let clicks: Vec<_> = (0..50)
            .map(|n| {
                let shop = shop.clone();
                tokio::spawn(async move { click(&shop, keyed.then(|| a_key(n))).await })
            })
            .collect();
        let mut placed = 0;
        for clicked in clicks {
            match clicked.await.unwrap() {
                Ok(answer) => {
                    assert_eq!(order_of(&answer), an_id_of(&shop));
                    placed += usize::from(!answer.replayed);
                }
                refused => assert!(keyed && refused == Err(UseCaseError::AlreadyOrdered { order: an_id_of(&shop) })),
            }
        }
        assert_eq!((placed, shop.store.counts().orders), (1, 1), "keyed: {keyed}");
        assert_eq!(shop.store.counts().guards, 1);
    }
}

/// The one order that there is.
fn an_id_of(shop: &Shop) -> order_domain::OrderId {
    shop.store.orders()[0].id()
}

/// While this click was on its way to the cart, another one was placed, paid, and its cart half cleared.
#[tokio::test]
async fn a_click_that_finds_the_cart_half_cleared_is_not_another_order() {
    let shop = with_a_cart();
    let use_cases =
        shop.use_cases_asking(Arc::new(HalfCleared(shop.clone())), shop.products.clone(), shop.users.clone());
    let second = use_cases.place(&customer("ann"), wish(ONLINE), request(None)).await.unwrap();
    assert_eq!((second.replayed, order_of(&second)), (true, an_id(1)));
    assert_eq!(shop.store.counts().orders, 1);
}

struct HalfCleared(Shop);

#[async_trait]
impl CartService for HalfCleared {
    async fn cart(&self, caller: &Bearer) -> Result<Cart, ServiceError> {
        if self.0.store.counts().orders == 0 {
            click(&self.0, None).await.unwrap();
            self.0.carts.remove(&customer("ann").user, ProductId::new(5).unwrap()).await?;
        }
        self.0.carts.cart(caller).await
    }

    async fn cart_of(&self, _: &UserId) -> Result<Cart, ServiceError> {
        Err(away(ServiceName::Cart))
    }

    async fn remove(&self, _: &UserId, _: ProductId) -> Result<(), ServiceError> {
        Err(away(ServiceName::Cart))
    }
}

/// Somebody orders other things in the caller's name between each look and each write: it is not tried for ever.
#[tokio::test]
async fn a_click_that_is_overtaken_again_and_again_gives_up() {
    let shop = with_a_cart();
    for n in 0..3 {
        let other = shop.clone();
        shop.store.before_next(Op::Commit, move |_| async move {
            let cart = Cart { lines: vec![cart_line(200 + n, 5, 1)], ..a_cart("ann", &[]) };
            let (mine, carts) = (other.carts.cart_now("ann"), &other.carts);
            carts.put(cart);
            click(&other, None).await.unwrap();
            carts.put(mine);
        });
        // The hook's own commit meets the next hook first, unless there is something for it to meet.
        shop.store.before_next(Op::Commit, |_| async {});
    }
    let answer = click(&shop, None).await;
    assert!(matches!(answer, Err(UseCaseError::Unavailable(_))), "{answer:?}");
    assert_eq!(shop.store.counts().orders, 3);
    assert!(!click(&shop, None).await.unwrap().replayed, "asked again, it is placed");
}

/// Its answer is kept for a day, and its payment is still not known.
#[tokio::test]
async fn a_key_whose_answer_is_forgotten_finds_the_order_that_it_placed() {
    let shop = with_a_cart();
    click(&shop, Some(a_key(1))).await.unwrap();
    shop.store.advance(Duration::from_hours(25));
    let again = click(&shop, Some(a_key(1))).await.unwrap();
    assert_eq!((again.replayed, order_of(&again)), (true, an_id(1)));
    assert_eq!(click(&shop, Some(a_key(2))).await, ALREADY(1));
}

#[tokio::test]
async fn a_click_whose_outcome_is_unknown_is_found_by_the_next_one() {
    let shop = with_a_cart();
    shop.store.fail_next(Op::Commit, Fault::DoneButUnknown);
    assert!(matches!(click(&shop, None).await, Err(UseCaseError::OutcomeUnknown(_))));
    let again = click(&shop, None).await.unwrap();
    assert_eq!((again.replayed, order_of(&again), shop.store.counts().orders), (true, an_id(1), 1));
}
