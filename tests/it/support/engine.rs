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
    Postgres { _database: Arc<TestDatabase> },
    Sqlite { _folder: Arc<TempDir> },
}

impl Engine {
    pub async fn postgres() -> Self {
        let database = TestDatabase::create().await;
        Self { url: database.url().to_owned(), kept: Kept::Postgres { _database: Arc::new(database) } }
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
        matches!(self.kept, Kept::Postgres { .. })
    }
}
