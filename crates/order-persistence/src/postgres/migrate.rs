//! Bringing a database up to date, one instance at a time.

use diesel_async::{AsyncMigrationHarness, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use order_domain::time::Duration;

use super::connect::connect;
use crate::migrations::{self, MigrateError};
use crate::url::PostgresUrl;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Held while migrating. The number is arbitrary, and ours.
const LOCK: i64 = 0x6f72_6465_7200;

/// No statement limit: an index may take its time. Whoever waits for the lock gives up sooner than the operator.
const LIMITS: &str = "-c lock_timeout=60000";

mod functions {
    use diesel::sql_types::BigInt;

    diesel::define_sql_function! {
        /// Waits for a lock that ends with the session.
        fn pg_advisory_lock(key: BigInt);
    }
}

pub(crate) async fn migrate(url: &str, apply: bool) -> Result<migrations::Report, MigrateError> {
    let url = PostgresUrl::parse(url)?;
    let unreachable = |error: &dyn std::fmt::Display| MigrateError::Unreachable(error.to_string());
    let connecting = tokio::time::timeout(Duration::from_secs(10), connect(&url, LIMITS));
    let mut conn = connecting.await.map_err(|error| unreachable(&error))?.map_err(|error| unreachable(&error))?;
    if apply {
        conn.batch_execute("SET lock_timeout = '60s'").await.map_err(|error| unreachable(&error))?;
        diesel::select(functions::pg_advisory_lock(LOCK))
            .execute(&mut conn)
            .await
            .map_err(|error| unreachable(&error))?;
    }
    // The harness blocks: not the thread of whoever waits for it.
    let work = move || migrations::run(&mut AsyncMigrationHarness::new(conn), &MIGRATIONS, apply);
    tokio::task::spawn_blocking(work).await.map_err(|error| MigrateError::Failed(error.to_string()))?
}
