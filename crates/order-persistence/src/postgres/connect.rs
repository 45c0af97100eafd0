//! Connections: limits on both sides, TLS where the URL asks for it, and nothing that blocks.

use std::time::Duration;

use deadpool::Runtime;
use diesel::ConnectionError;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use futures_util::FutureExt;
use tokio_postgres::NoTls;

use super::dialect::Conn;
use crate::url::PostgresUrl;
use crate::{ConnectError, Options, tls};

/// How long to wait for a connection that is in use.
const ACQUIRE: Duration = Duration::from_millis(250);
/// How long a new connection may take.
const CREATE: Duration = Duration::from_secs(2);
/// How long a connection may be without a sign of life.
const SILENCE: Duration = Duration::from_secs(10);
/// What the server itself cuts off, and how it reads: by index and row by row, by a plan that is made once for each
/// statement and connection, for all values. A plan that was made while a table was small is kept for as long as the table's
/// statistics stay as they were, and one that scans a small table costs more with every order; making it anew each time
/// costs more than most statements do. So every statement here has an index to go by, whatever it is called with. None is
/// compiled: where one scans a table all the same, PostgreSQL believes it to be worth that, and spends a hundred times the
/// statement's time on it, each time.
const LIMITS: &str = "-c statement_timeout=2000 -c lock_timeout=500 -c idle_in_transaction_session_timeout=5000 \
                      -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off \
                      -c plan_cache_mode=force_generic_plan";

pub(super) fn pool(url: &str, options: &Options) -> Result<Pool<Conn>, ConnectError> {
    let url = PostgresUrl::parse(url)?;
    let mut config = ManagerConfig::default();
    // A connection that died is noticed by its socket; asking it each time would be a round trip per use.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_| {
        let url = url.clone();
        async move { connect(&url, LIMITS).await }.boxed()
    });
    let manager = AsyncDieselConnectionManager::<Conn>::new_with_config("", config);
    Pool::builder(manager)
        .max_size(options.connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(ACQUIRE))
        .create_timeout(Some(CREATE))
        .recycle_timeout(Some(CREATE))
        .build()
        .map_err(|error| ConnectError::Pool(error.to_string()))
}

/// One connection, its driver on the current runtime.
pub(super) async fn connect(url: &PostgresUrl, limits: &str) -> Result<AsyncPgConnection, ConnectionError> {
    let failed = |error: &dyn std::error::Error| ConnectionError::BadConnection(told(error));
    let mut config = url.config.clone();
    config.options(match config.get_options() {
        Some(given) => format!("{limits} {given}"),
        None => limits.to_owned(),
    });
    config.connect_timeout(CREATE);
    // A host that is gone says nothing, not even that it is gone.
    config.tcp_user_timeout(SILENCE);
    config.keepalives_idle(SILENCE);
    if url.tls {
        let connector = tls::connector(url.root_certificate.as_deref()).map_err(|error| failed(&error))?;
        let (client, connection) = config.connect(connector).await.map_err(|error| failed(&error))?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    } else {
        let (client, connection) = config.connect(NoTls).await.map_err(|error| failed(&error))?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }
}

/// An error with its causes: the first line alone says little.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}
