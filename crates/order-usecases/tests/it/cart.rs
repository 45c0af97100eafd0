//! Clearing the cart: what was ordered goes, what was added or changed since stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use order_domain::order::CartLine;
use order_domain::ports::{Bearer, Cart, CartService, MAX_TRIES, ServiceError, ServiceName, TaskKind};
use order_domain::{PaymentMethod, ProductId, UserId};
use order_testkit::builders::{a_cart, cart_line};
use order_testkit::services::{FakeCarts, away, garbage};
use order_usecases::tasks::Done;

use crate::support::{LONGER_THAN_ANY_LEASE, Shop, customer};

/// Order 1 of `ann`, of lines 101 (product 5, two units) and 102 (product 6, one), which is to be cleared away.
async fn with_a_cart_to_clear() -> Shop {
    let shop = Shop::open();
    shop.carts.put(a_cart("ann", &[(5, 2), (6, 1)]));
    shop.place(&customer("ann"), None, PaymentMethod::Cash).await.unwrap();
    shop
}

async fn what_is_left_of(lines: Vec<CartLine>) -> Vec<CartLine> {
    let shop = with_a_cart_to_clear().await;
    shop.carts.put(Cart { lines, ..a_cart("ann", &[]) });
    assert_eq!(shop.step(TaskKind::ClearCart).await, Done::Finish);
    assert!(shop.store.tasks().iter().all(|task| task.kind != TaskKind::ClearCart));
    shop.carts.cart_now("ann").lines
}

#[tokio::test]
async fn what_was_ordered_is_taken_out() {
    assert_eq!(what_is_left_of(vec![cart_line(101, 5, 2), cart_line(102, 6, 1)]).await, []);
}

#[tokio::test]
async fn a_line_whose_quantity_was_changed_stays() {
    for units in [1, 3] {
        let changed = cart_line(101, 5, units);
        assert_eq!(what_is_left_of(vec![changed, cart_line(102, 6, 1)]).await, [changed]);
    }
}

#[tokio::test]
async fn a_line_that_was_added_stays() {
    let added = cart_line(103, 7, 1);
    assert_eq!(what_is_left_of(vec![cart_line(101, 5, 2), added]).await, [added]);
}

#[tokio::test]
async fn a_product_that_was_added_once_more_stays_with_all_its_lines() {
    let lines = [cart_line(101, 5, 2), cart_line(103, 5, 1)];
    assert_eq!(what_is_left_of([&lines[..], &[cart_line(102, 6, 1)]].concat()).await, lines);
}

#[tokio::test]
async fn the_same_product_put_in_anew_stays() {
    let anew = cart_line(201, 5, 2);
    assert_eq!(what_is_left_of(vec![anew]).await, [anew]);
}

#[tokio::test]
async fn a_cart_that_is_empty_already_is_asked_for_nothing() {
    let shop = with_a_cart_to_clear().await;
    shop.carts.put(a_cart("ann", &[]));
    shop.step(TaskKind::ClearCart).await;
    assert_eq!(shop.carts.removed(), []);
}

#[tokio::test]
async fn a_product_on_two_lines_is_taken_out_once() {
    let shop = Shop::open();
    shop.carts.put(a_cart("ann", &[(5, 2), (5, 1)]));
    shop.place(&customer("ann"), None, PaymentMethod::Cash).await.unwrap();
    shop.step(TaskKind::ClearCart).await;
    assert_eq!(shop.carts.removed().len(), 1);
    assert_eq!(shop.carts.cart_now("ann").lines, []);
}

#[tokio::test]
async fn the_cart_of_somebody_else_is_left_alone() {
    let shop = with_a_cart_to_clear().await;
    shop.carts.put_for("ann", a_cart("eve", &[(5, 2), (6, 1)]));
    let done = shop.step(TaskKind::ClearCart).await;
    assert!(matches!(&done, Done::Retry { error, .. } if error.contains("another user's")), "{done:?}");
    assert_eq!(shop.carts.removed(), []);
}

