//! How a task leaves a worker's hands on SQLite, inside the one writer's transaction. Each needs the token that the claim
//! gave.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use order_domain::TaskId;
use order_domain::ports::{ClaimedChore, ClaimedTask, Failure, MAX_TRIES, Rest, TaskRef, Token};
use order_domain::time::after;

use super::dialect::{Conn, DbTime, now_query};
use super::mapping::entry_no;
use super::schema::{payment_entries, tasks};
use super::task_ends::{ended, next_of_lane};
use crate::error::DbError;

pub(super) async fn finish(conn: &mut Conn, task: &ClaimedTask) -> Result<Option<TaskRef>, DbError> {
    let mine = tasks::table.filter(tasks::id.eq(task.id.get()).and(tasks::token.eq(task.token.0)));
    if diesel::delete(mine).execute(conn).await? != 1 {
        return Ok(None);
    }
    ended(conn, task.kind, task.order).await?;
    next_of_lane(conn, task.kind, task.order).await
}

pub(super) async fn fail(conn: &mut Conn, task: &ClaimedTask, failure: &Failure) -> Result<bool, DbError> {
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
    if dead {
        ended(conn, task.kind, task.order).await?;
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
        if entry.refusal {
            diesel::update(payment_entries::table.find((task.order.get(), entry_no(entry.entry)?)))
                .set(payment_entries::refused_at.eq(now))
                .execute(conn)
                .await?;
        }
    }
    Ok(true)
}

/// Of a task or of a chore.
pub(super) async fn hand_back(conn: &mut Conn, id: TaskId, token: Token) -> Result<(), DbError> {
    let now: DbTime = now_query().get_result(conn).await?;
    let mine = tasks::table.filter(tasks::id.eq(id.get()).and(tasks::token.eq(token.0)));
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

/// Ends a run of a chore. One that has succeeded begins to count its tries anew.
pub(super) async fn rest(conn: &mut Conn, chore: &ClaimedChore, rest: &Rest) -> Result<bool, DbError> {
    let now: DbTime = now_query().get_result(conn).await?;
    let attempts = if rest.error.is_some() { i32::try_from(chore.attempts).unwrap_or(i32::MAX) } else { 0 };
    let mine = tasks::table.filter(tasks::id.eq(chore.id.get()).and(tasks::token.eq(chore.token.0)));
    let rested = diesel::update(mine)
        .set((
            tasks::run_at.eq(DbTime(after(now.0, rest.wait))),
            tasks::token.eq(tasks::token + 1),
            tasks::leased.eq(false),
            tasks::attempts.eq(attempts),
            tasks::last_error.eq(&rest.error),
        ))
        .execute(conn)
        .await?;
    Ok(rested == 1)
}
