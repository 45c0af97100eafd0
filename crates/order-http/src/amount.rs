//! Amounts and moments as they are written: exact, and the same every time.

use chrono::{SecondsFormat, Timelike};
use order_domain::Money;
use order_domain::time::Timestamp;
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// An amount as a JSON number with the currency's decimals: `5.00`. Never a float: the digits are those of the integer
/// minor units.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount(pub(crate) Money);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// A moment in RFC 3339 with `Z`, with microseconds where there are some.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = self.0.nanosecond() / 1_000 == 0;
        let digits = if whole { SecondsFormat::Secs } else { SecondsFormat::Micros };
        serializer.serialize_str(&self.0.to_rfc3339_opts(digits, true))
    }
}

#[cfg(test)]
mod tests {
    use order_domain::Currency;

    use super::*;

    fn written(value: impl Serialize) -> String {
        serde_json::to_string(&value).expect("it serialises")
    }

    #[test]
    fn an_amount_keeps_its_decimals() {
        let in_usd = |minor| written(Amount(Money::from_minor(minor, Currency::USD)));
        assert_eq!(
            [in_usd(500), in_usd(2597), in_usd(0), in_usd(-5)],
            ["5.00", "25.97", "0.00", "-0.05"].map(str::to_owned)
        );
        assert_eq!(in_usd(i64::MAX), "92233720368547758.07");
        let yen = Currency::from_code("JPY").expect("a currency");
        assert_eq!(written(Amount(Money::from_minor(500, yen))), "500");
    }

    #[test]
    fn a_moment_has_microseconds_where_there_are_some() {
        let at = |micros| written(Moment(Timestamp::from_timestamp_micros(micros).expect("a moment")));
        assert_eq!(at(1_767_272_400_000_000), r#""2026-01-01T13:00:00Z""#);
        assert_eq!(at(1_767_272_400_120_000), r#""2026-01-01T13:00:00.120000Z""#);
        assert_eq!(at(1_767_272_400_123_456), r#""2026-01-01T13:00:00.123456Z""#);
    }
}
