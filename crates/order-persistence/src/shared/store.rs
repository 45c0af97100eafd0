//! The ports over an engine: each call is one unit of work on one connection, finished even if its caller goes away.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;
use order_domain::order::Version;
use order_domain::ports::{
    AuditBatch, AuditReader, Cause, Claim, ClaimedChore, ClaimedTask, CommitError, Committed, EventHistory, Failure,
    Figures, HistoryPlace, HistorySpan, IdGenerator, IdempotencyKey, KEPT_AFTER_END, KindStatus, LedgerLine, Loaded,
    OpenTask, OrderFilter, OrderPage, OrderReader, OrderStore, Outbox, Outgoing, Page, Placing, Publisher, Rest,
    SettledPlace, StoreError, StoredReceipt, StreamEvent, Sweep, TaskDesk, TaskFilter, TaskKind, TaskPage, TaskPlace,
    TaskRef, TaskStore, Timeline, Unpublished, WriteSet,
};
use order_domain::time::{Duration, Timestamp};
use order_domain::{EntryNo, OrderId, TaskId, UserId};
use order_faults::around;

use super::dialect::{self, Database};
use super::statements::Mark;
use super::{audit, claim, desk, ends, events, figures, list, load, outbox, timeline, write};
use crate::id_blocks::{IdBlocks, Ids};

/// All stores over one database.
#[derive(Clone)]
pub struct Store {
    pub(super) db: Database,
    pub(super) ids: Arc<IdBlocks>,
}

impl Store {
    pub(super) fn over(db: Database) -> Self {
        Self { db, ids: Arc::new(IdBlocks::default()) }
    }
}

#[async_trait]
impl OrderStore for Store {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(self.db.read(|conn| load::now(conn).boxed()).await?)
    }

    async fn receipt(&self, key: IdempotencyKey) -> Result<Option<StoredReceipt>, StoreError> {
        Ok(self.db.read(move |conn| load::receipt(conn, key).boxed()).await?)
    }

    async fn placing(&self, caller: &UserId, key: Option<IdempotencyKey>) -> Result<Placing, StoreError> {
        let caller = caller.clone();
        Ok(self.db.read(move |conn| async move { load::placing(conn, &caller, key).await }.boxed()).await?)
    }

    async fn load(&self, id: OrderId) -> Result<Option<Loaded>, StoreError> {
        Ok(self.db.read(move |conn| load::order(conn, id).boxed()).await?)
    }

    async fn load_for(&self, task: &ClaimedTask) -> Result<Option<Loaded>, StoreError> {
        let task = task.clone();
        Ok(self.db.read(move |conn| async move { load::order_for(conn, &task).await }.boxed()).await?)
    }

    async fn cause_of(&self, task: &ClaimedTask) -> Result<Option<Cause>, StoreError> {
        let task = task.clone();
        Ok(self.db.read(move |conn| async move { load::cause_of(conn, &task).await }.boxed()).await?)
    }

    async fn commit(&self, sets: Vec<WriteSet>) -> Result<Committed, CommitError> {
        if sets.iter().any(|set| set.base.is_none()) {
            Ok(around!("commit.place", dialect::commit(&self.db, sets).await)?)
        } else {
            Ok(around!("commit.change", dialect::commit(&self.db, sets).await)?)
        }
    }

    async fn mark_sent(&self, task: &ClaimedTask, version: Version, entry: EntryNo) -> Result<bool, CommitError> {
        around!("commit.mark_sent", self.mark(task, version, entry, Mark::Sent).await)
    }

    async fn put_back(&self, task: &ClaimedTask, version: Version, entry: EntryNo) -> Result<bool, CommitError> {
        around!("commit.put_back", self.mark(task, version, entry, Mark::PutBack).await)
    }

    async fn forget(&self, limit: u32) -> Result<u32, StoreError> {
        let forget = self.db.single(move |conn| write::forget(conn, KEPT_AFTER_END, limit).boxed());
        Ok(around!("commit.forget", forget.await)?)
    }
}

