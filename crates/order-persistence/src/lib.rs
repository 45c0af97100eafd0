//! Orders, their timelines, their ledgers and the tasks that follow, kept in PostgreSQL or SQLite behind the domain's
//! ports.
//!
//! Both engines run the same sources, compiled twice: `postgres` and `sqlite` each bring a `dialect` (connection, how a
//! moment is stored, how a transaction begins, how reads go out together) and include `shared` by path. What is really
//! different, such as the one statement that writes a new order on PostgreSQL, is a module of its own.

#![allow(clippy::duplicate_mod, reason = "the shared sources are compiled once for each engine")]

mod error;
mod id_blocks;
mod migrations;
mod pool;
mod postgres;
mod sqlite;
mod stored;
mod tls;
mod url;

use std::sync::Arc;

use order_domain::ports::{
    AuditReader, EventHistory, IdGenerator, OrderReader, OrderStore, Outbox, TaskDesk, TaskStore,
};
use tokio::runtime::Handle;

pub use migrations::{MigrateError, Report};
pub use postgres::Store as PostgresStore;
pub use sqlite::Store as SqliteStore;
pub use tls::TlsError;
pub use url::DatabaseUrl;

/// How to use a database.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections at most. SQLite: readers; there is one writer beside them.
    pub connections: usize,
    /// What the metrics call its pool on PostgreSQL: who uses it. (SQLite's two are `readers` and `writer`.)
    pub pool: &'static str,
    /// The runtime on which the work is done; a multi-threaded one.
    pub runtime: Handle,
}

/// Why a database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// `DATABASE_URL` can't be used.
    #[error("DATABASE_URL: {0}")]
    Url(String),
    /// The pool can't be made.
    #[error("database pool: {0}")]
    Pool(String),
    /// Another instance has the file.
    #[error("{0} is in use by another instance: SQLite serves one; use PostgreSQL for more")]
    InUse(String),
    /// The file can't be used.
    #[error("{path}: {reason}")]
    File {
        /// Which.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// All stores over one database.
#[derive(Clone)]
pub struct Stores {
    /// Orders, loaded and committed.
    pub orders: Arc<dyn OrderStore>,
    /// Lists and timelines.
    pub reader: Arc<dyn OrderReader>,
    /// Tasks, claimed and ended.
    pub tasks: Arc<dyn TaskStore>,
    /// What operators look at and do to tasks.
    pub desk: Arc<dyn TaskDesk>,
    /// What audits read.
    pub audit: Arc<dyn AuditReader>,
    /// Events that are to be published.
    pub outbox: Arc<dyn Outbox>,
    /// Events that were ever committed.
    pub history: Arc<dyn EventHistory>,
    /// Numbers.
    pub ids: Arc<dyn IdGenerator>,
    /// PostgreSQL: what another pool is made of.
    postgres: Option<Arc<Opened>>,
}

/// A store on PostgreSQL and how it was opened.
struct Opened {
    store: PostgresStore,
    url: String,
    options: Options,
}

impl Stores {
    fn of<S>(store: S) -> Self
    where
        S: OrderStore
            + OrderReader
            + TaskStore
            + TaskDesk
            + AuditReader
            + Outbox
            + EventHistory
            + IdGenerator
            + 'static,
    {
        let store = Arc::new(store);
        Self {
            orders: store.clone(),
            reader: store.clone(),
            tasks: store.clone(),
            desk: store.clone(),
            audit: store.clone(),
            outbox: store.clone(),
            history: store.clone(),
            ids: store,
            postgres: None,
        }
    }

    /// The same stores for a thread that answers requests on a runtime of its own. On PostgreSQL it gets `connections` for
    /// its reads, driven by that runtime, so that a read is not handed from thread to thread; commits go where they went.
    ///
    /// # Errors
    /// [`ConnectError`] when there can't be another pool.
    pub fn for_thread(&self, connections: usize) -> Result<Self, ConnectError> {
        let Some(opened) = &self.postgres else { return Ok(self.clone()) };
        let options = Options { connections, ..opened.options.clone() };
        Ok(Self::of(postgres::reading_here(&opened.store, &opened.url, &options)?))
    }
}

/// Opens a database. A PostgreSQL server need not be there yet; a SQLite file is made where there is none, and locked
/// against a second instance.
///
/// # Errors
/// [`ConnectError`] when the URL or the file can't be used.
pub fn open(url: &DatabaseUrl, options: &Options) -> Result<Stores, ConnectError> {
    match url {
        DatabaseUrl::Postgres(url) => {
            let store = postgres::open(url, options)?;
            let opened = Opened { store: store.clone(), url: url.clone(), options: options.clone() };
            Ok(Stores { postgres: Some(Arc::new(opened)), ..Stores::of(store) })
        }
        DatabaseUrl::Sqlite(path) => Ok(Stores::of(sqlite::open(path, options)?)),
    }
}

/// Why a database can't be used beside a service.
#[derive(Debug, thiserror::Error)]
pub enum BesideError {
    /// There is no such file.
    #[error("there is no file {0}")]
    Missing(String),
    /// It lacks migrations.
    #[error("the database lacks the migration(s) {}", .0.join(", "))]
    Behind(Vec<String>),
    /// It was not reached, or is newer than this program.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// It can't be opened.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// Opens a database for a command that is run beside a service, or without one: it must be there and up to date. A SQLite
/// file is not locked, and what an instance has in its hands stays there; whoever opens it so must claim no tasks.
///
/// # Errors
/// [`BesideError`] when the database is not there, or not as this program needs it.
pub async fn beside(url: &DatabaseUrl, options: &Options) -> Result<Stores, BesideError> {
    let report = match url {
        DatabaseUrl::Sqlite(path) if !path.exists() => return Err(BesideError::Missing(path.display().to_string())),
        DatabaseUrl::Sqlite(path) => sqlite::look(path).await?,
        DatabaseUrl::Postgres(url) => postgres::migrate(url, false).await?,
    };
    if !report.pending.is_empty() {
        return Err(BesideError::Behind(report.pending));
    }
    match url {
        DatabaseUrl::Sqlite(path) => Ok(Stores::of(sqlite::beside(path, options)?)),
        DatabaseUrl::Postgres(_) => Ok(open(url, options)?),
    }
}

/// Brings a database up to date, one instance at a time; with `apply` false it only looks. Needs a multi-threaded
/// runtime.
///
/// # Errors
/// [`MigrateError::Newer`] for a database that a newer program has migrated.
pub async fn migrate(url: &DatabaseUrl, apply: bool) -> Result<Report, MigrateError> {
    match url {
        DatabaseUrl::Postgres(url) => postgres::migrate(url, apply).await,
        DatabaseUrl::Sqlite(path) => sqlite::migrate(path, apply).await,
    }
}
