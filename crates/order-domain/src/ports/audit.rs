//! What audits read: orders as their rows are, whatever is wrong with them, and the ledger's entries across orders.
//!
//! Every read is bounded, so a database of any size is gone through in constant memory.

use async_trait::async_trait;

use crate::audit::StoredSums;
use crate::ids::{EntryNo, OrderId};
use crate::money::Money;
use crate::order::{OrderState, Status, Version};
use crate::payment::{EntryKind, EntryState, Ledger, PaymentMethod, Purpose};
use crate::time::Timestamp;

use super::desk::OpenTask;
use super::store::StoreError;

/// An order as its rows are.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditedOrder {
    /// Its number.
    pub id: OrderId,
    /// What its rows say; or why they can't be read.
    pub rows: Result<AuditedRows, String>,
    /// Its tasks that are not done, the dead ones too.
    pub tasks: Vec<AuditedTask>,
    /// Hashes of the keys under which it was placed, as far as they are kept.
    pub keys: Vec<[u8; 32]>,
    /// Its events that wait in the outbox, in their sequence.
    pub unpublished: Vec<Version>,
}

/// What the rows of an order say.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditedRows {
    /// Everything of it, its ledger aside.
    pub state: OrderState,
    /// Its ledger; or why it can be none.
    pub ledger: Result<Ledger, String>,
    /// The columns that repeat what the ledger says.
    pub sums: StoredSums,
    /// Its events, in the sequence of their numbers.
    pub events: Vec<AuditedEvent>,
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedEvent {
    /// Its place.
    pub seq: Version,
    /// Its name, which may be one of a later version.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// The order's status after it.
    pub status: Status,
}

/// A task that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedTask {
    /// The task.
    pub task: OpenTask,
    /// A worker has it, and its lease is over.
    pub lease_expired: bool,
}

/// Orders by their numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditBatch {
    /// The orders.
    pub orders: Vec<AuditedOrder>,
    /// The database's now, when they were read.
    pub now: Timestamp,
}

/// An entry of a ledger, with what it takes to find it at the payment service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerLine {
    /// Of which order.
    pub order: OrderId,
    /// Its number there.
    pub n: EntryNo,
    /// Taken or given back.
    pub kind: EntryKind,
    /// What for.
    pub purpose: Purpose,
    /// How much.
    pub amount: Money,
    /// How.
    pub method: PaymentMethod,
    /// How far it has come.
    pub state: EntryState,
    /// When it settled.
    pub settled_at: Option<Timestamp>,
}

/// The entries that settled in a period: in the order of their settlement, of the same moment by order and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettledPlace {
    /// When it settled.
    pub at: Timestamp,
    /// Of which order.
    pub order: OrderId,
    /// Its number there.
    pub n: EntryNo,
}

/// Where audits read.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AuditReader: Send + Sync {
    /// The largest number of an order; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn last_order(&self) -> Result<Option<OrderId>, StoreError>;

    /// The next orders by number after one (`None`: from the first), `limit` at most, all as they are at one moment.
    /// Rows that contradict themselves are handed in, never an error.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn orders_after(&self, after: Option<OrderId>, limit: u32) -> Result<AuditBatch, StoreError>;

    /// These entries; of one that is not there, nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn entries(&self, wanted: &[(OrderId, EntryNo)]) -> Result<Vec<LedgerLine>, StoreError>;

    /// Online entries that settled from `from` on and before `until`, after a place (`None`: from the first), `limit` at
    /// most.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn settled(
        &self,
        from: Timestamp,
        until: Timestamp,
        after: Option<SettledPlace>,
        limit: u32,
    ) -> Result<Vec<LedgerLine>, StoreError>;
}
