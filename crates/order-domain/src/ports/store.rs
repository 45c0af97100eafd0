//! Where orders are kept: loaded whole, committed whole.

use async_trait::async_trait;

use crate::ids::{EntryNo, OrderId, TaskId, UserId};
use crate::money::Money;
use crate::order::{Change, Event, Guard, LiveGuard, Order, OrderState, Recorded, Role, Status, Version};
use crate::payment::{EntryState, Ledger, PaymentStatus};
use crate::time::{Duration, Timestamp};

use super::desk::TaskTouch;
use super::tasks::{ClaimedTask, NewTask, TaskRef};

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database is away, or too busy to answer in time. Nothing was changed.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// What was read contradicts itself.
    #[error("inconsistent rows: {0}")]
    Inconsistent(String),
}

/// Why a commit did not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The order, one of its entries or a task that is touched is no longer as it was loaded. Nothing was changed: load
    /// and decide again.
    #[error("changed by somebody else meanwhile")]
    Conflict,
    /// There is a receipt under the request's key: an equal request was first. Nothing was changed.
    #[error("the key has been used meanwhile")]
    KeyUsed,
    /// The caller's cart is guarded by an order that was not seen when this one was decided. Nothing was changed: look
    /// again.
    #[error("the cart has been ordered meanwhile")]
    Guarded,
    /// The task is no longer in these hands. Nothing was changed.
    #[error("the task is another's now")]
    TaskLost,
    /// The database did not say whether it took. It must never be decided again.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// Nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An order as loaded, with the database's now.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The order.
    pub order: Order,
    /// When it was loaded.
    pub now: Timestamp,
}

/// How long a receipt is kept.
pub const RECEIPT_AGE: Duration = Duration::from_hours(24);

/// How long receipts and guards are kept at least after they have ended: longer than any request takes, since a placing
/// that began before a guard's end must still find it.
pub const KEPT_AFTER_END: Duration = Duration::from_mins(1);

/// A request's idempotency key. Only hashes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// A hash of caller, method, path and key.
    pub hash: [u8; 32],
    /// A hash of query and body.
    pub fingerprint: [u8; 32],
}

/// An answer that was given, to be given again byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its status code.
    pub status: u16,
    /// Its headers that have to be the same again.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// A receipt as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReceipt {
    /// The hash of query and body that it was given to.
    pub fingerprint: [u8; 32],
    /// The answer.
    pub receipt: Receipt,
}

/// What placing an order reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placing {
    /// The database's now.
    pub now: Timestamp,
    /// The receipt under the request's key, if there is one that is younger than [`RECEIPT_AGE`].
    pub receipt: Option<StoredReceipt>,
    /// The caller's guards that have not ended.
    pub guards: Vec<LiveGuard>,
}

/// What a commit does to the guard of a placing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuardChange {
    /// A new order is guarded.
    Begins(Guard),
    /// The order is cancelled: its cart may be ordered again.
    Ends,
}

/// What has to be committed for one order, whole or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteSet {
    /// The order afterwards.
    pub order: Order,
    /// The version it was loaded in; `None` for a new one.
    pub base: Option<Version>,
    /// What happened.
    pub events: Vec<Recorded>,
    /// Entries that moved, with the state they were loaded in.
    pub moves: Vec<(EntryNo, EntryState)>,
    /// Entries that were booked.
    pub booked: Vec<EntryNo>,
    /// What is to be done outside.
    pub tasks: Vec<NewTask>,
    /// Of an order that exists: its lines are other ones, and take the place of those that are stored.
    pub relined: bool,
    /// Tasks that would release the order and are in nobody's hands go: it has another time, or none any more.
    pub unscheduled: bool,
    /// The answer to the request, under its key.
    pub receipt: Option<(IdempotencyKey, Receipt)>,
    /// The beginning or the end of its guard.
    pub guard: Option<GuardChange>,
    /// The task that caused it and ends with it.
    pub finishes: Option<ClaimedTask>,
    /// The task that caused it and goes on: its token is checked all the same.
    pub held_by: Option<ClaimedTask>,
    /// The task of the order to which an operator does something.
    pub touches: Option<TaskTouch>,
}

