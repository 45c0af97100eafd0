//! A cart is ordered once: what a second click gets.

use order_domain::order::{CartLine, Click, GUARDED, LiveGuard, Ordered};
use order_domain::time::{Duration, Timestamp, after};
use order_domain::{CartLineId, OrderId, ProductId, Quantity};

const START: Timestamp = Timestamp::from_timestamp(1_767_268_800, 0).unwrap();

const BODY: [u8; 32] = [1; 32];
const OTHER_BODY: [u8; 32] = [2; 32];
const KEY: [u8; 32] = [3; 32];
const OTHER_KEY: [u8; 32] = [4; 32];

fn order(n: i64) -> OrderId {
    OrderId::new(n).unwrap()
}

fn cart_line(id: i64, product: i64, units: u32) -> CartLine {
    CartLine {
        id: CartLineId::new(id).unwrap(),
        product: ProductId::new(product).unwrap(),
        quantity: Quantity::new(units).unwrap(),
    }
}

fn cart() -> [CartLine; 2] {
    [cart_line(101, 5, 2), cart_line(102, 6, 1)]
}

/// The guard of order `n`, placed at [`START`] from [`cart`] with [`BODY`] and [`KEY`].
fn guard(n: i64) -> LiveGuard {
    let cart = cart().to_vec();
    LiveGuard { order: order(n), fingerprint: BODY, placed_with: Some(KEY), placed_at: START, cart }
}

fn click(fingerprint: [u8; 32], key: Option<[u8; 32]>, cart: &[CartLine], now: Timestamp) -> Ordered {
    Click { fingerprint, key, cart }.ordered(&[guard(1)], now)
}

#[test]
fn an_equal_request_gets_the_order_and_any_other_is_told_of_it() {
    let (equally, otherwise) = (Ordered::Equally(order(1)), Ordered::Otherwise(order(1)));
    // However long ago: a guard that has not ended is in force.
    for now in [START, after(START, Duration::from_hours(1))] {
        for (fingerprint, key, expected) in [
            (BODY, None, equally),
            (BODY, Some(KEY), equally),
            (BODY, Some(OTHER_KEY), otherwise),
            (OTHER_BODY, None, otherwise),
            (OTHER_BODY, Some(KEY), otherwise),
            (OTHER_BODY, Some(OTHER_KEY), otherwise),
        ] {
            assert_eq!(click(fingerprint, key, &cart(), now), expected, "{fingerprint:?} {key:?}");
        }
    }
}

#[test]
fn a_key_is_another_than_none() {
    let without_key = LiveGuard { placed_with: None, ..guard(1) };
    let click =
        |key| Click { fingerprint: BODY, key, cart: &cart() }.ordered(std::slice::from_ref(&without_key), START);
    assert_eq!((click(None), click(Some(KEY))), (Ordered::Equally(order(1)), Ordered::Otherwise(order(1))));
}

#[test]
fn what_clearing_has_left_of_a_cart_is_that_cart() {
    let [apples, milk] = cart();
    for left in [vec![apples], vec![milk], vec![milk, apples]] {
        assert_eq!(click(BODY, None, &left, START), Ordered::Equally(order(1)), "{left:?}");
    }
}

#[test]
fn a_cart_with_anything_else_in_it_is_another() {
    let [apples, milk] = cart();
    let (more, anew, bread) = (cart_line(101, 5, 3), cart_line(103, 5, 2), cart_line(104, 7, 1));
    for other in [vec![more, milk], vec![anew], vec![apples, milk, bread], vec![cart_line(101, 7, 2)]] {
        assert_eq!(click(BODY, None, &other, START), Ordered::Not, "{other:?}");
    }
}

#[test]
fn an_empty_cart_is_the_one_that_was_ordered_a_moment_ago() {
    let last = after(START, GUARDED.saturating_sub(Duration::from_micros(1)));
    for now in [START, last] {
        assert_eq!(click(BODY, None, &[], now), Ordered::Equally(order(1)));
    }
    assert_eq!(click(BODY, None, &[], after(START, GUARDED)), Ordered::Not);
    assert_eq!(click(OTHER_BODY, None, &[], START), Ordered::Not);
    for key in [KEY, OTHER_KEY] {
        assert_eq!(click(BODY, Some(key), &[], START), Ordered::Not, "whoever has a key is told by the key");
    }
}

#[test]
fn of_several_orders_the_latest_equal_one_is_the_answer() {
    let second = Duration::from_secs(1);
    let later = |n: u32| LiveGuard { placed_at: after(START, n * second), ..guard(i64::from(n)) };
    let another = LiveGuard { fingerprint: OTHER_BODY, ..later(3) };
    let guards = [later(2), another, later(1)];
    for cart in [&cart()[..], &[]] {
        let click = |fingerprint| Click { fingerprint, key: None, cart }.ordered(&guards, after(START, 4 * second));
        assert_eq!((click(BODY), click(OTHER_BODY)), (Ordered::Equally(order(2)), Ordered::Equally(order(3))));
    }
    assert_eq!(
        Click { fingerprint: [9; 32], key: None, cart: &cart() }.ordered(&guards, START),
        Ordered::Otherwise(order(3))
    );
    assert_eq!(Click { fingerprint: BODY, key: None, cart: &cart() }.ordered(&[], START), Ordered::Not);
}
