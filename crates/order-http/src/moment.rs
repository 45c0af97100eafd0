//! Moments as callers write them: RFC 3339, and what people leave out of it.

use chrono::{DateTime, Datelike, NaiveDateTime};
use order_domain::time::Timestamp;

/// What is accepted, in words.
pub(crate) const EXPECTED: &str = "must be a time like 2026-01-01T13:00:00Z; without a zone it is UTC";

/// A moment, to the microsecond. Without zone it is UTC; without seconds, at the full minute.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    // In a query a plus that was not escaped arrives as a space.
    let zoned = match text.rsplit_once(' ') {
        Some((moment, zone)) if moment.contains('T') && zone.contains(':') => format!("{moment}+{zone}"),
        _ => text.replacen('Z', "+00:00", 1),
    };
    let with_zone = ["%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M%:z"];
    let without = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let zoned = with_zone.iter().find_map(|format| DateTime::parse_from_str(&zoned, format).ok()).map(|at| at.to_utc());
    let plain = || without.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let at = zoned.or_else(|| plain().map(|at| at.and_utc()))?;
    // Years of four digits: what both databases and every reader of RFC 3339 understand.
    (1..=9999).contains(&at.year()).then(|| Timestamp::from_timestamp_micros(at.timestamp_micros())).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_and_seconds_may_be_missing() {
        let at = |micros| Timestamp::from_timestamp_micros(micros);
        let one = 1_767_272_400_000_000;
        for same in [
            "2026-01-01T13:00:00Z",
            "2026-01-01T13:00:00.000Z",
            "2026-01-01T13:00Z",
            "2026-01-01T13:00:00",
            "2026-01-01T13:00",
            "2026-01-01T14:00:00+01:00",
            "2026-01-01T14:00:00 01:00",
            "2026-01-01T14:00+01:00",
        ] {
            assert_eq!(parse(same), at(one), "{same}");
        }
        assert_eq!(parse("2026-01-01T13:00:00.1234569Z"), at(one + 123_456));
    }

    #[test]
    fn anything_else_is_no_moment() {
        for odd in ["", "now", "2026-01-01", "2026-13-01T00:00:00Z", "1767272400", "+12026-01-01T00:00:00Z", "Z"] {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }
}
