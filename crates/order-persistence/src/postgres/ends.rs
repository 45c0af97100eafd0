//! How a task leaves a worker's hands on PostgreSQL: a statement each, with the time told by the database within it. Each
//! needs the token that the claim gave.

use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text};
use diesel_async::RunQueryDsl;
use order_domain::TaskId;
use order_domain::ports::{ClaimedChore, ClaimedTask, Failure, MAX_TRIES, Rest, TaskRef, Token};

use super::dialect::{Backend, Conn};
use super::mapping::entry_no;
use super::parts::bind;
use super::statements::EndGuard;
use super::task_ends::next_of_lane;
use crate::error::DbError;

/// The end of a task, and of the guard of the order whose cart it cleared.
struct Finish {
    id: i64,
    token: i64,
    clears_cart: bool,
    guard: EndGuard,
}

impl QueryId for Finish {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Finish {
    type SqlType = BigInt;
}

impl QueryFragment<Backend> for Finish {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        bind! { out:
            "WITH mine AS (DELETE FROM tasks WHERE id = ", BigInt, &self.id;
            " AND token = ", BigInt, &self.token;
        }
        out.push_sql(" RETURNING 1), guard AS (");
        self.guard.walk_ast(out.reborrow())?;
        bind! { out: " AND ", Bool, &self.clears_cart; }
        out.push_sql(" AND (SELECT count(*) FROM mine) = 1) SELECT count(*) FROM mine");
        Ok(())
    }
}

/// What waits behind it is looked for when it is gone: what is committed later than that look finds itself the next.
pub(super) async fn finish(conn: &mut Conn, task: &ClaimedTask) -> Result<Option<TaskRef>, DbError> {
    let finish = Finish {
        id: task.id.get(),
        token: task.token.0,
        clears_cart: task.kind.clears_cart(),
        guard: EndGuard { order: task.order.get(), cancelled: false },
    };
    if finish.get_result::<i64>(conn).await? == 1 { next_of_lane(conn, task.kind, task.order).await } else { Ok(None) }
}

/// A task put back, with what its try leaves on its entry, and the end of the guard if it is dead.
struct Fail<'a> {
    id: i64,
    token: i64,
    /// Seconds.
    wait: f64,
    dead: bool,
    error: &'a str,
    order: i64,
    entry: Option<i32>,
    again: i32,
    refusal: i32,
    guard_ends: bool,
    guard: EndGuard,
}

impl QueryId for Fail<'_> {
    type QueryId = Fail<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Fail<'_> {
    type SqlType = BigInt;
}

impl QueryFragment<Backend> for Fail<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        bind! { out:
            "WITH mine AS (UPDATE tasks SET token = token + 1, leased = false, run_at = now() + make_interval(secs => ",
                Double, &self.wait;
            "), dead = ", Bool, &self.dead;
            ", last_error = ", Text, self.error;
            " WHERE id = ", BigInt, &self.id;
            " AND token = ", BigInt, &self.token;
            " RETURNING 1), entry AS (UPDATE payment_entries SET attempts = attempts + ", Integer, &self.again;
            ", refusals = refusals + ", Integer, &self.refusal;
            ", refused_at = CASE WHEN ", Integer, &self.refusal;
            " = 1 THEN now() ELSE refused_at END, last_error = ", Text, self.error;
            " WHERE order_id = ", BigInt, &self.order;
            " AND n = ", Nullable<Integer>, &self.entry;
        }
        out.push_sql(" AND (SELECT count(*) FROM mine) = 1), guard AS (");
        self.guard.walk_ast(out.reborrow())?;
        bind! { out: " AND ", Bool, &self.guard_ends; }
        out.push_sql(" AND (SELECT count(*) FROM mine) = 1) SELECT count(*) FROM mine");
        Ok(())
    }
}

pub(super) async fn fail(conn: &mut Conn, task: &ClaimedTask, failure: &Failure) -> Result<bool, DbError> {
    let dead = task.kind.may_die() && task.attempts >= MAX_TRIES;
    let entry = failure.entry.as_ref();
    let fail = Fail {
        id: task.id.get(),
        token: task.token.0,
        wait: failure.wait.as_secs_f64(),
        dead,
        error: &failure.error,
        order: task.order.get(),
        entry: entry.map(|entry| entry_no(entry.entry)).transpose()?,
        again: entry.is_some_and(|entry| entry.again).into(),
        refusal: entry.is_some_and(|entry| entry.refusal).into(),
        guard_ends: dead && task.kind.clears_cart(),
        guard: EndGuard { order: task.order.get(), cancelled: false },
    };
    Ok(fail.get_result::<i64>(conn).await? == 1)
}

/// A task or a chore, due at once and untried.
struct HandBack {
    id: i64,
    token: i64,
}

impl QueryId for HandBack {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Backend> for HandBack {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        bind! { out:
            "UPDATE tasks SET token = token + 1, leased = false, run_at = now(), attempts = attempts - 1 WHERE id = ",
                BigInt, &self.id;
            " AND token = ", BigInt, &self.token;
        }
        Ok(())
    }
}

pub(super) async fn hand_back(conn: &mut Conn, id: TaskId, token: Token) -> Result<(), DbError> {
    HandBack { id: id.get(), token: token.0 }.execute(conn).await?;
    Ok(())
}

/// A chore, due again after a wait.
struct Resting<'a> {
    id: i64,
    token: i64,
    /// Seconds.
    wait: f64,
    attempts: i32,
    error: &'a Option<String>,
}

impl QueryId for Resting<'_> {
    type QueryId = Resting<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Backend> for Resting<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        bind! { out:
            "UPDATE tasks SET token = token + 1, leased = false, run_at = now() + make_interval(secs => ",
                Double, &self.wait;
            "), attempts = ", Integer, &self.attempts;
            ", last_error = ", Nullable<Text>, self.error;
            " WHERE id = ", BigInt, &self.id;
            " AND token = ", BigInt, &self.token;
        }
        Ok(())
    }
}

/// Ends a run of a chore. One that has succeeded begins to count its tries anew.
pub(super) async fn rest(conn: &mut Conn, chore: &ClaimedChore, rest: &Rest) -> Result<bool, DbError> {
    let resting = Resting {
        id: chore.id.get(),
        token: chore.token.0,
        wait: rest.wait.as_secs_f64(),
        attempts: if rest.error.is_some() { entry_no(chore.attempts)? } else { 0 },
        error: &rest.error,
    };
    Ok(resting.execute(conn).await? == 1)
}
