//! Warnings that come seldom, however often there is a reason.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two.
const PAUSE: Duration = Duration::from_mins(1);

/// Lets one warning a minute through, and counts those that it held back.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    /// Whether to warn now; then with how many there were since the last warning, this one included.
    pub(super) fn warn(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, since) = &mut *state;
        *since += 1;
        if last.is_some_and(|last| last.elapsed() < PAUSE) {
            return None;
        }
        *last = Some(Instant::now());
        Some(std::mem::take(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_reasons_is_one_warning_a_minute_with_their_number() {
        let seldom = Seldom::default();
        assert_eq!([seldom.warn(), seldom.warn(), seldom.warn()], [Some(1), None, None]);
        tokio::time::advance(PAUSE).await;
        assert_eq!([seldom.warn(), seldom.warn()], [Some(3), None]);
    }
}
