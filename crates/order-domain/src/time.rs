//! Time as an argument: the domain never reads a clock.

/// A moment in UTC, to the microsecond: both engines keep that much.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

pub use std::time::Duration;

/// `at` later by `by`; at the end of time, the end of time.
pub fn after(at: Timestamp, by: Duration) -> Timestamp {
    chrono::TimeDelta::from_std(by).ok().and_then(|by| at.checked_add_signed(by)).unwrap_or(Timestamp::MAX_UTC)
}

/// `at` earlier by `by`; at the beginning of time, the beginning of time.
pub fn before(at: Timestamp, by: Duration) -> Timestamp {
    chrono::TimeDelta::from_std(by).ok().and_then(|by| at.checked_sub_signed(by)).unwrap_or(Timestamp::MIN_UTC)
}

/// How long from `now` until `at`; zero when it has passed.
pub fn until(now: Timestamp, at: Timestamp) -> Duration {
    (at - now).to_std().unwrap_or_default()
}
