//! What has happened to an order, and what watching one needs.

use diesel::prelude::*;
use order_domain::order::Version;
use order_domain::ports::Timeline;
use order_domain::{Currency, OrderId, UserId};

use super::dialect::{Conn, together};
use super::rows::EventRow;
use super::schema::{order_events, orders};
use crate::error::DbError;

fn wrong(what: impl std::fmt::Display) -> DbError {
    DbError::Inconsistent(what.to_string())
}

/// The entries after `after`, and who may be told, in one round trip.
pub(crate) async fn entries(conn: &mut Conn, id: OrderId, after: Version) -> Result<Option<Timeline>, DbError> {
    let (order, events) = together!(
        conn;
        load::<(String, Option<String>, String)>(
            orders::table.find(id.get()).select((orders::customer_id, orders::courier_id, orders::currency))
        ),
        load::<EventRow>(
            order_events::table
                .filter(order_events::order_id.eq(id.get()).and(order_events::seq.gt(after)))
                .order(order_events::seq)
                .select(EventRow::as_select())
        )
    )?;
    let Some((customer, courier, currency)) = order.into_iter().next() else { return Ok(None) };
    let currency = Currency::from_code(&currency).map_err(wrong)?;
    Ok(Some(Timeline {
        customer: UserId::new(customer).map_err(wrong)?,
        courier: courier.map(UserId::new).transpose().map_err(wrong)?,
        entries: events.into_iter().map(|row| row.into_item(currency)).collect::<Result<_, _>>()?,
    }))
}

/// The versions of these orders, as far as they are there.
pub(crate) async fn versions(conn: &mut Conn, ids: &[OrderId]) -> Result<Vec<(OrderId, Version)>, DbError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
    let found = orders::table.filter(orders::id.eq_any(ids)).select((orders::id, orders::version));
    let found = diesel_async::RunQueryDsl::load::<(i64, Version)>(found, conn).await?;
    found.into_iter().map(|(id, version)| Ok((OrderId::new(id).map_err(wrong)?, version))).collect()
}
