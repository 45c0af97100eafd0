//! The database, for commands that are run beside a service. They need `DATABASE_URL` and no other setting.

use order_persistence::{BesideError, Options, Stores};

use crate::Failure;
use crate::settings::Given;

/// Connections that a command needs: it does one thing at a time.
const CONNECTIONS: usize = 2;

/// The stores over the database that `DATABASE_URL` names: it must be there and up to date.
pub(crate) async fn stores() -> Result<Stores, Failure> {
    let url = Given::read().database()?;
    let runtime = tokio::runtime::Handle::current();
    let options = Options { connections: CONNECTIONS, pool: "command", runtime };
    order_persistence::beside(&url, &options).await.map_err(|error| match error {
        BesideError::Missing(_) => Failure::Other(format!("{error}; look at DATABASE_URL")),
        BesideError::Behind(_) => Failure::Other(format!("{error}; run `order-app migrate`")),
        BesideError::Migrate(_) | BesideError::Connect(_) => Failure::other(error),
    })
}
