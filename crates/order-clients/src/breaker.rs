//! The breaker: after too many failures in a row a service is left alone for a while.
//!
//! Closed, it lets every call through. It opens after so many failures one after the other; open, it refuses every call at
//! once. When its time is over it is half-open: a few calls at once may try, the first success closes it, and the first
//! failure opens it again, for longer each time. A call that was dropped says nothing about the service, and gives its
//! place among the few back; neither does one that ends after the state has changed: it tells of the time before.
//!
//! Nobody ever waits here. The states and what opens them are `failsafe`'s; the bound on half-open calls is ours.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use backon::{BackoffBuilder, ExponentialBuilder};
use failsafe::failure_policy::{ConsecutiveFailures, consecutive_failures};
use failsafe::{Instrument, StateMachine};
use metrics::Gauge;
use order_domain::ports::ServiceName;
use order_domain::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::guard::Limits;

/// Beyond this the time has long reached its most, whatever it began with.
const MOST_DOUBLINGS: usize = 32;

/// What a breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// All pass.
    Closed,
    /// A few may try.
    HalfOpen,
    /// None passes. It stays so until somebody looks after its time, however long ago that was.
    Open,
}

impl BreakerState {
    const ALL: [Self; 3] = [Self::Closed, Self::HalfOpen, Self::Open];

    /// Its name in answers and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }

    /// Its place in [`Self::ALL`], and its value in metrics.
    const fn number(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::HalfOpen => 1,
            Self::Open => 2,
        }
    }
}

/// How long it is open, the first time and each time after a failed trial.
#[derive(Debug, Clone)]
struct OpenTimes {
    growing: ExponentialBuilder,
    nth: usize,
}

impl Iterator for OpenTimes {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let time = self.growing.build().nth(self.nth);
        self.nth = self.nth.saturating_add(1).min(MOST_DOUBLINGS);
        time
    }
}

type Policy = ConsecutiveFailures<OpenTimes>;

/// The breaker of one service.
pub(crate) struct Breaker {
    /// Under a lock of ours, so that what [`Shown`] is told comes in the order in which it happened.
    machine: Mutex<StateMachine<Policy, Shown>>,
    shown: Shown,
    trials: Semaphore,
}

impl Breaker {
    pub(crate) fn new(service: ServiceName, limits: &Limits) -> Self {
        let growing = ExponentialBuilder::new()
            .with_min_delay(limits.open_at_first)
            .with_max_delay(limits.open_at_most)
            .without_max_times()
            .with_jitter();
        let open = OpenTimes { growing, nth: 0 };
        let policy = consecutive_failures(limits.failures, open);
        let gauge = metrics::gauge!("outside_breaker_state", "service" => service.name());
        let shown = Shown(Arc::new(Sign { service, state: AtomicU8::new(0), changes: AtomicU64::new(0), gauge }));
        let machine = Mutex::new(StateMachine::new(policy, shown.clone()));
        Self { machine, shown, trials: Semaphore::new(limits.trials) }
    }

    pub(crate) fn state(&self) -> BreakerState {
        self.shown.state()
    }

    /// Whether a call would be admitted just now. Looking is no call; it makes it half-open, if its time is over.
    pub(crate) fn admits(&self) -> bool {
        self.with(StateMachine::is_call_permitted)
            && (self.state() == BreakerState::Closed || self.trials.available_permits() > 0)
    }

    /// Leave to make one call, or none.
    pub(crate) fn admit(&self) -> Option<Admission<'_>> {
        let permitted = self.with(StateMachine::is_call_permitted);
        if !permitted {
            return None;
        }
        let trial = match self.state() {
            BreakerState::Closed => None,
            BreakerState::HalfOpen | BreakerState::Open => Some(self.trials.try_acquire().ok()?),
        };
        Some(Admission { breaker: self, since: self.shown.changes(), _trial: trial })
    }

    fn with<T>(&self, act: impl FnOnce(&StateMachine<Policy, Shown>) -> T) -> T {
        act(&self.machine.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A call that may be made. How it went is told to the breaker; dropped without a word, it did not take place.
#[must_use]
pub(crate) struct Admission<'a> {
    breaker: &'a Breaker,
    /// How often the state had changed when it was admitted.
    since: u64,
    _trial: Option<SemaphorePermit<'a>>,
}

impl Admission<'_> {
    /// The service works, or does not.
    pub(crate) fn ended(self, works: bool) {
        self.breaker.with(|machine| match (self.since == self.breaker.shown.changes(), works) {
            (true, true) => machine.on_success(),
            (true, false) => machine.on_error(),
            (false, _) => {}
        });
    }
}

/// The state as it is shown: to whoever asks, in the log and in the metrics.
#[derive(Clone)]
struct Shown(Arc<Sign>);

struct Sign {
    service: ServiceName,
    state: AtomicU8,
    changes: AtomicU64,
    gauge: Gauge,
}

impl Shown {
    fn state(&self) -> BreakerState {
        let number = self.0.state.load(Ordering::Relaxed);
        BreakerState::ALL.into_iter().find(|state| state.number() == number).unwrap_or(BreakerState::Open)
    }

    fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Relaxed)
    }

    fn show(&self, state: BreakerState) {
        self.0.gauge.set(f64::from(state.number()));
        let before = self.0.state.swap(state.number(), Ordering::Relaxed);
        if before != state.number() {
            self.0.changes.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(service = self.0.service.name(), state = state.name(), "the breaker changed its state");
        }
    }
}

impl Instrument for Shown {
    /// Counted by the guard, with all that becomes of calls.
    fn on_call_rejected(&self) {}

    fn on_open(&self) {
        self.show(BreakerState::Open);
    }

    fn on_half_open(&self) {
        self.show(BreakerState::HalfOpen);
    }

    fn on_closed(&self) {
        self.show(BreakerState::Closed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { open_at_first: Duration::from_secs(1), open_at_most: Duration::from_secs(4), ..Limits::DEFAULT };

    fn breaker() -> Breaker {
        Breaker::new(ServiceName::Cart, &LIMITS)
    }

    fn calls(breaker: &Breaker, times: u32, works: bool) {
        for _ in 0..times {
            breaker.admit().expect("a call passes").ended(works);
        }
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_a_success_between_them_starts_over() {
        let breaker = breaker();
        for _ in 0..3 {
            calls(&breaker, LIMITS.failures - 1, false);
            calls(&breaker, 1, true);
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
        calls(&breaker, LIMITS.failures, false);
        assert_eq!(breaker.state(), BreakerState::Open);
        assert!(breaker.admit().is_none());
    }

    #[test]
    fn half_open_lets_a_few_through_and_a_success_closes_it() {
        failsafe::clock::freeze(|time| {
            let breaker = breaker();
            calls(&breaker, LIMITS.failures, false);
            time.advance(Duration::from_millis(999));
            assert!(breaker.admit().is_none());
            // as long again is the jitter
            time.advance(Duration::from_millis(1_002));

            let few: Vec<_> = (0..LIMITS.trials).map(|_| breaker.admit().expect("one of the few")).collect();
            assert_eq!(breaker.state(), BreakerState::HalfOpen);
            assert!(breaker.admit().is_none());
            // a dropped call gives its place back, and says nothing
            drop(few);
            assert_eq!(breaker.state(), BreakerState::HalfOpen);
            calls(&breaker, 1, true);
            assert_eq!(breaker.state(), BreakerState::Closed);
            let many: Vec<_> = (0..100).map_while(|_| breaker.admit()).collect();
            assert_eq!(many.len(), 100);
        });
    }

    #[test]
    fn whether_a_call_would_pass_is_known_without_one() {
        failsafe::clock::freeze(|time| {
            let breaker = breaker();
            assert!(breaker.admits());
            calls(&breaker, LIMITS.failures, false);
            assert!(!breaker.admits());
            // as long again is the jitter
            time.advance(Duration::from_millis(2_001));
            let few: Vec<_> = (0..LIMITS.trials).map(|_| (breaker.admits(), breaker.admit())).collect();
            assert!(few.iter().all(|(would, does)| *would && does.is_some()));
            assert!(!breaker.admits());
            drop(few);
            assert!(breaker.admits());
            calls(&breaker, 1, true);
            assert!(breaker.admits());
        });
    }

    #[test]
    fn a_failed_trial_opens_it_for_longer_and_closing_forgets_that() {
        failsafe::clock::freeze(|time| {
            let breaker = breaker();
            calls(&breaker, LIMITS.failures, false);
            for at_least in [1_000, 2_000, 4_000, 4_000] {
                time.advance(Duration::from_millis(at_least - 1));
                assert!(breaker.admit().is_none(), "{at_least}");
                // as long again is the jitter
                time.advance(Duration::from_millis(at_least + 2));
                calls(&breaker, 1, false);
                assert_eq!(breaker.state(), BreakerState::Open);
            }
            time.advance(Duration::from_secs(9));
            calls(&breaker, 1, true);
            calls(&breaker, LIMITS.failures, false);
            time.advance(Duration::from_millis(2_001));
            assert!(breaker.admit().is_some());
        });
    }

    #[test]
    fn a_late_failure_of_a_call_from_before_changes_nothing_while_it_is_open() {
        failsafe::clock::freeze(|time| {
            let breaker = breaker();
            let late = breaker.admit().unwrap();
            calls(&breaker, LIMITS.failures, false);
            late.ended(false);
            time.advance(Duration::from_millis(2_001));
            assert!(breaker.admit().is_some());
        });
    }

    #[test]
    fn a_late_answer_of_a_call_from_before_is_no_trial() {
        failsafe::clock::freeze(|time| {
            let breaker = breaker();
            let (good, bad) = (breaker.admit().unwrap(), breaker.admit().unwrap());
            calls(&breaker, LIMITS.failures, false);
            time.advance(Duration::from_millis(2_001));
            let trial = breaker.admit().expect("a trial");
            good.ended(true);
            bad.ended(false);
            assert_eq!(breaker.state(), BreakerState::HalfOpen);
            trial.ended(true);
            assert_eq!(breaker.state(), BreakerState::Closed);
        });
    }

    #[test]
    fn every_state_has_its_name_and_number() {
        let told = BreakerState::ALL.map(|state| (state.name(), state.number()));
        assert_eq!(told, [("closed", 0), ("half_open", 1), ("open", 2)]);
    }
}
