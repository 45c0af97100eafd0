//! Committing write sets: inside one transaction that the caller has begun, all or nothing.

use diesel::dsl::not;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use order_domain::EntryNo;
use order_domain::order::{Guard, Version};
use order_domain::payment::EntryState;
use order_domain::ports::{ClaimedTask, Committed, GuardChange, TaskKind, TaskRef, WriteSet};
use order_domain::time::Duration;

use super::desk;
use super::dialect::{Conn, DbTime, now_query, now_value};
use super::mapping::entry_no;
use super::rows::{EntryRow, EventRow, GuardRow, ItemRow, OrderRow, ReceiptRow, TaskRow};
use super::schema::{guards, order_events, order_items, orders, outbox, payment_entries, receipts, tasks};
use super::statements::{EndGuard, Forget, Mark, MarkEntry, MoveEntry, UpdateOrder};
use super::task_ends::{ended, next_of_lane};
use crate::error::DbError;

/// Writes write sets, their orders locked in the order of their ids.
pub(crate) async fn commit(conn: &mut Conn, sets: &[WriteSet]) -> Result<Committed, DbError> {
    let mut in_id_order: Vec<&WriteSet> = sets.iter().collect();
    in_id_order.sort_by_key(|set| set.order.id());
    let mut committed = Committed::default();
    for set in in_id_order {
        write(conn, set).await?;
        committed.unblocked.extend(end_task(conn, set).await?);
        if let Some(touch) = &set.touches {
            committed.unblocked.extend(desk::touch(conn, set.order.id(), touch).await?);
        }
        if let Some((key, receipt)) = &set.receipt {
            // Its day begins now, however long ago the order last changed.
            let now: DbTime = now_query().get_result(conn).await?;
            insert_receipt(conn, ReceiptRow::from_receipt(set.order.id(), key, receipt, now)?).await?;
        }
        // After the task, as a claim that buries tasks does it, so that the two never wait for each other.
        if set.guard == Some(GuardChange::Ends) {
            EndGuard { order: set.order.id().get(), cancelled: true }.execute(conn).await?;
        }
    }
    Ok(committed)
}

async fn write(conn: &mut Conn, set: &WriteSet) -> Result<(), DbError> {
    let row = OrderRow::from_order(&set.order)?;
    match set.base {
        None => insert_order(conn, set, row).await?,
        Some(base) => {
            if (UpdateOrder { row: &row, base }).execute(conn).await? != 1 {
                return Err(DbError::Conflict);
            }
            if set.relined {
                let id = set.order.id().get();
                diesel::delete(order_items::table.filter(order_items::order_id.eq(id))).execute(conn).await?;
                insert_lines(conn, set).await?;
            }
        }
    }
    for &(n, from) in &set.moves {
        move_entry(conn, set, n, from).await?;
    }
    for &n in &set.booked {
        let entry = EntryRow::from_entry(set.order.id(), set.order.ledger().entry(n)?)?;
        diesel::insert_into(payment_entries::table).values(entry).execute(conn).await?;
    }
    for recorded in &set.events {
        let event = EventRow::from_recorded(set.order.id(), recorded);
        diesel::insert_into(order_events::table).values(event).execute(conn).await?;
        let waiting = (outbox::order_id.eq(set.order.id().get()), outbox::seq.eq(recorded.seq));
        diesel::insert_into(outbox::table).values(waiting).execute(conn).await?;
    }
    if set.unscheduled {
        unschedule(conn, set).await?;
    }
    let at = DbTime(set.order.state().updated_at);
    for task in &set.tasks {
        diesel::insert_into(tasks::table).values(TaskRow::from_task(task, at)?).execute(conn).await?;
    }
    if let Some(GuardChange::Begins(guard)) = &set.guard {
        insert_guard(conn, set, guard).await?;
    }
    Ok(())
}

async fn insert_order(conn: &mut Conn, set: &WriteSet, row: OrderRow) -> Result<(), DbError> {
    let inserted = diesel::insert_into(orders::table).values(row).on_conflict_do_nothing().execute(conn).await?;
    if inserted != 1 {
        return Err(DbError::Conflict);
    }
    insert_lines(conn, set).await
}

/// Removes what would release the order and is in nobody's hands; the task that caused the change ends by itself.
async fn unschedule(conn: &mut Conn, set: &WriteSet) -> Result<(), DbError> {
    let own = set.finishes.as_ref().or(set.held_by.as_ref()).map_or(0, |task| task.id.get());
    let waiting = tasks::table
        .filter(tasks::order_id.eq(set.order.id().get()).and(tasks::kind.eq(TaskKind::Release.name())))
        .filter(tasks::id.ne(own).and(not(tasks::leased).or(tasks::run_at.le(now_value()))));
    diesel::delete(waiting).execute(conn).await?;
    Ok(())
}

