//! Money in integer minor units with its currency. Every operation is checked: nothing wraps, and two currencies never
//! meet.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};

/// A currency: its ISO 4217 code and how many decimals its amounts are written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    code: [u8; 3],
    decimals: u8,
}

impl Currency {
    /// The US dollar, the default of a deployment.
    pub const USD: Self = Self { code: *b"USD", decimals: 2 };

    /// The currency of an ISO 4217 code, with the decimals of that standard's list one (2, where it names no others).
    ///
    /// # Errors
    /// [`MoneyError::UnknownCurrency`] unless `code` is three capital letters.
    pub fn from_code(code: &str) -> Result<Self, MoneyError> {
        let decimals = match code {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
            | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        };
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(bytes) if bytes.iter().all(u8::is_ascii_uppercase) => Ok(Self { code: bytes, decimals }),
            _ => Err(MoneyError::UnknownCurrency),
        }
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or_default()
    }

    /// Decimals of an amount: 2 for `USD`.
    pub const fn decimals(&self) -> u8 {
        self.decimals
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why an amount can't be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit.
    #[error("amount out of range")]
    OutOfRange,
    /// Two currencies met.
    #[error("amounts of different currencies")]
    CurrencyMismatch,
    /// A number with more decimals than the currency has, where none may be dropped.
    #[error("too many decimals for the currency")]
    TooPrecise,
    /// Not an ISO 4217 code.
    #[error("a currency is three capital letters")]
    UnknownCurrency,
}

/// An amount: minor units (cents) of a currency. May be negative, as a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// `minor` units of the currency: 1098 for 10.98 USD.
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing.
    pub const fn zero(currency: Currency) -> Self {
        Self::from_minor(0, currency)
    }

    /// Minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// Its currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// True for 0.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// True below 0.
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// The amount nearest to `value`, half away from zero.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`].
    pub fn rounded(value: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let rounded =
            value.round_dp_with_strategy(u32::from(currency.decimals), RoundingStrategy::MidpointAwayFromZero);
        Self::exact(rounded, currency)
    }

    /// `value` to the last digit.
    ///
    /// # Errors
    /// [`MoneyError::TooPrecise`] when it has more decimals than the currency, [`MoneyError::OutOfRange`].
    pub fn exact(value: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let scale = Decimal::from(10_i64.pow(u32::from(currency.decimals)));
        let minor = value.checked_mul(scale).ok_or(MoneyError::OutOfRange)?;
        if !minor.fract().is_zero() {
            return Err(MoneyError::TooPrecise);
        }
        let minor = i64::try_from(minor.trunc().mantissa() / 10_i128.pow(minor.trunc().scale()));
        minor.map(|minor| Self { minor, currency }).map_err(|_| MoneyError::OutOfRange)
    }

    /// The amount as a decimal number of major units.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, u32::from(self.currency.decimals))
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`], [`MoneyError::CurrencyMismatch`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_add)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`], [`MoneyError::CurrencyMismatch`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_sub)
    }

    /// `count` times the amount.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`].
    pub fn times(self, count: u32) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(i64::from(count)).ok_or(MoneyError::OutOfRange)?;
        Ok(Self { minor, ..self })
    }

    /// The smaller of two amounts.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`].
    pub fn min(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, |a, b| Some(a.min(b)))
    }

    /// The sum of `amounts`, zero for none.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`], [`MoneyError::CurrencyMismatch`].
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    /// Splits the amount in the proportion of `weights` so that the parts add up to it exactly: each gets its share
    /// rounded down, and the units that are over go to the largest remainders, the first of equals first (Hamilton's
    /// method). No weight at all, or only zeros: nothing is handed out, and the parts are zero.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`] for a negative amount or weight.
    pub fn split(self, weights: &[i64]) -> Result<Vec<Self>, MoneyError> {
        if self.is_negative() || weights.iter().any(|&w| w < 0) {
            return Err(MoneyError::OutOfRange);
        }
        let total: i128 = weights.iter().map(|&w| i128::from(w)).sum();
        if total == 0 {
            return Ok(vec![Self { minor: 0, ..self }; weights.len()]);
        }
        let product = |w: i64| i128::from(self.minor) * i128::from(w);
        let mut parts = Vec::with_capacity(weights.len());
        let mut over = self.minor;
        for &w in weights {
            let share = i64::try_from(product(w) / total).map_err(|_| MoneyError::OutOfRange)?;
            over -= share;
            parts.push(Self { minor: share, ..self });
        }
        if over > 0 {
            let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
            by_remainder.sort_by_key(|&i| std::cmp::Reverse(product(weights[i]) % total));
            let units = usize::try_from(over).map_err(|_| MoneyError::OutOfRange)?;
            for &i in by_remainder.iter().take(units) {
                parts[i].minor += 1;
            }
        }
        Ok(parts)
    }

    fn with(self, other: Self, op: impl Fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        op(self.minor, other.minor).map(|minor| Self { minor, ..self }).ok_or(MoneyError::OutOfRange)
    }
}

