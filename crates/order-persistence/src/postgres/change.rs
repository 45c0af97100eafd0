//! A change of one order as one statement in autocommit: the order, the entries that it moves and books, its events (in
//! the outbox, too) and tasks, the request's receipt, the end of the order's guard and of the task that caused it, all or
//! nothing.
//!
//! First everything that may miss is locked as it was loaded, in the sequence that every commit keeps: the order in its
//! version, its entries in their states, the task with its token. A lock that had to wait looks at the row as it is by
//! then. Next comes the receipt, which is the only row that may be in the way. Only then, if nothing was missed, is there
//! a row of `go`, which every other part selects from: what misses writes nothing, and the answer says what was missed.
//!
//! A part looks at what came before it by an uncorrelated subquery and never by a join: a row that was locked after a wait
//! is looked at once more, and a join would then ask for its other side again.

use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Double, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use order_domain::TaskId;
use order_domain::ports::{Committed, GuardChange, Lane, RECEIPT_AGE, TaskKind, TaskRef, WriteSet};

use super::dialect::{Backend, Conn, DbTime};
use super::mapping::entry_no;
use super::parts::{Entries, Events, Tasks, bind, columns};
use super::rows::{EntryRow, EventRow, OrderRow, ReceiptRow, TaskRow};
use super::statements::{EndGuard, update_order};
use crate::error::DbError;

/// A move of an entry.
pub(super) struct MoveRow {
    n: i32,
    was: String,
    state: String,
    method: String,
    transaction_id: Option<String>,
    settled_at: Option<DbTime>,
}

columns!(Moves of MoveRow {
    n: i32, was: String, state: String, method: String, transaction_id: Option<String>, settled_at: Option<DbTime>,
});
columns!(Receipts of ReceiptRow { key_hash: Vec<u8>, fingerprint: Vec<u8>, status: i32, headers: String, body: Vec<u8> });

/// All that changes with an order.
pub(super) struct Changing {
    order: OrderRow,
    base: i64,
    moves: Moves,
    booked: Entries,
    events: Events,
    tasks: Tasks,
    receipts: Receipts,
    /// Seconds.
    receipt_age: f64,
    /// The task that caused it; its lane, if it ends and has one.
    task: Option<i64>,
    token: Option<i64>,
    task_ends: bool,
    lane: Option<&'static str>,
    guard_ends: bool,
    guard: EndGuard,
}

impl Changing {
    /// The change of a write set; `None` when it is none, or more than the statement can do.
    pub(super) fn of(set: &WriteSet) -> Result<Option<Self>, DbError> {
        // Named one by one: what is new in a write set has its part here, or leaves the set to a transaction.
        let WriteSet {
            order,
            base,
            events,
            moves,
            booked,
            tasks,
            relined,
            unscheduled,
            receipt,
            guard,
            finishes,
            held_by,
            touches,
        } = set;
        let (Some(base), None | Some(GuardChange::Ends)) = (*base, guard) else { return Ok(None) };
        if *relined || *unscheduled || touches.is_some() || finishes.is_some() && held_by.is_some() {
            return Ok(None);
        }
        let (id, at) = (order.id(), DbTime(order.state().updated_at));
        let moves = moves.iter().map(|&(n, from)| {
            let entry = order.ledger().entry(n)?;
            Ok::<_, DbError>(MoveRow {
                n: entry_no(n)?,
                was: from.name().to_owned(),
                state: entry.state.name().to_owned(),
                method: entry.method.name().to_owned(),
                transaction_id: entry.transaction_id.clone(),
                settled_at: entry.settled_at.map(DbTime),
            })
        });
        let booked = booked.iter().map(|&n| EntryRow::from_entry(id, order.ledger().entry(n)?));
        let tasks = tasks.iter().map(|task| TaskRow::from_task(task, at));
        let receipts = receipt.iter().map(|(key, receipt)| ReceiptRow::from_receipt(id, key, receipt, at));
        let task = finishes.as_ref().or(held_by.as_ref());
        let cancelled = guard.is_some();
        Ok(Some(Self {
            order: OrderRow::from_order(order)?,
            base,
            moves: Moves::of(moves.collect::<Result<_, _>>()?),
            booked: Entries::of(booked.collect::<Result<_, _>>()?),
            events: Events::of(events.iter().map(|recorded| EventRow::from_recorded(id, recorded)).collect()),
            tasks: Tasks::of(tasks.collect::<Result<_, _>>()?),
            receipts: Receipts::of(receipts.collect::<Result<_, _>>()?),
            receipt_age: RECEIPT_AGE.as_secs_f64(),
            task: task.map(|task| task.id.get()),
            token: task.map(|task| task.token.0),
            task_ends: finishes.is_some(),
            lane: finishes.as_ref().and_then(|task| task.kind.lane()).map(Lane::name),
            guard_ends: cancelled || finishes.as_ref().is_some_and(|task| task.kind.clears_cart()),
            guard: EndGuard { order: id.get(), cancelled },
        }))
    }