impl WriteSet {
    /// What a change needs to be committed. `ids` are the numbers of its tasks; a missing one leaves its task out, so
    /// give as many as there are.
    pub fn new(change: Change, ids: Vec<TaskId>) -> Self {
        let is_timed = |event: &Event| matches!(event, Event::Rescheduled { .. } | Event::Released);
        let moved = change.events.iter().any(|recorded| is_timed(&recorded.event));
        let cancels = change.events.iter().any(|recorded| matches!(recorded.event, Event::Cancelled { .. }));
        debug_assert_eq!(change.tasks.len(), ids.len(), "a number for each task");
        let tasks = change.tasks.into_iter().zip(ids).map(|(task, id)| NewTask {
            id,
            kind: task.kind,
            order: task.order,
            entry: task.entry,
            seq: task.seq,
            ordinal: task.ordinal,
            due: task.due,
        });
        Self {
            tasks: tasks.collect(),
            unscheduled: moved || cancels && change.order.state().scheduled_for.is_some(),
            order: change.order,
            base: change.base,
            events: change.events,
            moves: change.moves,
            booked: change.booked,
            relined: change.relined,
            receipt: None,
            guard: cancels.then_some(GuardChange::Ends),
            finishes: None,
            held_by: None,
            touches: None,
        }
    }

    /// With the answer to the request.
    #[must_use]
    pub fn with_receipt(mut self, receipt: Option<(IdempotencyKey, Receipt)>) -> Self {
        self.receipt = receipt;
        self
    }

    /// Of a new order: with the guard of its placing.
    #[must_use]
    pub fn guarded(mut self, guard: Guard) -> Self {
        self.guard = Some(GuardChange::Begins(guard));
        self
    }

    /// With the end of the task that caused it.
    #[must_use]
    pub fn finishing(mut self, task: &ClaimedTask) -> Self {
        self.finishes = Some(task.clone());
        self
    }

    /// With what an operator does to a task of the order.
    #[must_use]
    pub fn touching(mut self, touch: Option<TaskTouch>) -> Self {
        self.touches = touch;
        self
    }

    /// Caused by a task that goes on.
    #[must_use]
    pub fn held_by(mut self, task: &ClaimedTask) -> Self {
        self.held_by = Some(task.clone());
        self
    }
}

/// What a commit leaves to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Committed {
    /// The next of the lanes whose head was finished or discarded, if due. (The committed tasks are known to whoever committed.)
    pub unblocked: Vec<TaskRef>,
}

/// The event that a task follows from, as far as a customer is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Whose order it is.
    pub customer: UserId,
    /// What the order costs now.
    pub total: Money,
    /// The name of the event.
    pub kind: String,
    /// The order's status after it, whatever the order has become since.
    pub status: Status,
}

/// Where orders are kept.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait OrderStore: Send + Sync {
    /// The database's now.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn now(&self) -> Result<Timestamp, StoreError>;

    /// The receipt under a key, if there is one that is younger than [`RECEIPT_AGE`].
    ///
    /// # Errors
    /// [`StoreError`].
    async fn receipt(&self, key: IdempotencyKey) -> Result<Option<StoredReceipt>, StoreError>;

    /// What placing an order reads, in one read.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn placing(&self, caller: &UserId, key: Option<IdempotencyKey>) -> Result<Placing, StoreError>;

    /// An order, whole and of one moment; `None` when there is none of that number.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn load(&self, id: OrderId) -> Result<Option<Loaded>, StoreError>;

    /// The order of a task, and whether the task still is in the hands that ask, in one read; `None` when it is not.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn load_for(&self, task: &ClaimedTask) -> Result<Option<Loaded>, StoreError>;

    /// The event that a task follows from, and whether the task still is in the hands that ask, in one read; `None` when
    /// it is not.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn cause_of(&self, task: &ClaimedTask) -> Result<Option<Cause>, StoreError>;

    /// Commits write sets, all or nothing, their orders locked in the order of their ids.
    ///
    /// The guard of an order holds for [`GUARDED`](crate::order::GUARDED) at least, and is open until its cart has been
    /// cleared: the end of that task, done or dead, closes it
    /// ([`TaskKind::clears_cart`](super::TaskKind::clears_cart)). Of an order without a cart it is never open.
    ///
    /// # Errors
    /// [`CommitError`].
    async fn commit(&self, sets: Vec<WriteSet>) -> Result<Committed, CommitError>;

    /// `booked → sent`, committed before a call: holds only at the version that was loaded, and while the task is in
    /// these hands. `Ok(false)`, and nothing changed, when it does not hold: load and decide again.
    ///
    /// # Errors
    /// [`CommitError::Unknown`] or [`CommitError::Store`]: make no call; the next try will see.
    async fn mark_sent(&self, task: &ClaimedTask, version: Version, entry: EntryNo) -> Result<bool, CommitError>;

    /// `sent → booked`, after the one call was refused before it connected: holds only at the version that was loaded,
    /// and while the task is in these hands. `Ok(false)`, and nothing changed, when it does not hold.
    ///
    /// # Errors
    /// [`CommitError::Unknown`] or [`CommitError::Store`]: it stays sent, and is asked again.
    async fn put_back(&self, task: &ClaimedTask, version: Version, entry: EntryNo) -> Result<bool, CommitError>;

    /// Removes receipts and guards that ended over [`KEPT_AFTER_END`] ago, the longest ended first and at most `limit`
    /// of them. How many.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn forget(&self, limit: u32) -> Result<u32, StoreError>;
}