/// With the currency's decimals and without its code: `10.98`, `5.00`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = usize::from(self.currency.decimals);
        let unit = 10_u64.pow(u32::from(self.currency.decimals));
        let sign = if self.minor < 0 { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        if decimals == 0 {
            write!(f, "{sign}{minor}")
        } else {
            write!(f, "{sign}{}.{:0decimals$}", minor / unit, minor % unit)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::USD)
    }

    #[test]
    fn is_written_with_the_decimals_of_its_currency() -> Result<(), MoneyError> {
        assert_eq!(usd(500).to_string(), "5.00");
        assert_eq!(usd(-5).to_string(), "-0.05");
        assert_eq!(Money::from_minor(500, Currency::from_code("JPY")?).to_string(), "500");
        assert_eq!(Money::from_minor(1, Currency::from_code("KWD")?).to_string(), "0.001");
        Ok(())
    }

    #[test]
    fn rounds_half_away_from_zero() -> Result<(), MoneyError> {
        for (text, minor) in [("30.299999999999997", 3030), ("0.005", 1), ("-0.005", -1), ("0.0049", 0), ("12", 1200)] {
            let value = text.parse().unwrap_or_default();
            assert_eq!(Money::rounded(value, Currency::USD)?, usd(minor));
        }
        Ok(())
    }

    #[test]
    fn never_drops_a_digit_unasked() {
        let exact = |text: &str| Money::exact(text.parse().unwrap_or_default(), Currency::USD);
        assert_eq!(exact("10.50"), Ok(usd(1050)));
        assert_eq!(exact("10.500"), Ok(usd(1050)));
        assert_eq!(exact("0.001"), Err(MoneyError::TooPrecise));
        assert_eq!(exact("1000000000000000000000"), Err(MoneyError::OutOfRange));
    }

    #[test]
    fn nothing_wraps_and_currencies_never_meet() {
        assert_eq!(usd(i64::MAX).plus(usd(1)), Err(MoneyError::OutOfRange));
        assert_eq!(usd(i64::MIN).minus(usd(1)), Err(MoneyError::OutOfRange));
        assert_eq!(usd(i64::MAX).times(2), Err(MoneyError::OutOfRange));
        let eur = Money::from_minor(1, Currency { code: *b"EUR", decimals: 2 });
        assert_eq!(usd(1).plus(eur), Err(MoneyError::CurrencyMismatch));
    }

    #[test]
    fn the_largest_remainder_gets_the_cent_that_is_over() -> Result<(), MoneyError> {
        assert_eq!(usd(100).split(&[1, 1, 1])?, [usd(34), usd(33), usd(33)]);
        assert_eq!(usd(10).split(&[299, 598, 0])?, [usd(3), usd(7), usd(0)]);
        assert_eq!(usd(10).split(&[0, 0])?, [usd(0), usd(0)]);
        Ok(())
    }
}
