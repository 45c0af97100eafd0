//! The process's time: a monotonic clock that starts at the database's now and follows it, so that an instance whose own
//! clock is wrong checks tokens as the others do.

use std::sync::Mutex;
use std::sync::PoisonError;

use order_domain::ports::Clock;
use order_domain::time::{Timestamp, after};
use tokio::time::Instant;

/// A clock that is set by what the database says.
#[derive(Debug)]
pub(crate) struct DatabaseClock {
    set: Mutex<(Timestamp, Instant)>,
}

impl DatabaseClock {
    /// A clock at the database's now.
    pub(crate) fn at(now: Timestamp) -> Self {
        Self { set: Mutex::new((now, Instant::now())) }
    }

    /// Sets the clock to the database's now.
    pub(crate) fn set(&self, now: Timestamp) {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = (now, Instant::now());
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        let (then, since) = *self.set.lock().unwrap_or_else(PoisonError::into_inner);
        after(then, since.elapsed())
    }
}
