//! Loading orders whole and of one moment.
//!
//! How one is read is the engine's affair (`whole`). Those of a page are read by several statements that go out together;
//! on PostgreSQL each sees the database at its own moment, so the versions are read first and last: if they are the same,
//! nothing that anybody is shown has changed in between.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use order_domain::order::{Order, Status};
use order_domain::ports::{Cause, ClaimedTask, IdempotencyKey, Loaded, Placing, StoredReceipt};
use order_domain::time::Timestamp;
use order_domain::{Currency, Money, OrderId, UserId};

use super::dialect::{Conn, DbTime, now_query, now_value, together};
use super::mapping::RECEIPT;
use super::rows::{EntryRow, GuardRow, ItemRow, OrderRow, ReceiptRow};
use super::schema::{guards, order_events, order_items, orders, payment_entries, receipts, tasks};
use super::texts::{GuardedCurrency, GuardedTerms};
use super::whole;
use crate::error::DbError;

/// How often a read that met a change is read again before the database is said to be too busy.
pub(crate) const TRIES: usize = 8;

pub(crate) async fn order(conn: &mut Conn, id: OrderId) -> Result<Option<Loaded>, DbError> {
    Ok(whole::whole(conn, id, None).await?.map(|(loaded, _)| loaded))
}

/// The order of a task, if the task still is in the hands that ask.
pub(crate) async fn order_for(conn: &mut Conn, task: &ClaimedTask) -> Result<Option<Loaded>, DbError> {
    let found = whole::whole(conn, task.order, Some(task)).await?;
    Ok(found.and_then(|(loaded, held)| held.then_some(loaded)))
}

/// The event of a task, if the task still is in the hands that ask: one statement.
pub(crate) async fn cause_of(conn: &mut Conn, task: &ClaimedTask) -> Result<Option<Cause>, DbError> {
    let of_task =
        order_events::order_id.nullable().eq(tasks::order_id).and(order_events::seq.nullable().eq(tasks::seq));
    let row = tasks::table
        .inner_join(orders::table.on(orders::id.nullable().eq(tasks::order_id)))
        .inner_join(order_events::table.on(of_task))
        .filter(tasks::id.eq(task.id.get()).and(tasks::token.eq(task.token.0)))
        .select((orders::customer_id, orders::total, orders::currency, order_events::kind, order_events::status))
        .first::<(String, i64, String, String, String)>(conn)
        .await
        .optional()?;
    let Some((customer, total, currency, kind, status)) = row else { return Ok(None) };
    let wrong = |what: String| DbError::Inconsistent(format!("order {}: {what}", task.order));
    let currency = Currency::from_code(&currency).map_err(|error| wrong(error.to_string()))?;
    Ok(Some(Cause {
        customer: UserId::new(customer).map_err(|error| wrong(error.to_string()))?,
        total: Money::from_minor(total, currency),
        kind,
        status: Status::from_name(&status).ok_or_else(|| wrong(format!("status {status:?}")))?,
    }))
}

pub(crate) async fn now(conn: &mut Conn) -> Result<Timestamp, DbError> {
    Ok(now_query().get_result::<DbTime>(conn).await?.0)
}

/// The receipt under a key.
pub(crate) async fn receipt(conn: &mut Conn, key: IdempotencyKey) -> Result<Option<StoredReceipt>, DbError> {
    let kept = receipts::table
        .find(key.hash.to_vec())
        .filter(receipts::kind.eq(RECEIPT).and(receipts::ends_at.gt(now_value())))
        .select(ReceiptRow::as_select());
    kept.get_result::<ReceiptRow>(conn).await.optional()?.map(ReceiptRow::into_receipt).transpose()
}

/// What placing reads: now, the receipt under the key (no key: under none), and the caller's guards with their carts.
pub(crate) async fn placing(conn: &mut Conn, caller: &UserId, key: Option<IdempotencyKey>) -> Result<Placing, DbError> {
    let hash = key.map(|key| key.hash.to_vec()).unwrap_or_default();
    let (now, receipt, guards) = together!(
        conn;
        get_result::<DbTime>(now_query()),
        load::<ReceiptRow>(
            receipts::table
                .find(hash)
                .filter(receipts::kind.eq(RECEIPT).and(receipts::ends_at.gt(now_value())))
                .select(ReceiptRow::as_select())
        ),
        load::<(GuardRow, String, String)>(
            guards::table
                .filter(guards::customer_id.eq(caller.as_str()))
                .filter(guards::open.eq(true).or(guards::ends_at.gt(now_value())))
                .select((GuardRow::as_select(), GuardedTerms, GuardedCurrency))
        )
    )?;
    let receipt = receipt.into_iter().next().map(ReceiptRow::into_receipt).transpose()?;
    let guards = guards.into_iter().map(|(row, terms, currency)| row.into_live(&terms, &currency));
    Ok(Placing { now: now.0, receipt, guards: guards.collect::<Result<_, _>>()? })
}

/// Puts a page of orders together from its rows, in the order of `rows`; `None` when one changed meanwhile.
pub(crate) async fn complete(conn: &mut Conn, rows: Vec<OrderRow>) -> Result<Option<Vec<Order>>, DbError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let (items, entries, versions) = together!(
        conn;
        load::<ItemRow>(
            order_items::table
                .filter(order_items::order_id.eq_any(&ids))
                .order((order_items::order_id, order_items::line))
                .select(ItemRow::as_select())
        ),
        load::<EntryRow>(
            payment_entries::table
                .filter(payment_entries::order_id.eq_any(&ids))
                .order((payment_entries::order_id, payment_entries::n))
                .select(EntryRow::as_select())
        ),
        load::<(i64, i64)>(orders::table.filter(orders::id.eq_any(&ids)).select((orders::id, orders::version)))
    )?;
    if rows.iter().any(|row| !versions.contains(&(row.id, row.version))) {
        return Ok(None);
    }
    let mut items = by_order(items, |item| item.order_id);
    let mut entries = by_order(entries, |entry| entry.order_id);
    let whole = rows.into_iter().map(|row| {
        let id = row.id;
        row.into_order(items.remove(&id).unwrap_or_default(), entries.remove(&id).unwrap_or_default())
    });
    whole.collect::<Result<_, _>>().map(Some)
}

fn by_order<T>(rows: Vec<T>, order: impl Fn(&T) -> i64) -> std::collections::HashMap<i64, Vec<T>> {
    let mut groups: std::collections::HashMap<i64, Vec<T>> = std::collections::HashMap::new();
    for row in rows {
        groups.entry(order(&row)).or_default().push(row);
    }
    groups
}
