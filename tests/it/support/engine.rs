//! A database of a test's own.

use std::future::ready;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use order_testkit::pg::TestDatabase;
use tempfile::TempDir;

use super::eventually;

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

    /// 32 equal bytes, as a statement writes them.
    pub fn hash(&self, byte: u8) -> String {
        let digits = format!("{byte:02x}").repeat(32);
        match &self.kept {
            Kept::Postgres(_) => format!("decode('{digits}', 'hex')"),
            Kept::Sqlite { .. } => format!("x'{digits}'"),
        }
    }

    /// Waits until every task is done, or dead.
    pub async fn rest(&self) {
        const LEFT: &str = "SELECT count(*) AS n FROM tasks WHERE order_id IS NOT NULL AND NOT dead";
        match &self.kept {
            Kept::Postgres(database) => {
                let client = database.connect().await;
                let left = || async { client.query_one(LEFT, &[]).await.unwrap().get::<_, i64>(0) };
                eventually("nothing is left to do", || async { left().await == 0 }).await;
            }
            Kept::Sqlite { folder } => {
                let path = folder.path().join("orders.db");
                let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                let mut left = || sql_query(LEFT).get_result::<Count>(&mut conn).unwrap().n;
                eventually("nothing is left to do", || ready(left() == 0)).await;
            }
        }
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
                let all = "SELECT coalesce(group_concat(id || kind || order_id || entry_n || coalesce(last_error, ''), ' '), '') AS text FROM tasks";
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
