//! A database of a test's own.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use order_persistence::DatabaseUrl;
use order_testkit::pg::TestDatabase;
use tempfile::TempDir;

use super::eventually;

/// The moments of orders that rules look at.
const OF_ORDERS: &[&str] = &["created_at", "updated_at", "scheduled_for"];
/// The moments of ledger entries that rules look at.
const OF_ENTRIES: &[&str] = &["created_at", "first_tried_at", "refused_at"];

/// A fresh database, gone when the last of its handles is.
#[derive(Clone)]
pub struct Engine {
    url: String,
    kept: Kept,
}

#[derive(Clone)]
enum Kept {
    Postgres(Arc<TestDatabase>),
    Sqlite { folder: Arc<TempDir> },
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct AllText {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

impl Engine {
    pub async fn postgres() -> Self {
        let database = TestDatabase::create().await;
        Self { url: database.url().to_owned(), kept: Kept::Postgres(Arc::new(database)) }
    }

    /// On a server of a test's own.
    pub async fn postgres_on(server: &str) -> Self {
        let database = TestDatabase::create_on(server).await;
        Self { url: database.url().to_owned(), kept: Kept::Postgres(Arc::new(database)) }
    }

    pub fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("orders.db").display());
        Self { url, kept: Kept::Sqlite { folder: Arc::new(folder) } }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether a second instance may use it.
    pub fn is_shared(&self) -> bool {
        matches!(self.kept, Kept::Postgres(_))
    }

    /// PostgreSQL ends every connection of the service by force, whatever is under way on it.
    pub async fn kill_backends(&self) {
        self.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
            .await;
    }

    /// Half a minute passes for whoever holds a task. (A SQLite file voids them at its instance's start.)
    pub async fn expire_leases(&self) {
        if let Kept::Postgres(database) = &self.kept {
            let client = database.connect().await;
            client.batch_execute("UPDATE tasks SET run_at = now() WHERE leased AND NOT dead").await.unwrap();
        }
    }

    /// Somebody changes rows by hand.
    pub async fn execute(&self, statements: &str) {
        match &self.kept {
            Kept::Postgres(database) => database.connect().await.batch_execute(statements).await.unwrap(),
            Kept::Sqlite { folder } => {
                let path = folder.path().join("orders.db");
                let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                conn.batch_execute(statements).unwrap();
            }
        }
    }

    /// The outside is as it was, and so many minutes have passed: whatever was placed, scheduled, tried or refused is that
    /// much longer ago.
    pub async fn time_passes(&self, minutes: u32) {
        let back = |column: &&str| match &self.kept {
            Kept::Postgres(_) => format!("{column} = {column} - interval '{minutes} min'"),
            Kept::Sqlite { .. } => {
                format!("{column} = strftime('%Y-%m-%dT%H:%M:%f000Z', {column}, '-{minutes} minutes')")
            }
        };
        let [orders, entries] =
            [OF_ORDERS, OF_ENTRIES].map(|columns| columns.iter().map(back).collect::<Vec<_>>().join(", "));
        self.execute(&format!("UPDATE orders SET {orders}; UPDATE payment_entries SET {entries};")).await;
    }

    /// Whatever waits for its time is due now.
    pub async fn hurry(&self) {
        let now = match &self.kept {
            Kept::Postgres(_) => "now()",
            Kept::Sqlite { .. } => "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')",
        };
        self.execute(&format!("UPDATE tasks SET run_at = {now} WHERE NOT leased AND NOT dead AND run_at > {now}"))
            .await;
    }

    /// 32 equal bytes, as a statement writes them.
    pub fn hash(&self, byte: u8) -> String {
        let digits = format!("{byte:02x}").repeat(32);
        match &self.kept {
            Kept::Postgres(_) => format!("decode('{digits}', 'hex')"),
            Kept::Sqlite { .. } => format!("x'{digits}'"),
        }
    }

    /// The same database, brought up to date: one to be copied, which is quicker than to migrate.
    pub async fn migrated(self) -> Self {
        order_persistence::migrate(&DatabaseUrl::parse(&self.url).unwrap(), true).await.unwrap();
        self
    }

    /// Another one with all that is in this one, which nobody may be using.
    pub async fn copy(&self) -> Self {
        match &self.kept {
            Kept::Postgres(database) => {
                database.until_left_alone().await;
                let copy = database.copy().await;
                Self { url: copy.url().to_owned(), kept: Kept::Postgres(Arc::new(copy)) }
            }
            Kept::Sqlite { folder } => {
                let copy = Self::sqlite();
                let Kept::Sqlite { folder: to } = &copy.kept else { unreachable!("a file was asked for") };
                // Whoever leaves last writes everything into the one file.
                std::fs::copy(folder.path().join("orders.db"), to.path().join("orders.db")).unwrap();
                copy
            }
        }
    }

    /// From now on nobody has a task for longer than two seconds or so.
    pub async fn shorten_leases(&self) {
        let mut looks = tokio::time::interval(Duration::from_millis(250));
        loop {
            looks.tick().await;
            let over = "UPDATE tasks SET run_at = now() WHERE leased AND NOT dead AND run_at < now() + interval '28 s'";
            self.execute(over).await;
        }
    }

    /// The process that used it is dead: waits until its last statement is over, and half a minute more, for its leases.
    pub async fn bury(&self) {
        if let Kept::Postgres(database) = &self.kept {
            database.until_left_alone().await;
        }
        self.expire_leases().await;
    }

    /// How many tasks of orders are neither done nor dead.
    pub async fn unfinished(&self) -> i64 {
        self.count("SELECT count(*) AS n FROM tasks WHERE order_id IS NOT NULL AND NOT dead").await
    }

    /// How many tasks of orders are in somebody's hands.
    pub async fn claimed(&self) -> i64 {
        self.count("SELECT count(*) AS n FROM tasks WHERE order_id IS NOT NULL AND leased").await
    }

    /// The one text that a query answers. Of PostgreSQL alone.
    pub async fn text(&self, sql: &str) -> String {
        let Kept::Postgres(database) = &self.kept else { panic!("it is asked in PostgreSQL's words") };
        database.connect().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn count(&self, sql: &str) -> i64 {
        match &self.kept {
            Kept::Postgres(database) => database.connect().await.query_one(sql, &[]).await.unwrap().get(0),
            Kept::Sqlite { folder } => {
                let path = folder.path().join("orders.db");
                let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                sql_query(sql).get_result::<Count>(&mut conn).unwrap().n
            }
        }
    }

    /// Waits until every task is done, or dead.
    pub async fn rest(&self) {
        eventually("nothing is left to do", || async { self.unfinished().await == 0 }).await;
    }

    /// All that the rows of tasks hold.
    pub async fn tasks_as_text(&self) -> String {
        match &self.kept {
            Kept::Postgres(database) => {
                let all = "SELECT coalesce(string_agg(tasks::text, ' '), '') FROM tasks";
                database.connect().await.query_one(all, &[]).await.unwrap().get(0)
            }
            Kept::Sqlite { folder } => {
                let path = folder.path().join("orders.db");
                let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                let all = "SELECT coalesce(group_concat(id || kind || order_id || coalesce(entry_n, '') || coalesce(last_error, ''), ' '), '') AS text FROM tasks";
                sql_query(all).get_result::<AllText>(&mut conn).unwrap().text
            }
        }
    }

    /// PostgreSQL lets nobody in, and throws out who is; or lets them in again.
    pub async fn refuse_connections(&self, refuse: bool) {
        let Kept::Postgres(database) = &self.kept else { panic!("only a server can") };
        database.allow_connections(!refuse).await;
    }
}