impl Store {
    async fn mark(
        &self,
        task: &ClaimedTask,
        version: Version,
        entry: EntryNo,
        mark: Mark,
    ) -> Result<bool, CommitError> {
        let task = task.clone();
        let done = self.db.single(move |conn| {
            let task = task.clone();
            async move { write::mark(conn, &task, version, entry, mark).await }.boxed()
        });
        Ok(done.await?)
    }
}

#[async_trait]
impl OrderReader for Store {
    async fn list(&self, filter: &OrderFilter, page: Page) -> Result<OrderPage, StoreError> {
        let filter = filter.clone();
        Ok(self.db.read(move |conn| async move { list::page(conn, &filter, page).await }.boxed()).await?)
    }

    async fn timeline(&self, id: OrderId, after: Version) -> Result<Option<Timeline>, StoreError> {
        Ok(self.db.read(move |conn| timeline::entries(conn, id, after).boxed()).await?)
    }

    async fn versions(&self, ids: &[OrderId]) -> Result<Vec<(OrderId, Version)>, StoreError> {
        let ids = ids.to_vec();
        Ok(self.db.read(move |conn| async move { timeline::versions(conn, &ids).await }.boxed()).await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.db.read(move |conn| load::now(conn).boxed()).await?;
        Ok(())
    }
}

async fn next_block(db: &Database, ids: Ids) -> Result<Range<i64>, StoreError> {
    around!("ids.block", dialect::next_block(db, ids).await)
}

#[async_trait]
impl TaskStore for Store {
    async fn claim(&self, claim: &Claim) -> Result<Sweep, StoreError> {
        let claim = claim.clone();
        let done = self.db.single(move |conn| {
            let claim = claim.clone();
            async move { claim::claim(conn, &claim).await }.boxed()
        });
        Ok(around!("commit.claim", done.await)?)
    }

    async fn finish(&self, task: &ClaimedTask) -> Result<Option<TaskRef>, StoreError> {
        let task = task.clone();
        let done = self.db.single(move |conn| {
            let task = task.clone();
            async move { ends::finish(conn, &task).await }.boxed()
        });
        Ok(around!("commit.finish", done.await)?)
    }

    async fn fail(&self, task: &ClaimedTask, failure: &Failure) -> Result<bool, StoreError> {
        let given = (task.clone(), failure.clone());
        let done = self.db.single(move |conn| {
            let (task, failure) = given.clone();
            async move { ends::fail(conn, &task, &failure).await }.boxed()
        });
        Ok(around!("commit.fail", done.await)?)
    }

    async fn hand_back(&self, task: &ClaimedTask) -> Result<(), StoreError> {
        let (id, token) = (task.id, task.token);
        let done = self.db.single(move |conn| ends::hand_back(conn, id, token).boxed());
        Ok(around!("commit.hand_back", done.await)?)
    }

    async fn rest(&self, chore: &ClaimedChore, rest: &Rest) -> Result<bool, StoreError> {
        let given = (chore.clone(), rest.clone());
        let done = self.db.single(move |conn| {
            let (chore, rest) = given.clone();
            async move { ends::rest(conn, &chore, &rest).await }.boxed()
        });
        Ok(around!("commit.rest", done.await)?)
    }

    async fn figures(&self) -> Result<Figures, StoreError> {
        Ok(self.db.read(|conn| figures::figures(conn).boxed()).await?)
    }

    async fn hand_back_chore(&self, chore: &ClaimedChore) -> Result<(), StoreError> {
        let (id, token) = (chore.id, chore.token);
        Ok(self.db.single(move |conn| ends::hand_back(conn, id, token).boxed()).await?)
    }
}

#[async_trait]
impl TaskDesk for Store {
    async fn tasks(&self, filter: TaskFilter, limit: u32, after: Option<TaskPlace>) -> Result<TaskPage, StoreError> {
        Ok(self.db.read(move |conn| desk::tasks(conn, filter, limit, after).boxed()).await?)
    }

