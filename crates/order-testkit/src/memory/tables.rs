//! The rows, and what a commit does to them. A commit works on a copy that is put in place when all of it has taken, so
//! it is all or nothing by construction. Rows are shared between the copies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use order_domain::order::{Inconsistent, Order, Recorded, Version};
use order_domain::payment::{Entry, EntryState, Ledger};
use order_domain::ports::{ClaimedTask, CommitError, Committed, Pause, StoreError, TaskKind, WriteSet};
use order_domain::time::Timestamp;
use order_domain::{EntryNo, OrderId, TaskId};

use super::RowCounts;
use super::keys::Keys;
use super::queue::StoredTask;

#[derive(Clone)]
pub(super) struct OrderRow {
    pub(super) order: Order,
    pub(super) events: Vec<Recorded>,
}

#[derive(Clone, Default)]
pub(super) struct Tables {
    pub(super) orders: BTreeMap<OrderId, Arc<OrderRow>>,
    pub(super) tasks: BTreeMap<TaskId, StoredTask>,
    pub(super) keys: Keys,
    /// Events that are not published.
    pub(super) outbox: BTreeSet<(OrderId, Version)>,
    /// Kinds of which nothing is claimed.
    pub(super) paused: BTreeMap<TaskKind, Pause>,
}

impl Tables {
    pub(super) fn counts(&self) -> RowCounts {
        let rows = self.orders.values();
        let (receipts, guards) = self.keys.counts();
        RowCounts {
            orders: self.orders.len(),
            lines: rows.clone().map(|row| row.order.state().lines.len()).sum(),
            events: rows.clone().map(|row| row.events.len()).sum(),
            entries: rows.map(|row| row.order.ledger().entries().len()).sum(),
            tasks: self.tasks.len(),
            receipts,
            guards,
            outbox: self.outbox.len(),
        }
    }

    /// The tables after a commit, or why it does not take.
    pub(super) fn committed(&self, mut sets: Vec<WriteSet>, now: Timestamp) -> Result<(Self, Committed), CommitError> {
        let mut after = self.clone();
        let mut finished = Vec::new();
        sets.sort_by_key(|set| set.order.id());
        for set in sets {
            after.write_order(&set)?;
            if let Some(change) = &set.guard {
                after.keys.change_guard(&set.order, change, now)?;
            }
            if set.unscheduled {
                after.unschedule(&set, now);
            }
            for task in &set.tasks {
                after.add_task(StoredTask::new(task, set.order.state().updated_at))?;
            }
            if let Some(kept) = set.receipt.clone() {
                after.keys.add_receipt(set.order.id(), kept, now)?;
            }
            if let Some(task) = &set.held_by
                && !after.is_held(task)
            {
                return Err(CommitError::TaskLost);
            }
            if let Some(task) = &set.finishes {
                finished.push(after.take_off(task, now).ok_or(CommitError::TaskLost)?);
            }
            if let Some(touch) = &set.touches {
                finished.extend(after.touch(set.order.id(), touch, now)?);
            }
        }
        let unblocked = finished.iter().filter_map(|task| after.next_of_lane(task, now)).collect();
        Ok((after, Committed { unblocked }))
    }

    fn write_order(&mut self, set: &WriteSet) -> Result<(), CommitError> {
        let id = set.order.id();
        let stored = match (set.base, self.orders.get(&id)) {
            (None, None) => None,
            (Some(base), Some(row)) if row.order.version() == base => Some(row),
            (None, Some(_)) | (Some(_), None | Some(_)) => return Err(CommitError::Conflict),
        };
        let mut events = stored.map(|row| row.events.clone()).unwrap_or_default();
        events.extend(set.events.iter().cloned());
        self.outbox.extend(set.events.iter().map(|event| (id, event.seq)));
        let gapless = (1..).zip(&events).all(|(seq, event)| event.seq == seq);
        if !gapless || i64::try_from(events.len()) != Ok(set.order.version()) {
            let detail = format!("order {id}: its events do not lead to version {}", set.order.version());
            return Err(StoreError::Inconsistent(detail).into());
        }
        let ledger = merged(stored.map(|row| row.order.ledger()), set)?;
        let order = Order::restore(set.order.state().clone(), ledger).map_err(inconsistent)?;
        self.orders.insert(id, Arc::new(OrderRow { order, events }));
        Ok(())
    }

