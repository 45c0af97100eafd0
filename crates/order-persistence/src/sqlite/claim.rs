//! Claiming: which tasks the worker takes, inside the one writer's transaction.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use order_domain::OrderId;
use order_domain::ports::{Claim, MAX_TRIES, Sweep, TaskKind, backoff_ceiling};
use order_domain::time::after;

use super::dialect::{Conn, DbTime, now_query};
use super::mapping::{Claimed, ClaimedRow};
use super::schema::{paused_kinds, tasks};
use super::task_ends::ended;
use crate::error::DbError;

type Row = (i64, String, Option<i64>, Option<i32>, i32, i64);
type Columns = (tasks::id, tasks::kind, tasks::order_id, tasks::entry_n, tasks::attempts, tasks::token);

const COLUMNS: Columns = (tasks::id, tasks::kind, tasks::order_id, tasks::entry_n, tasks::attempts, tasks::token);

pub(super) async fn claim(conn: &mut Conn, claim: &Claim) -> Result<Sweep, DbError> {
    let now: DbTime = now_query().get_result(conn).await?;
    if claim.only.is_none() {
        bury(conn, now).await?;
    }
    let paused: Vec<String> = paused_kinds::table.select(paused_kinds::kind).load(conn).await?;
    let mut found = Vec::new();
    for &(kind, slots) in claim.slots.iter().filter(|(kind, _)| !paused.iter().any(|paused| paused == kind.name())) {
        found.extend(due(conn, claim, kind, slots, now).await?);
    }
    if claim.only.is_none() {
        found.extend(due_chores(conn, claim, now).await?);
    }
    let (mut claimed, mut chores) = (Vec::new(), Vec::new());
    for row in found {
        match take(conn, claim, row, now).await? {
            Claimed::Task(task) => claimed.push(task),
            Claimed::Chore(chore) => chores.push(chore),
        }
    }
    let mut waiting = tasks::table.filter(tasks::dead.eq(false).and(tasks::run_at.gt(now))).into_boxed();
    if !paused.is_empty() {
        waiting = waiting.filter(tasks::kind.ne_all(paused));
    }
    if claim.chores.is_empty() {
        waiting = waiting.filter(tasks::order_id.is_not_null());
    }
    let next_due = waiting.order(tasks::run_at).select(tasks::run_at).first::<DbTime>(conn).await.optional()?;
    Ok(Sweep { claimed, chores, now: now.0, next_due: next_due.map(|at| at.0) })
}

/// Those that may die and have had their tries are dead now; no worker has lived to say so.
async fn bury(conn: &mut Conn, now: DbTime) -> Result<(), DbError> {
    let mortal: Vec<_> = TaskKind::ALL.iter().filter(|kind| kind.may_die()).map(|kind| kind.name()).collect();
    let spent = tasks::table
        .filter(tasks::dead.eq(false).and(tasks::run_at.le(now)).and(tasks::kind.eq_any(mortal)))
        .filter(tasks::attempts.ge(max_tries()));
    let dead = diesel::update(spent)
        .set((tasks::dead.eq(true), tasks::leased.eq(false), tasks::token.eq(tasks::token + 1)))
        .returning((tasks::kind, tasks::order_id.assume_not_null()))
        .get_results::<(String, i64)>(conn)
        .await?;
    for (kind, order) in dead {
        let kind = TaskKind::from_name(&kind).ok_or_else(|| DbError::Inconsistent(format!("task kind {kind}")))?;
        ended(conn, kind, OrderId::new(order).map_err(|error| DbError::Inconsistent(error.to_string()))?).await?;
    }
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
        .select(COLUMNS)
        .into_boxed();
    if kind.may_die() {
        query = query.filter(tasks::attempts.lt(max_tries()));
    }
    if let Some(only) = &claim.only {
        query = query.filter(tasks::id.eq_any(only.iter().map(|id| id.get()).collect::<Vec<_>>()));
    }
    Ok(query.load::<Row>(conn).await?)
}

/// The chores that are wanted and due.
async fn due_chores(conn: &mut Conn, claim: &Claim, now: DbTime) -> Result<Vec<Row>, DbError> {
    let names: Vec<_> = claim.chores.iter().map(|chore| chore.name()).collect();
    let chores = tasks::table.filter(tasks::order_id.is_null().and(tasks::kind.eq_any(names)));
    Ok(chores.filter(tasks::run_at.le(now)).select(COLUMNS).load::<Row>(conn).await?)
}

async fn take(conn: &mut Conn, claim: &Claim, row: Row, now: DbTime) -> Result<Claimed, DbError> {
    let (id, kind, order_id, entry_n, attempts, token) = row;
    let (attempts, token) = (attempts + 1, token + 1);
    // What never dies keeps its lease for its backoff, so that a task that kills its process does not do so at once again.
    let may_die = TaskKind::from_name(&kind).is_some_and(TaskKind::may_die);
    let backoff = backoff_ceiling(u32::try_from(attempts).unwrap_or_default());
    let lease = if may_die { claim.lease } else { claim.lease.max(backoff) };
    diesel::update(tasks::table.find(id))
        .set((
            tasks::token.eq(token),
            tasks::attempts.eq(attempts),
            tasks::leased.eq(true),
            tasks::run_at.eq(DbTime(after(now.0, lease))),
        ))
        .execute(conn)
        .await?;
    ClaimedRow { id, kind, order_id, entry_n, attempts, token }.into_claimed()
}

fn max_tries() -> i32 {
    i32::try_from(MAX_TRIES).unwrap_or(i32::MAX)
}
