//! A cart becomes an order.

use order_domain::PaymentMethod;
use order_domain::order::{Implausible, Rejection, Status};
use order_domain::ports::{Cart, ServiceError, ServiceName, TaskKind};
use order_domain::pricing::{Shortage, ShortageReason};
use order_testkit::builders::{a_cart, cart_line, stocked, usd, user};
use order_testkit::memory::{Fault, Op, RowCounts};
use order_testkit::services::{away, garbage};
use order_usecases::UseCaseError;

use crate::support::{Shop, an_id, customer, order_of};

const ONLINE: PaymentMethod = PaymentMethod::Online;

/// A shop in which the cart of `ann` holds two units of product 5 and one of product 6.
fn with_a_cart() -> Shop {
    let shop = Shop::open();
    shop.carts.put(a_cart("ann", &[(5, 2), (6, 1)]));
    shop
}

async fn is_refused(shop: &Shop) -> UseCaseError {
    let refusal = shop.place(&customer("ann"), None, ONLINE).await.unwrap_err();
    assert_eq!(shop.store.counts(), RowCounts::default(), "nothing is written");
    assert_eq!(shop.signal.signalled(), [], "nothing is signalled");
    assert_eq!(shop.store.calls(Op::Commit), 0);
    refusal
}

#[tokio::test]
async fn a_cart_becomes_an_order_whose_charge_is_due_at_once() {
    let shop = with_a_cart();
    let answer = shop.place(&customer("ann"), None, ONLINE).await.unwrap();
    assert!(!answer.replayed);
    assert_eq!((answer.receipt.status, order_of(&answer)), (201, an_id(1)));

    let order = shop.order();
    let state = order.state();
    assert_eq!((state.status, state.customer.as_str(), order.version()), (Status::Pending, "ann", 1));
    assert_eq!((state.subtotal, state.delivery_fee, state.total), (usd(748), usd(500), usd(1_248)));
    assert_eq!(state.terms.cart_lines, [cart_line(101, 5, 2), cart_line(102, 6, 1)]);
    assert_eq!(shop.entry(1).amount, usd(1_248));
    let rows = RowCounts { orders: 1, lines: 2, events: 1, entries: 1, tasks: 1, receipts: 0, guards: 1, outbox: 1 };
    assert_eq!(shop.store.counts(), rows);
    let task = &shop.store.tasks()[0];
    assert_eq!((task.kind, task.entry, task.run_at), (TaskKind::Charge, Some(1), shop.store.now()));
    assert_eq!(shop.signal.signalled().iter().map(|task| task.id).collect::<Vec<_>>(), [task.id]);
    assert_eq!((shop.payments.calls().len(), shop.carts.removed()), (0, vec![]), "nothing else has changed outside");
}

#[tokio::test]
async fn an_order_takes_one_read_one_write_and_asks_for_each_product_once() {
    let shop = Shop::open();
    shop.carts.put(a_cart("ann", &[(6, 1), (5, 2), (6, 3)]));
    shop.place(&customer("ann"), None, ONLINE).await.unwrap();
    assert_eq!((shop.store.calls(Op::Placing), shop.store.calls(Op::Commit)), (1, 1));
    assert_eq!(shop.carts.asked(), 1);
    let asked: Vec<Vec<i64>> =
        shop.products.asked().iter().map(|ids| ids.iter().map(|id| id.get()).collect()).collect();
    assert_eq!(asked, [[5, 6]]);
    assert_eq!(shop.order().state().lines.len(), 3, "lines stay as the cart has them");
}

#[tokio::test]
async fn a_cash_order_is_confirmed_at_once_and_its_cart_is_to_be_cleared() {
    let shop = with_a_cart();
    shop.place(&customer("ann"), None, PaymentMethod::Cash).await.unwrap();
    assert_eq!(shop.timeline(), ["placed", "confirmed"]);
    let tasks = shop.store.tasks();
    assert_eq!(tasks.iter().map(|task| task.kind).collect::<Vec<_>>(), [TaskKind::ClearCart, TaskKind::Notify]);
    assert_eq!(shop.signal.signalled().len(), 2);
}

#[tokio::test]
async fn the_cart_of_somebody_else_is_a_bad_answer() {
    let shop = Shop::open();
    shop.carts.put_for("ann", a_cart("eve", &[(5, 2)]));
    let refusal = is_refused(&shop).await;
    assert!(matches!(&refusal, UseCaseError::Service(ServiceError::BadAnswer { service: ServiceName::Cart, .. })));
    assert!(!refusal.to_string().contains("eve"), "nothing of another user is told");
    assert!(shop.products.asked().is_empty());
}

