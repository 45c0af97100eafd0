//! Events for other services: from the database's outbox to the event stream.
//!
//! A committed event is in the outbox in the same transaction, and leaves it when the stream has taken it: at least once,
//! and of one order in its sequence. Whoever reads the stream passes over what it has seen.

use async_trait::async_trait;

use crate::ids::{EntryNo, LineId, OrderId, ProductId, UserId};
use crate::money::Money;
use crate::order::{Role, Status, Version};
use crate::payment::PaymentMethod;
use crate::time::{Duration, Timestamp};

use super::store::StoreError;

/// A committed event as other services may know it: nothing personal but who, by number.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamEvent {
    /// Of which order.
    pub order: OrderId,
    /// Its place in that order's timeline: 1, 2, 3 …
    pub seq: Version,
    /// What happened, by the event's name. One that a later version wrote is passed on with what is known of it.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// As what somebody did it.
    pub role: Role,
    /// Whose order it is.
    pub customer: UserId,
    /// The order's status after it.
    pub status: Status,
    /// The amount, where money moved.
    pub amount: Option<Money>,
    /// What else is known, as far as the event has it.
    pub facts: EventFacts,
}

/// What the stored form of an event holds. Which of it an event has, its kind says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFacts {
    /// What the order costs from then on.
    pub amounts: Option<EventAmounts>,
    /// What it costs more than before; less, if negative. Minor units.
    pub difference: Option<i64>,
    /// Its lines from then on.
    pub lines: Option<Vec<EventLine>>,
    /// How it is paid.
    pub payment_method: Option<PaymentMethod>,
    /// When it is wanted, if at a time.
    pub scheduled_for: Option<Timestamp>,
    /// When it is to be released.
    pub release_at: Option<Timestamp>,
    /// The entry of the ledger that it is of.
    pub entry: Option<EntryNo>,
    /// The charge whose decline caused it.
    pub declined: Option<EntryNo>,
    /// An admin confirmed it as paid in cash.
    pub as_cash: Option<bool>,
    /// Paid from hand to hand.
    pub by_hand: Option<bool>,
    /// Why, as a code.
    pub code: Option<String>,
    /// Who has it now.
    pub courier: Option<UserId>,
    /// Who had it before.
    pub previous_courier: Option<UserId>,
    /// How much was given back out of kindness.
    pub goodwill: Option<Money>,
    /// What an admin said has become of an entry.
    pub outcome: Option<String>,
    /// The kind of the task that an operator touched.
    pub task: Option<String>,
}

/// What an order costs. An event that changes the fee alone knows fee and total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventAmounts {
    /// Its lines at their prices.
    pub subtotal: Option<Money>,
    /// What is taken off.
    pub discount: Option<Money>,
    /// What delivery costs.
    pub delivery_fee: Money,
    /// All of it.
    pub total: Money,
}

/// A line as an event tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventLine {
    /// Its number in the order.
    pub line: LineId,
    /// What.
    pub product: ProductId,
    /// How many.
    pub quantity: u32,
    /// What one costs.
    pub price: Money,
    /// What the line costs with its share of the discount taken off.
    pub net: Money,
}

/// Who publishes, drawn by chance at its start: one holds the lease, the others wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Publisher(pub i64);

/// What a publisher was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// The events, by order and sequence; of an order none is left out before one that is there.
    pub events: Vec<StreamEvent>,
    /// The database's now.
    pub now: Timestamp,
}

/// What has not been published yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unpublished {
    /// How many, counted up to [`Unpublished::COUNTED`].
    pub events: u64,
    /// Seconds since the oldest of those that were looked at happened.
    pub oldest: Option<Duration>,
}

impl Unpublished {
    /// So many are counted at most: a look at a long queue must not take long itself.
    pub const COUNTED: u64 = 10_000;
}

/// Committed events that have not been published. One publisher at a time reads it.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Takes the lease, or keeps it, so that at least half of that time is left of it by the database's clock, and reads
    /// the next events, `limit` at most. `None`: another publisher holds it. Most calls that keep it write nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn next(&self, publisher: Publisher, lease: Duration, limit: u32) -> Result<Option<Outgoing>, StoreError>;

    /// Removes what the stream has taken, whoever holds the lease by now.
    ///
    /// # Errors
    /// [`StoreError`]: they are published once more.
    async fn published(&self, events: &[(OrderId, Version)]) -> Result<(), StoreError>;

    /// Gives the lease back, if it is this publisher's, so that another need not wait for its end.
    ///
    /// # Errors
    /// [`StoreError`]: it ends by itself.
    async fn leave(&self, publisher: Publisher) -> Result<(), StoreError>;

    /// How much waits.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn unpublished(&self) -> Result<Unpublished, StoreError>;
}

/// Which events are to be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistorySpan {
    /// Happened at this moment or later.
    pub from: Timestamp,
    /// Happened before this moment.
    pub to: Timestamp,
    /// Of this order alone.
    pub order: Option<OrderId>,
}

/// The place of an event in the history: by its moment, order and sequence, in which each order's own sequence is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryPlace {
    /// When it happened.
    pub at: Timestamp,
    /// Of which order.
    pub order: OrderId,
    /// Its place there.
    pub seq: Version,
}

/// All events that were ever committed.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait EventHistory: Send + Sync {
    /// The events of a span after a place, by [`HistoryPlace`], `limit` at most; fewer: these are the last. Costs as much
    /// as it yields, however long the history is.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn events(
        &self,
        span: HistorySpan,
        after: Option<HistoryPlace>,
        limit: u32,
    ) -> Result<Vec<StreamEvent>, StoreError>;
}

/// Why the event stream did not take what it was given: some of it may have arrived.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event stream unavailable: {0}")]
pub struct StreamError(pub String);

/// The stream that other services read.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait EventStream: Send + Sync {
    /// Adds events in the sequence given, and answers when all are there.
    ///
    /// # Errors
    /// [`StreamError`]: send all of them again.
    async fn send(&self, events: &[StreamEvent]) -> Result<(), StreamError>;
}
