//! Guarding the outside: what stands between this service and each other one, so that a bad one neither slows the calls
//! to the others nor is hammered while it is down.
//!
//! Each service has a guard of its own, shared by everything that calls it:
//!
//! - **A bound on calls at once.** One more waits a moment for its turn, then is refused.
//! - **A breaker**, see [`BreakerState`]. A failure is: no connection, no answer in time, a broken answer, or a 5xx. A 4xx
//!   is an answer, and so is one that can't be used.
//! - **A retry budget.** What only reads may be asked once more after a failure that came at once, as long as second tries
//!   are few compared with first ones; when everything fails, there are none left.
//!
//! A refused call has not left: it is told apart from one that may have been heard.

use std::fmt;
use std::sync::Arc;

use order_domain::ports::{Availability, ServiceName};
use order_domain::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tower::retry::budget::{Budget, TpsBudget};

use crate::breaker::{Admission, Breaker, BreakerState};
use crate::failure::Failure;

/// Second tries are counted over this long.
const BUDGET_WINDOW: Duration = Duration::from_secs(10);
/// So many second tries a second are allowed, however few first ones there are.
const RETRIES_PER_SECOND: u32 = 1;
/// And so many for each first one.
const RETRY_SHARE: f32 = 0.2;

/// The bounds of a guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls of one service at once, at least one.
    pub parallelism: usize,
    /// How long one more waits for its turn.
    pub turn: Duration,
    /// Failures in a row that open the breaker.
    pub failures: u32,
    /// How long it is open at first; up to as long again is added by chance, so that instances do not come back as one.
    pub open_at_first: Duration,
    /// How long it is open at most, after trials that failed, before chance adds to it.
    pub open_at_most: Duration,
    /// Calls at once while it is half-open, at least one.
    pub trials: usize,
}

impl Limits {
    /// 64 calls at once, a tenth of a second for a turn; open after 5 failures, for half a second to 5 seconds; 2 trials.
    pub const DEFAULT: Self = Self {
        parallelism: 64,
        turn: Duration::from_millis(100),
        failures: 5,
        open_at_first: Duration::from_millis(500),
        open_at_most: Duration::from_secs(5),
        trials: 2,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The guards of all services. Clones share them.
#[derive(Debug, Clone)]
pub struct Guards {
    user: Arc<Guard>,
    product: Arc<Guard>,
    cart: Arc<Guard>,
    payment: Arc<Guard>,
    notification: Arc<Guard>,
}

impl Guards {
    /// A guard for each service, closed and with a full budget.
    pub fn new(limits: &Limits) -> Self {
        let guard = |service| Arc::new(Guard::new(service, limits));
        Self {
            user: guard(ServiceName::User),
            product: guard(ServiceName::Product),
            cart: guard(ServiceName::Cart),
            payment: guard(ServiceName::Payment),
            notification: guard(ServiceName::Notification),
        }
    }

    /// What each service's breaker does with calls just now.
    pub fn states(&self) -> [(ServiceName, BreakerState); 5] {
        ServiceName::ALL.map(|service| (service, self.of(service).breaker.state()))
    }

    pub(crate) fn of(&self, service: ServiceName) -> &Arc<Guard> {
        match service {
            ServiceName::User => &self.user,
            ServiceName::Product => &self.product,
            ServiceName::Cart => &self.cart,
            ServiceName::Payment => &self.payment,
            ServiceName::Notification => &self.notification,
        }
    }
}

impl Availability for Guards {
    fn takes_calls(&self, service: ServiceName) -> bool {
        self.of(service).breaker.admits()
    }
}

impl Default for Guards {
    fn default() -> Self {
        Self::new(&Limits::DEFAULT)
    }
}

/// What stands before one service.
pub(crate) struct Guard {
    service: ServiceName,
    slots: Semaphore,
    turn: Duration,
    breaker: Breaker,
    budget: TpsBudget,
}

/// Leave to make one call; dropped, its place is free again.
#[must_use]
pub(crate) struct Pass<'a> {
    admission: Admission<'a>,
    _slot: SemaphorePermit<'a>,
}

impl Pass<'_> {
    /// The call has ended: the service works, or does not.
    pub(crate) fn ended(self, works: bool) {
        self.admission.ended(works);
    }
}

impl Guard {
    fn new(service: ServiceName, limits: &Limits) -> Self {
        Self {
            service,
            slots: Semaphore::new(limits.parallelism),
            turn: limits.turn,
            breaker: Breaker::new(service, limits),
            budget: TpsBudget::new(BUDGET_WINDOW, RETRIES_PER_SECOND, RETRY_SHARE),
        }
    }

    pub(crate) fn service(&self) -> ServiceName {
        self.service
    }

    /// Lets a call through, or refuses it: at once where the breaker is open, after its turn where too many are under way.
    pub(crate) async fn pass(&self) -> Result<Pass<'_>, Failure> {
        let admission = self.breaker.admit().ok_or(Failure::BreakerOpen)?;
        if let Ok(slot) = self.slots.try_acquire() {
            return Ok(Pass { admission, _slot: slot });
        }
        // a place among the few of a half-open breaker is not kept from others while waiting
        drop(admission);
        let turn = tokio::time::timeout(self.turn, self.slots.acquire()).await;
        let slot = turn.ok().and_then(Result::ok).ok_or(Failure::TooMany)?;
        let admission = self.breaker.admit().ok_or(Failure::BreakerOpen)?;
        Ok(Pass { admission, _slot: slot })
    }

    /// A first try: it adds to what second ones may be drawn from.
    pub(crate) fn first_try(&self) {
        self.budget.deposit();
    }

    /// Whether there may be a second try; if so, it is drawn.
    pub(crate) fn second_try(&self) -> bool {
        self.budget.withdraw()
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("service", &self.service)
            .field("state", &self.breaker.state())
            .finish_non_exhaustive()
    }
}
