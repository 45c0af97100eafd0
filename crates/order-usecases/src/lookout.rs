//! Looks out for what other instances do to the orders that somebody waits for here.
//!
//! An instance hears of its own commits at once. Of the others' it learns by reading the versions of all orders that are
//! watched, in one query for up to a thousand of them, as long as there are any: at a steady pace, however many wait.

use std::sync::Arc;

use order_domain::ports::{LiveEvent, LiveEvents, OrderReader};
use order_domain::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it looks.
const PACE: Duration = Duration::from_millis(500);

/// Orders per query.
const BATCH: usize = 1_000;

/// Looks out for an instance.
pub struct Lookout {
    reader: Arc<dyn OrderReader>,
    live: Arc<dyn LiveEvents>,
}

impl Lookout {
    /// A lookout over this database, for those who listen here.
    pub fn new(reader: Arc<dyn OrderReader>, live: Arc<dyn LiveEvents>) -> Self {
        Self { reader, live }
    }

    /// Looks out until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut blind = false;
        while stop.run_until_cancelled(tokio::time::sleep(PACE)).await.is_some() {
            let looked = self.look().await;
            if let (Err(error), false) = (&looked, blind) {
                tracing::warn!(%error, "other instances' changes can't be seen; whoever waits for one waits longer");
            }
            blind = looked.is_err();
        }
    }

    async fn look(&self) -> Result<(), order_domain::ports::StoreError> {
        for ids in self.live.watched().chunks(BATCH) {
            let versions = self.reader.versions(ids).await?;
            let events: Vec<_> = versions.into_iter().map(|(order, version)| LiveEvent { order, version }).collect();
            self.live.publish(&events).await;
        }
        Ok(())
    }
}
