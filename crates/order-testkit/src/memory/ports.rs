//! The ports, over the tables.

use async_trait::async_trait;
use order_domain::order::{Order, Recorded, Status, Version};
use order_domain::payment::EntryState;
use order_domain::ports::{
    Cause, Claim, ClaimedChore, ClaimedTask, Clock, CommitError, Committed, Failure, Figures, IdGenerator,
    IdempotencyKey, ListPlace, Loaded, OrderFilter, OrderPage, OrderReader, OrderStore, Page, PageStart, Placing, Rest,
    StoreError, StoredReceipt, Sweep, TaskRef, TaskStore, Timeline, TimelineItem, WriteSet,
};
use order_domain::time::Timestamp;
use order_domain::{EntryNo, OrderId, TaskId, UserId};

use super::faults::{Fault, Op, unavailable};
use super::{MemoryStore, Shared};

impl MemoryStore {
    /// Everybody who waits for the database lets others go on; then whatever the test has planned happens first.
    async fn arrive(&self, op: Op) -> Option<Fault> {
        let hook = self.lock().faults.take_hook(op);
        match hook {
            Some(hook) => hook().await,
            None => tokio::task::yield_now().await,
        }
        self.lock().faults.take_fault(op)
    }

    pub(super) async fn call<T>(
        &self,
        op: Op,
        work: impl FnOnce(&mut Shared) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self.arrive(op).await {
            None => work(&mut self.lock()),
            Some(Fault::DoneButUnknown) => work(&mut self.lock()).and(Err(unavailable())),
            Some(Fault::Unavailable | Fault::Conflict | Fault::UndoneButUnknown) => Err(unavailable()),
        }
    }

    /// A call that may end without it being known how; `miss` is what a planned conflict answers.
    async fn write<T>(
        &self,
        op: Op,
        miss: Result<T, CommitError>,
        work: impl FnOnce(&mut Shared) -> Result<T, CommitError>,
    ) -> Result<T, CommitError> {
        let unknown = || CommitError::Unknown("as the test wants it".into());
        match self.arrive(op).await {
            None => work(&mut self.lock()),
            Some(Fault::Unavailable) => Err(unavailable().into()),
            Some(Fault::Conflict) => miss,
            Some(Fault::DoneButUnknown) => work(&mut self.lock()).and(Err(unknown())),
            Some(Fault::UndoneButUnknown) => Err(unknown()),
        }
    }
}

impl Shared {
    fn load(&self, id: OrderId) -> Option<Loaded> {
        self.tables.orders.get(&id).map(|row| Loaded { order: row.order.clone(), now: self.now })
    }
}

#[async_trait]
impl OrderStore for MemoryStore {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.call(Op::Now, |db| Ok(db.now)).await
    }

    async fn receipt(&self, key: IdempotencyKey) -> Result<Option<StoredReceipt>, StoreError> {
        self.call(Op::Receipt, |db| Ok(db.tables.keys.receipt(key, db.now))).await
    }

    async fn placing(&self, caller: &UserId, key: Option<IdempotencyKey>) -> Result<Placing, StoreError> {
        self.call(Op::Placing, |db| {
            let (now, keys) = (db.now, &db.tables.keys);
            let receipt = key.and_then(|key| keys.receipt(key, now));
            Ok(Placing { now, receipt, guards: keys.guards(caller, now) })
        })
        .await
    }

    async fn load(&self, id: OrderId) -> Result<Option<Loaded>, StoreError> {
        self.call(Op::Load, |db| Ok(db.load(id))).await
    }

    async fn load_for(&self, task: &ClaimedTask) -> Result<Option<Loaded>, StoreError> {
        self.call(Op::LoadFor, |db| Ok(if db.tables.is_held(task) { db.load(task.order) } else { None })).await
    }

    async fn cause_of(&self, task: &ClaimedTask) -> Result<Option<Cause>, StoreError> {
        self.call(Op::CauseOf, |db| Ok(db.tables.cause_of(task))).await
    }

    async fn commit(&self, sets: Vec<WriteSet>) -> Result<Committed, CommitError> {
        self.write(Op::Commit, Err(CommitError::Conflict), |db| {
            let (tables, committed) = db.tables.committed(sets, db.now)?;
            db.tables = tables;
            Ok(committed)
        })
        .await
    }

    async fn mark_sent(&self, task: &ClaimedTask, version: Version, entry: EntryNo) -> Result<bool, CommitError> {
        self.write(Op::MarkSent, Ok(false), |db| {
            let now = db.now;
            let loaded = (version, entry, EntryState::Booked);
            db.tables.shift(task, loaded, |order| order.mark_sent(entry, now).map(|_| ()))
        })
        .await
    }

    async fn put_back(&self, task: &ClaimedTask, version: Version, entry: EntryNo) -> Result<bool, CommitError> {
        self.write(Op::PutBack, Ok(false), |db| {
            let now = db.now;
            let loaded = (version, entry, EntryState::Sent);
            db.tables.shift(task, loaded, |order| order.put_back(entry, now))
        })
        .await
    }

    async fn forget(&self, limit: u32) -> Result<u32, StoreError> {
        self.call(Op::Forget, |db| Ok(db.tables.keys.forget(limit, db.now))).await
    }
}

