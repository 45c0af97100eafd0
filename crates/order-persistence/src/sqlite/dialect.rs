//! What SQLite does in its own way, for the sources that both engines share.
//!
//! A whole unit of work runs in one hop to a blocking thread. The statements inside look asynchronous, as the shared
//! sources are, and each is done when it returns.

use std::error::Error;
use std::fs::File;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Text;
use diesel::sqlite::{Sqlite, SqliteConnection, SqliteValue};
use diesel_async::SimpleAsyncConnection;
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::sync_connection_wrapper::{SpawnBlocking, SyncConnectionWrapper};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use order_domain::ports::{Committed, StoreError, WriteSet};
use order_faults::around;
use tokio::runtime::Handle;

use super::{connect, write};
use crate::error::DbError;
use crate::id_blocks::{BLOCK, Ids};
use crate::pool::Measured;
use crate::{ConnectError, Options};

pub(crate) type Backend = Sqlite;
pub(crate) type Conn = SyncConnectionWrapper<SqliteConnection, Here>;
pub(crate) type Instant = Text;

type Manager = AsyncDieselConnectionManager<Conn>;

/// A writer has the whole file.
pub(crate) const LOCK: &str = "";
/// As above.
pub(crate) const LOCK_FREE_ONES: &str = "";
/// As above.
pub(crate) const AMONG: [&str; 2] = [" IN (", ")"];
/// The columns of the index by which the history is read, as it has them.
pub(crate) const BY_MOMENT: &str = "at, order_id, seq";
/// The machine's now, as this engine stores moments.
pub(crate) const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')";

/// Runs a statement on the thread that asks for it: it is a blocking thread already.
pub(crate) struct Here;

impl SpawnBlocking for Here {
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn Error + Send + Sync + 'static>>>
    where
        R: Send + 'static,
    {
        ready(Ok(task())).boxed()
    }

    fn get_runtime() -> Self {
        Self
    }
}

/// A moment as this engine stores it: a text of fixed width in UTC, so that texts sort as moments do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub(crate) struct DbTime(pub(crate) DateTime<Utc>);

const FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";

impl ToSql<Text, Sqlite> for DbTime {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.format(FORMAT).to_string());
        Ok(IsNull::No)
    }
}

impl FromSql<Text, Sqlite> for DbTime {
    fn from_sql(bytes: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(bytes)?;
        Ok(Self(NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.fZ")?.and_utc()))
    }
}

mod functions {
    use diesel::sql_types::Text;

    diesel::define_sql_function! {
        /// A moment as a text.
        fn strftime(format: Text, moment: Text) -> Text;
    }
}

pub(crate) type NowValue = functions::strftime<&'static str, &'static str>;
pub(crate) type NowQuery = diesel::dsl::select<NowValue>;

/// The machine's now, within a statement.
pub(crate) fn now_value() -> NowValue {
    functions::strftime("%Y-%m-%dT%H:%M:%f000Z", "now")
}

/// Asks for the machine's now, which is the database's.
pub(crate) fn now_query() -> NowQuery {
    diesel::select(now_value())
}

/// Reads one after the other: there is no round trip to be saved.
macro_rules! together {
    ($conn:expr; $($how:ident :: <$row:ty> ($query:expr)),+ $(,)?) => {
        async { Ok::<_, diesel::result::Error>(($(diesel_async::RunQueryDsl::$how::<$row>($query, $conn).await?),+)) }.await
    };
}
pub(crate) use together;

/// One writer and several readers of a file.
#[derive(Clone)]
pub(crate) struct Database {
    writer: Measured<Manager>,
    readers: Measured<Manager>,
    runtime: Handle,
    /// Held as long as the store lives: the operating system lets go of it when the process dies. Who is there beside an
    /// instance has none.
    _lock: Option<Arc<File>>,
}

impl Database {
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Self, ConnectError> {
        let lock = connect::lock(path)?;
        connect::void_leases(path)?;
        Self::connected(path, options, Some(Arc::new(lock)))
    }

    /// Without the lock of the one instance, and without voiding what it has in its hands.
    pub(crate) fn beside(path: &Path, options: &Options) -> Result<Self, ConnectError> {
        Self::connected(path, options, None)
    }

    fn connected(path: &Path, options: &Options, lock: Option<Arc<File>>) -> Result<Self, ConnectError> {
        let writer = Measured::new(connect::pool(path, 1)?, "writer");
        let readers = Measured::new(connect::pool(path, options.connections)?, "readers");
        Ok(Self { writer, readers, runtime: options.runtime.clone(), _lock: lock })
    }

    /// Reads, all of one moment.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, DbError>> + Send + 'static,
    ) -> Result<T, DbError> {
        self.run(&self.readers, "BEGIN", work).await
    }

    /// Reads, all of one moment: as every read here does.
    pub(crate) async fn snapshot<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, DbError>> + Send + 'static,
    ) -> Result<T, DbError> {
        self.read(work).await
    }

