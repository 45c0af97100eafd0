//! The operator's desk, over the tables.

use async_trait::async_trait;
use order_domain::ports::{
    CommitError, KindStatus, OpenTask, Pause, StoreError, TaskDeed, TaskDesk, TaskFilter, TaskKind, TaskPage,
    TaskPlace, TaskState, TaskTouch,
};
use order_domain::time::Timestamp;
use order_domain::{OrderId, TaskId, UserId};

use super::MemoryStore;
use super::faults::Op;
use super::queue::StoredTask;
use super::tables::Tables;

impl StoredTask {
    pub(super) fn open(&self, now: Timestamp) -> OpenTask {
        let state = match (self.dead, self.leased && self.run_at > now) {
            (true, _) => TaskState::Dead,
            (false, true) => TaskState::Running,
            (false, false) => TaskState::Waiting,
        };
        let &Self { id, kind, order, entry, attempts, run_at: due_at, token, .. } = self;
        OpenTask { id, kind, state, order, entry, attempts, last_error: self.last_error.clone(), due_at, token }
    }
}

impl Tables {
    /// Does to a task what an operator wants, if it is as it was seen. The task, if it is off the list now.
    pub(super) fn touch(
        &mut self,
        order: OrderId,
        touch: &TaskTouch,
        now: Timestamp,
    ) -> Result<Option<StoredTask>, CommitError> {
        let as_seen = |task: &&mut StoredTask| task.token == touch.token && task.order == order;
        let task = self.tasks.get_mut(&touch.task).filter(as_seen).ok_or(CommitError::Conflict)?;
        match touch.deed {
            TaskDeed::Retry { due } => {
                (task.attempts, task.dead) = (0, false);
                task.let_go(due);
                Ok(None)
            }
            TaskDeed::Discard => {
                let task = task.clone();
                self.tasks.remove(&task.id);
                self.ended(&task, now);
                Ok(Some(task))
            }
        }
    }
}

#[async_trait]
impl TaskDesk for MemoryStore {
    async fn tasks(&self, filter: TaskFilter, limit: u32, after: Option<TaskPlace>) -> Result<TaskPage, StoreError> {
        self.call(Op::Desk, |db| {
            let place = |task: &OpenTask| TaskPlace { due_at: task.due_at, id: task.id };
            let mut tasks: Vec<_> = db.tables.tasks.values().map(|task| task.open(db.now)).collect();
            tasks.retain(|task| {
                task.state == filter.state
                    && filter.kind.is_none_or(|kind| task.kind == kind)
                    && filter.order.is_none_or(|order| task.order == order)
                    && after.is_none_or(|after| place(task) > after)
            });
            tasks.sort_by_key(place);
            let more = tasks.len() > limit as usize;
            tasks.truncate(limit as usize);
            let next = tasks.last().filter(|_| more).map(place);
            Ok(TaskPage { tasks, next })
        })
        .await
    }

    async fn task(&self, id: TaskId) -> Result<Option<OpenTask>, StoreError> {
        self.call(Op::Desk, |db| Ok(db.tables.tasks.get(&id).map(|task| task.open(db.now)))).await
    }

    async fn kinds(&self) -> Result<Vec<KindStatus>, StoreError> {
        self.call(Op::Desk, |db| {
            let figures = db.tables.figures(&db.chores, db.now).kinds;
            let of = |(kind, figures): (TaskKind, order_domain::ports::KindFigures)| KindStatus {
                kind,
                paused: db.tables.paused.get(&kind).cloned(),
                waiting: figures.waiting,
                oldest_due_at: figures.due_since,
            };
            Ok(figures.into_iter().map(of).collect())
        })
        .await
    }

    async fn pause(&self, kind: TaskKind, by: &UserId) -> Result<(), StoreError> {
        let by = by.clone();
        self.call(Op::Desk, |db| {
            db.tables.paused.entry(kind).or_insert(Pause { since: db.now, by });
            Ok(())
        })
        .await
    }

    async fn resume(&self, kind: TaskKind) -> Result<(), StoreError> {
        self.call(Op::Desk, |db| {
            db.tables.paused.remove(&kind);
            Ok(())
        })
        .await
    }
}
