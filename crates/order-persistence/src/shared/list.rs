//! Lists of orders, page by page.
//!
//! Every list is read from the middle of an index that has its order: a page costs the same wherever it begins. Where
//! several statuses are asked for, no index has the order of all of them; each is read by itself, as far as a page goes,
//! and they are merged.

use diesel::expression::ValidGrouping;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Bool};
use diesel_async::RunQueryDsl;
use order_domain::OrderId;
use order_domain::order::Status;
use order_domain::ports::{ListPlace, OrderFilter, OrderPage, Page, PageStart};

use super::dialect::{Backend, Conn, DbTime, Instant};
use super::load::{TRIES, complete};
use super::rows::OrderRow;
use super::schema::orders;
use super::texts::IsToBeTaken;
use crate::error::DbError;

/// A page of orders in two round trips: the rows of the page, and what belongs to them.
pub(crate) async fn page(conn: &mut Conn, filter: &OrderFilter, page: Page) -> Result<OrderPage, DbError> {
    for _ in 0..TRIES {
        let mut rows = rows(conn, filter, page).await?;
        // One row more than are shown says that there is a next page.
        let more = rows.len() > page.limit as usize;
        rows.truncate(page.limit as usize);
        let last = rows.last().filter(|_| more);
        let next = last.map(place).transpose()?;
        if let Some(orders) = complete(conn, rows).await? {
            return Ok(OrderPage { orders, next });
        }
    }
    Err(DbError::NoConnection("orders change faster than they can be read".into()))
}

fn place(row: &OrderRow) -> Result<ListPlace, DbError> {
    let id = OrderId::new(row.id).map_err(|error| DbError::Inconsistent(error.to_string()))?;
    Ok(ListPlace { created_at: row.created_at.0, id })
}

async fn rows(conn: &mut Conn, filter: &OrderFilter, page: Page) -> Result<Vec<OrderRow>, DbError> {
    let offset = match page.start {
        PageStart::Offset(offset) => i64::from(offset),
        PageStart::After(_) => 0,
    };
    let limit = i64::from(page.limit) + 1;
    let newest_first = (orders::created_at.desc(), orders::id.desc());
    let mut statuses = filter.statuses.clone();
    statuses.sort_unstable();
    statuses.dedup();
    let one = match &statuses[..] {
        [] => meeting(filter, page.start, None),
        [status] => meeting(filter, page.start, Some(*status)),
        several => {
            let each = |status: &Status| {
                let found = meeting(filter, page.start, Some(*status)).order(newest_first).limit(limit + offset);
                Box::new(found.select((orders::id, orders::created_at))) as Branch<'_>
            };
            let merged = Merged { branches: several.iter().map(each).collect(), limit, offset };
            let found = orders::table.filter(merged).order(newest_first).select(OrderRow::as_select());
            return Ok(found.load::<OrderRow>(conn).await?);
        }
    };
    let found = one.order(newest_first).limit(limit).offset(offset).select(OrderRow::as_select());
    Ok(found.load::<OrderRow>(conn).await?)
}

/// The orders that meet a filter, in one status if it says so, after where the page begins.
fn meeting(filter: &OrderFilter, start: PageStart, status: Option<Status>) -> orders::BoxedQuery<'_, Backend> {
    let mut query = orders::table.into_boxed();
    if let Some(customer) = &filter.customer {
        query = query.filter(orders::customer_id.eq(customer.as_str()));
    }
    if let Some(courier) = &filter.courier {
        query = query.filter(orders::courier_id.eq(courier.as_str()));
    }
    if let Some(status) = status {
        query = query.filter(orders::status.eq(status.name()));
    }
    if let Some(status) = filter.payment_status {
        query = query.filter(orders::payment_status.eq(status.name()));
    }
    if let Some(from) = filter.created_from {
        query = query.filter(orders::created_at.ge(DbTime(from)));
    }
    if let Some(to) = filter.created_to {
        query = query.filter(orders::created_at.le(DbTime(to)));
    }
    if filter.available {
        query =
            query.filter(IsToBeTaken).filter(orders::courier_id.is_null()).filter(orders::released_at.is_not_null());
    }
    match filter.scheduled {
        Some(true) => query = query.filter(orders::scheduled_for.is_not_null()),
        Some(false) => query = query.filter(orders::scheduled_for.is_null()),
        None => {}
    }
    if let PageStart::After(place) = start {
        query = query.filter(After { created_at: DbTime(place.created_at), id: place.id.get() });
    }
    query
}

/// What comes after a place in a list: a comparison of rows, which an index over both columns is entered with.
#[derive(Debug, Clone, Copy, QueryId, ValidGrouping)]
struct After {
    created_at: DbTime,
    id: i64,
}

impl Expression for After {
    type SqlType = Bool;
}
impl AppearsOnTable<orders::table> for After {}

impl QueryFragment<Backend> for After {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("(orders.created_at, orders.id) < (");
        out.push_bind_param::<Instant, _>(&self.created_at)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.id)?;
        out.push_sql(")");
        Ok(())
    }
}

type Branch<'f> = Box<dyn QueryFragment<Backend> + Send + 'f>;

/// Is an order on the page that several lists make together? Each branch gives ids and moments, as many as the page may
/// need of it.
#[derive(ValidGrouping)]
struct Merged<'f> {
    branches: Vec<Branch<'f>>,
    limit: i64,
    offset: i64,
}

impl Expression for Merged<'_> {
    type SqlType = Bool;
}
impl AppearsOnTable<orders::table> for Merged<'_> {}

/// Its text depends on how many branches there are and what they ask.
impl QueryId for Merged<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Backend> for Merged<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("orders.id IN (SELECT id FROM (");
        for (n, branch) in self.branches.iter().enumerate() {
            out.push_sql(if n == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
            branch.walk_ast(out.reborrow())?;
            out.push_sql(") AS branch");
        }
        out.push_sql(") AS merged ORDER BY created_at DESC, id DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(" OFFSET ");
        out.push_bind_param::<BigInt, _>(&self.offset)?;
        out.push_sql(")");
        Ok(())
    }
}