#[tokio::test]
async fn a_cart_that_is_cleared_twice_is_cleared_once() {
    let shop = with_a_cart_to_clear().await;
    let task = shop.claim(TaskKind::ClearCart).await;
    assert_eq!(shop.run(&task).await, Done::Finish);
    shop.carts.put(Cart { lines: vec![cart_line(300, 5, 2)], ..a_cart("ann", &[]) });
    // It dies before its end is committed; another one runs it again.
    shop.store.advance(LONGER_THAN_ANY_LEASE);
    assert_eq!(shop.step(TaskKind::ClearCart).await, Done::Finish);
    assert_eq!(shop.carts.cart_now("ann").lines, [cart_line(300, 5, 2)], "what was put in since stays");
    assert_eq!(shop.run(&task).await, Done::Lost);
}

#[tokio::test]
async fn a_cart_service_that_fails_half_way_is_asked_again_for_the_rest() {
    let shop = with_a_cart_to_clear().await;
    let task = shop.claim(TaskKind::ClearCart).await;
    let carts = Arc::new(OneRemoval(AtomicBool::new(false), shop.carts.clone()));
    let done = shop.handlers_asking(shop.payments.clone(), carts).run(&task).await;
    assert!(matches!(done, Done::Retry { entry: None, within: None, .. }), "{done:?}");
    shop.conclude(&task, done).await;
    assert_eq!(shop.carts.cart_now("ann").lines, [cart_line(102, 6, 1)]);
    assert!(shop.store.tasks()[0].last_error.as_ref().unwrap().contains("cart service"));
    assert_eq!(shop.later_step(TaskKind::ClearCart).await, Done::Finish);
    assert_eq!((shop.carts.cart_now("ann").lines, shop.carts.removed().len()), (vec![], 2));
}

/// A cart service that is gone after it has taken one product out.
struct OneRemoval(AtomicBool, Arc<FakeCarts>);

#[async_trait]
impl CartService for OneRemoval {
    async fn cart(&self, caller: &Bearer) -> Result<Cart, ServiceError> {
        self.1.cart(caller).await
    }

    async fn cart_of(&self, customer: &UserId) -> Result<Cart, ServiceError> {
        self.1.cart_of(customer).await
    }

    async fn remove(&self, customer: &UserId, product: ProductId) -> Result<(), ServiceError> {
        if self.0.swap(true, Ordering::SeqCst) {
            return Err(away(ServiceName::Cart));
        }
        self.1.remove(customer, product).await
    }
}

#[tokio::test]
async fn a_cart_that_cannot_be_cleared_is_dead_after_eight_tries_and_blocks_nothing() {
    let shop = with_a_cart_to_clear().await;
    for tries in 1..=MAX_TRIES {
        assert_eq!(shop.store.dead_tasks(), [], "before try {tries}");
        shop.carts.fail_next(if tries % 2 == 0 { garbage(ServiceName::Cart) } else { away(ServiceName::Cart) });
        let done = shop.later_step(TaskKind::ClearCart).await;
        assert!(matches!(done, Done::Retry { .. }), "{done:?}");
    }
    assert_eq!(shop.store.dead_tasks().len(), 1);
    shop.store.advance(LONGER_THAN_ANY_LEASE);
    assert!(shop.claims(TaskKind::ClearCart).await.is_empty());
    assert_eq!(shop.carts.cart_now("ann").lines.len(), 2);
    shop.cancel(&customer("ann"), None).await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_away_is_a_failed_try() {
    let shop = with_a_cart_to_clear().await;
    let task = shop.claim(TaskKind::ClearCart).await;
    shop.store.set_away(true);
    let done = shop.run(&task).await;
    assert!(matches!(&done, Done::Retry { error, .. } if error.contains("database unavailable")), "{done:?}");
    shop.store.set_away(false);
    shop.conclude(&task, done).await;
    shop.drain().await;
    shop.assert_at_rest();
}
