//! An order with all its rows: several statements, which see one moment since they are read in one transaction.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use order_domain::OrderId;
use order_domain::ports::{ClaimedTask, Loaded};

use super::dialect::Conn;
use super::load;
use super::rows::{EntryRow, ItemRow, OrderRow};
use super::schema::{order_items, orders, payment_entries, tasks};
use crate::error::DbError;

/// An order, and whether the task is in these hands.
pub(super) async fn whole(
    conn: &mut Conn,
    id: OrderId,
    task: Option<&ClaimedTask>,
) -> Result<Option<(Loaded, bool)>, DbError> {
    let (id, now) = (id.get(), load::now(conn).await?);
    let order = orders::table.find(id).select(OrderRow::as_select());
    let Some(order) = order.first::<OrderRow>(conn).await.optional()? else { return Ok(None) };
    let items = order_items::table.filter(order_items::order_id.eq(id)).order(order_items::line);
    let items = items.select(ItemRow::as_select()).load::<ItemRow>(conn).await?;
    let entries = payment_entries::table.filter(payment_entries::order_id.eq(id)).order(payment_entries::n);
    let entries = entries.select(EntryRow::as_select()).load::<EntryRow>(conn).await?;
    let held = match task {
        Some(task) => {
            let mine = tasks::table.filter(tasks::id.eq(task.id.get()).and(tasks::token.eq(task.token.0)));
            mine.count().get_result::<i64>(conn).await? == 1
        }
        None => false,
    };
    Ok(Some((Loaded { order: order.into_order(items, entries)?, now }, held)))
}
