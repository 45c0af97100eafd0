//! Numbers and ids of an answer, read from the very text they were sent as; and amounts, written so.
//!
//! A price passes through no binary float on its way in: `30.299999999999997`, which a float made of 30.30 elsewhere, is
//! read digit by digit and rounded once. Numbers in quotes are taken as well. What is out of range is `None`.

use order_domain::{Currency, Money};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

/// Below this a number with an exponent counts as nothing: the dust of sums of floats that should be zero (`-5e-324`),
/// with more decimals than a [`Decimal`] holds.
const DUST: f64 = 1e-9;

/// A number, or a number in quotes.
pub(crate) fn decimal(raw: &RawValue) -> Option<Decimal> {
    let text = unquoted(raw);
    // `Decimal` also reads `1_000` and other spellings that are no JSON
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit())
        || !digits.bytes().all(|c| matches!(c, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
    {
        return None;
    }
    if !digits.contains(['e', 'E']) {
        return text.parse().ok();
    }
    let dust = || text.parse::<f64>().ok().filter(|value| value.abs() < DUST).map(|_| Decimal::ZERO);
    Decimal::from_scientific_lossy(text).ok().or_else(dust)
}

/// An amount, rounded to the currency half away from zero.
pub(crate) fn money(raw: &RawValue, currency: Currency) -> Option<Money> {
    Money::rounded(decimal(raw)?, currency).ok()
}

/// An amount as the JSON number of its exact text: `10.50`.
pub(crate) fn exact(amount: Money) -> serde_json::Result<Box<RawValue>> {
    RawValue::from_string(amount.to_string())
}

/// Units in stock: a whole number. What is owed to the stock is none in it, and more than fits is as much as fits.
pub(crate) fn stock(raw: &RawValue) -> Option<u32> {
    let text = unquoted(raw);
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    if !is_whole(digits) {
        return None;
    }
    // nothing but digits: it fails for being too long only
    Some(if negative { 0 } else { digits.parse().unwrap_or(u32::MAX) })
}

/// An id that is sent as a string by one service and as a whole number by another.
pub(crate) fn id_text(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    if is_whole(text) { Some(text.to_owned()) } else { serde_json::from_str(text).ok() }
}

fn unquoted(raw: &RawValue) -> &str {
    let text = raw.get();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

fn is_whole(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn cents(text: &str) -> Option<i64> {
        money(&raw(text), Currency::USD).map(Money::minor)
    }

    #[test]
    fn prices_are_read_from_their_text_and_rounded_once() {
        for (text, minor) in [
            ("30.299999999999997", 3030),
            ("30.30", 3030),
            ("\"30.30\"", 3030),
            ("1.005", 101), // as a float it is 1.00499999999999989…
            ("-1.005", -101),
            ("2.675", 268),
            ("0.1000000000000000055511151231257827021181583404541015625", 10),
            ("0.30000000000000004", 30),
            ("0.29999999999999998889776975", 30),
            ("-0.0", 0),
            ("1e2", 10_000),
            ("1.5E+1", 1500),
            ("1.5e-1", 15),
            ("1.1102230246251565e-16", 0),
            ("-5e-324", 0),
            ("1e-400000000000", 0),
            ("90071992547409.91", 9_007_199_254_740_991),
        ] {
            assert_eq!(cents(text), Some(minor), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_in_range_is_none() {
        for text in [
            "null",
            "true",
            "[]",
            "{}",
            "\"\"",
            "\"NaN\"",
            "\"Infinity\"",
            "\"1_000\"",
            "\"+1\"",
            "\" 1\"",
            "\"1,50\"",
            "\"0x10\"",
            "\"\\u0031\"",
            "\"1e\"",
            "\"--1\"",
            "1e400",
            "1e99999999999",
            "1e28",
            "92233720368547758.08",
            "99999999999999999999999999999999",
        ] {
            assert_eq!(cents(text), None, "{text}");
        }
    }

    #[test]
    fn stock_is_whole_and_clamped() {
        for (text, units) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("\"7\"", Some(7)),
            ("-1", Some(0)),
            ("-99999999999999999999", Some(0)),
            ("4294967296", Some(u32::MAX)),
            ("99999999999999999999999", Some(u32::MAX)),
            ("1.5", None),
            ("1e3", None),
            ("\"\"", None),
            ("\"-\"", None),
            ("null", None),
            ("true", None),
        ] {
            assert_eq!(stock(&raw(text)), units, "{text}");
        }
    }

    #[test]
    fn an_id_is_a_string_or_a_whole_number() {
        for (text, id) in [
            ("\"u1\"", Some("u1")),
            ("\"\\u0075\"", Some("u")),
            ("17", Some("17")),
            ("1.5", None),
            ("-1", None),
            ("null", None),
            ("true", None),
            ("[1]", None),
        ] {
            assert_eq!(id_text(&raw(text)).as_deref(), id, "{text}");
        }
    }
}