    async fn task(&self, id: TaskId) -> Result<Option<OpenTask>, StoreError> {
        Ok(self.db.read(move |conn| desk::task(conn, id).boxed()).await?)
    }

    async fn kinds(&self) -> Result<Vec<KindStatus>, StoreError> {
        Ok(self.db.read(|conn| desk::kinds(conn).boxed()).await?)
    }

    async fn pause(&self, kind: TaskKind, by: &UserId) -> Result<(), StoreError> {
        let by = by.clone();
        let paused = self.db.single(move |conn| {
            let by = by.clone();
            async move { desk::pause(conn, kind, &by).await }.boxed()
        });
        Ok(paused.await?)
    }

    async fn resume(&self, kind: TaskKind) -> Result<(), StoreError> {
        Ok(self.db.single(move |conn| desk::resume(conn, kind).boxed()).await?)
    }
}

#[async_trait]
impl AuditReader for Store {
    async fn last_order(&self) -> Result<Option<OrderId>, StoreError> {
        Ok(self.db.read(|conn| audit::last_order(conn).boxed()).await?)
    }

    async fn orders_after(&self, after: Option<OrderId>, limit: u32) -> Result<AuditBatch, StoreError> {
        Ok(self.db.snapshot(move |conn| audit::orders_after(conn, after, limit).boxed()).await?)
    }

    async fn entries(&self, wanted: &[(OrderId, EntryNo)]) -> Result<Vec<LedgerLine>, StoreError> {
        let wanted = wanted.to_vec();
        Ok(self.db.read(move |conn| async move { audit::entries(conn, &wanted).await }.boxed()).await?)
    }

    async fn settled(
        &self,
        from: Timestamp,
        until: Timestamp,
        after: Option<SettledPlace>,
        limit: u32,
    ) -> Result<Vec<LedgerLine>, StoreError> {
        Ok(self.db.read(move |conn| audit::settled(conn, from, until, after, limit).boxed()).await?)
    }
}

#[async_trait]
impl Outbox for Store {
    async fn next(&self, publisher: Publisher, lease: Duration, limit: u32) -> Result<Option<Outgoing>, StoreError> {
        Ok(around!("commit.lease", outbox::next(&self.db, publisher, lease, limit).await)?)
    }

    async fn published(&self, events: &[(OrderId, Version)]) -> Result<(), StoreError> {
        let events: Arc<[_]> = events.into();
        let done = self.db.single(move |conn| {
            let events = Arc::clone(&events);
            async move { outbox::published(conn, &events).await }.boxed()
        });
        Ok(around!("commit.published", done.await)?)
    }

    async fn leave(&self, publisher: Publisher) -> Result<(), StoreError> {
        Ok(self.db.single(move |conn| events::leave(conn, publisher).boxed()).await?)
    }

    async fn unpublished(&self) -> Result<Unpublished, StoreError> {
        Ok(self.db.read(|conn| events::unpublished(conn).boxed()).await?)
    }
}

#[async_trait]
impl EventHistory for Store {
    async fn events(
        &self,
        span: HistorySpan,
        after: Option<HistoryPlace>,
        limit: u32,
    ) -> Result<Vec<StreamEvent>, StoreError> {
        Ok(self.db.read(move |conn| events::history(conn, span, after, limit).boxed()).await?)
    }
}

#[async_trait]
impl IdGenerator for Store {
    async fn order_id(&self) -> Result<OrderId, StoreError> {
        let id = self.ids.orders.take(1, || next_block(&self.db, Ids::Orders)).await?;
        OrderId::new(id.first().copied().unwrap_or_default())
            .map_err(|error| StoreError::Inconsistent(error.to_string()))
    }

    async fn task_ids(&self, count: usize) -> Result<Vec<TaskId>, StoreError> {
        let ids = self.ids.rows.take(count, || next_block(&self.db, Ids::Rows)).await?;
        let id = |id| TaskId::new(id).map_err(|error| StoreError::Inconsistent(error.to_string()));
        ids.into_iter().map(id).collect()
    }
}
