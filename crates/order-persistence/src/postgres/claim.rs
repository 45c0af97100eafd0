//! Claiming: which tasks a worker takes, in one statement.
//!
//! Rows that another worker is claiming are passed over (`SKIP LOCKED`), so no two wait for each other or take the same.
//! A task is taken only if it is the head of its lane. Signalled tasks are looked up by their ids, so that a backlog does
//! not slow them; a sweep goes along the index of what is due.

use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Double, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use order_domain::ports::{Chore, Claim, MAX_TRIES, Sweep, TaskKind};

use super::dialect::{Backend, Conn, DbTime};
use super::mapping::{Claimed, ClaimedRow};
use crate::error::DbError;

/// No task of the same order and lane stands before it. A dead one blocks nothing.
const HEAD: &str = "(t.lane IS NULL OR NOT EXISTS (SELECT 1 FROM tasks AS before WHERE before.order_id = t.order_id \
     AND before.lane = t.lane AND NOT before.dead AND (before.seq, before.ordinal) < (t.seq, t.ordinal)))";

/// Ends a condition on `t`: its kind is not paused.
const NOT_PAUSED: &str = " AND NOT EXISTS (SELECT 1 FROM paused_kinds AS paused WHERE paused.kind = t.kind)";

const _: () = assert!(MAX_TRIES == 8, "the sweep's text and its index have the number, too");

struct ClaimDue {
    kinds: Vec<&'static str>,
    slots: Vec<i64>,
    /// Only these; `None`: whatever is due.
    only: Option<Vec<i64>>,
    mortal: Vec<&'static str>,
    clearing: Vec<&'static str>,
    /// What counts among what is due next.
    awaited: Vec<&'static str>,
    max_tries: i32,
    lease: f64,
}

/// Two texts, each with a name of its own for the statement cache.
struct BySweep<'a>(&'a ClaimDue);
struct ByIds<'a>(&'a ClaimDue, &'a Vec<i64>);

type Columns = (
    Timestamptz,
    Nullable<Timestamptz>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<Integer>,
    Nullable<Integer>,
    Nullable<BigInt>,
);

impl QueryId for BySweep<'_> {
    type QueryId = BySweep<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}
impl Query for BySweep<'_> {
    type SqlType = Columns;
}

impl QueryId for ByIds<'_> {
    type QueryId = ByIds<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}
impl Query for ByIds<'_> {
    type SqlType = Columns;
}

impl QueryFragment<Backend> for BySweep<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let claim = self.0;
        // Those that may die and have had their tries are dead now; no worker has lived to say so.
        out.push_sql("WITH dying AS (UPDATE tasks SET dead = true, leased = false, token = token + 1 WHERE NOT dead AND kind = ANY(");
        out.push_bind_param::<Array<Text>, _>(&claim.mortal)?;
        // The number stands in the text, as it does in the index that finds these few.
        out.push_sql(
            ") AND attempts >= 8 AND run_at <= now() RETURNING kind, order_id), \
             ended AS (UPDATE idempotency_keys AS guard SET open = false, ends_at = greatest(guard.ends_at, now()) \
             FROM dying WHERE guard.kind = 'guard' AND guard.open AND guard.order_id = dying.order_id \
             AND dying.kind = ANY(",
        );
        out.push_bind_param::<Array<Text>, _>(&claim.clearing)?;
        out.push_sql(")), due AS (SELECT found.id FROM (SELECT t.kind, t.slots FROM unnest(");
        out.push_bind_param::<Array<Text>, _>(&claim.kinds)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&claim.slots)?;
        out.push_sql(") AS t (kind, slots) WHERE true");
        out.push_sql(NOT_PAUSED);
        out.push_sql(") AS want, LATERAL (SELECT t.id FROM tasks AS t WHERE t.kind = want.kind AND NOT t.dead AND t.run_at <= now() AND NOT (t.kind = ANY(");
        out.push_bind_param::<Array<Text>, _>(&claim.mortal)?;
        out.push_sql(") AND t.attempts >= ");
        out.push_bind_param::<Integer, _>(&claim.max_tries)?;
        out.push_sql(") AND ");
        out.push_sql(HEAD);
        out.push_sql(" ORDER BY t.run_at LIMIT want.slots FOR UPDATE OF t SKIP LOCKED) AS found)");
        take(claim, out)
    }
}

impl QueryFragment<Backend> for ByIds<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let claim = self.0;
        out.push_sql("WITH due AS (SELECT t.id FROM tasks AS t WHERE t.id = ANY(");
        out.push_bind_param::<Array<BigInt>, _>(self.1)?;
        out.push_sql(") AND t.kind = ANY(");
        out.push_bind_param::<Array<Text>, _>(&claim.kinds)?;
        // Asked so that it opens no index of those that are not dead: of all of them only that of the ids is left to go by.
        out.push_sql(") AND (CASE WHEN t.dead THEN false ELSE t.run_at <= now() END) AND NOT (t.kind = ANY(");
        out.push_bind_param::<Array<Text>, _>(&claim.mortal)?;
        out.push_sql(") AND t.attempts >= ");
        out.push_bind_param::<Integer, _>(&claim.max_tries)?;
        out.push_sql(") AND ");
        out.push_sql(HEAD);
        out.push_sql(NOT_PAUSED);
        out.push_sql(" FOR UPDATE OF t SKIP LOCKED)");
        take(claim, out)
    }
}