#[tokio::test]
async fn an_empty_cart_is_refused() {
    let shop = Shop::open();
    assert_eq!(is_refused(&shop).await, Rejection::CartEmpty.into());
    assert!(shop.products.asked().is_empty());
}

#[tokio::test]
async fn every_product_that_cannot_be_had_is_named_at_once() {
    let shop = Shop::open();
    shop.products.put(stocked(7, 100, 4));
    let mut inactive = stocked(8, 100, 9);
    inactive.active = false;
    shop.products.put(inactive);
    shop.carts.put(a_cart("ann", &[(7, 3), (5, 1), (8, 1), (9, 2), (7, 2)]));
    let short = |id: i64, requested, available, reason| Shortage {
        product: order_domain::ProductId::new(id).unwrap(),
        requested,
        available,
        reason,
    };
    let expected = vec![
        short(7, 5, 4, ShortageReason::Short),
        short(8, 1, 0, ShortageReason::Inactive),
        short(9, 2, 0, ShortageReason::Unknown),
    ];
    assert_eq!(is_refused(&shop).await, Rejection::OutOfStock(expected).into());
}

#[tokio::test]
async fn numbers_that_cannot_be_are_a_bad_answer() {
    for (price, promo, expected) in [
        (0, 0, Implausible::Price(order_domain::ProductId::new(5).unwrap())),
        (-1, 0, Implausible::Price(order_domain::ProductId::new(5).unwrap())),
        (100_000_001, 0, Implausible::Price(order_domain::ProductId::new(5).unwrap())),
        (299, -1, Implausible::Discount),
    ] {
        let shop = Shop::open();
        shop.products.put(stocked(5, price, 100));
        shop.carts.put(Cart { promo_discount: usd(promo), ..a_cart("ann", &[(5, 2)]) });
        assert_eq!(is_refused(&shop).await, Rejection::Implausible(expected).into());
    }
    let shop = Shop::open();
    shop.carts.put(a_cart("ann", &[(5, 1); 101]));
    shop.products.put(stocked(5, 299, 1_000));
    assert_eq!(is_refused(&shop).await, Rejection::Implausible(Implausible::TooManyLines).into());
}

#[tokio::test]
async fn cash_is_refused_where_it_is_not_taken() {
    let mut shop = with_a_cart();
    shop.rules = std::sync::Arc::new(order_domain::Rules::new(order_domain::Currency::USD));
    let refusal = shop.place(&customer("ann"), None, PaymentMethod::Cash).await;
    assert_eq!(refusal, Err(Rejection::CashNotAccepted.into()));
    assert_eq!(shop.store.counts(), RowCounts::default());
}

#[tokio::test]
async fn a_service_that_is_down_answers_garbage_or_refuses_the_token_is_named() {
    for error in [away(ServiceName::Cart), garbage(ServiceName::Cart), unauthorized(ServiceName::Cart)] {
        let shop = with_a_cart();
        shop.carts.fail_next(error.clone());
        assert_eq!(is_refused(&shop).await, error.into());
    }
    for error in [away(ServiceName::Product), garbage(ServiceName::Product), unauthorized(ServiceName::Product)] {
        let shop = with_a_cart();
        shop.products.fail_next(error.clone());
        assert_eq!(is_refused(&shop).await, error.into());
    }
}

fn unauthorized(service: ServiceName) -> ServiceError {
    ServiceError::Unauthorized { service }
}

#[tokio::test]
async fn a_database_that_is_away_writes_nothing() {
    for op in [Op::Placing, Op::Ids, Op::Commit] {
        let shop = with_a_cart();
        shop.store.fail_next(op, Fault::Unavailable);
        let refusal = shop.place(&customer("ann"), None, ONLINE).await.unwrap_err();
        assert!(matches!(refusal, UseCaseError::Unavailable(_)), "{refusal:?}");
        assert_eq!((shop.store.counts(), shop.signal.signalled()), (RowCounts::default(), vec![]));
    }
}

#[tokio::test]
async fn two_customers_at_once_get_an_order_each() {
    let shop = with_a_cart();
    shop.carts.put(a_cart("eve", &[(5, 1)]));
    let (ann, eve) = (customer("ann"), customer("eve"));
    let (ann, eve) = tokio::join!(shop.place(&ann, None, ONLINE), shop.place(&eve, None, ONLINE));
    let owner = |answer| shop.store.order(order_of(&answer)).unwrap().state().customer.clone();
    assert_eq!((owner(ann.unwrap()), owner(eve.unwrap())), (user("ann"), user("eve")));
    assert_eq!(shop.store.counts().orders, 2);
    shop.drain().await;
    shop.assert_at_rest();
}
