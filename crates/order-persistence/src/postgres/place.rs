//! A new order as one statement in autocommit: the order, its lines, its first events (in the outbox, too), entries and
//! tasks, its guard and the request's receipt, all or nothing.
//!
//! The guard comes first, then the receipt, and every other part selects from them: a cart that is guarded writes nothing
//! at all, and a key that is in use leaves at most a guard without an order, which its foreign key undoes.

use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error, QueryResult};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use order_domain::ports::{GuardChange, WriteSet};

use super::dialect::{Backend, Conn, DbTime};
use super::parts::{Entries, Events, Tasks, bind, columns};
use super::rows::{EntryRow, EventRow, GuardRow, ItemRow, OrderRow, ReceiptRow, TaskRow};
use crate::error::DbError;

columns!(Items of ItemRow {
    line: i64, product_id: i64, name: String, description: Option<String>, price: i64, mrp: Option<i64>,
    category_id: Option<i64>, image_url: Option<String>, unit: Option<String>, returnable: bool, quantity: i32, net: i64,
});
columns!(Receipts of ReceiptRow {
    key_hash: Vec<u8>, fingerprint: Vec<u8>, status: i32, headers: String, body: Vec<u8>, ends_at: DbTime, created_at: DbTime,
});
columns!(Guards of GuardRow {
    key_hash: Vec<u8>, fingerprint: Vec<u8>, customer_id: String, placed_with: Option<Vec<u8>>, open: bool, ends_at: DbTime,
    created_at: DbTime,
});

/// All rows of a new order.
pub(super) struct Placing {
    order: OrderRow,
    items: Items,
    events: Events,
    entries: Entries,
    tasks: Tasks,
    receipts: Receipts,
    guards: Guards,
    /// Orders whose guards are not in the way.
    seen: Vec<i64>,
}

impl Placing {
    /// The new order of a write set; `None` when it is none.
    pub(super) fn of(set: &WriteSet) -> Result<Option<Self>, DbError> {
        if set.base.is_some() || set.finishes.is_some() || set.held_by.is_some() || set.touches.is_some() {
            return Ok(None);
        }
        let (order, id) = (&set.order, set.order.id());
        let at = DbTime(order.state().updated_at);
        let items = order.state().lines.iter().map(|line| ItemRow::from_line(id, line));
        let entries = order.ledger().entries().iter().map(|entry| EntryRow::from_entry(id, entry));
        let tasks = set.tasks.iter().map(|task| TaskRow::from_task(task, at));
        let receipts = set.receipt.iter().map(|(key, receipt)| ReceiptRow::from_receipt(id, key, receipt, at));
        let guard = match &set.guard {
            Some(GuardChange::Begins(guard)) => Some(guard),
            Some(GuardChange::Ends) | None => None,
        };
        Ok(Some(Self {
            guards: Guards::of(guard.map(|guard| GuardRow::from_guard(order, guard)).into_iter().collect()),
            seen: guard.into_iter().flat_map(|guard| &guard.seen).map(|order| order.get()).collect(),
            order: OrderRow::from_order(order)?,
            items: Items::of(items.collect::<Result<_, _>>()?),
            events: Events::of(set.events.iter().map(|recorded| EventRow::from_recorded(id, recorded)).collect()),
            entries: Entries::of(entries.collect::<Result<_, _>>()?),
            tasks: Tasks::of(tasks.collect::<Result<_, _>>()?),
            receipts: Receipts::of(receipts.collect::<Result<_, _>>()?),
        }))
    }

