//! The outbox as its one publisher uses it: a statement to hold the lease and read, a statement to remove.
//!
//! Neither locks a row that a commit waits for. The lease spares work and is no safeguard: two who publish at once send
//! events twice, and of each order still in its sequence.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Double, Record, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use futures_util::FutureExt;
use order_domain::OrderId;
use order_domain::order::Version;
use order_domain::ports::{Outgoing, Publisher};
use order_domain::time::Duration;

use super::dialect::{Backend, Conn, Database, DbTime};
use super::events::{COLUMNS, Row, Types, all};
use super::parts::bind;
use crate::error::DbError;

/// The lease, taken or kept, and the next events.
struct Next {
    publisher: i64,
    /// Seconds.
    lease: f64,
    limit: i64,
}

impl QueryId for Next {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Next {
    type SqlType = (Timestamptz, Array<Record<Types>>);
}

impl QueryFragment<Backend> for Next {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        let Self { publisher, lease, limit } = self;
        // Who has more than half of the lease before them writes nothing, so most calls are no commit at all.
        bind! { out:
            "WITH kept AS MATERIALIZED (SELECT 1 FROM publisher_lease WHERE one = 1 AND holder = ", BigInt, publisher;
            " AND ends_at > now() + make_interval(secs => 0.5 * ", Double, lease;
            ")), taken AS (UPDATE publisher_lease SET holder = ", BigInt, publisher;
            ", ends_at = now() + make_interval(secs => ", Double, lease;
            ") WHERE one = 1 AND (holder = ", BigInt, publisher;
            " OR ends_at <= now()) AND (SELECT count(*) FROM kept) = 0 RETURNING 1), \
             held AS MATERIALIZED (SELECT 1 FROM kept UNION ALL SELECT 1 FROM taken), \
             first AS MATERIALIZED (SELECT order_id, seq FROM outbox WHERE (SELECT count(*) FROM held) = 1 \
             ORDER BY order_id, seq LIMIT ", BigInt, limit;
        }
        out.push_sql(") SELECT now(), ARRAY(SELECT ROW(");
        out.push_sql(COLUMNS);
        // One row each, looked up by its key: as a plain join it might be planned from the side of the whole history.
        out.push_sql(
            ") FROM first CROSS JOIN LATERAL (SELECT * FROM order_events WHERE order_id = first.order_id \
             AND seq = first.seq LIMIT 1) AS e ORDER BY e.order_id, e.seq) FROM held",
        );
        Ok(())
    }
}

pub(super) async fn next(
    db: &Database,
    publisher: Publisher,
    lease: Duration,
    limit: u32,
) -> Result<Option<Outgoing>, DbError> {
    let found = db.single(move |conn| {
        let next = Next { publisher: publisher.0, lease: lease.as_secs_f64(), limit: i64::from(limit) };
        async move { Ok(next.get_result::<(DbTime, Vec<Row>)>(conn).await.optional()?) }.boxed()
    });
    let Some((now, rows)) = found.await? else { return Ok(None) };
    Ok(Some(Outgoing { events: all(rows)?, now: now.0 }))
}

/// What the stream has taken. Each row is looked up by its key and removed by its place; how many there are to be found is
/// not known when this is planned.
struct Published<'a> {
    orders: &'a Vec<i64>,
    seqs: &'a Vec<Version>,
}

impl QueryId for Published<'_> {
    type QueryId = Published<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Published<'_> {
    type SqlType = Text;
}

impl QueryFragment<Backend> for Published<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        bind! { out:
            "WITH gone AS (DELETE FROM outbox WHERE ctid = ANY(ARRAY(SELECT found.ctid FROM unnest(",
                Array<BigInt>, self.orders;
            ", ", Array<BigInt>, self.seqs;
        }
        // Nobody waits for the disk: a removal that a crash of the server undoes is done again with its event.
        out.push_sql(
            ") AS given (order_id, seq) CROSS JOIN LATERAL (SELECT ctid FROM outbox WHERE order_id = given.order_id \
             AND seq = given.seq LIMIT 1) AS found))) SELECT set_config('synchronous_commit', 'off', true)",
        );
        Ok(())
    }
}

pub(super) async fn published(conn: &mut Conn, events: &[(OrderId, Version)]) -> Result<(), DbError> {
    let (orders, seqs) = events.iter().map(|(order, seq)| (order.get(), *seq)).unzip();
    Published { orders: &orders, seqs: &seqs }.get_result::<String>(conn).await?;
    Ok(())
}
