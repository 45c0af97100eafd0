//! What PostgreSQL does in its own way, for the sources that both engines share.

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Timestamptz;
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use order_domain::ports::{Committed, StoreError, WriteSet};
use order_faults::around;
use tokio::runtime::Handle;

use super::{change, connect, place, write};
use crate::error::DbError;
use crate::id_blocks::{BLOCK, Ids};
use crate::pool::Measured;
use crate::{ConnectError, Options};

pub(crate) type Backend = Pg;
pub(crate) type Conn = AsyncPgConnection;
pub(crate) type Instant = Timestamptz;

type Manager = AsyncDieselConnectionManager<Conn>;

/// Locks the rows that a subquery finds.
pub(crate) const LOCK: &str = " FOR UPDATE";
/// Locks the rows that a subquery finds, without those that somebody else has locked.
pub(crate) const LOCK_FREE_ONES: &str = " FOR UPDATE SKIP LOCKED";
/// Stand before and after a subquery that says which rows are meant. Not a join, which might be planned from the side of the
/// whole table.
pub(crate) const AMONG: [&str; 2] = [" = ANY(ARRAY(", "))"];
/// The database's now.
pub(crate) const NOW: &str = "now()";

/// The columns of the index by which the history is read, as it has them.
pub(crate) const BY_MOMENT: &str = "at, order_id + 0, seq + 0";

/// A moment as this engine stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Timestamptz)]
pub(crate) struct DbTime(pub(crate) DateTime<Utc>);

impl ToSql<Timestamptz, Pg> for DbTime {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <DateTime<Utc> as ToSql<Timestamptz, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<Timestamptz, Pg> for DbTime {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        <DateTime<Utc> as FromSql<Timestamptz, Pg>>::from_sql(bytes).map(Self)
    }
}

mod functions {
    use diesel::sql_types::Text;

    diesel::define_sql_function! {
        /// The database's now.
        fn now() -> Timestamptz;
    }
    diesel::define_sql_function! {
        /// The next value of a sequence.
        fn nextval(sequence: Text) -> BigInt;
    }
}

pub(crate) type NowQuery = diesel::dsl::select<functions::now>;

/// The database's now, within a statement.
pub(crate) fn now_value() -> functions::now {
    functions::now()
}

/// Asks for the database's now.
pub(crate) fn now_query() -> NowQuery {
    diesel::select(now_value())
}

/// Sends several reads together and waits for all answers: one round trip.
macro_rules! together {
    ($conn:expr; $($how:ident :: <$row:ty> ($query:expr)),+ $(,)?) => {{
        let shared: &diesel_async::AsyncPgConnection = &*$conn;
        futures_util::try_join!($(async {
            let mut conn = shared;
            diesel_async::RunQueryDsl::$how::<$row>($query, &mut conn).await
        }),+)
    }};
}
pub(crate) use together;

/// A pool, and the runtime on which its work is done. Whoever reads in one thread only may have a pool of their own there.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Measured<Manager>,
    here: Option<Measured<Manager>>,
    runtime: Handle,
}

impl Database {
    pub(crate) fn open(url: &str, options: &Options) -> Result<Self, ConnectError> {
        let pool = Measured::new(connect::pool(url, options)?, options.pool);
        Ok(Self { pool, here: None, runtime: options.runtime.clone() })
    }

    /// The same, with connections of its own for reads, which are done on the runtime of whoever asks.
    ///
    /// A read whose caller goes away is given up; its connection is used again when the server has answered.
    pub(crate) fn reading_here(&self, url: &str, options: &Options) -> Result<Self, ConnectError> {
        let here = Measured::new(connect::pool(url, options)?, options.pool);
        Ok(Self { here: Some(here), ..self.clone() })
    }

    /// Reads, each statement for itself.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, DbError>> + Send + 'static,
    ) -> Result<T, DbError> {
        let done = match &self.here {
            Some(pool) => on_connection(pool.clone(), work).await,
            None => self.spawn(work).await,
        };
        done.map_err(|error| match error {
            DbError::Unknown(detail) => DbError::NoConnection(detail),
            error => error,
        })
    }

    /// Reads, all of one moment.
    pub(crate) async fn snapshot<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, DbError>> + Send + 'static,
    ) -> Result<T, DbError> {
        let done = self.spawn(|conn| {
            async move {
                conn.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                let done = work(conn).await;
                // Nothing was changed, so how it ends is all the same; only that it ends is not.
                match conn.batch_execute("ROLLBACK").await {
                    Ok(()) => done,
                    Err(error) => Err(DbError::NotRolledBack(error.to_string())),
                }
            }
            .boxed()
        });
        done.await.map_err(|error| match error {
            DbError::Unknown(detail) => DbError::NoConnection(detail),
            error => error,
        })
    }

    /// Does what is whole in its first statement, without a transaction around it.
    pub(crate) async fn single<T: Send + 'static>(
        &self,
        work: impl for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T, DbError>> + Send + Sync + 'static,
    ) -> Result<T, DbError> {
        self.spawn(|conn| async move { again(conn, false, &work).await }.boxed()).await
    }

    /// Does all of it in one transaction, or nothing; again, if it was rolled back for meeting another.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T, DbError>> + Send + Sync + 'static,
    ) -> Result<T, DbError> {
        self.spawn(|conn| async move { again(conn, true, &work).await }.boxed()).await
    }

    /// On the runtime that owns the pool: a caller that goes away leaves nothing half done in it.
    async fn spawn<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, DbError>> + Send + 'static,
    ) -> Result<T, DbError> {
        let done = self.runtime.spawn(on_connection(self.pool.clone(), work));
        done.await.unwrap_or_else(|error| Err(DbError::Unknown(error.to_string())))
    }
}