    /// What would release the order and is in nobody's hands goes; the task that caused the change ends by itself.
    fn unschedule(&mut self, set: &WriteSet, now: Timestamp) {
        let own = set.finishes.as_ref().or(set.held_by.as_ref()).map(|task| task.id);
        self.tasks.retain(|id, task| {
            let held = task.leased && task.run_at > now;
            task.order != set.order.id() || task.kind != TaskKind::Release || Some(*id) == own || held
        });
    }

    fn add_task(&mut self, task: StoredTask) -> Result<(), CommitError> {
        let id = task.id;
        match self.tasks.insert(id, task) {
            None => Ok(()),
            Some(_) => Err(StoreError::Inconsistent(format!("there is a task {id} already")).into()),
        }
    }

    /// Changes an order that moves without an event: nothing happens unless the task is held, the version is `version`
    /// and the entry stands where it was loaded.
    pub(super) fn shift(
        &mut self,
        task: &ClaimedTask,
        (version, entry, from): (i64, EntryNo, EntryState),
        change: impl FnOnce(&mut Order) -> Result<(), Inconsistent>,
    ) -> Result<bool, CommitError> {
        let held = self.is_held(task);
        let Some(row) = self.orders.get_mut(&task.order) else { return Ok(false) };
        let stands = row.order.ledger().get(entry).is_some_and(|entry| entry.state == from);
        if !held || row.order.version() != version || !stands {
            return Ok(false);
        }
        change(&mut Arc::make_mut(row).order).map_err(inconsistent)?;
        Ok(true)
    }

    /// Rewrites an entry's notes, which are no event.
    pub(super) fn note(&mut self, id: OrderId, n: EntryNo, note: impl Fn(&mut Entry)) -> Result<(), StoreError> {
        let Some(row) = self.orders.get_mut(&id) else { return Ok(()) };
        let ledger = row.order.ledger();
        let mut entries = ledger.entries().to_vec();
        entries.iter_mut().filter(|entry| entry.n == n).for_each(note);
        let state = row.order.state().clone();
        let ledger = Ledger::restore(state.currency, entries).map_err(|error| StoreError::Inconsistent(error.0))?;
        Arc::make_mut(row).order = Order::try_from((state, ledger))?;
        Ok(())
    }
}

/// The ledger after a commit: entries that moved must stand where they were loaded; of the others the stored rows stay,
/// whatever the committed order says of them; and what tries have left on an entry stays.
fn merged(stored: Option<&Ledger>, set: &WriteSet) -> Result<Ledger, CommitError> {
    let loaded = set.order.ledger();
    let mut entries = Vec::with_capacity(loaded.entries().len());
    for new in loaded.entries() {
        let row = stored.and_then(|ledger| ledger.get(new.n));
        let moved = set.moves.iter().find(|(n, _)| *n == new.n);
        entries.push(match (row, moved, set.booked.contains(&new.n)) {
            (None, None, true) => new.clone(),
            (Some(row), Some((_, was)), false) if row.state == *was => Entry {
                first_tried_at: row.first_tried_at,
                attempts: row.attempts,
                refusals: row.refusals,
                refused_at: row.refused_at,
                last_error: row.last_error.clone(),
                ..new.clone()
            },
            (Some(row), None, false) => row.clone(),
            (Some(_), Some(_), false) => return Err(CommitError::Conflict),
            _ => return Err(StoreError::Inconsistent(format!("entry {} is neither booked nor there", new.n)).into()),
        });
    }
    Ok(Ledger::restore(set.order.state().currency, entries).map_err(inconsistent)?)
}

fn inconsistent(error: Inconsistent) -> StoreError {
    StoreError::Inconsistent(error.0)
}
