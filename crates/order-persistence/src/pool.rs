//! Waiting for a connection, measured: a pool that is too small shows here before anything else suffers.

use deadpool::managed::{Manager, Object, Pool, PoolError};
use metrics::Histogram;
use tokio::time::Instant;

/// How long whoever needed a connection waited for it, those included who did not get one.
const WAIT: &str = "database_pool_wait_seconds";

/// A pool whose waits are measured.
pub(crate) struct Measured<M: Manager> {
    pool: Pool<M>,
    wait: Histogram,
}

impl<M: Manager> Measured<M> {
    /// Measures a pool under this name.
    pub(crate) fn new(pool: Pool<M>, name: &'static str) -> Self {
        Self { pool, wait: metrics::histogram!(WAIT, "pool" => name) }
    }

    /// A connection.
    pub(crate) async fn get(&self) -> Result<Object<M>, PoolError<M::Error>> {
        let began = Instant::now();
        let got = self.pool.get().await;
        self.wait.record(began.elapsed());
        got
    }
}

impl<M: Manager> Clone for Measured<M> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), wait: self.wait.clone() }
    }
}