    /// Writes the order.
    pub(super) async fn write(&self, conn: &mut Conn) -> Result<(), DbError> {
        match self.execute(conn).await {
            Ok(1) => Ok(()),
            Ok(_) if self.guards.key_hash.is_empty() => Err(DbError::KeyUsed),
            Ok(_) => Err(DbError::Guarded),
            Err(Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, info))
                if info.constraint_name() == Some("idempotency_keys_order_id_fkey") =>
            {
                Err(DbError::KeyUsed)
            }
            // Of two who place under one number, which a generator of numbers keeps from happening, one is refused.
            Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info))
                if info.constraint_name() == Some("orders_pkey") =>
            {
                Err(DbError::Conflict)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl QueryId for Placing {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Placing {
    /// The guard. One that had ended when the order was decided makes room; one that had not, or that was not seen then,
    /// leaves no row here, and so none anywhere.
    fn guard<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let Self { order, guards, seen, .. } = self;
        bind! { out:
            "WITH guard AS (INSERT INTO idempotency_keys AS kept \
             (kind, order_id, key_hash, fingerprint, customer_id, placed_with, open, ends_at, created_at) \
             SELECT 'guard', ", BigInt, &order.id;
            ", given.* FROM unnest(", Array<Binary>, &guards.key_hash;
            ", ", Array<Binary>, &guards.fingerprint;
            ", ", Array<Text>, &guards.customer_id;
            ", ", Array<Nullable<Binary>>, &guards.placed_with;
            ", ", Array<Bool>, &guards.open;
            ", ", Array<Timestamptz>, &guards.ends_at;
            ", ", Array<Timestamptz>, &guards.created_at;
            ") AS given (key_hash, fingerprint, customer_id, placed_with, open, ends_at, created_at) \
             WHERE (SELECT count(*) FROM idempotency_keys AS other \
             WHERE other.customer_id = given.customer_id AND (other.open OR other.ends_at > given.created_at) \
             AND other.order_id <> ALL(", Array<BigInt>, seen;
        }
        // Counted, not `NOT EXISTS`: that would be planned as a join with the whole table.
        out.push_sql(
            ")) = 0 ON CONFLICT (key_hash) DO UPDATE SET fingerprint = excluded.fingerprint, \
             customer_id = excluded.customer_id, placed_with = excluded.placed_with, open = excluded.open, \
             ends_at = excluded.ends_at, order_id = excluded.order_id, created_at = excluded.created_at \
             WHERE NOT kept.open AND kept.ends_at <= excluded.created_at RETURNING 1)",
        );
        Ok(())
    }

    /// The receipt, and `go`: a row if the rest is to be written. A receipt whose time is over makes room; one that is in
    /// force leaves no row here, and so none anywhere.
    fn receipt<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let Self { order, receipts, guards, .. } = self;
        bind! { out:
            ", receipt AS (INSERT INTO idempotency_keys AS kept \
             (kind, order_id, key_hash, fingerprint, status, headers, body, ends_at, created_at) \
             SELECT 'receipt', ", BigInt, &order.id;
            ", given.* FROM unnest(", Array<Binary>, &receipts.key_hash;
            ", ", Array<Binary>, &receipts.fingerprint;
            ", ", Array<Integer>, &receipts.status;
            ", ", Array<Text>, &receipts.headers;
            ", ", Array<Binary>, &receipts.body;
            ", ", Array<Timestamptz>, &receipts.ends_at;
            ", ", Array<Timestamptz>, &receipts.created_at;
            ") AS given (key_hash, fingerprint, status, headers, body, ends_at, created_at) \
             WHERE (SELECT count(*) FROM guard) = cardinality(", Array<Binary>, &guards.key_hash;
            ") ON CONFLICT (key_hash) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status, \
             headers = excluded.headers, body = excluded.body, ends_at = excluded.ends_at, \
             order_id = excluded.order_id, created_at = excluded.created_at \
             WHERE kept.ends_at <= excluded.created_at RETURNING 1), \
             go AS (SELECT 1 WHERE (SELECT count(*) FROM guard) = cardinality(", Array<Binary>, &guards.key_hash;
            ") AND (SELECT count(*) FROM receipt) = cardinality(", Array<Binary>, &receipts.key_hash;
        }
        Ok(())
    }
}

impl QueryFragment<Backend> for Placing {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        self.guard(out.reborrow())?;
        self.receipt(out.reborrow())?;
        let Self { order, items, events, entries, tasks, .. } = self;
        bind! { out:
            ")), item AS (INSERT INTO order_items (order_id, line, product_id, name, description, price, mrp, category_id, \
             image_url, unit, returnable, quantity, net) SELECT ", BigInt, &order.id;
            ", given.* FROM go, unnest(", Array<BigInt>, &items.line;
            ", ", Array<BigInt>, &items.product_id;
            ", ", Array<Text>, &items.name;
            ", ", Array<Nullable<Text>>, &items.description;
            ", ", Array<BigInt>, &items.price;
            ", ", Array<Nullable<BigInt>>, &items.mrp;
            ", ", Array<Nullable<BigInt>>, &items.category_id;
            ", ", Array<Nullable<Text>>, &items.image_url;
            ", ", Array<Nullable<Text>>, &items.unit;
            ", ", Array<Bool>, &items.returnable;
            ", ", Array<Integer>, &items.quantity;
            ", ", Array<BigInt>, &items.net;
        }
        out.push_sql(") AS given)");
        events.insert(&order.id, out.reborrow())?;
        entries.insert(&order.id, out.reborrow())?;
        tasks.insert(&order.id, out.reborrow())?;
        bind! { out:
            " INSERT INTO orders (id, customer_id, courier_id, status, payment_status, payment_method, currency, \
             subtotal, discount, delivery_fee, total, charged, refunded, refund_held, delivery_address, delivery_latitude, \
             delivery_longitude, special_instructions, terms, scheduled_for, released_at, created_at, updated_at, version) SELECT ",
                BigInt, &order.id;
            ", ", Text, &order.customer_id;
            ", ", Nullable<Text>, &order.courier_id;
            ", ", Text, &order.status;
            ", ", Text, &order.payment_status;
            ", ", Text, &order.payment_method;
            ", ", Text, &order.currency;
            ", ", BigInt, &order.subtotal;
            ", ", BigInt, &order.discount;
            ", ", BigInt, &order.delivery_fee;
            ", ", BigInt, &order.total;
            ", ", BigInt, &order.charged;
            ", ", BigInt, &order.refunded;
            ", ", BigInt, &order.refund_held;
            ", ", Text, &order.delivery_address;
            ", ", Nullable<Text>, &order.delivery_latitude;
            ", ", Nullable<Text>, &order.delivery_longitude;
            ", ", Nullable<Text>, &order.special_instructions;
            ", ", Text, &order.terms;
            ", ", Nullable<Timestamptz>, &order.scheduled_for;
            ", ", Nullable<Timestamptz>, &order.released_at;
            ", ", Timestamptz, &order.created_at;
            ", ", Timestamptz, &order.updated_at;
            ", ", BigInt, &order.version;
        }
        out.push_sql(" FROM go");
        Ok(())
    }
}
