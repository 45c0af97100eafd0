//! The rows of the tables, as they are read and written. What they mean is `mapping`'s affair.

use diesel::prelude::*;

use super::dialect::DbTime;
use super::schema::{guards, order_events, order_items, orders, payment_entries, receipts, tasks};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = orders, treat_none_as_default_value = false)]
pub(crate) struct OrderRow {
    pub(crate) id: i64,
    pub(crate) customer_id: String,
    pub(crate) courier_id: Option<String>,
    pub(crate) status: String,
    pub(crate) payment_status: String,
    pub(crate) payment_method: String,
    pub(crate) currency: String,
    pub(crate) subtotal: i64,
    pub(crate) discount: i64,
    pub(crate) delivery_fee: i64,
    pub(crate) total: i64,
    pub(crate) charged: i64,
    pub(crate) refunded: i64,
    pub(crate) refund_held: i64,
    pub(crate) delivery_address: String,
    pub(crate) delivery_latitude: Option<String>,
    pub(crate) delivery_longitude: Option<String>,
    pub(crate) special_instructions: Option<String>,
    pub(crate) terms: String,
    pub(crate) scheduled_for: Option<DbTime>,
    pub(crate) released_at: Option<DbTime>,
    pub(crate) delivered_at: Option<DbTime>,
    pub(crate) cancelled_at: Option<DbTime>,
    pub(crate) cancelled_by: Option<String>,
    pub(crate) cancelled_by_id: Option<String>,
    pub(crate) cancel_code: Option<String>,
    pub(crate) cancel_reason: Option<String>,
    pub(crate) adjustment: Option<String>,
    pub(crate) created_at: DbTime,
    pub(crate) updated_at: DbTime,
    pub(crate) version: i64,
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = order_items, treat_none_as_default_value = false)]
pub(crate) struct ItemRow {
    pub(crate) order_id: i64,
    pub(crate) line: i64,
    pub(crate) product_id: i64,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) price: i64,
    pub(crate) mrp: Option<i64>,
    pub(crate) category_id: Option<i64>,
    pub(crate) image_url: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) returnable: bool,
    pub(crate) quantity: i32,
    pub(crate) net: i64,
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = order_events, treat_none_as_default_value = false)]
pub(crate) struct EventRow {
    pub(crate) order_id: i64,
    pub(crate) seq: i64,
    pub(crate) kind: String,
    pub(crate) v: i32,
    pub(crate) data: String,
    pub(crate) at: DbTime,
    pub(crate) actor_role: String,
    pub(crate) actor_id: Option<String>,
    pub(crate) status: String,
    pub(crate) amount: Option<i64>,
    pub(crate) note: Option<String>,
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = payment_entries, treat_none_as_default_value = false)]
pub(crate) struct EntryRow {
    pub(crate) order_id: i64,
    pub(crate) n: i32,
    pub(crate) kind: String,
    pub(crate) purpose: String,
    pub(crate) amount: i64,
    pub(crate) method: String,
    pub(crate) state: String,
    pub(crate) charge_n: Option<i32>,
    pub(crate) repeats_n: Option<i32>,
    pub(crate) declines: i32,
    pub(crate) transaction_id: Option<String>,
    pub(crate) first_tried_at: Option<DbTime>,
    pub(crate) attempts: i32,
    pub(crate) refusals: i32,
    pub(crate) refused_at: Option<DbTime>,
    pub(crate) last_error: Option<String>,
    pub(crate) created_at: DbTime,
    pub(crate) settled_at: Option<DbTime>,
}

/// A task of an order as it is written first; the rest of its row is what the table says.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = tasks, treat_none_as_default_value = false)]
pub(crate) struct TaskRow {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) order_id: i64,
    pub(crate) entry_n: Option<i32>,
    pub(crate) lane: Option<String>,
    pub(crate) seq: i64,
    pub(crate) ordinal: i32,
    pub(crate) run_at: DbTime,
    pub(crate) created_at: DbTime,
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = receipts, treat_none_as_default_value = false)]
pub(crate) struct ReceiptRow {
    pub(crate) key_hash: Vec<u8>,
    pub(crate) kind: String,
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) status: i32,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
    pub(crate) ends_at: DbTime,
    pub(crate) order_id: i64,
    pub(crate) created_at: DbTime,
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = guards, treat_none_as_default_value = false)]
pub(crate) struct GuardRow {
    pub(crate) key_hash: Vec<u8>,
    pub(crate) kind: String,
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) customer_id: String,
    pub(crate) placed_with: Option<Vec<u8>>,
    pub(crate) open: bool,
    pub(crate) ends_at: DbTime,
    pub(crate) order_id: i64,
    pub(crate) created_at: DbTime,
}
