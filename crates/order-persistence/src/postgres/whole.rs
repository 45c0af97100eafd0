//! An order with all its rows in one statement, and so of one moment.

use std::sync::LazyLock;

use diesel::deserialize;
use diesel::dsl::SqlTypeOf;
use diesel::pg::{Pg, PgQueryBuilder};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Record, Timestamptz};
use diesel_async::RunQueryDsl;
use order_domain::OrderId;
use order_domain::ports::{ClaimedTask, Loaded};

use super::dialect::{Backend, Conn, DbTime};
use super::parts::bind;
use super::rows::{EntryRow, ItemRow, OrderRow};
use crate::error::DbError;

type Columns<Row> = <Row as Selectable<Pg>>::SelectExpression;
type Types<Row> = SqlTypeOf<Columns<Row>>;
type Fields<Row> = <Row as Queryable<Types<Row>, Pg>>::Row;

/// An order, its lines and its entries as an array of rows each, and whether a task is in the hands that ask.
struct Whole {
    id: i64,
    task: i64,
    token: i64,
}

type Found = (DbTime, OrderRow, Vec<Fields<ItemRow>>, Vec<Fields<EntryRow>>, bool);

/// What is selected of an order. A statement's text is put together each time it is used, prepared or not; the names of
/// sixty columns, quoted, were the dearest part of a read on this side.
static SELECT: LazyLock<QueryResult<String>> = LazyLock::new(|| {
    Ok(format!(
        "SELECT now(), {}, ARRAY(SELECT ROW({}) FROM order_items WHERE order_id = orders.id ORDER BY line), \
         ARRAY(SELECT ROW({}) FROM payment_entries WHERE order_id = orders.id ORDER BY n)",
        names::<OrderRow>()?,
        names::<ItemRow>()?,
        names::<EntryRow>()?,
    ))
});

/// The names of a row's columns, in the sequence of its fields.
fn names<Row: Selectable<Pg>>() -> QueryResult<String>
where
    Columns<Row>: QueryFragment<Pg>,
{
    let mut text = PgQueryBuilder::default();
    Row::construct_selection().to_sql(&mut text, &Pg)?;
    Ok(text.finish())
}

impl QueryId for Whole {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Whole {
    type SqlType = (Timestamptz, Types<OrderRow>, Array<Record<Types<ItemRow>>>, Array<Record<Types<EntryRow>>>, Bool);
}

impl QueryFragment<Backend> for Whole {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let select =
            SELECT.as_ref().map_err(|error| diesel::result::Error::QueryBuilderError(error.to_string().into()))?;
        out.push_sql(select);
        bind! { out:
            ", EXISTS (SELECT FROM tasks WHERE tasks.id = ", BigInt, &self.task;
            " AND token = ", BigInt, &self.token;
            ") FROM orders WHERE orders.id = ", BigInt, &self.id;
        }
        Ok(())
    }
}

/// An order, and whether the task is in these hands.
pub(super) async fn whole(
    conn: &mut Conn,
    id: OrderId,
    task: Option<&ClaimedTask>,
) -> Result<Option<(Loaded, bool)>, DbError> {
    let (task, token) = task.map_or((0, 0), |task| (task.id.get(), task.token.0));
    let whole = Whole { id: id.get(), task, token };
    let found = whole.get_result::<Found>(conn).await.optional()?;
    let Some((now, order, items, entries, held)) = found else { return Ok(None) };
    let order = order.into_order(rows::<ItemRow>(items)?, rows::<EntryRow>(entries)?)?;
    Ok(Some((Loaded { order, now: now.0 }, held)))
}

/// Rows out of their fields.
fn rows<Row>(fields: Vec<Fields<Row>>) -> Result<Vec<Row>, DbError>
where
    Row: Selectable<Pg> + Queryable<Types<Row>, Pg>,
    Columns<Row>: Expression,
{
    let rows = fields.into_iter().map(<Row as Queryable<Types<Row>, Pg>>::build);
    rows.collect::<deserialize::Result<_>>().map_err(|error| DbError::Inconsistent(error.to_string()))
}