#[async_trait]
impl OrderReader for MemoryStore {
    async fn list(&self, filter: &OrderFilter, page: Page) -> Result<OrderPage, StoreError> {
        self.call(Op::List, |db| {
            let mut found = Vec::new();
            for row in db.tables.orders.values() {
                if shows(filter, &row.order)? {
                    found.push(&row.order);
                }
            }
            found.sort_by_key(|order| std::cmp::Reverse(ListPlace::of(order)));
            let before = match page.start {
                PageStart::Offset(offset) => offset as usize,
                PageStart::After(place) => found.iter().filter(|order| ListPlace::of(order) >= place).count(),
            };
            let limit = page.limit as usize;
            let more = found.len() > before + limit;
            let orders: Vec<Order> = found.into_iter().skip(before).take(limit).cloned().collect();
            let next = orders.last().filter(|_| more).map(ListPlace::of);
            Ok(OrderPage { orders, next })
        })
        .await
    }

    async fn timeline(&self, id: OrderId, after: Version) -> Result<Option<Timeline>, StoreError> {
        self.call(Op::Timeline, |db| {
            let Some(row) = db.tables.orders.get(&id) else { return Ok(None) };
            let state = row.order.state();
            let entries = row.events.iter().filter(|event| event.seq > after).map(item).collect();
            Ok(Some(Timeline { customer: state.customer.clone(), courier: state.courier.clone(), entries }))
        })
        .await
    }

    async fn versions(&self, ids: &[OrderId]) -> Result<Vec<(OrderId, Version)>, StoreError> {
        let ids = ids.to_vec();
        self.call(Op::Versions, |db| {
            let version = |id| Some((id, db.tables.orders.get(&id)?.order.version()));
            Ok(ids.into_iter().filter_map(version).collect())
        })
        .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.call(Op::Ping, |_| Ok(())).await
    }
}

fn shows(filter: &OrderFilter, order: &Order) -> Result<bool, StoreError> {
    let OrderFilter { customer, courier, statuses, payment_status, created_from, created_to, available, scheduled } =
        filter;
    let state = order.state();
    let paid_so = match payment_status {
        None => true,
        Some(wanted) => order.payment_status().map_err(|error| StoreError::Inconsistent(error.0))? == *wanted,
    };
    let open = matches!(state.status, Status::Confirmed | Status::Preparing) && state.released_at.is_some();
    Ok(paid_so
        && customer.as_ref().is_none_or(|customer| state.customer == *customer)
        && courier.as_ref().is_none_or(|courier| state.courier.as_ref() == Some(courier))
        && (statuses.is_empty() || statuses.contains(&state.status))
        && created_from.is_none_or(|from| state.created_at >= from)
        && created_to.is_none_or(|to| state.created_at <= to)
        && scheduled.is_none_or(|scheduled| state.scheduled_for.is_some() == scheduled)
        && (!available || (open && state.courier.is_none())))
}

fn item(event: &Recorded) -> TimelineItem {
    TimelineItem {
        seq: event.seq,
        kind: event.event.name().to_owned(),
        at: event.at,
        role: event.actor.role(),
        actor: event.actor.id().cloned(),
        status: event.status,
        amount: event.amount,
        reason: event.event.note().map(|note| note.as_str().to_owned()),
    }
}

#[async_trait]
impl TaskStore for MemoryStore {
    async fn claim(&self, claim: &Claim) -> Result<Sweep, StoreError> {
        self.call(Op::Claim, |db| {
            let mut sweep = db.tables.claim(claim, db.now);
            sweep.chores = db.chores.claim(claim, db.now);
            if !claim.chores.is_empty() {
                sweep.next_due = sweep.next_due.into_iter().chain(db.chores.next_due(db.now)).min();
            }
            Ok(sweep)
        })
        .await
    }

    async fn finish(&self, task: &ClaimedTask) -> Result<Option<TaskRef>, StoreError> {
        self.call(Op::Finish, |db| Ok(db.tables.finish(task, db.now))).await
    }

    async fn fail(&self, task: &ClaimedTask, failure: &Failure) -> Result<bool, StoreError> {
        self.call(Op::Fail, |db| db.tables.fail(task, failure, db.now)).await
    }

    async fn hand_back(&self, task: &ClaimedTask) -> Result<(), StoreError> {
        self.call(Op::HandBack, |db| {
            db.tables.hand_back(task, db.now);
            Ok(())
        })
        .await
    }

    async fn figures(&self) -> Result<Figures, StoreError> {
        self.call(Op::Figures, |db| Ok(db.tables.figures(&db.chores, db.now))).await
    }

    async fn rest(&self, chore: &ClaimedChore, rest: &Rest) -> Result<bool, StoreError> {
        self.call(Op::Rest, |db| Ok(db.chores.rest(chore, rest, db.now))).await
    }

    async fn hand_back_chore(&self, chore: &ClaimedChore) -> Result<(), StoreError> {
        self.call(Op::HandBack, |db| {
            db.chores.hand_back(chore, db.now);
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl IdGenerator for MemoryStore {
    async fn order_id(&self) -> Result<OrderId, StoreError> {
        self.call(Op::Ids, |db| {
            db.last_order += 1;
            Ok(OrderId::new(db.last_order).expect("a number within range"))
        })
        .await
    }

    async fn task_ids(&self, count: usize) -> Result<Vec<TaskId>, StoreError> {
        self.call(Op::Ids, |db| {
            let first = db.last_task + 1;
            db.last_task += i64::try_from(count).expect("a count within range");
            Ok((first..=db.last_task).map(|id| TaskId::new(id).expect("a number within range")).collect())
        })
        .await
    }
}

/// The process's idea of the database's time is exact.
impl Clock for MemoryStore {
    fn now(&self) -> Timestamp {
        MemoryStore::now(self)
    }
}
