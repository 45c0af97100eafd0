//! How a task leaves a worker's hands. Each needs the token that the claim gave.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use order_domain::TaskId;
use order_domain::ports::{ClaimedTask, Failure, MAX_TRIES, TaskKind, TaskRef};
use order_domain::time::after;

use super::dialect::{Conn, DbTime, now_query};
use super::mapping::entry_no;

use super::schema::{payment_entries, tasks};
use crate::error::DbError;

pub(crate) async fn finish(conn: &mut Conn, task: &ClaimedTask) -> Result<Option<TaskRef>, DbError> {
    let mine = tasks::table.filter(tasks::id.eq(task.id.get()).and(tasks::token.eq(task.token.0)));
    if diesel::delete(mine).execute(conn).await? == 1 { next_of_lane(conn, task).await } else { Ok(None) }
}

pub(crate) async fn fail(conn: &mut Conn, task: &ClaimedTask, failure: &Failure) -> Result<bool, DbError> {
    let now: DbTime = now_query().get_result(conn).await?;
    let dead = task.kind.may_die() && task.attempts >= MAX_TRIES;
    let mine = tasks::table.filter(tasks::id.eq(task.id.get()).and(tasks::token.eq(task.token.0)));
    let put_back = diesel::update(mine)
        .set((
            tasks::run_at.eq(DbTime(after(now.0, failure.wait))),
            tasks::token.eq(tasks::token + 1),
            tasks::leased.eq(false),
            tasks::dead.eq(dead),
            tasks::last_error.eq(&failure.error),
        ))
        .execute(conn)
        .await?;
    if put_back != 1 {
        return Ok(false);
    }
    if let Some(entry) = &failure.entry {
        diesel::update(payment_entries::table.find((task.order.get(), entry_no(entry.entry)?)))
            .set((
                payment_entries::attempts.eq(payment_entries::attempts + i32::from(entry.again)),
                payment_entries::refusals.eq(payment_entries::refusals + i32::from(entry.refusal)),
                payment_entries::last_error.eq(&failure.error),
            ))
            .execute(conn)
            .await?;
    }
    Ok(true)
}

pub(crate) async fn hand_back(conn: &mut Conn, task: &ClaimedTask) -> Result<(), DbError> {
    let now: DbTime = now_query().get_result(conn).await?;
    let mine = tasks::table.filter(tasks::id.eq(task.id.get()).and(tasks::token.eq(task.token.0)));
    diesel::update(mine)
        .set((
            tasks::run_at.eq(now),
            tasks::token.eq(tasks::token + 1),
            tasks::leased.eq(false),
            tasks::attempts.eq(tasks::attempts - 1),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// The task that waited behind a finished one, if it is due. A dead one blocks nothing.
pub(crate) async fn next_of_lane(conn: &mut Conn, finished: &ClaimedTask) -> Result<Option<TaskRef>, DbError> {
    let Some(lane) = finished.kind.lane() else { return Ok(None) };
    let now: DbTime = now_query().get_result(conn).await?;
    let head = tasks::table
        .filter(tasks::order_id.eq(finished.order.get()))
        .filter(tasks::lane.eq(lane.name()))
        .filter(tasks::dead.eq(false))
        .order((tasks::seq, tasks::ordinal))
        .select((tasks::id, tasks::kind, tasks::run_at))
        .first::<(i64, String, DbTime)>(conn)
        .await
        .optional()?;
    let Some((id, kind, _)) = head.filter(|(_, _, run_at)| run_at.0 <= now.0) else { return Ok(None) };
    let id = TaskId::new(id).map_err(|error| DbError::Inconsistent(error.to_string()))?;
    Ok(TaskKind::from_name(&kind).map(|kind| TaskRef { id, kind }))
}
