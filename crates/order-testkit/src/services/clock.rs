//! A clock that stands still.

use std::sync::Mutex;

use order_domain::ports::Clock;
use order_domain::time::{Duration, Timestamp, after};

use crate::builders::START;
use crate::lock;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct FixedClock(Mutex<Timestamp>);

impl Default for FixedClock {
    fn default() -> Self {
        Self::at(START)
    }
}

impl FixedClock {
    /// A clock that shows this moment.
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves it on.
    pub fn advance(&self, time: Duration) {
        let mut now = lock(&self.0);
        *now = after(*now, time);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }
}
