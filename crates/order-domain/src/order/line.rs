//! What was bought: products as they were on the day, and the lines of an order.

use crate::ids::{CartLineId, LineId, ProductId};
use crate::money::{Money, MoneyError};
use crate::pricing::Quantity;

/// A product as it was copied when the order was placed. It never changes afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its id in the product service.
    pub id: ProductId,
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// What a unit costs.
    pub price: Money,
    /// The list price, for show.
    pub mrp: Option<Money>,
    /// Its category in the product service.
    pub category_id: Option<i64>,
    /// A picture of it.
    pub image_url: Option<String>,
    /// What a unit is: `kg`, `piece`.
    pub unit: Option<String>,
    /// False: taken back only for the shop's fault.
    pub returnable: bool,
}

/// One product of an order at one price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number within the order.
    pub id: LineId,
    /// The product as it was.
    pub product: Product,
    /// Units.
    pub quantity: Quantity,
    /// `price × quantity − its share of the discount`.
    pub net: Money,
}

impl Line {
    /// `price × quantity`.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`].
    pub fn gross(&self) -> Result<Money, MoneyError> {
        self.product.price.times(self.quantity.get())
    }
}

/// A line of the cart that an order was placed from: what the clearing of the cart may remove, and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CartLine {
    /// Its id in the cart service.
    pub id: CartLineId,
    /// The product.
    pub product: ProductId,
    /// Units.
    pub quantity: Quantity,
}
