//! How long an answer may wait, as callers say it.

use std::time::Duration;

/// Whole seconds, cut to the most that there can be: more digits than fit are more than that.
pub(crate) fn seconds(text: &str, most: u64) -> Option<Duration> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX).min(most)))
}
