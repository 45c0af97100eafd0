//! The outbox as its publisher uses it. There is one instance, but two publishers in it would still take turns.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use futures_util::FutureExt;
use order_domain::OrderId;
use order_domain::order::Version;
use order_domain::ports::{Outgoing, Publisher};
use order_domain::time::{Duration, after};

use super::dialect::{Backend, Conn, Database, DbTime, now_query};
use super::events::{COLUMNS, Types, all};
use super::schema::{outbox, publisher_lease};
use crate::error::DbError;

/// The next events: the outbox first, then its events by their keys.
struct Next {
    limit: i64,
}

impl QueryId for Next {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Next {
    type SqlType = Types;
}

impl QueryFragment<Backend> for Next {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        out.push_sql(COLUMNS);
        out.push_sql(" FROM (SELECT order_id, seq FROM outbox ORDER BY order_id, seq LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        // A cross join is never turned round.
        out.push_sql(
            ") AS first CROSS JOIN order_events AS e ON e.order_id = first.order_id AND e.seq = first.seq \
             ORDER BY e.order_id, e.seq",
        );
        Ok(())
    }
}

/// Who has more than half of the lease before them only reads, and needs not the one writer.
pub(super) async fn next(
    db: &Database,
    publisher: Publisher,
    lease: Duration,
    limit: u32,
) -> Result<Option<Outgoing>, DbError> {
    let kept = db.read(move |conn| {
        async move {
            let now = now_query().get_result::<DbTime>(conn).await?;
            let (holder, ends_at) = holder(conn).await?;
            let kept = holder == publisher.0 && ends_at.0 > after(now.0, lease / 2);
            Ok(if kept { Some(read(conn, now, limit).await?) } else { None })
        }
        .boxed()
    });
    if let Some(outgoing) = kept.await? {
        return Ok(Some(outgoing));
    }
    let taken = db.single(move |conn| {
        async move {
            let now = now_query().get_result::<DbTime>(conn).await?;
            let (holder, ends_at) = holder(conn).await?;
            if holder != publisher.0 && ends_at.0 > now.0 {
                return Ok(None);
            }
            let anew =
                (publisher_lease::holder.eq(publisher.0), publisher_lease::ends_at.eq(DbTime(after(now.0, lease))));
            diesel::update(publisher_lease::table).set(anew).execute(conn).await?;
            read(conn, now, limit).await.map(Some)
        }
        .boxed()
    });
    taken.await
}

/// Whose the lease is, and when it ends.
async fn holder(conn: &mut Conn) -> Result<(i64, DbTime), DbError> {
    let lease = publisher_lease::table.select((publisher_lease::holder, publisher_lease::ends_at));
    Ok(lease.get_result(conn).await?)
}

async fn read(conn: &mut Conn, now: DbTime, limit: u32) -> Result<Outgoing, DbError> {
    let rows = Next { limit: i64::from(limit) }.load(conn).await?;
    Ok(Outgoing { events: all(rows)?, now: now.0 })
}

pub(super) async fn published(conn: &mut Conn, events: &[(OrderId, Version)]) -> Result<(), DbError> {
    for (order, seq) in events {
        diesel::delete(outbox::table.find((order.get(), *seq))).execute(conn).await?;
    }
    Ok(())
}
