//! Inputs that are frozen at placing, as one JSON text.

use order_domain::order::{CartLine, FeeTerms, Terms};
use order_domain::pricing::{FeeBand, FeePrices};
use order_domain::{CartLineId, Currency, Money, ProductId, Quantity};
use serde::{Deserialize, Serialize};

use crate::error::DbError;

#[derive(Serialize, Deserialize)]
struct Stored {
    v: u8,
    placed_subtotal: i64,
    granted_discount: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fee_distance_km: Option<f64>,
    /// What delivery cost where no band applies. Of an order placed before there were bands: what it was charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fee_base: Option<i64>,
    /// (kilometres below which it applies, fee)
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fee_bands: Vec<(f64, i64)>,
    /// (line of the cart, product, units)
    #[serde(default)]
    cart: Vec<(i64, i64, u32)>,
}

pub(crate) fn terms_to(terms: &Terms) -> Result<String, DbError> {
    let stored = Stored {
        v: 1,
        placed_subtotal: terms.placed_subtotal.minor(),
        granted_discount: terms.granted_discount.minor(),
        fee_distance_km: terms.fee.distance_km,
        fee_base: Some(terms.fee.prices.base.minor()),
        fee_bands: terms.fee.prices.bands.iter().map(|band| (band.below_km, band.amount.minor())).collect(),
        cart: terms.cart_lines.iter().map(|line| (line.id.get(), line.product.get(), line.quantity.get())).collect(),
    };
    serde_json::to_string(&stored).map_err(|error| DbError::Inconsistent(error.to_string()))
}

/// `charged_fee`: what delivery costs the order, in minor units.
pub(crate) fn terms_from(text: &str, charged_fee: i64, currency: Currency) -> Result<Terms, DbError> {
    let wrong = |what: String| DbError::Inconsistent(format!("terms: {what}"));
    let stored: Stored = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    if stored.v != 1 {
        return Err(wrong(format!("version {} is newer than this program", stored.v)));
    }
    let line = |(id, product, quantity): (i64, i64, u32)| -> Result<CartLine, DbError> {
        Ok(CartLine {
            id: CartLineId::new(id).map_err(|error| wrong(error.to_string()))?,
            product: ProductId::new(product).map_err(|error| wrong(error.to_string()))?,
            quantity: Quantity::new(quantity).map_err(|error| wrong(error.to_string()))?,
        })
    };
    let amount = |minor| Money::from_minor(minor, currency);
    let bands = stored.fee_bands.iter().map(|&(below_km, minor)| FeeBand { below_km, amount: amount(minor) });
    let prices = FeePrices { base: amount(stored.fee_base.unwrap_or(charged_fee)), bands: bands.collect() };
    Ok(Terms {
        placed_subtotal: Money::from_minor(stored.placed_subtotal, currency),
        granted_discount: Money::from_minor(stored.granted_discount, currency),
        fee: FeeTerms { distance_km: stored.fee_distance_km, prices },
        cart_lines: stored.cart.into_iter().map(line).collect::<Result<_, _>>()?,
    })
}

/// The cart that an order was placed from.
pub(crate) fn cart_from(text: &str, currency: Currency) -> Result<Vec<CartLine>, DbError> {
    // What the fee was does not matter to a cart.
    Ok(terms_from(text, 0, currency)?.cart_lines)
}
