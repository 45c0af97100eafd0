//! A database of a test's own.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
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

    /// Half a minute passes for whoever holds a task. (A SQLite file voids them at its instance's start.)
    pub async fn expire_leases(&self) {
        if let Kept::Postgres(database) = &self.kept {
            let client = database.connect().await;
            client.batch_execute("UPDATE tasks SET run_at = now() WHERE leased AND NOT dead").await.unwrap();
        }
    }

    /// Somebody changes rows by hand.
    pub async fn execute(&self, statements: &str) {
        let Kept::Postgres(database) = &self.kept else { panic!("only where somebody else is let in") };
        database.connect().await.batch_execute(statements).await.unwrap();
    }

    /// The outside is as it was, and so many minutes have passed: whatever was placed, scheduled, tried or refused is that
    /// much longer ago.
    pub async fn time_passes(&self, minutes: u32) {
        match &self.kept {
            Kept::Postgres(database) => {
                let back = |table: &str, columns: &[&str]| {
                    let columns =
                        columns.iter().map(|column| format!("{column} = {column} - interval '{minutes} min'"));
                    format!("UPDATE {table} SET {};", columns.collect::<Vec<_>>().join(", "))
                };
                let shifts = [back("orders", OF_ORDERS), back("payment_entries", OF_ENTRIES)].concat();
                database.connect().await.batch_execute(&shifts).await.unwrap();
            }
            Kept::Sqlite { .. } => {
                let back = |table: &str, columns: &[&str]| {
                    let columns = columns.iter().map(|column| {
                        format!("{column} = strftime('%Y-%m-%dT%H:%M:%f000Z', {column}, '-{minutes} minutes')")
                    });
                    format!("UPDATE {table} SET {};", columns.collect::<Vec<_>>().join(", "))
                };
                let shifts = [back("orders", OF_ORDERS), back("payment_entries", OF_ENTRIES)].concat();
                self.file().batch_execute(&shifts).unwrap();
            }
        }
    }

    /// Whatever waits for its time is due now.
    pub async fn hurry(&self) {
        match &self.kept {
            Kept::Postgres(database) => {
                let due = "UPDATE tasks SET run_at = now() WHERE NOT leased AND NOT dead AND run_at > now()";
                database.connect().await.batch_execute(due).await.unwrap();
            }
            Kept::Sqlite { .. } => {
                const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')";
                let due = format!("UPDATE tasks SET run_at = {NOW} WHERE NOT leased AND NOT dead AND run_at > {NOW}");
                self.file().batch_execute(&due).unwrap();
            }
        }
    }

    fn file(&self) -> SqliteConnection {
        let Kept::Sqlite { folder } = &self.kept else { panic!("it is no file") };
        let path = folder.path().join("orders.db");
        let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        conn
    }

    /// How many tasks are neither done nor dead.
    pub async fn tasks_left(&self) -> i64 {
        const LEFT: &str = "SELECT count(*) AS n FROM tasks WHERE order_id IS NOT NULL AND NOT dead";
        match &self.kept {
            Kept::Postgres(database) => database.connect().await.query_one(LEFT, &[]).await.unwrap().get(0),
            Kept::Sqlite { .. } => sql_query(LEFT).get_result::<Count>(&mut self.file()).unwrap().n,
        }
    }

    /// Waits until every task is done, or dead.
    pub async fn rest(&self) {
        eventually("nothing is left to do", || async { self.tasks_left().await == 0 }).await;
    }

    /// All that the rows of tasks hold.
    pub async fn tasks_as_text(&self) -> String {
        match &self.kept {
            Kept::Postgres(database) => {
                let all = "SELECT coalesce(string_agg(tasks::text, ' '), '') FROM tasks";
                database.connect().await.query_one(all, &[]).await.unwrap().get(0)
            }
            Kept::Sqlite { .. } => {
                let mut conn = self.file();
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
