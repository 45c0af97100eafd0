//! Lists and timelines.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use order_domain::order::{Order, Status};
use order_domain::ports::{OrderFilter, Page, TimelineItem};
use order_domain::{Currency, OrderId};

use super::dialect::{Conn, DbTime};
use super::load::{TRIES, complete};
use super::rows::{EventRow, OrderRow};
use super::schema::{order_events, orders};
use crate::error::DbError;

/// A page of orders in two round trips: the rows of the page, and what belongs to them.
pub(crate) async fn page(conn: &mut Conn, filter: &OrderFilter, page: Page) -> Result<Vec<Order>, DbError> {
    for _ in 0..TRIES {
        let mut query = orders::table.select(OrderRow::as_select()).into_boxed();
        if let Some(customer) = &filter.customer {
            query = query.filter(orders::customer_id.eq(customer.as_str()));
        }
        if let Some(courier) = &filter.courier {
            query = query.filter(orders::courier_id.eq(courier.as_str()));
        }
        if !filter.statuses.is_empty() {
            let names: Vec<_> = filter.statuses.iter().map(|status| status.name()).collect();
            query = query.filter(orders::status.eq_any(names));
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
            let open = [Status::Confirmed.name(), Status::Preparing.name()];
            query = query.filter(orders::courier_id.is_null());
            query = query.filter(orders::released_at.is_not_null()).filter(orders::status.eq_any(open));
        }
        let rows = query
            .order((orders::created_at.desc(), orders::id.desc()))
            .limit(i64::from(page.limit))
            .offset(i64::from(page.offset))
            .load::<OrderRow>(conn)
            .await?;
        if let Some(orders) = complete(conn, rows).await? {
            return Ok(orders);
        }
    }
    Err(DbError::NoConnection("orders change faster than they can be read".into()))
}

pub(crate) async fn timeline(conn: &mut Conn, id: OrderId) -> Result<Vec<TimelineItem>, DbError> {
    let rows = order_events::table
        .inner_join(orders::table.on(orders::id.eq(order_events::order_id)))
        .filter(order_events::order_id.eq(id.get()))
        .order(order_events::seq)
        .select((EventRow::as_select(), orders::currency))
        .load::<(EventRow, String)>(conn)
        .await?;
    let item = |(row, currency): (EventRow, String)| {
        let currency = Currency::from_code(&currency).map_err(|error| DbError::Inconsistent(error.to_string()))?;
        row.into_item(currency)
    };
    rows.into_iter().map(item).collect()
}
