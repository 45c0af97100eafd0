//! What both engines' migrations have in common: a database that is newer than the program is refused.

use std::collections::BTreeSet;

use diesel::backend::Backend;
use diesel::migration::{Migration, MigrationSource};
use diesel_migrations::MigrationHarness;

use crate::ConnectError;

/// What migrating did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Migrations that were applied, or, when only looking, that are missing.
    pub pending: Vec<String>,
    /// How many the database had before.
    pub applied_before: usize,
}

/// Why a database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// `DATABASE_URL` can't be used.
    #[error(transparent)]
    Url(#[from] ConnectError),
    /// The database was not reached.
    #[error("the database can't be reached: {0}")]
    Unreachable(String),
    /// A newer program has been here.
    #[error("the database is newer than this program: it has the migration(s) {}; run the program that made them, or a newer one", .0.join(", "))]
    Newer(Vec<String>),
    /// A migration failed; it was rolled back.
    #[error("migration failed: {0}")]
    Failed(String),
}

/// Looks at a database, and brings it up to date if `apply` says so.
pub(crate) fn run<DB: Backend>(
    harness: &mut impl MigrationHarness<DB>,
    source: &impl MigrationSource<DB>,
    apply: bool,
) -> Result<Report, MigrateError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| MigrateError::Failed(error.to_string());
    let known: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(failed)?;
    let versions: BTreeSet<String> = known.iter().map(|migration| migration.name().version().to_string()).collect();
    let applied = harness.applied_migrations().map_err(failed)?;
    let newer: Vec<String> =
        applied.iter().map(ToString::to_string).filter(|version| !versions.contains(version)).collect();
    if !newer.is_empty() {
        return Err(MigrateError::Newer(newer));
    }
    let mut report = Report { pending: Vec::new(), applied_before: applied.len() };
    for migration in &known {
        if !applied.contains(&migration.name().version()) {
            if apply {
                harness.run_migration(migration.as_ref()).map_err(failed)?;
            }
            report.pending.push(migration.name().to_string());
        }
    }
    Ok(report)
}