    /// Writes the change.
    pub(super) async fn write(&self, conn: &mut Conn) -> Result<Committed, DbError> {
        let (locked, task, receipt, id, kind): Row = self.get_result(conn).await?;
        if !locked {
            return Err(DbError::Conflict);
        }
        if !task {
            return Err(DbError::TaskLost);
        }
        if !receipt {
            return Err(DbError::KeyUsed);
        }
        let Some((id, kind)) = id.zip(kind) else { return Ok(Committed::default()) };
        let id = TaskId::new(id).map_err(|error| DbError::Inconsistent(error.to_string()))?;
        let next = TaskKind::from_name(&kind).map(|kind| TaskRef { id, kind });
        Ok(Committed { unblocked: next.into_iter().collect() })
    }
}

/// Whether order and entries, the task, and the key were as they have to be, and the next of the lane.
type Row = (bool, bool, bool, Option<i64>, Option<String>);

impl QueryId for Changing {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Changing {
    type SqlType = (Bool, Bool, Bool, Nullable<BigInt>, Nullable<Text>);
}

impl Changing {
    /// The locks: `held`, `moved` and `mine` have as many rows as were found as they were loaded.
    fn locks<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let Self { order, base, moves, task, token, .. } = self;
        bind! { out:
            "WITH held AS MATERIALIZED (SELECT 1 FROM orders WHERE id = ", BigInt, &order.id;
            " AND version = ", BigInt, base;
            " FOR NO KEY UPDATE), moved AS MATERIALIZED (SELECT 1 FROM unnest(", Array<Integer>, &moves.n;
            ", ", Array<Text>, &moves.was;
            ") AS given (n, was), payment_entries AS entry WHERE (SELECT count(*) FROM held) = 1 AND entry.order_id = ",
                BigInt, &order.id;
            " AND entry.n = given.n AND entry.state = given.was FOR NO KEY UPDATE OF entry), \
             same AS MATERIALIZED (SELECT 1 WHERE (SELECT count(*) FROM held) = 1 AND (SELECT count(*) FROM moved) = cardinality(",
                Array<Integer>, &moves.n;
            ")), mine AS MATERIALIZED (SELECT 1 FROM tasks WHERE (SELECT count(*) FROM same) = 1 AND id = ",
                Nullable<BigInt>, task;
            " AND token = ", Nullable<BigInt>, token;
            " FOR UPDATE), ready AS MATERIALIZED (SELECT 1 WHERE (SELECT count(*) FROM same) = 1 AND (",
                Nullable<BigInt>, task;
        }
        out.push_sql(" IS NULL OR (SELECT count(*) FROM mine) = 1))");
        Ok(())
    }