/// A unit of work on a connection. One on which something was left half done (no answer in time, a panic, a rollback that
/// failed) goes back to nobody.
async fn on_connection<T: Send + 'static>(
    pool: Measured<Manager>,
    work: impl for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, DbError>> + Send + 'static,
) -> Result<T, DbError> {
    let mut conn = pool.get().await.map_err(|error| DbError::NoConnection(error.to_string()))?;
    let worked = tokio::time::timeout(DEADLINE, AssertUnwindSafe(work(&mut conn)).catch_unwind()).await;
    let done = match worked {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(DbError::Unknown("a panic amid the work".into())),
        Err(_) => Err(DbError::Unknown(format!("no answer in {DEADLINE:?}"))),
    };
    if matches!(done, Err(DbError::Unknown(_) | DbError::NotRolledBack(_))) {
        drop(Object::take(conn));
    }
    done
}

/// How long a unit of work may take: the server cuts off a statement after 2 s, and one that is gone says nothing.
const DEADLINE: Duration = Duration::from_secs(4);

/// Transactions are tried this often when they are rolled back for meeting another one.
const TRIES: usize = 3;

async fn again<T>(
    conn: &mut Conn,
    in_transaction: bool,
    work: &(impl for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T, DbError>> + Sync),
) -> Result<T, DbError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let done = if in_transaction { transaction(conn, work).await } else { alone(conn, work).await };
        match done {
            Err(error) if error.was_rolled_back() && tries < TRIES => {}
            done => return done,
        }
    }
}

/// A statement is its own commit, so an error that does not say that nothing was done leaves that open: unless the
/// connection is still good. The server ends a connection whose statement it may have committed; while it keeps one, an
/// error has undone the statement (a deadlock, a lock that was waited for too long).
async fn alone<T>(
    conn: &mut Conn,
    work: &(impl for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T, DbError>> + Sync),
) -> Result<T, DbError> {
    match work(conn).await {
        Err(error) if error.was_rolled_back() && conn.batch_execute("SELECT 1").await.is_ok() => Err(error),
        done => done.map_err(DbError::at_commit),
    }
}

async fn transaction<T>(
    conn: &mut Conn,
    work: &(impl for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T, DbError>> + Sync),
) -> Result<T, DbError> {
    conn.batch_execute("BEGIN").await?;
    match work(conn).await {
        Ok(done) => match around!("transaction.commit", conn.batch_execute("COMMIT").await) {
            Ok(()) => Ok(done),
            Err(error) => Err(DbError::Statement(error).at_commit()),
        },
        Err(error) => match conn.batch_execute("ROLLBACK").await {
            Ok(()) => Err(error),
            Err(_) => Err(DbError::NotRolledBack(error.to_string())),
        },
    }
}

/// A new order alone is one statement, and so is a change of one; several together are a transaction.
pub(crate) async fn commit(db: &Database, sets: Vec<WriteSet>) -> Result<Committed, DbError> {
    if let [set] = &sets[..] {
        if let Some(placing) = place::Placing::of(set)? {
            let placing = Arc::new(placing);
            let placed = db.single(move |conn| {
                let placing = Arc::clone(&placing);
                async move { placing.write(conn).await }.boxed()
            });
            placed.await?;
            return Ok(Committed::default());
        }
        if let Some(changing) = change::Changing::of(set)? {
            let changing = Arc::new(changing);
            let changed = db.single(move |conn| {
                let changing = Arc::clone(&changing);
                async move { changing.write(conn).await }.boxed()
            });
            return changed.await;
        }
    }
    let sets: Arc<[WriteSet]> = sets.into();
    let written = db.write(move |conn| {
        let sets = Arc::clone(&sets);
        async move { write::commit(conn, &sets).await }.boxed()
    });
    written.await
}

/// The next block of numbers.
pub(crate) async fn next_block(db: &Database, ids: Ids) -> Result<Range<i64>, StoreError> {
    let sequence = match ids {
        Ids::Orders => "order_ids",
        Ids::Rows => "row_ids",
    };
    let first = db.read(move |conn| {
        async move { Ok(diesel::select(functions::nextval(sequence)).get_result::<i64>(conn).await?) }.boxed()
    });
    let first = first.await?;
    Ok(first..first + BLOCK)
}
