//! What audits read: rows as they are, in bounded batches. What contradicts itself is handed in, not refused.

use std::collections::HashMap;

use diesel::dsl::max;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use order_domain::audit::StoredSums;
use order_domain::order::Status;
use order_domain::payment::{EntryKind, EntryState, Ledger, PaymentMethod, Purpose};
use order_domain::ports::{AuditBatch, AuditedEvent, AuditedOrder, AuditedRows, AuditedTask, LedgerLine, SettledPlace};
use order_domain::time::Timestamp;
use order_domain::{Currency, EntryNo, Money, OrderId};

use super::desk::OpenRow;
use super::dialect::{Conn, DbTime, now_query, together};
use super::mapping::{RECEIPT, entry_no};
use super::rows::{EntryRow, ItemRow, OrderRow};
use super::schema::{order_events, order_items, orders, outbox, payment_entries, receipts, tasks};
use crate::error::DbError;

/// The status of an answer to a placing.
const CREATED: i32 = 201;

fn wrong(what: impl std::fmt::Display) -> DbError {
    DbError::Inconsistent(what.to_string())
}

fn named<T>(what: &str, name: &str, found: Option<T>) -> Result<T, DbError> {
    found.ok_or_else(|| wrong(format!("{what} {name:?} is unknown to this program")))
}

pub(crate) async fn last_order(conn: &mut Conn) -> Result<Option<OrderId>, DbError> {
    let last: Option<i64> = orders::table.select(max(orders::id)).get_result(conn).await?;
    last.map(OrderId::new).transpose().map_err(wrong)
}

/// (order, seq, name, when, status)
type Event = (i64, i64, String, DbTime, String);

/// What belongs to orders, by their numbers.
struct Parts {
    items: HashMap<i64, Vec<ItemRow>>,
    entries: HashMap<i64, Vec<EntryRow>>,
    events: HashMap<i64, Vec<Event>>,
    tasks: HashMap<i64, Vec<OpenRow>>,
    keys: HashMap<i64, Vec<(i64, Vec<u8>)>>,
    unpublished: HashMap<i64, Vec<(i64, i64)>>,
}

pub(crate) async fn orders_after(conn: &mut Conn, after: Option<OrderId>, limit: u32) -> Result<AuditBatch, DbError> {
    let now: DbTime = now_query().get_result(conn).await?;
    let rows = orders::table.filter(orders::id.gt(after.map_or(0, OrderId::get))).order(orders::id);
    let rows: Vec<OrderRow> = rows.limit(i64::from(limit)).select(OrderRow::as_select()).load(conn).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut parts = parts(conn, &ids).await?;
    let audited = rows.into_iter().map(|row| audited(row, &mut parts, now));
    Ok(AuditBatch { orders: audited.collect::<Result<_, _>>()?, now: now.0 })
}

async fn parts(conn: &mut Conn, ids: &[i64]) -> Result<Parts, DbError> {
    let (items, entries, events, open, keys, unpublished) = together!(
        conn;
        load::<ItemRow>(
            order_items::table
                .filter(order_items::order_id.eq_any(ids))
                .order((order_items::order_id, order_items::line))
                .select(ItemRow::as_select())
        ),
        load::<EntryRow>(
            payment_entries::table
                .filter(payment_entries::order_id.eq_any(ids))
                .order((payment_entries::order_id, payment_entries::n))
                .select(EntryRow::as_select())
        ),
        load::<Event>(
            order_events::table
                .filter(order_events::order_id.eq_any(ids))
                .order((order_events::order_id, order_events::seq))
                .select((
                    order_events::order_id, order_events::seq, order_events::kind, order_events::at, order_events::status,
                ))
        ),
        load::<OpenRow>(
            tasks::table
                .filter(tasks::order_id.assume_not_null().eq_any(ids))
                .order(tasks::id)
                .select(OpenRow::as_select())
        ),
        load::<(i64, Vec<u8>)>(
            receipts::table
                .filter(receipts::order_id.eq_any(ids))
                .filter(receipts::kind.eq(RECEIPT).and(receipts::status.eq(CREATED)))
                .select((receipts::order_id, receipts::key_hash))
        ),
        load::<(i64, i64)>(
            outbox::table.filter(outbox::order_id.eq_any(ids)).order((outbox::order_id, outbox::seq))
        )
    )?;
    Ok(Parts {
        items: by_order(items, |item| item.order_id),
        entries: by_order(entries, |entry| entry.order_id),
        events: by_order(events, |event| event.0),
        tasks: by_order(open, |task| task.order().unwrap_or_default()),
        keys: by_order(keys, |key| key.0),
        unpublished: by_order(unpublished, |waiting| waiting.0),
    })
}

fn by_order<T>(rows: Vec<T>, order: impl Fn(&T) -> i64) -> HashMap<i64, Vec<T>> {
    let mut groups: HashMap<i64, Vec<T>> = HashMap::new();
    for row in rows {
        groups.entry(order(&row)).or_default().push(row);
    }
    groups
}