async fn insert_lines(conn: &mut Conn, set: &WriteSet) -> Result<(), DbError> {
    for line in &set.order.state().lines {
        let item = ItemRow::from_line(set.order.id(), line)?;
        diesel::insert_into(order_items::table).values(item).execute(conn).await?;
    }
    Ok(())
}

async fn move_entry(conn: &mut Conn, set: &WriteSet, n: EntryNo, from: EntryState) -> Result<(), DbError> {
    let entry = set.order.ledger().entry(n)?;
    let moved = MoveEntry {
        order: set.order.id().get(),
        n: entry_no(n)?,
        from: from.name(),
        to: entry.state.name(),
        method: entry.method.name(),
        transaction_id: &entry.transaction_id,
        settled_at: &entry.settled_at.map(DbTime),
    };
    if moved.execute(conn).await? == 1 { Ok(()) } else { Err(DbError::Conflict) }
}

/// A guard that had ended when the order was decided makes room. One that had not, or that nobody saw then, does not.
async fn insert_guard(conn: &mut Conn, set: &WriteSet, guard: &Guard) -> Result<(), DbError> {
    let row = GuardRow::from_guard(&set.order, guard);
    let seen = guard.seen.iter().map(|order| order.get());
    let unseen = guards::table
        .filter(guards::customer_id.eq(row.customer_id.clone()))
        .filter(guards::open.eq(true).or(guards::ends_at.gt(row.created_at)))
        .filter(guards::order_id.ne_all(seen.collect::<Vec<_>>()));
    if unseen.count().get_result::<i64>(conn).await? > 0 {
        return Err(DbError::Guarded);
    }
    let of_cart = guards::table.find(row.key_hash.clone());
    let over = guards::open.eq(false).and(guards::ends_at.le(row.created_at));
    diesel::delete(of_cart.filter(over)).execute(conn).await?;
    let inserted =
        diesel::insert_into(guards::table).values(row).on_conflict(guards::key_hash).do_nothing().execute(conn).await?;
    if inserted == 1 { Ok(()) } else { Err(DbError::Guarded) }
}

/// A receipt whose time is over makes room.
async fn insert_receipt(conn: &mut Conn, row: ReceiptRow) -> Result<(), DbError> {
    let of_key = receipts::table.find(row.key_hash.clone());
    diesel::delete(of_key.filter(receipts::ends_at.le(row.created_at))).execute(conn).await?;
    let inserted = diesel::insert_into(receipts::table)
        .values(row)
        .on_conflict(receipts::key_hash)
        .do_nothing()
        .execute(conn)
        .await?;
    if inserted == 1 { Ok(()) } else { Err(DbError::KeyUsed) }
}

/// Ends the task that caused the change, or makes sure that it still is in the hands that commit.
async fn end_task(conn: &mut Conn, set: &WriteSet) -> Result<Option<TaskRef>, DbError> {
    if let Some(task) = &set.held_by {
        // An update that changes nothing locks the row on both engines: the token stays until the commit.
        let held = tasks::table.filter(tasks::id.eq(task.id.get()).and(tasks::token.eq(task.token.0)));
        if diesel::update(held).set(tasks::leased.eq(true)).execute(conn).await? != 1 {
            return Err(DbError::TaskLost);
        }
    }
    let Some(task) = &set.finishes else { return Ok(None) };
    let of_token = tasks::table.filter(tasks::id.eq(task.id.get()).and(tasks::token.eq(task.token.0)));
    if diesel::delete(of_token).execute(conn).await? != 1 {
        return Err(DbError::TaskLost);
    }
    ended(conn, task.kind, task.order).await?;
    next_of_lane(conn, task.kind, task.order).await
}

/// `booked → sent`, or its way back.
pub(crate) async fn mark(
    conn: &mut Conn,
    task: &ClaimedTask,
    version: Version,
    n: EntryNo,
    mark: Mark,
) -> Result<bool, DbError> {
    let marked =
        MarkEntry { order: task.order.get(), version, n: entry_no(n)?, task: task.id.get(), token: task.token.0, mark };
    Ok(marked.execute(conn).await? == 1)
}

/// Removes receipts and guards that ended this long ago, at most `limit` of them.
pub(crate) async fn forget(conn: &mut Conn, ago: Duration, limit: u32) -> Result<u32, DbError> {
    let now: DbTime = now_query().get_result(conn).await?;
    let forgotten = Forget { before: DbTime(now.0 - ago), limit: i64::from(limit) }.execute(conn).await?;
    u32::try_from(forgotten).map_err(|error| DbError::Inconsistent(error.to_string()))
}
