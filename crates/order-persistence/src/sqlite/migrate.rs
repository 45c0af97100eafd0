//! Bringing the file up to date, and letting go of what a process that died had in its hands: there is one instance, so
//! nobody else can hold a lease.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::connect::{connect, lock};
use super::dialect::NOW;
use crate::migrations::{self, MigrateError};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

pub(crate) async fn migrate(path: &Path, apply: bool) -> Result<migrations::Report, MigrateError> {
    let path = path.to_owned();
    let work = tokio::task::spawn_blocking(move || {
        let unreachable = |error: &dyn std::fmt::Display| MigrateError::Unreachable(error.to_string());
        let _lock = lock(&path)?;
        let mut conn = connect(&path.to_string_lossy()).map_err(|error| unreachable(&error))?;
        let report = migrations::run(&mut conn, &MIGRATIONS, apply)?;
        if apply {
            let void = format!("UPDATE tasks SET leased = 0, token = token + 1, run_at = {NOW} WHERE leased = 1");
            conn.batch_execute(&void).map_err(|error| unreachable(&error))?;
        }
        Ok(report)
    });
    work.await.map_err(|error| MigrateError::Failed(error.to_string()))?
}