/// Takes what `due` found, and says when the next task becomes due. What never dies keeps its lease for its backoff, so
/// that a task that kills its process does not do so at once again.
fn take<'b>(claim: &'b ClaimDue, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
    out.push_sql(
        ", claimed AS (UPDATE tasks AS t SET token = t.token + 1, attempts = t.attempts + 1, leased = true, \
         run_at = now() + make_interval(secs => greatest(",
    );
    out.push_bind_param::<Double, _>(&claim.lease)?;
    out.push_sql(", CASE WHEN t.kind = ANY(");
    out.push_bind_param::<Array<Text>, _>(&claim.mortal)?;
    out.push_sql(
        ") THEN 0 ELSE least(300, 0.5 * power(2, least(t.attempts + 1, 20))) END)) \
         WHERE t.id = ANY(ARRAY(SELECT id FROM due)) RETURNING t.id, t.kind, t.order_id, t.entry_n, t.attempts, t.token, t.run_at) \
         SELECT now(), least((SELECT min(next.run_at) FROM (SELECT t.kind FROM unnest(",
    );
    out.push_bind_param::<Array<Text>, _>(&claim.awaited)?;
    out.push_sql(") AS t (kind) WHERE true");
    out.push_sql(NOT_PAUSED);
    // One row of each kind: very many may wait for their time.
    out.push_sql(
        ") AS awaited, LATERAL (SELECT t.run_at FROM tasks AS t WHERE t.kind = awaited.kind AND NOT t.dead \
         AND t.run_at > now() ORDER BY t.run_at LIMIT 1) AS next), (SELECT min(run_at) FROM claimed)), \
         claimed.id, claimed.kind, claimed.order_id, claimed.entry_n, claimed.attempts, claimed.token \
         FROM (SELECT 1) AS once LEFT JOIN claimed ON true",
    );
    Ok(())
}

type Row = (DbTime, Option<DbTime>, Option<i64>, Option<String>, Option<i64>, Option<i32>, Option<i32>, Option<i64>);

pub(super) async fn claim(conn: &mut Conn, claim: &Claim) -> Result<Sweep, DbError> {
    let wanted = claim.slots.iter().filter(|(_, slots)| *slots > 0);
    let wanted = wanted.map(|(kind, slots)| (kind.name(), i64::try_from(*slots).unwrap_or(i64::MAX)));
    let chores = claim.chores.iter().filter(|_| claim.only.is_none()).map(|chore| (chore.name(), 1));
    let (kinds, slots) = wanted.chain(chores).unzip();
    let named = |named: fn(TaskKind) -> bool| TaskKind::ALL.into_iter().filter(move |kind| named(*kind));
    let awaited_chores = Chore::ALL.into_iter().filter(|_| !claim.chores.is_empty());
    let due = ClaimDue {
        kinds,
        slots,
        only: claim.only.as_ref().map(|ids| ids.iter().map(|id| id.get()).collect()),
        mortal: named(TaskKind::may_die).map(TaskKind::name).collect(),
        clearing: named(TaskKind::clears_cart).map(TaskKind::name).collect(),
        awaited: named(|_| true).map(TaskKind::name).chain(awaited_chores.map(Chore::name)).collect(),
        max_tries: i32::try_from(MAX_TRIES).unwrap_or(i32::MAX),
        lease: claim.lease.as_secs_f64(),
    };
    let rows: Vec<Row> = match &due.only {
        Some(ids) => ByIds(&due, ids).load(conn).await?,
        None => BySweep(&due).load(conn).await?,
    };
    let (now, next_due) = rows[..].first().map(|row| (row.0.0, row.1.map(|at| at.0))).ok_or_else(nothing)?;
    let mut sweep = Sweep { claimed: Vec::new(), chores: Vec::new(), now, next_due };
    for row in rows.into_iter().filter_map(claimed) {
        match row.into_claimed()? {
            Claimed::Task(task) => sweep.claimed.push(task),
            Claimed::Chore(chore) => sweep.chores.push(chore),
        }
    }
    Ok(sweep)
}

fn nothing() -> DbError {
    DbError::Inconsistent("a claim answered without a row".into())
}

/// What was claimed; the one row of a claim that took nothing has only the times.
fn claimed((_, _, id, kind, order_id, entry_n, attempts, token): Row) -> Option<ClaimedRow> {
    Some(ClaimedRow { id: id?, kind: kind?, order_id, entry_n, attempts: attempts?, token: token? })
}
