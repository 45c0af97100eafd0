//! Is what the cart asks for there? Every product that is not is named at once.

use std::collections::BTreeMap;

use crate::ids::ProductId;
use crate::order::Product;
use crate::pricing::Quantity;

/// A product as the product service has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockedProduct {
    /// What is copied onto a line.
    pub product: Product,
    /// False: not sold at present.
    pub active: bool,
    /// Units in stock.
    pub stock: u32,
}

/// A product that can't be had as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// Which.
    pub product: ProductId,
    /// Units asked for, over all lines.
    pub requested: u32,
    /// Units that could be had.
    pub available: u32,
    /// Why.
    pub reason: ShortageReason,
}

/// Why a product can't be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShortageReason {
    /// The product service does not know it.
    Unknown,
    /// It is not sold at present.
    Inactive,
    /// There are fewer than asked for.
    Short,
}

impl ShortageReason {
    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Inactive => "inactive",
            Self::Short => "short",
        }
    }
}

/// Every product of `wanted` that can't be had, by id. A product that stands on several lines is asked for with the sum
/// of them. `None` in `found` is a product that the product service does not know.
pub fn shortages(
    wanted: impl IntoIterator<Item = (ProductId, Quantity)>,
    found: &BTreeMap<ProductId, Option<StockedProduct>>,
) -> Vec<Shortage> {
    let mut requested: BTreeMap<ProductId, u32> = BTreeMap::new();
    for (product, quantity) in wanted {
        let units = requested.entry(product).or_default();
        *units = units.saturating_add(quantity.get());
    }
    let short = |(product, requested): (ProductId, u32)| {
        let (available, reason) = match found.get(&product).and_then(Option::as_ref) {
            None => (0, ShortageReason::Unknown),
            Some(found) if !found.active => (0, ShortageReason::Inactive),
            Some(found) if found.stock < requested => (found.stock, ShortageReason::Short),
            Some(_) => return None,
        };
        Some(Shortage { product, requested, available, reason })
    };
    requested.into_iter().filter_map(short).collect()
}
