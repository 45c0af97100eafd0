//! How many units of a product a line holds.

/// Not in 1..=999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a quantity must be between 1 and 999")]
pub struct InvalidQuantity;

/// Units of a product on one line: 1..=999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(u32);

impl Quantity {
    /// Takes a number of units.
    ///
    /// # Errors
    /// [`InvalidQuantity`] outside 1..=999.
    pub fn new(units: u32) -> Result<Self, InvalidQuantity> {
        if (1..=999).contains(&units) { Ok(Self(units)) } else { Err(InvalidQuantity) }
    }

    /// The number of units.
    pub const fn get(self) -> u32 {
        self.0
    }
}