/// Which orders a list shows. Every criterion that is set has to be met.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderFilter {
    /// Of this customer.
    pub customer: Option<UserId>,
    /// Of this courier.
    pub courier: Option<UserId>,
    /// In one of these statuses; empty: in any.
    pub statuses: Vec<Status>,
    /// Of this payment status.
    pub payment_status: Option<PaymentStatus>,
    /// Placed at this moment or later.
    pub created_from: Option<Timestamp>,
    /// Placed at this moment or earlier.
    pub created_to: Option<Timestamp>,
    /// Only those that a courier may take: confirmed or preparing, released, unassigned.
    pub available: bool,
    /// Only those that are wanted at a time that their customer named (`true`), or only the others (`false`).
    pub scheduled: Option<bool>,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many at most, 1..=100.
    pub limit: u32,
    /// Where it begins.
    pub start: PageStart,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// After so many orders, 0..=10,000. Orders that are placed meanwhile move the rest along.
    Offset(u32),
    /// After a place, whether or not the order that had it still meets the filter. What is placed meanwhile moves
    /// nothing, and it takes no longer however far down the list it is.
    After(ListPlace),
}

/// An order's place in every list: the newest first by the moment of placing, at the same moment by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListPlace {
    /// When it was placed.
    pub created_at: Timestamp,
    /// Its number.
    pub id: OrderId,
}

impl ListPlace {
    /// The place of an order.
    pub fn of(order: &Order) -> Self {
        Self { created_at: order.state().created_at, id: order.id() }
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderPage {
    /// Its orders, the newest first.
    pub orders: Vec<Order>,
    /// The place after which the next page begins; `None`: this is the last.
    pub next: Option<ListPlace>,
}

/// An entry of a timeline as it is shown. Its type is a name, since rows of a later version are shown, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineItem {
    /// Its place: 1, 2, 3 …
    pub seq: Version,
    /// What happened.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// As what somebody did it.
    pub role: Role,
    /// Who did it; nobody for the system.
    pub actor: Option<UserId>,
    /// The order's status after it.
    pub status: Status,
    /// The amount, where money moved.
    pub amount: Option<Money>,
    /// Why, in words.
    pub reason: Option<String>,
}

/// What has happened to an order, and who may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// Whose order it is.
    pub customer: UserId,
    /// The courier it is assigned to.
    pub courier: Option<UserId>,
    /// The entries that were asked for, in their sequence.
    pub entries: Vec<TimelineItem>,
}

/// Reads that decide nothing.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait OrderReader: Send + Sync {
    /// A page of orders, the newest first by (`created_at`, id), in two round trips at most. Nothing is counted: whether
    /// there is a next page is known by reading one row more.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn list(&self, filter: &OrderFilter, page: Page) -> Result<OrderPage, StoreError>;

    /// What has happened to an order after its event number `after` (0: all of it), in one round trip; `None` when there
    /// is no order of that number.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn timeline(&self, id: OrderId, after: Version) -> Result<Option<Timeline>, StoreError>;

    /// The versions that these orders are in; of one that is not there, nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn versions(&self, ids: &[OrderId]) -> Result<Vec<(OrderId, Version)>, StoreError>;

    /// Is the database there?
    ///
    /// # Errors
    /// [`StoreError`] when it is not.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// Puts an order together from what a store has read.
///
/// # Errors
/// [`StoreError::Inconsistent`] when it contradicts itself.
impl TryFrom<(OrderState, Ledger)> for Order {
    type Error = StoreError;

    fn try_from((state, ledger): (OrderState, Ledger)) -> Result<Self, StoreError> {
        Self::restore(state, ledger).map_err(|error| StoreError::Inconsistent(error.0))
    }
}
