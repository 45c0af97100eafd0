//! Committed events as other services are told of them: the history, page by page, and how much of it waits in the outbox.
//!
//! What belongs to a row is looked up by subqueries that depend on it, so that it is found by key whatever the tables'
//! statistics were when the statement was planned.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use diesel_async::RunQueryDsl;
use order_domain::order::{Role, Status, Version};
use order_domain::ports::{HistoryPlace, HistorySpan, Publisher, StreamEvent, Unpublished};
use order_domain::time::until;
use order_domain::{Currency, Money, OrderId, UserId};

use super::dialect::{BY_MOMENT, Backend, Conn, DbTime, Instant, NOW, now_value};
use super::schema::publisher_lease;
use crate::error::DbError;
use crate::stored;

/// What is read of an event `e`, in the sequence of [`Row`].
pub(super) const COLUMNS: &str = "e.order_id, e.seq, e.type, e.v, e.data, e.at, e.actor_role, e.status, e.amount, \
     (SELECT customer_id FROM orders WHERE id = e.order_id), (SELECT currency FROM orders WHERE id = e.order_id)";

/// The types of [`COLUMNS`].
pub(super) type Types = (BigInt, BigInt, Text, Integer, Text, Instant, Text, Text, Nullable<BigInt>, Text, Text);

/// An event, and of its order the customer and the currency.
pub(super) type Row = (i64, i64, String, i32, String, DbTime, String, String, Option<i64>, String, String);

/// The event of a row, whatever its type.
pub(super) fn event(row: Row) -> Result<StreamEvent, DbError> {
    let (order, seq, kind, v, data, at, role, status, amount, customer, currency) = row;
    let wrong = |what: String| DbError::Inconsistent(format!("order {order}, event {seq}: {what}"));
    let currency = Currency::from_code(&currency).map_err(|error| wrong(error.to_string()))?;
    Ok(StreamEvent {
        order: OrderId::new(order).map_err(|error| wrong(error.to_string()))?,
        seq,
        at: at.0,
        role: Role::from_name(&role).ok_or_else(|| wrong(format!("role {role:?} is unknown to this program")))?,
        customer: UserId::new(customer).map_err(|error| wrong(error.to_string()))?,
        status: Status::from_name(&status)
            .ok_or_else(|| wrong(format!("status {status:?} is unknown to this program")))?,
        amount: amount.map(|minor| Money::from_minor(minor, currency)),
        facts: stored::facts(&kind, v, &data, currency).map_err(wrong)?,
        kind,
    })
}

pub(super) fn all(rows: Vec<Row>) -> Result<Vec<StreamEvent>, DbError> {
    rows.into_iter().map(event).collect()
}

/// A page of the history.
struct AfterPlace {
    at: DbTime,
    order: i64,
    seq: Version,
    to: DbTime,
    limit: i64,
}

impl QueryId for AfterPlace {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for AfterPlace {
    type SqlType = Types;
}

impl QueryFragment<Backend> for AfterPlace {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_sql(COLUMNS);
        out.push_sql(" FROM (SELECT * FROM order_events WHERE (");
        out.push_sql(BY_MOMENT);
        out.push_sql(") > (");
        out.push_bind_param::<Instant, _>(&self.at)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.order)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.seq)?;
        out.push_sql(") AND at < ");
        out.push_bind_param::<Instant, _>(&self.to)?;
        out.push_sql(" ORDER BY ");
        out.push_sql(BY_MOMENT);
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(") AS e ORDER BY e.at, e.order_id, e.seq");
        Ok(())
    }
}

/// All events of an order: few, and found by its number.
struct OfOrder(i64);

impl QueryId for OfOrder {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for OfOrder {
    type SqlType = Types;
}

impl QueryFragment<Backend> for OfOrder {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_sql(COLUMNS);
        out.push_sql(" FROM order_events AS e WHERE e.order_id = ");
        out.push_bind_param::<BigInt, _>(&self.0)?;
        out.push_sql(" ORDER BY e.seq");
        Ok(())
    }
}

/// The events of a span after a place, in the sequence of their places.
pub(crate) async fn history(
    conn: &mut Conn,
    span: HistorySpan,
    after: Option<HistoryPlace>,
    limit: u32,
) -> Result<Vec<StreamEvent>, DbError> {
    // Before every event of that moment: orders are numbered from 1.
    let (mut at, mut order, mut seq) = (span.from, 0, 0);
    if let Some(place) = after.filter(|place| place.at >= span.from) {
        (at, order, seq) = (place.at, place.order.get(), place.seq);
    }
    if let Some(wanted) = span.order {
        let mut rows: Vec<Row> = OfOrder(wanted.get()).load(conn).await?;
        rows.retain(|row| (row.5.0, row.0, row.1) > (at, order, seq) && row.5.0 < span.to);
        rows.sort_by_key(|row| (row.5.0, row.1));
        rows.truncate(limit as usize);
        return all(rows);
    }
    let page = AfterPlace { at: DbTime(at), order, seq, to: DbTime(span.to), limit: i64::from(limit) };
    all(page.load(conn).await?)
}

/// How many wait, and the moment of the oldest; of the first that are counted.
struct Waiting {
    counted: i64,
}

impl QueryId for Waiting {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Waiting {
    type SqlType = (Instant, BigInt, Nullable<Instant>);
}

impl QueryFragment<Backend> for Waiting {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_sql(NOW);
        out.push_sql(
            ", count(*), min((SELECT e.at FROM order_events AS e WHERE e.order_id = first.order_id AND e.seq = first.seq)) \
             FROM (SELECT order_id, seq FROM outbox ORDER BY order_id, seq LIMIT ",
        );
        out.push_bind_param::<BigInt, _>(&self.counted)?;
        out.push_sql(") AS first");
        Ok(())
    }
}

/// How much waits to be published.
pub(crate) async fn unpublished(conn: &mut Conn) -> Result<Unpublished, DbError> {
    let counted = i64::try_from(Unpublished::COUNTED).unwrap_or(i64::MAX);
    let (now, count, oldest): (DbTime, i64, Option<DbTime>) = Waiting { counted }.get_result(conn).await?;
    // A count is never negative.
    Ok(Unpublished { events: count.unsigned_abs(), oldest: oldest.map(|at| until(at.0, now.0)) })
}

/// Gives the publisher's lease back, if it is this one's.
pub(crate) async fn leave(conn: &mut Conn, publisher: Publisher) -> Result<(), DbError> {
    let own = publisher_lease::one
        .eq(1)
        .and(publisher_lease::holder.eq(publisher.0))
        .and(publisher_lease::ends_at.gt(now_value()));
    diesel::update(publisher_lease::table.filter(own))
        .set(publisher_lease::ends_at.eq(now_value()))
        .execute(conn)
        .await?;
    Ok(())
}