fn audited(row: OrderRow, parts: &mut Parts, now: DbTime) -> Result<AuditedOrder, DbError> {
    let (id, number) = (OrderId::new(row.id).map_err(wrong)?, row.id);
    let open = parts.tasks.remove(&number).unwrap_or_default().into_iter().map(|row| {
        let lease_expired = row.lease_expired(now);
        Ok(AuditedTask { task: row.into_open(now)?, lease_expired })
    });
    // What only a newer program knows is its own to audit.
    let tasks = open.filter_map(|task: Result<_, DbError>| task.ok()).collect();
    let keys = parts.keys.remove(&number).unwrap_or_default().into_iter();
    let keys = keys.filter_map(|(_, hash)| hash.try_into().ok()).collect();
    let unpublished = parts.unpublished.remove(&number).unwrap_or_default().into_iter().map(|(_, seq)| seq).collect();
    let read = rows(
        row,
        parts.items.remove(&number).unwrap_or_default(),
        parts.entries.remove(&number).unwrap_or_default(),
        parts.events.remove(&number).unwrap_or_default(),
    );
    Ok(AuditedOrder { id, rows: read.map_err(|error| error.to_string()), tasks, keys, unpublished })
}

fn rows(
    order: OrderRow,
    items: Vec<ItemRow>,
    entries: Vec<EntryRow>,
    events: Vec<Event>,
) -> Result<AuditedRows, DbError> {
    let currency = Currency::from_code(&order.currency).map_err(wrong)?;
    let amount = |minor| Money::from_minor(minor, currency);
    let sums = StoredSums {
        charged: amount(order.charged),
        refunded: amount(order.refunded),
        refund_held: amount(order.refund_held),
    };
    let lines = items.into_iter().map(|item| item.into_line(currency)).collect::<Result<_, _>>()?;
    let entries: Vec<_> = entries.into_iter().map(|entry| entry.into_entry(currency)).collect::<Result<_, _>>()?;
    let event = |(_, seq, name, at, status): Event| -> Result<AuditedEvent, DbError> {
        let status = named("status", &status, Status::from_name(&status))?;
        Ok(AuditedEvent { seq, name, at: at.0, status })
    };
    Ok(AuditedRows {
        state: order.into_state(currency, lines)?,
        ledger: Ledger::restore(currency, entries).map_err(|error| error.0),
        sums,
        events: events.into_iter().map(event).collect::<Result<_, _>>()?,
    })
}

/// (order, n, kind, purpose, amount, method, state, when settled, currency)
type Line = (i64, i32, String, String, i64, String, String, Option<DbTime>, String);
type LineColumns = (
    payment_entries::order_id,
    payment_entries::n,
    payment_entries::kind,
    payment_entries::purpose,
    payment_entries::amount,
    payment_entries::method,
    payment_entries::state,
    payment_entries::settled_at,
    orders::currency,
);
const LINE: LineColumns = (
    payment_entries::order_id,
    payment_entries::n,
    payment_entries::kind,
    payment_entries::purpose,
    payment_entries::amount,
    payment_entries::method,
    payment_entries::state,
    payment_entries::settled_at,
    orders::currency,
);

fn line((order, n, kind, purpose, amount, method, state, settled_at, currency): Line) -> Result<LedgerLine, DbError> {
    Ok(LedgerLine {
        order: OrderId::new(order).map_err(wrong)?,
        n: u32::try_from(n).map_err(wrong)?,
        kind: named("kind", &kind, EntryKind::from_name(&kind))?,
        purpose: named("purpose", &purpose, Purpose::from_name(&purpose))?,
        amount: Money::from_minor(amount, Currency::from_code(&currency).map_err(wrong)?),
        method: named("method", &method, PaymentMethod::from_name(&method))?,
        state: named("state", &state, EntryState::from_name(&state))?,
        settled_at: settled_at.map(|at| at.0),
    })
}

/// The entries of these orders that were asked for.
pub(crate) async fn entries(conn: &mut Conn, wanted: &[(OrderId, EntryNo)]) -> Result<Vec<LedgerLine>, DbError> {
    let ids: Vec<i64> = wanted.iter().map(|(order, _)| order.get()).collect();
    // A number beyond those that there can be is no entry's.
    let numbers: Vec<i32> = wanted.iter().filter_map(|(_, n)| entry_no(*n).ok()).collect();
    let found = payment_entries::table
        .inner_join(orders::table.on(orders::id.eq(payment_entries::order_id)))
        .filter(payment_entries::order_id.eq_any(ids).and(payment_entries::n.eq_any(numbers)))
        .select(LINE);
    let found: Vec<Line> = found.load(conn).await?;
    let wanted: std::collections::HashSet<_> = wanted.iter().copied().collect();
    let lines = found.into_iter().map(line).collect::<Result<Vec<_>, _>>()?;
    Ok(lines.into_iter().filter(|line| wanted.contains(&(line.order, line.n))).collect())
}

/// Along the index of what has settled online.
pub(crate) async fn settled(
    conn: &mut Conn,
    from: Timestamp,
    until: Timestamp,
    after: Option<SettledPlace>,
    limit: u32,
) -> Result<Vec<LedgerLine>, DbError> {
    use payment_entries::{n, order_id, settled_at};

    let at = settled_at.assume_not_null();
    let mut query = payment_entries::table
        .inner_join(orders::table.on(orders::id.eq(order_id)))
        .filter(payment_entries::state.eq(EntryState::Settled.name()))
        .filter(payment_entries::method.eq(PaymentMethod::Online.name()))
        .filter(at.ge(DbTime(from)).and(at.lt(DbTime(until))))
        .into_boxed();
    if let Some(place) = after {
        let (when, order, number) = (DbTime(place.at), place.order.get(), entry_no(place.n)?);
        let later = order_id.gt(order).or(order_id.eq(order).and(n.gt(number)));
        query = query.filter(at.ge(when)).filter(at.gt(when).or(later));
    }
    let found: Vec<Line> =
        query.order((settled_at, order_id, n)).limit(i64::from(limit)).select(LINE).load(conn).await?;
    found.into_iter().map(line).collect()
}
