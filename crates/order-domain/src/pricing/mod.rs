//! What an order costs: `subtotal = Σ unit price × quantity`, `total = subtotal − discount + delivery fee`.

mod fee;
mod quantity;
mod stock;

pub use fee::{Fee, FeeBand, FeePolicy, FeePrices, NotServiceable, ServiceArea};
pub use quantity::{InvalidQuantity, Quantity};
pub use stock::{Shortage, ShortageReason, StockedProduct, shortages};

use crate::money::{Currency, Money, MoneyError};

/// The most a unit may cost: 100,000,000 minor units. A hundred lines of 999 such units still fit a JSON number.
pub const MAX_UNIT_PRICE: i64 = 100_000_000;

/// The most lines of an order.
pub const MAX_LINES: usize = 100;

/// The amounts of an order, and what each line costs after its share of the discount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices {
    /// `Σ unit price × quantity`.
    pub subtotal: Money,
    /// The discount, at most the subtotal.
    pub discount: Money,
    /// `subtotal − discount + delivery fee`.
    pub total: Money,
    /// Per line, `unit price × quantity − its share of the discount`; they add up to `subtotal − discount`.
    pub nets: Vec<Money>,
}

/// Prices lines of (unit price, quantity): the discount is capped at the subtotal and split over the lines in
/// proportion to their price, by largest remainder.
///
/// # Errors
/// [`MoneyError`] when an amount does not fit or currencies are mixed.
pub fn price(
    currency: Currency,
    lines: impl IntoIterator<Item = (Money, Quantity)>,
    promo_discount: Money,
    delivery_fee: Money,
) -> Result<Prices, MoneyError> {
    let mut nets =
        lines.into_iter().map(|(unit, quantity)| unit.times(quantity.get())).collect::<Result<Vec<_>, _>>()?;
    let subtotal = Money::sum(currency, nets.iter().copied())?;
    let discount = promo_discount.min(subtotal)?;
    if !discount.is_zero() {
        let weights: Vec<i64> = nets.iter().map(|gross| gross.minor()).collect();
        for (net, share) in nets.iter_mut().zip(discount.split(&weights)?) {
            *net = net.minus(share)?;
        }
    }
    let total = subtotal.minus(discount)?.plus(delivery_fee)?;
    Ok(Prices { subtotal, discount, total, nets })
}
