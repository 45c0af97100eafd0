//! Connections to the file, and the lock that keeps a second instance out.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use deadpool::Runtime;
use diesel::connection::SimpleConnection;
use diesel::{Connection, ConnectionError, SqliteConnection};
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use futures_util::FutureExt;
use futures_util::future::ready;

use super::dialect::{Conn, Here, NOW};
use crate::ConnectError;

/// How long to wait for the writer, or for a reader.
const ACQUIRE: Duration = Duration::from_secs(5);

/// Durable to the last commit. How long to wait for others comes first: even the next setting may have to.
const SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                        PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;";

/// Takes the lock of a database: one instance has it, and the operating system lets go of it when that one dies.
pub(super) fn lock(path: &Path) -> Result<File, ConnectError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let unusable =
        |error: std::io::Error| ConnectError::File { path: path.display().to_string(), reason: error.to_string() };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(name).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ConnectError::InUse(path.display().to_string())),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// Lets go of what a process that died had in its hands: there is one instance, so nobody else can hold a lease.
pub(super) fn void_leases(path: &Path) -> Result<(), ConnectError> {
    let unusable = |error: &dyn std::fmt::Display| ConnectError::File {
        path: path.display().to_string(),
        reason: error.to_string(),
    };
    let mut conn = connect(&path.to_string_lossy()).map_err(|error| unusable(&error))?;
    let void = format!(
        "UPDATE tasks SET leased = 0, token = token + 1, run_at = {NOW} WHERE leased = 1;
         UPDATE publisher_lease SET ends_at = {NOW} WHERE ends_at > {NOW};"
    );
    conn.batch_execute(&void).map_err(|error| unusable(&error))
}

pub(super) fn pool(path: &Path, size: usize) -> Result<Pool<Conn>, ConnectError> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|path| ready(connect(path).map(|conn| Conn::with_runtime(conn, Here))).boxed());
    let manager = AsyncDieselConnectionManager::<Conn>::new_with_config(path.to_string_lossy(), config);
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(ACQUIRE))
        .create_timeout(Some(ACQUIRE))
        .recycle_timeout(Some(ACQUIRE))
        .build()
        .map_err(|error| ConnectError::Pool(error.to_string()))
}

pub(super) fn connect(path: &str) -> Result<SqliteConnection, ConnectionError> {
    let mut conn = SqliteConnection::establish(path)?;
    conn.batch_execute(SETTINGS).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}
