//! Amounts, people, products, carts, keys.

use order_domain::order::{Actor, CartLine, Guard, Product};
use order_domain::ports::{Cart, IdempotencyKey, Receipt};
use order_domain::pricing::StockedProduct;
use order_domain::time::Timestamp;
use order_domain::{CartLineId, Currency, Money, ProductId, Quantity, Rules, Text, UserId};

/// When time starts: 1 January 2026, noon UTC.
pub const START: Timestamp = match Timestamp::from_timestamp(1_767_268_800, 0) {
    Some(start) => start,
    None => panic!("a moment within range"),
};

/// `minor` cents.
pub const fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::USD)
}

/// The default rules, in a shop that takes cash.
pub fn rules() -> Rules {
    Rules { cash_on_delivery: true, ..Rules::new(Currency::USD) }
}

/// A user of that name.
pub fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

/// A customer of that name.
pub fn customer(name: &str) -> Actor {
    Actor::Customer(user(name))
}

/// A courier of that name.
pub fn courier(name: &str) -> Actor {
    Actor::Courier(user(name))
}

/// The admin of all tests.
pub fn admin() -> Actor {
    Actor::Admin(user("root"))
}

/// A reason in words.
pub fn words(text: &str) -> Option<Text<500>> {
    Some(Text::lines(text).unwrap())
}

/// A product at `price` cents, with nothing that it need not have.
pub fn a_product(id: i64, price: i64) -> Product {
    Product {
        id: ProductId::new(id).unwrap(),
        name: format!("Product {id}"),
        description: None,
        price: usd(price),
        mrp: None,
        category_id: None,
        image_url: None,
        unit: None,
        returnable: true,
    }
}

/// A product at `price` cents as the product service has it: sold, `stock` of it there.
pub fn stocked(id: i64, price: i64, stock: u32) -> StockedProduct {
    StockedProduct { product: a_product(id, price), active: true, stock }
}

/// A line of a cart.
pub fn cart_line(id: i64, product: i64, units: u32) -> CartLine {
    CartLine {
        id: CartLineId::new(id).unwrap(),
        product: ProductId::new(product).unwrap(),
        quantity: Quantity::new(units).unwrap(),
    }
}

/// The cart of `customer`, of (product, units), its lines numbered from 101; no promotion.
pub fn a_cart(customer: &str, lines: &[(i64, u32)]) -> Cart {
    let lines = (101..).zip(lines).map(|(id, &(product, units))| cart_line(id, product, units));
    Cart { customer: user(customer), lines: lines.collect(), promo_discount: usd(0) }
}

/// An idempotency key; another `n`, another key. All have the same fingerprint.
pub fn a_key(n: u8) -> IdempotencyKey {
    IdempotencyKey { hash: [n; 32], fingerprint: [0xf0; 32] }
}

/// A guard; another `n`, another cart. All have the same fingerprint, no key, and have seen no other.
pub fn a_guard(n: u8) -> Guard {
    // Of no key: hashes of keys and of carts are in one table.
    let mut hash = [n; 32];
    hash[0] = 0xc0;
    Guard { hash, fingerprint: [0xf0; 32], placed_with: None, seen: Vec::new() }
}

/// An answer with a header and a body that is no UTF-8.
pub fn a_receipt(n: u8) -> Receipt {
    let headers = vec![("ETag".to_owned(), "\"1\"".to_owned()), ("Location".to_owned(), format!("/orders/{n}"))];
    Receipt { status: 201, headers, body: vec![b'{', 0, 0xff, n, b'}'] }
}
