//! A database of a test's own.

use std::sync::Arc;

use order_testkit::pg::TestDatabase;
use tempfile::TempDir;

/// A fresh database, gone when the last of its handles is.
#[derive(Clone)]
pub struct Engine {
    url: String,
    kept: Kept,
}

#[derive(Clone)]
enum Kept {
    Postgres(Arc<TestDatabase>),
    Sqlite { _folder: Arc<TempDir> },
}

impl Engine {
    pub async fn postgres() -> Self {
        let database = TestDatabase::create().await;
        Self { url: database.url().to_owned(), kept: Kept::Postgres(Arc::new(database)) }
    }

    pub fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("orders.db").display());
        Self { url, kept: Kept::Sqlite { _folder: Arc::new(folder) } }
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

    /// PostgreSQL lets nobody in, and throws out who is; or lets them in again.
    pub async fn refuse_connections(&self, refuse: bool) {
        let Kept::Postgres(database) = &self.kept else { panic!("only a server can") };
        database.allow_connections(!refuse).await;
    }
}
