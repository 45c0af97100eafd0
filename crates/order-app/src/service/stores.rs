//! The database, and who reaches it through which connections.

use order_persistence::{DatabaseUrl, Options, Stores};

use crate::Failure;
use crate::role::Role;
use crate::settings::Settings;

/// The stores of those who ask and of those who work: the same ones where there is but one of the two.
pub(super) struct Databases {
    pub(super) requests: Stores,
    pub(super) work: Stores,
}

/// Looks at the database, and brings it up to date if that is allowed.
pub(super) async fn bring_up_to_date(settings: &Settings) -> Result<(), Failure> {
    let report =
        order_persistence::migrate(&settings.database_url, settings.auto_migrate).await.map_err(Failure::other)?;
    if !settings.auto_migrate && !report.pending.is_empty() {
        let missing = report.pending.join(", ");
        return Err(Failure::Other(format!("the database lacks the migration(s) {missing}: run `order-app migrate`")));
    }
    Ok(())
}

/// Opens the database. Requests and work have connections of their own on PostgreSQL, so that neither starves the other. A
/// SQLite file has one writer whoever asks.
pub(super) fn open(settings: &Settings, role: Role) -> Result<Databases, Failure> {
    let runtime = tokio::runtime::Handle::current();
    let open = |pool| {
        let options = Options { connections: settings.database_connections, pool, runtime: runtime.clone() };
        order_persistence::open(&settings.database_url, &options).map_err(Failure::other)
    };
    let first = open(if role.has_api() { "http" } else { "worker" })?;
    let second = match (&settings.database_url, role) {
        (DatabaseUrl::Postgres(_), Role::All) => open("worker")?,
        (DatabaseUrl::Postgres(_), Role::Http | Role::Worker) | (DatabaseUrl::Sqlite(_), _) => first.clone(),
    };
    Ok(Databases { requests: first, work: second })
}
