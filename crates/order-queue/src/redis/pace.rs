//! How often Redis is asked for the same thing while there is much to do.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

/// The shortest time between two messages to others. What comes up meanwhile goes along with the next: a message each would
/// cost this process and Redis more than it says is worth.
pub(super) const SAYING: Duration = Duration::from_millis(10);
/// The shortest time between two looks for messages of others.
pub(super) const HEARING: Duration = Duration::from_millis(5);

/// Ticks at once where the last tick is longer ago than `time`, and otherwise when it is.
pub(super) fn pace(time: Duration) -> Interval {
    let mut pace = interval(time);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_seldom_waits_for_nothing_and_what_is_often_for_its_turn() {
        let (mut pace, begun) = (pace(SAYING), Instant::now());
        pace.tick().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        for _ in 0..10 {
            pace.tick().await;
        }
        assert_eq!(begun.elapsed(), SAYING * 10);
        sleep(SAYING * 3).await;
        let begun = Instant::now();
        pace.tick().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        pace.tick().await;
        assert_eq!(begun.elapsed(), SAYING);
    }
}
