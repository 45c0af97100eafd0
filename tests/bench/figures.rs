//! Figures: what the environment says, and what stands where among many times.

use std::time::Duration;

/// A whole number from the environment, or what it is otherwise.
pub(crate) fn number(name: &str, otherwise: usize) -> usize {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, not {text:?}")),
        Err(_) => otherwise,
    }
}

/// What stands at a share of the times, in percent; in milliseconds.
pub(crate) fn at(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3
}
