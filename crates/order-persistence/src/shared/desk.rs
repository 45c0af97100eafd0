//! The operator's desk: lists of tasks, what is done to one, and which kinds are paused.

use diesel::dsl::not;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use order_domain::ports::{
    KindStatus, OpenTask, Pause, TaskDeed, TaskFilter, TaskKind, TaskPage, TaskPlace, TaskRef, TaskState, TaskTouch,
    Token,
};
use order_domain::{OrderId, TaskId, UserId};

use super::dialect::{Backend, Conn, DbTime, now_query, now_value};
use super::figures::figures;
use super::schema::{paused_kinds, tasks};
use super::task_ends::{ended, next_of_lane};
use crate::error::DbError;

fn wrong(what: impl std::fmt::Display) -> DbError {
    DbError::Inconsistent(what.to_string())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks)]
pub(super) struct OpenRow {
    id: i64,
    kind: String,
    order_id: Option<i64>,
    entry_n: Option<i32>,
    run_at: DbTime,
    attempts: i32,
    token: i64,
    leased: bool,
    dead: bool,
    last_error: Option<String>,
}

impl OpenRow {
    /// The order of its task.
    pub(super) fn order(&self) -> Option<i64> {
        self.order_id
    }

    /// A worker has it, and its lease is over.
    pub(super) fn lease_expired(&self, now: DbTime) -> bool {
        !self.dead && self.leased && self.run_at.0 <= now.0
    }

    pub(super) fn into_open(self, now: DbTime) -> Result<OpenTask, DbError> {
        let kind = TaskKind::from_name(&self.kind);
        let held = self.leased && self.run_at.0 > now.0;
        Ok(OpenTask {
            id: TaskId::new(self.id).map_err(wrong)?,
            kind: kind.ok_or_else(|| wrong(format!("task kind {:?} is unknown to this program", self.kind)))?,
            state: match (self.dead, held) {
                (true, _) => TaskState::Dead,
                (false, true) => TaskState::Running,
                (false, false) => TaskState::Waiting,
            },
            order: OrderId::new(self.order_id.unwrap_or_default()).map_err(wrong)?,
            entry: self.entry_n.map(u32::try_from).transpose().map_err(wrong)?,
            attempts: u32::try_from(self.attempts).map_err(wrong)?,
            last_error: self.last_error,
            due_at: self.run_at.0,
            token: Token(self.token),
        })
    }
}

/// The tasks of orders, of kinds that this program knows.
fn of_orders() -> tasks::BoxedQuery<'static, Backend> {
    let known = TaskKind::ALL.map(TaskKind::name);
    tasks::table.filter(tasks::order_id.is_not_null().and(tasks::kind.eq_any(known))).into_boxed()
}

pub(crate) async fn tasks(
    conn: &mut Conn,
    filter: TaskFilter,
    limit: u32,
    after: Option<TaskPlace>,
) -> Result<TaskPage, DbError> {
    let now: DbTime = now_query().get_result(conn).await?;
    let mut query = match filter.state {
        TaskState::Dead => of_orders().filter(tasks::dead),
        TaskState::Running => of_orders().filter(not(tasks::dead)).filter(tasks::leased.and(tasks::run_at.gt(now))),
        TaskState::Waiting => of_orders().filter(not(tasks::dead)).filter(not(tasks::leased).or(tasks::run_at.le(now))),
    };
    if let Some(kind) = filter.kind {
        query = query.filter(tasks::kind.eq(kind.name()));
    }
    if let Some(order) = filter.order {
        query = query.filter(tasks::order_id.eq(order.get()));
    }
    if let Some(TaskPlace { due_at, id }) = after {
        let (due_at, id) = (DbTime(due_at), id.get());
        query = query.filter(tasks::run_at.gt(due_at).or(tasks::run_at.eq(due_at).and(tasks::id.gt(id))));
    }
    let query = query.order((tasks::run_at, tasks::id)).limit(i64::from(limit) + 1);
    let mut rows: Vec<OpenRow> = query.select(OpenRow::as_select()).load(conn).await?;
    // One row more than are shown says that there is a next page.
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let tasks = rows.into_iter().map(|row| row.into_open(now)).collect::<Result<Vec<_>, _>>()?;
    let next = tasks.last().filter(|_| more).map(|task| TaskPlace { due_at: task.due_at, id: task.id });
    Ok(TaskPage { tasks, next })
}

pub(crate) async fn task(conn: &mut Conn, id: TaskId) -> Result<Option<OpenTask>, DbError> {
    let now: DbTime = now_query().get_result(conn).await?;
    let found = of_orders().filter(tasks::id.eq(id.get())).select(OpenRow::as_select());
    found.first::<OpenRow>(conn).await.optional()?.map(|row| row.into_open(now)).transpose()
}

pub(crate) async fn kinds(conn: &mut Conn) -> Result<Vec<KindStatus>, DbError> {
    let paused: Vec<(String, DbTime, String)> = paused_kinds::table.load(conn).await?;
    let figures = figures(conn).await?;
    let of = |(kind, figures): (TaskKind, order_domain::ports::KindFigures)| {
        let paused = paused.iter().find(|(name, _, _)| name == kind.name());
        let pause = |(_, since, by): &(String, DbTime, String)| -> Result<Pause, DbError> {
            Ok(Pause { since: since.0, by: UserId::new(by.clone()).map_err(wrong)? })
        };
        let paused = paused.map(pause).transpose()?;
        Ok(KindStatus { kind, paused, waiting: figures.waiting, oldest_due_at: figures.due_since })
    };
    figures.kinds.into_iter().map(of).collect()
}

pub(crate) async fn pause(conn: &mut Conn, kind: TaskKind, by: &UserId) -> Result<(), DbError> {
    let row = (
        paused_kinds::kind.eq(kind.name()),
        paused_kinds::paused_at.eq(now_value()),
        paused_kinds::paused_by.eq(by.as_str()),
    );
    diesel::insert_into(paused_kinds::table).values(row).on_conflict_do_nothing().execute(conn).await?;
    Ok(())
}

pub(crate) async fn resume(conn: &mut Conn, kind: TaskKind) -> Result<(), DbError> {
    diesel::delete(paused_kinds::table.find(kind.name())).execute(conn).await?;
    Ok(())
}

/// Does to a task what an operator wants, if it still is as it was seen; answers with the next of the lane that it
/// leaves, if that is due.
pub(crate) async fn touch(conn: &mut Conn, order: OrderId, touch: &TaskTouch) -> Result<Option<TaskRef>, DbError> {
    let as_seen = tasks::table
        .filter(tasks::id.eq(touch.task.get()).and(tasks::token.eq(touch.token.0)))
        .filter(tasks::order_id.eq(order.get()));
    let touched = match touch.deed {
        TaskDeed::Retry { due } => {
            let anew = (
                tasks::run_at.eq(DbTime(due)),
                tasks::attempts.eq(0),
                tasks::token.eq(tasks::token + 1),
                tasks::leased.eq(false),
                tasks::dead.eq(false),
            );
            diesel::update(as_seen).set(anew).execute(conn).await?
        }
        TaskDeed::Discard => diesel::delete(as_seen).execute(conn).await?,
    };
    if touched != 1 {
        return Err(DbError::Conflict);
    }
    match touch.deed {
        TaskDeed::Retry { .. } => Ok(None),
        TaskDeed::Discard => {
            ended(conn, touch.kind, order).await?;
            next_of_lane(conn, touch.kind, order).await
        }
    }
}
