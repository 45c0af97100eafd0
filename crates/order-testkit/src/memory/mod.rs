//! A store in memory that keeps every promise of the store ports: versions, states of entries, tokens, leases, lanes,
//! receipts, guards, the outbox. Its handle is cheap to clone, and every clone is another instance on the same database.
//!
//! A test steers its clock ([`MemoryStore::advance`]), looks into it ([`MemoryStore::tasks`] and others), makes its
//! calls fail ([`MemoryStore::fail_next`]) and runs something of its own just before one ([`MemoryStore::before_next`]).
//! It keeps nothing on disk, and is not made to be fast.

mod audit;
mod chores;
mod desk;
mod faults;
mod keys;
mod outbox;
mod ports;
mod queue;
mod tables;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};

use order_domain::OrderId;
use order_domain::order::{Order, Recorded};
use order_domain::ports::{Publisher, StoredReceipt};
use order_domain::time::{Duration, Timestamp, after};

use crate::builders::START;

use self::chores::Chores;
use self::faults::Faults;
use self::tables::Tables;

pub use self::chores::StoredChore;
pub use self::faults::{Fault, Op};
pub use self::queue::StoredTask;

/// How many rows of each kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowCounts {
    /// Orders.
    pub orders: usize,
    /// Lines of orders.
    pub lines: usize,
    /// Events of timelines.
    pub events: usize,
    /// Ledger entries.
    pub entries: usize,
    /// Tasks of orders: those that are not finished, and the dead.
    pub tasks: usize,
    /// Receipts, expired ones too.
    pub receipts: usize,
    /// Guards, those that have ended too.
    pub guards: usize,
    /// Events in the outbox.
    pub outbox: usize,
}

/// A handle on a store in memory.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    now: Timestamp,
    tables: Tables,
    chores: Chores,
    /// Who publishes, and until when.
    lease: Option<(Publisher, Timestamp)>,
    faults: Faults,
    last_order: i64,
    last_task: i64,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store, at [`START`]. Its numbers begin at 1, its chores are due.
    pub fn new() -> Self {
        let (tables, faults) = (Tables::default(), Faults::default());
        let chores = Chores::due(START);
        let shared = Shared { now: START, tables, chores, lease: None, faults, last_order: 0, last_task: 0 };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A commit is put in place whole, so a panic while the lock was held has left nothing half done.
        crate::lock(&self.shared)
    }

    /// The database's now.
    pub fn now(&self) -> Timestamp {
        self.lock().now
    }

    /// Time passes: tasks become due, leases run out, receipts age.
    pub fn advance(&self, time: Duration) {
        let mut shared = self.lock();
        shared.now = after(shared.now, time);
    }

    /// Time passes until this moment; never back.
    pub fn advance_to(&self, moment: Timestamp) {
        let mut shared = self.lock();
        shared.now = shared.now.max(moment);
    }

    /// An order, without a call that could fail.
    pub fn order(&self, id: OrderId) -> Option<Order> {
        self.lock().tables.orders.get(&id).map(|row| row.order.clone())
    }

    /// All orders, by number.
    pub fn orders(&self) -> Vec<Order> {
        self.lock().tables.orders.values().map(|row| row.order.clone()).collect()
    }

    /// The events of an order as they were committed.
    pub fn events(&self, id: OrderId) -> Vec<Recorded> {
        self.lock().tables.orders.get(&id).map(|row| row.events.clone()).unwrap_or_default()
    }

    /// All tasks that are not finished, the dead ones too, by number.
    pub fn tasks(&self) -> Vec<StoredTask> {
        self.lock().tables.tasks.values().cloned().collect()
    }

    /// The dead tasks, by number.
    pub fn dead_tasks(&self) -> Vec<StoredTask> {
        self.lock().tables.tasks.values().filter(|task| task.dead).cloned().collect()
    }

    /// All receipts, expired ones too, by the hash of their key.
    pub fn receipts(&self) -> Vec<([u8; 32], StoredReceipt)> {
        self.lock().tables.keys.receipts()
    }

    /// Orders that are guarded until their cart is cleared.
    pub fn open_guards(&self) -> Vec<OrderId> {
        self.lock().tables.keys.open()
    }

    /// All chores.
    pub fn chores(&self) -> Vec<StoredChore> {
        self.lock().chores.all()
    }

    /// How many rows of each kind there are.
    pub fn counts(&self) -> RowCounts {
        self.lock().tables.counts()
    }

    /// The next call of this kind fails so. Faults of one kind are met in the order in which they were given.
    pub fn fail_next(&self, op: Op, fault: Fault) {
        self.lock().faults.fail_next(op, fault);
    }

    /// The database goes away, or comes back: while it is away, every call fails.
    pub fn set_away(&self, away: bool) {
        self.lock().faults.away = away;
    }

    /// Just before the next call of this kind takes effect, `hook` runs to its end: another writer who is faster. Its
    /// own calls meet the hook after it, if there is one.
    pub fn before_next<F>(&self, op: Op, hook: impl FnOnce(Self) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let store = self.clone();
        self.lock().faults.before_next(op, Box::new(move || Box::pin(hook(store))));
    }

    /// How often this call has been made, failed ones too.
    pub fn calls(&self, op: Op) -> usize {
        self.lock().faults.calls(op)
    }
}
