//! Amounts as integer minor units (cents), read from the very text of a JSON number.
//!
//! Never passes through a binary float: `10.10` is 1010, and `10.100000000000001` is refused instead of rounded,
//! because a client that sends it has lost its exactness.

/// Reads a JSON number with at most two decimals and no exponent. `None` for anything else.
pub(crate) fn minor_from_text(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || fraction.len() > 2 {
        return None;
    }
    let cents: i64 = format!("{fraction:0<2}").parse().ok()?;
    let minor = whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)?;
    Some(if negative { -minor } else { minor })
}

/// `1098` as `10.98`.
pub(crate) fn text_from_minor(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let absolute = minor.unsigned_abs();
    format!("{sign}{}.{:02}", absolute / 100, absolute % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_refused() {
        for (text, minor) in [("5", 500), ("5.0", 500), ("5.00", 500), ("10.98", 1098), ("-0.05", -5), ("0.1", 10)] {
            assert_eq!(minor_from_text(text), Some(minor), "{text}");
        }
        for text in
            ["25.970000000000002", "1.005", "1e2", "1.", ".5", "", "-", "\"5.00\"", "null", "99999999999999999999"]
        {
            assert_eq!(minor_from_text(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_are_written_with_two_decimals() {
        assert_eq!(text_from_minor(1098), "10.98");
        assert_eq!(text_from_minor(-5), "-0.05");
        assert_eq!(text_from_minor(0), "0.00");
    }
}
