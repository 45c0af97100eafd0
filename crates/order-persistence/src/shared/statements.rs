//! Statements that are run often and whose text never changes, so that both engines keep them prepared. (What diesel
//! builds for an update is prepared anew each time on PostgreSQL.)

use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};

use super::dialect::{AMONG, Backend, DbTime, Instant, LOCK, LOCK_FREE_ONES, NOW};
use super::rows::OrderRow;

/// Names a statement by its type: the same text for every value.
macro_rules! static_statement {
    ($name:ident) => {
        impl QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }
    };
}

/// Everything of an order that may change, if it still is in the version that was loaded.
pub(crate) struct UpdateOrder<'a> {
    pub(crate) row: &'a OrderRow,
    pub(crate) base: i64,
}
static_statement!(UpdateOrder);

impl QueryFragment<Backend> for UpdateOrder<'_> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        update_order(self.row, &self.base, out)
    }
}

/// The text of [`UpdateOrder`], which ends in a condition that may be gone on with.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "a statement borrows the values that are bound to it")]
pub(crate) fn update_order<'b>(row: &'b OrderRow, base: &'b i64, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
    out.push_sql("UPDATE orders SET courier_id = ");
    out.push_bind_param::<Nullable<Text>, _>(&row.courier_id)?;
    for (column, value) in [
        (", status = ", &row.status),
        (", payment_status = ", &row.payment_status),
        (", payment_method = ", &row.payment_method),
    ] {
        out.push_sql(column);
        out.push_bind_param::<Text, _>(value)?;
    }
    for (column, value) in [
        (", subtotal = ", &row.subtotal),
        (", discount = ", &row.discount),
        (", delivery_fee = ", &row.delivery_fee),
        (", total = ", &row.total),
        (", charged = ", &row.charged),
        (", refunded = ", &row.refunded),
        (", refund_held = ", &row.refund_held),
    ] {
        out.push_sql(column);
        out.push_bind_param::<BigInt, _>(value)?;
    }
    for (column, value) in [
        (", scheduled_for = ", &row.scheduled_for),
        (", released_at = ", &row.released_at),
        (", delivered_at = ", &row.delivered_at),
        (", cancelled_at = ", &row.cancelled_at),
    ] {
        out.push_sql(column);
        out.push_bind_param::<Nullable<Instant>, _>(value)?;
    }
    for (column, value) in [
        (", cancelled_by = ", &row.cancelled_by),
        (", cancelled_by_id = ", &row.cancelled_by_id),
        (", cancel_code = ", &row.cancel_code),
        (", cancel_reason = ", &row.cancel_reason),
    ] {
        out.push_sql(column);
        out.push_bind_param::<Nullable<Text>, _>(value)?;
    }
    out.push_sql(", delivery_address = ");
    out.push_bind_param::<Text, _>(&row.delivery_address)?;
    for (column, value) in [
        (", delivery_latitude = ", &row.delivery_latitude),
        (", delivery_longitude = ", &row.delivery_longitude),
        (", special_instructions = ", &row.special_instructions),
        (", adjustment = ", &row.adjustment),
    ] {
        out.push_sql(column);
        out.push_bind_param::<Nullable<Text>, _>(value)?;
    }
    out.push_sql(", terms = ");
    out.push_bind_param::<Text, _>(&row.terms)?;
    out.push_sql(", updated_at = ");
    out.push_bind_param::<Instant, _>(&row.updated_at)?;
    out.push_sql(", version = ");
    out.push_bind_param::<BigInt, _>(&row.version)?;
    out.push_sql(" WHERE id = ");
    out.push_bind_param::<BigInt, _>(&row.id)?;
    out.push_sql(" AND version = ");
    out.push_bind_param::<BigInt, _>(base)
}

/// A move of an entry, if it still is in the state that was loaded.
pub(crate) struct MoveEntry<'a> {
    pub(crate) order: i64,
    pub(crate) n: i32,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    pub(crate) method: &'a str,
    pub(crate) transaction_id: &'a Option<String>,
    pub(crate) settled_at: &'a Option<DbTime>,
}
static_statement!(MoveEntry);

impl QueryFragment<Backend> for MoveEntry<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("UPDATE payment_entries SET state = ");
        out.push_bind_param::<Text, _>(self.to)?;
        out.push_sql(", method = ");
        out.push_bind_param::<Text, _>(self.method)?;
        out.push_sql(", transaction_id = ");
        out.push_bind_param::<Nullable<Text>, _>(self.transaction_id)?;
        out.push_sql(", settled_at = ");
        out.push_bind_param::<Nullable<Instant>, _>(self.settled_at)?;
        out.push_sql(" WHERE order_id = ");
        out.push_bind_param::<BigInt, _>(&self.order)?;
        out.push_sql(" AND n = ");
        out.push_bind_param::<Integer, _>(&self.n)?;
        out.push_sql(" AND state = ");
        out.push_bind_param::<Text, _>(self.from)
    }
}