    /// The receipt, whose day begins now, however long ago the order last changed; and `go`. A receipt whose time is over
    /// makes room; one that is in force leaves no row here.
    fn receipt<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let Self { order, receipts, receipt_age, .. } = self;
        bind! { out:
            ", receipt AS (INSERT INTO idempotency_keys AS kept \
             (kind, order_id, created_at, ends_at, key_hash, fingerprint, status, headers, body) \
             SELECT 'receipt', ", BigInt, &order.id;
            ", now(), now() + make_interval(secs => ", Double, receipt_age;
            "), given.* FROM unnest(", Array<Binary>, &receipts.key_hash;
            ", ", Array<Binary>, &receipts.fingerprint;
            ", ", Array<Integer>, &receipts.status;
            ", ", Array<Text>, &receipts.headers;
            ", ", Array<Binary>, &receipts.body;
            ") AS given WHERE (SELECT count(*) FROM ready) = 1 \
             ON CONFLICT (key_hash) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status, \
             headers = excluded.headers, body = excluded.body, ends_at = excluded.ends_at, \
             order_id = excluded.order_id, created_at = excluded.created_at \
             WHERE kept.ends_at <= excluded.created_at RETURNING 1), \
             go AS MATERIALIZED (SELECT 1 WHERE (SELECT count(*) FROM ready) = 1 \
             AND (SELECT count(*) FROM receipt) = cardinality(", Array<Binary>, &receipts.key_hash;
        }
        out.push_sql("))");
        Ok(())
    }

    /// The order, its entries, the task and the guard.
    fn updates<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        const IF_GO: &str = " AND (SELECT count(*) FROM go) = 1";
        let Self { order, base, moves, task, task_ends, guard_ends, guard, .. } = self;
        out.push_sql(", changed AS (");
        update_order(order, base, out.reborrow())?;
        out.push_sql(IF_GO);
        bind! { out:
            "), moving AS (UPDATE payment_entries AS entry SET state = given.state, method = given.method, \
             transaction_id = given.transaction_id, settled_at = given.settled_at FROM unnest(", Array<Integer>, &moves.n;
            ", ", Array<Text>, &moves.state;
            ", ", Array<Text>, &moves.method;
            ", ", Array<Nullable<Text>>, &moves.transaction_id;
            ", ", Array<Nullable<Timestamptz>>, &moves.settled_at;
            ") AS given (n, state, method, transaction_id, settled_at) WHERE entry.n = given.n AND entry.order_id = ",
                BigInt, &order.id;
        }
        out.push_sql(IF_GO);
        bind! { out:
            "), ended AS (DELETE FROM tasks WHERE id = ", Nullable<BigInt>, task;
            " AND ", Bool, task_ends;
        }
        out.push_sql(IF_GO);
        out.push_sql("), guard AS (");
        guard.walk_ast(out.reborrow())?;
        bind! { out: " AND ", Bool, guard_ends; }
        out.push_sql(IF_GO);
        out.push_sql(")");
        Ok(())
    }
}

impl QueryFragment<Backend> for Changing {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let Self { order, booked, events, tasks, task, lane, .. } = self;
        self.locks(out.reborrow())?;
        self.receipt(out.reborrow())?;
        self.updates(out.reborrow())?;
        events.insert(&order.id, out.reborrow())?;
        booked.insert(&order.id, out.reborrow())?;
        tasks.insert(&order.id, out.reborrow())?;
        // What is of the same lane was committed with the order locked: with an earlier version, and so it is seen, or with
        // a later one, and then this change is none.
        bind! { out:
            " SELECT (SELECT count(*) FROM same) = 1, (SELECT count(*) FROM ready) = 1, (SELECT count(*) FROM go) = 1, \
             next.id, next.kind FROM (SELECT 1) AS once LEFT JOIN (SELECT head.id, head.kind FROM \
             (SELECT id, kind, run_at FROM tasks WHERE order_id = ", BigInt, &order.id;
            " AND lane = ", Nullable<Text>, lane;
            " AND NOT dead AND id <> ", Nullable<BigInt>, task;
        }
        out.push_sql(
            " AND (SELECT count(*) FROM go) = 1 ORDER BY seq, ordinal LIMIT 1) AS head WHERE head.run_at <= now()) AS next ON true",
        );
        Ok(())
    }
}
