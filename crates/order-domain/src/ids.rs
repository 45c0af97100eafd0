//! Identifiers. Numbers are positive and below 2^53, so that a JSON reader keeps them exact; users are named by the
//! user service with short strings.

use std::fmt;

/// The largest identifier: 2^53 − 1, the largest integer that JavaScript keeps exact.
const MAX: i64 = (1 << 53) - 1;

/// Why a value is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Not in 1 ..= 2^53 − 1.
    #[error("an id must be between 1 and 9007199254740991")]
    OutOfRange,
    /// A user id is empty, longer than 128 characters, or holds white space or control characters.
    #[error("a user id must be 1 to 128 characters without white space or control characters")]
    NotAUserId,
}

macro_rules! numeric_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Takes a number for an identifier.
            ///
            /// # Errors
            /// [`InvalidId::OutOfRange`] outside 1 ..= 2^53 − 1.
            pub const fn new(value: i64) -> Result<Self, InvalidId> {
                if value >= 1 && value <= MAX { Ok(Self(value)) } else { Err(InvalidId::OutOfRange) }
            }

            /// The number.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

numeric_id!(
    /// An order. Not ordered by time, and with gaps.
    OrderId
);
numeric_id!(
    /// A line within its order: 1, 2, 3 …, never used twice.
    LineId
);
numeric_id!(
    /// A product of the product service.
    ProductId
);
numeric_id!(
    /// A line of the customer's cart, as the cart service names it.
    CartLineId
);
numeric_id!(
    /// A durable task.
    TaskId
);

/// The number of a ledger entry within its order: 1, 2, 3 … over charges and refunds alike, never used twice.
pub type EntryNo = u32;

/// A user of the user service: customer, courier or admin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

impl UserId {
    /// Takes a name for a user's identifier.
    ///
    /// # Errors
    /// [`InvalidId::NotAUserId`] when empty, longer than 128 characters, or with white space or control characters.
    pub fn new(value: impl Into<String>) -> Result<Self, InvalidId> {
        let value = value.into();
        let plain = |c: char| !c.is_control() && !c.is_whitespace();
        if (1..=128).contains(&value.chars().count()) && value.chars().all(plain) {
            Ok(Self(value))
        } else {
            Err(InvalidId::NotAUserId)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_exact_in_json() {
        assert!(OrderId::new(1).is_ok() && OrderId::new((1 << 53) - 1).is_ok());
        for bad in [0, -1, 1 << 53, i64::MAX, i64::MIN] {
            assert_eq!(OrderId::new(bad), Err(InvalidId::OutOfRange));
        }
    }

    #[test]
    fn a_user_id_is_short_and_plain() {
        assert!(UserId::new("u1").is_ok() && UserId::new("x".repeat(128)).is_ok());
        for bad in ["", " ", "a b", "a\0", "a\nb", &"x".repeat(129)] {
            assert_eq!(UserId::new(bad), Err(InvalidId::NotAUserId));
        }
    }
}
