//! Removes receipts that are over a day old and guards that have ended, in small batches: no statement holds locks for
//! long, and a run that is cut off has done what it has done.

use order_domain::ports::StoreError;
use order_domain::time::Duration;

use super::Handlers;

/// How many go at once.
const BATCH: u32 = 500;
/// Batches of one run.
const BATCHES: u32 = 20;
/// Until the next run.
const EVERY: Duration = Duration::from_mins(10);
/// Until the next run, where more is left than one does.
const MORE: Duration = Duration::from_secs(1);

impl Handlers {
    /// Tidies up, and says how long until that is worth it again.
    pub(super) async fn housekeeping(&self) -> Result<Duration, StoreError> {
        for _ in 0..BATCHES {
            if self.orders.forget(BATCH).await? < BATCH {
                return Ok(EVERY);
            }
        }
        Ok(MORE)
    }
}
