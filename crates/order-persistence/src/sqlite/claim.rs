//! Claiming: which tasks the worker takes, inside the one writer's transaction.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use order_domain::ports::{Claim, ClaimedTask, MAX_TRIES, Sweep, TaskKind, Token, backoff_ceiling};
use order_domain::time::after;
use order_domain::{OrderId, TaskId};

use super::dialect::{Conn, DbTime, now_query};
use super::schema::tasks;
use crate::error::DbError;

type Row = (i64, i64, Option<i32>, i32, i64);

pub(super) async fn claim(conn: &mut Conn, claim: &Claim) -> Result<Sweep, DbError> {
    let now: DbTime = now_query().get_result(conn).await?;
    if claim.only.is_none() {
        bury(conn, now).await?;
    }
    let mut claimed = Vec::new();
    for &(kind, slots) in &claim.slots {
        for row in due(conn, claim, kind, slots, now).await? {
            claimed.push(take(conn, claim, kind, row, now).await?);
        }
    }
    let next_due = tasks::table
        .filter(tasks::dead.eq(false).and(tasks::run_at.gt(now)))
        .order(tasks::run_at)
        .select(tasks::run_at)
        .first::<DbTime>(conn)
        .await
        .optional()?;
    Ok(Sweep { claimed, now: now.0, next_due: next_due.map(|at| at.0) })
}

/// Those that may die and have had their tries are dead now; no worker has lived to say so.
async fn bury(conn: &mut Conn, now: DbTime) -> Result<(), DbError> {
    let mortal: Vec<_> = TaskKind::ALL.iter().filter(|kind| kind.may_die()).map(|kind| kind.name()).collect();
    let spent = tasks::table
        .filter(tasks::dead.eq(false).and(tasks::run_at.le(now)).and(tasks::kind.eq_any(mortal)))
        .filter(tasks::attempts.ge(max_tries()));
    diesel::update(spent)
        .set((tasks::dead.eq(true), tasks::leased.eq(false), tasks::token.eq(tasks::token + 1)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Due tasks of a kind, each the head of its lane; the longest due first.
async fn due(conn: &mut Conn, claim: &Claim, kind: TaskKind, slots: usize, now: DbTime) -> Result<Vec<Row>, DbError> {
    let before = diesel::alias!(tasks as before);
    let earlier = before
        .filter(before.field(tasks::order_id).eq(tasks::order_id))
        .filter(before.field(tasks::lane).eq(tasks::lane))
        .filter(before.field(tasks::dead).eq(false))
        .filter(
            before
                .field(tasks::seq)
                .lt(tasks::seq)
                .or(before.field(tasks::seq).eq(tasks::seq).and(before.field(tasks::ordinal).lt(tasks::ordinal))),
        );
    let mut query = tasks::table
        .filter(tasks::kind.eq(kind.name()).and(tasks::dead.eq(false)).and(tasks::run_at.le(now)))
        .filter(tasks::lane.is_null().or(diesel::dsl::not(diesel::dsl::exists(earlier))))
        .order((tasks::run_at, tasks::id))
        .limit(i64::try_from(slots).unwrap_or(i64::MAX))
        .select((tasks::id, tasks::order_id, tasks::entry_n, tasks::attempts, tasks::token))
        .into_boxed();
    if kind.may_die() {
        query = query.filter(tasks::attempts.lt(max_tries()));
    }
    if let Some(only) = &claim.only {
        query = query.filter(tasks::id.eq_any(only.iter().map(|id| id.get()).collect::<Vec<_>>()));
    }
    Ok(query.load::<Row>(conn).await?)
}

async fn take(conn: &mut Conn, claim: &Claim, kind: TaskKind, row: Row, now: DbTime) -> Result<ClaimedTask, DbError> {
    let (id, order, entry, attempts, token) = row;
    let wrong = |what: String| DbError::Inconsistent(what);
    let attempts = u32::try_from(attempts).map_err(|error| wrong(error.to_string()))? + 1;
    // What never dies keeps its lease for its backoff, so that a task that kills its process does not do so at once again.
    let lease = if kind.may_die() { claim.lease } else { claim.lease.max(backoff_ceiling(attempts)) };
    diesel::update(tasks::table.find(id))
        .set((
            tasks::token.eq(token + 1),
            tasks::attempts.eq(tasks::attempts + 1),
            tasks::leased.eq(true),
            tasks::run_at.eq(DbTime(after(now.0, lease))),
        ))
        .execute(conn)
        .await?;
    Ok(ClaimedTask {
        id: TaskId::new(id).map_err(|error| wrong(error.to_string()))?,
        kind,
        order: OrderId::new(order).map_err(|error| wrong(error.to_string()))?,
        entry: entry.map(u32::try_from).transpose().map_err(|error| wrong(error.to_string()))?,
        attempts,
        token: Token(token + 1),
    })
}

fn max_tries() -> i32 {
    i32::try_from(MAX_TRIES).unwrap_or(i32::MAX)
}
