//! Parts of the statements that write whole orders and changes: rows as arrays, and how they are inserted.
//!
//! Every optional part is an `unnest` of a possibly empty array, so a statement's text is always the same and stays
//! prepared. Each part takes its rows together with those of `go`: none, if the statement is not to write.

#![allow(clippy::trivially_copy_pass_by_ref, reason = "a statement borrows the values that are bound to it")]

use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz};

use super::dialect::{Backend, DbTime};
use super::rows::{EntryRow, EventRow, TaskRow};

/// The columns of the `unnest`ed parts, one array each, named as the rows' fields.
macro_rules! columns {
    ($name:ident of $row:ty { $($field:ident: $ty:ty),+ $(,)? }) => {
        #[derive(Default)]
        pub(super) struct $name {
            $(pub(super) $field: Vec<$ty>),+
        }

        impl $name {
            pub(super) fn of(rows: Vec<$row>) -> Self {
                let mut columns = Self::default();
                for row in rows {
                    $(columns.$field.push(row.$field);)+
                }
                columns
            }
        }
    };
}
pub(super) use columns;

/// Pushes pieces of SQL, each followed by a value.
macro_rules! bind {
    ($out:ident: $($sql:literal, $ty:ty, $value:expr;)+) => {
        $($out.push_sql($sql); $out.push_bind_param::<$ty, _>($value)?;)+
    };
}
pub(super) use bind;

columns!(Events of EventRow {
    seq: i64, kind: String, v: i32, data: String, at: DbTime, actor_role: String, actor_id: Option<String>, status: String,
    amount: Option<i64>, note: Option<String>,
});
columns!(Entries of EntryRow {
    n: i32, kind: String, purpose: String, amount: i64, method: String, state: String, charge_n: Option<i32>,
    repeats_n: Option<i32>, declines: i32, transaction_id: Option<String>, first_tried_at: Option<DbTime>, attempts: i32,
    refusals: i32, last_error: Option<String>, created_at: DbTime, settled_at: Option<DbTime>,
});
columns!(Tasks of TaskRow {
    id: i64, kind: String, entry_n: Option<i32>, lane: Option<String>, seq: i64, ordinal: i32, run_at: DbTime, created_at: DbTime,
});

impl Events {
    /// `event`: what happened; and `outgoing`: the same in the outbox.
    pub(super) fn insert<'b>(&'b self, order: &'b i64, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        bind! { out:
            ", event AS (INSERT INTO order_events (order_id, seq, type, v, data, at, actor_role, actor_id, \
             status, amount, note) SELECT ", BigInt, order;
            ", given.* FROM go, unnest(", Array<BigInt>, &self.seq;
            ", ", Array<Text>, &self.kind;
            ", ", Array<Integer>, &self.v;
            ", ", Array<Text>, &self.data;
            ", ", Array<Timestamptz>, &self.at;
            ", ", Array<Text>, &self.actor_role;
            ", ", Array<Nullable<Text>>, &self.actor_id;
            ", ", Array<Text>, &self.status;
            ", ", Array<Nullable<BigInt>>, &self.amount;
            ", ", Array<Nullable<Text>>, &self.note;
        }
        out.push_sql(
            ") AS given RETURNING order_id, seq), \
             outgoing AS (INSERT INTO outbox (order_id, seq) SELECT order_id, seq FROM event)",
        );
        Ok(())
    }
}

impl Entries {
    /// `entry`: what was booked.
    pub(super) fn insert<'b>(&'b self, order: &'b i64, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        bind! { out:
            ", entry AS (INSERT INTO payment_entries (order_id, n, kind, purpose, amount, method, state, charge_n, repeats_n, \
             declines, transaction_id, first_tried_at, attempts, refusals, last_error, created_at, settled_at) SELECT ",
                BigInt, order;
            ", given.* FROM go, unnest(", Array<Integer>, &self.n;
            ", ", Array<Text>, &self.kind;
            ", ", Array<Text>, &self.purpose;
            ", ", Array<BigInt>, &self.amount;
            ", ", Array<Text>, &self.method;
            ", ", Array<Text>, &self.state;
            ", ", Array<Nullable<Integer>>, &self.charge_n;
            ", ", Array<Nullable<Integer>>, &self.repeats_n;
            ", ", Array<Integer>, &self.declines;
            ", ", Array<Nullable<Text>>, &self.transaction_id;
            ", ", Array<Nullable<Timestamptz>>, &self.first_tried_at;
            ", ", Array<Integer>, &self.attempts;
            ", ", Array<Integer>, &self.refusals;
            ", ", Array<Nullable<Text>>, &self.last_error;
            ", ", Array<Timestamptz>, &self.created_at;
            ", ", Array<Nullable<Timestamptz>>, &self.settled_at;
        }
        out.push_sql(") AS given)");
        Ok(())
    }
}

impl Tasks {
    /// `task`: what is to be done outside.
    pub(super) fn insert<'b>(&'b self, order: &'b i64, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        bind! { out:
            ", task AS (INSERT INTO tasks (order_id, id, kind, entry_n, lane, seq, ordinal, run_at, created_at) SELECT ",
                BigInt, order;
            ", given.* FROM go, unnest(", Array<BigInt>, &self.id;
            ", ", Array<Text>, &self.kind;
            ", ", Array<Nullable<Integer>>, &self.entry_n;
            ", ", Array<Nullable<Text>>, &self.lane;
            ", ", Array<BigInt>, &self.seq;
            ", ", Array<Integer>, &self.ordinal;
            ", ", Array<Timestamptz>, &self.run_at;
            ", ", Array<Timestamptz>, &self.created_at;
        }
        out.push_sql(") AS given)");
        Ok(())
    }
}