    /// A statement of its own needs the writer like everything that writes.
    pub(crate) async fn single<T: Send + 'static>(
        &self,
        work: impl for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T, DbError>> + Send + Sync + 'static,
    ) -> Result<T, DbError> {
        self.write(work).await
    }

    /// Does all of it in one transaction, or nothing.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T, DbError>> + Send + Sync + 'static,
    ) -> Result<T, DbError> {
        self.run(&self.writer, "BEGIN IMMEDIATE", work).await
    }

    /// On a blocking thread, to its end: a caller that goes away leaves nothing half done.
    async fn run<T: Send + 'static>(
        &self,
        pool: &Measured<Manager>,
        begin: &'static str,
        work: impl for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, DbError>> + Send + 'static,
    ) -> Result<T, DbError> {
        let (pool, runtime) = (pool.clone(), self.runtime.clone());
        let done = self.runtime.spawn(async move {
            let mut conn = pool.get().await.map_err(|error| DbError::NoConnection(error.to_string()))?;
            let hop = runtime.spawn_blocking(move || {
                // Every statement is done when it returns, so this never waits for anybody.
                let done = AssertUnwindSafe(transaction(&mut conn, begin, work)).catch_unwind().now_or_never();
                let done = match done {
                    Some(Ok(done)) => done,
                    Some(Err(_)) => Err(DbError::Unknown("a panic amid the work".into())),
                    None => Err(DbError::Unknown("a statement that waits".into())),
                };
                // What is left of a transaction must not meet the next user of the connection.
                if done.is_err() && conn.batch_execute("ROLLBACK").now_or_never().is_none_or(|end| end.is_err()) {
                    drop(Object::take(conn));
                }
                done
            });
            hop.await.unwrap_or_else(|error| Err(DbError::Unknown(error.to_string())))
        });
        done.await.unwrap_or_else(|error| Err(DbError::Unknown(error.to_string())))
    }
}

async fn transaction<'c, T>(
    conn: &'c mut Conn,
    begin: &str,
    work: impl for<'w> FnOnce(&'w mut Conn) -> BoxFuture<'w, Result<T, DbError>>,
) -> Result<T, DbError> {
    conn.batch_execute(begin).await?;
    let done = work(conn).await?;
    // A commit that fails here has not taken: the file says so itself.
    around!("transaction.commit", conn.batch_execute("COMMIT").await)?;
    Ok(done)
}

/// Everything is a transaction of the one writer.
pub(crate) async fn commit(db: &Database, sets: Vec<WriteSet>) -> Result<Committed, DbError> {
    let sets: Arc<[WriteSet]> = sets.into();
    db.write(move |conn| {
        let sets = Arc::clone(&sets);
        async move { write::commit(conn, &sets).await }.boxed()
    })
    .await
}

diesel::table! {
    id_blocks (name) {
        name -> Text,
        next -> BigInt,
    }
}

/// The next block of numbers.
pub(crate) async fn next_block(db: &Database, ids: Ids) -> Result<Range<i64>, StoreError> {
    use diesel::prelude::*;
    let name = match ids {
        Ids::Orders => "orders",
        Ids::Rows => "rows",
    };
    let first = db.write(move |conn| {
        async move {
            let block = id_blocks::table.find(name);
            let first = diesel_async::RunQueryDsl::get_result::<i64>(block.select(id_blocks::next), conn).await?;
            let next = diesel::update(block).set(id_blocks::next.eq(first + BLOCK));
            diesel_async::RunQueryDsl::execute(next, conn).await?;
            Ok(first)
        }
        .boxed()
    });
    let first = first.await?;
    Ok(first..first + BLOCK)
}