/// The end of the guard of an order: at once where it was cancelled; where its cart has been cleared, when its time is
/// over.
pub(crate) struct EndGuard {
    pub(crate) order: i64,
    pub(crate) cancelled: bool,
}

impl QueryId for EndGuard {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Backend> for EndGuard {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("UPDATE idempotency_keys SET open = FALSE, ends_at = CASE WHEN ");
        out.push_bind_param::<Bool, _>(&self.cancelled)?;
        for piece in [" OR ends_at < ", NOW, " THEN ", NOW, " ELSE ends_at END WHERE kind = 'guard' AND order_id = "] {
            out.push_sql(piece);
        }
        out.push_bind_param::<BigInt, _>(&self.order)?;
        out.push_sql(" AND (open OR ends_at > ");
        out.push_sql(NOW);
        out.push_sql(")");
        Ok(())
    }
}

/// Removes receipts and guards that ended before a moment, the longest ended first. Those that somebody is about to
/// replace are passed over.
pub(crate) struct Forget {
    pub(crate) before: DbTime,
    pub(crate) limit: i64,
}

impl QueryId for Forget {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Backend> for Forget {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql(
            "WITH ended AS MATERIALIZED (SELECT key_hash FROM idempotency_keys WHERE NOT open AND ends_at <= ",
        );
        out.push_bind_param::<Instant, _>(&self.before)?;
        out.push_sql(" ORDER BY ends_at LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(LOCK_FREE_ONES);
        for piece in [") DELETE FROM idempotency_keys WHERE key_hash", AMONG[0], "SELECT key_hash FROM ended", AMONG[1]]
        {
            out.push_sql(piece);
        }
        Ok(())
    }
}

/// `booked → sent` (with the time of the first try) or its way back, if order, entry and task still are as loaded. Order
/// and task are locked first: whoever is about to change them is waited for, and the new version or token makes this miss.
pub(crate) struct MarkEntry {
    pub(crate) order: i64,
    pub(crate) version: i64,
    pub(crate) n: i32,
    pub(crate) task: i64,
    pub(crate) token: i64,
    pub(crate) mark: Mark,
}

/// Which of the two moves that are no events.
#[derive(Clone, Copy)]
pub(crate) enum Mark {
    /// `booked → sent`: a call is about to be made.
    Sent,
    /// `sent → booked`: the call was refused before it connected.
    PutBack,
}

impl QueryId for MarkEntry {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Backend> for MarkEntry {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        // One text for both moves: a prepared statement is known by its type.
        let (from, to, attempts) = match self.mark {
            Mark::Sent => ("booked", "sent", &1),
            Mark::PutBack => ("sent", "booked", &0),
        };
        out.push_sql("UPDATE payment_entries SET state = ");
        out.push_bind_param::<Text, _>(to)?;
        out.push_sql(", attempts = attempts + ");
        out.push_bind_param::<Integer, _>(attempts)?;
        // Nothing has arrived under the key of one that is put back: its time begins with its next call.
        out.push_sql(", first_tried_at = CASE WHEN ");
        out.push_bind_param::<Text, _>(to)?;
        out.push_sql(" = 'sent' THEN ");
        out.push_sql(NOW);
        out.push_sql(" END WHERE order_id = ");
        out.push_bind_param::<BigInt, _>(&self.order)?;
        out.push_sql(" AND n = ");
        out.push_bind_param::<Integer, _>(&self.n)?;
        out.push_sql(" AND state = ");
        out.push_bind_param::<Text, _>(from)?;
        // Locked in this sequence: the order as every commit locks it, then the task, so that neither its version nor the
        // token can change between the look and the update.
        out.push_sql(
            " AND order_id IN (SELECT o.id FROM orders AS o JOIN tasks AS t ON t.order_id = o.id WHERE o.id = ",
        );
        out.push_bind_param::<BigInt, _>(&self.order)?;
        out.push_sql(" AND o.version = ");
        out.push_bind_param::<BigInt, _>(&self.version)?;
        out.push_sql(" AND t.id = ");
        out.push_bind_param::<BigInt, _>(&self.task)?;
        out.push_sql(" AND t.token = ");
        out.push_bind_param::<BigInt, _>(&self.token)?;
        out.push_sql(LOCK);
        out.push_sql(")");
        Ok(())
    }
}
