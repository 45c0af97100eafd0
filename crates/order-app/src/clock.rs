//! The process's time: a monotonic clock that starts at the database's now and follows it, so that an instance whose own
//! clock is wrong checks tokens as the others do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use order_domain::ports::{Clock, OrderStore};
use order_domain::time::{Timestamp, after};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often the time is asked for where no worker runs, whose sweeps bring it along.
const PACE: Duration = Duration::from_secs(1);

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

/// Keeps a clock at the database's now until it is told to stop. A database that is away leaves it running on.
pub(crate) async fn follow(clock: Arc<DatabaseClock>, orders: Arc<dyn OrderStore>, stop: CancellationToken) {
    let mut blind = false;
    while stop.run_until_cancelled(tokio::time::sleep(PACE)).await.is_some() {
        let now = orders.now().await;
        match &now {
            Ok(now) => clock.set(*now),
            Err(error) if !blind => tracing::warn!(%error, "the time is not the database's for now, but runs on"),
            Err(_) => {}
        }
        blind = now.is_err();
    }
}

#[cfg(test)]
mod tests {
    use order_testkit::memory::MemoryStore;

    use super::*;

    /// Of the process's own minutes a second passes at each look; the database's are its own affair.
    #[tokio::test(start_paused = true)]
    async fn where_no_worker_runs_the_time_is_the_database_s_within_a_second() {
        let store = MemoryStore::new();
        let clock = Arc::new(DatabaseClock::at(store.now()));
        let stop = CancellationToken::new();
        let following = tokio::spawn(follow(clock.clone(), Arc::new(store.clone()), stop.clone()));
        store.advance(Duration::from_mins(10));
        tokio::time::sleep(PACE + Duration::from_millis(1)).await;
        assert_eq!(clock.now(), after(store.now(), Duration::from_millis(1)));

        store.set_away(true);
        store.advance(Duration::from_mins(10));
        let before = clock.now();
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(clock.now(), after(before, Duration::from_mins(1)), "it runs on by itself");
        store.set_away(false);
        tokio::time::sleep(PACE).await;
        assert!(clock.now() >= store.now(), "and follows again");

        stop.cancel();
        following.await.unwrap();
    }
}
