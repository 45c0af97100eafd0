//! Bringing the file up to date.

use std::path::Path;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::connect::{connect, lock};
use crate::migrations::{self, MigrateError};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

pub(crate) async fn migrate(path: &Path, apply: bool) -> Result<migrations::Report, MigrateError> {
    run(path, apply, true).await
}

/// Looks, whoever has the file.
pub(crate) async fn look(path: &Path) -> Result<migrations::Report, MigrateError> {
    run(path, false, false).await
}

async fn run(path: &Path, apply: bool, alone: bool) -> Result<migrations::Report, MigrateError> {
    let path = path.to_owned();
    let work = tokio::task::spawn_blocking(move || {
        let unreachable = |error: &dyn std::fmt::Display| MigrateError::Unreachable(error.to_string());
        let _lock = alone.then(|| lock(&path)).transpose()?;
        let mut conn = connect(&path.to_string_lossy()).map_err(|error| unreachable(&error))?;
        migrations::run(&mut conn, &MIGRATIONS, apply)
    });
    work.await.map_err(|error| MigrateError::Failed(error.to_string()))?
}
