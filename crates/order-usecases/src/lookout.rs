//! Looks out for what other instances do to the orders that somebody waits for here.
//!
//! An instance hears of its own commits at once. Of the others' it learns by reading the versions of all orders that are
//! watched, in one query for up to a thousand of them, as long as there are any: at a steady pace, however many wait. Where
//! word of the others comes in by itself, it looks less often, for what was lost on the way.

use std::sync::Arc;

use order_domain::ports::{LiveEvent, LiveEvents, OrderReader};
use order_domain::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How often it looks.
const PACE: Duration = Duration::from_millis(500);

/// How often it looks while word of other instances comes in by itself.
const EASY_PACE: Duration = Duration::from_secs(5);

/// Orders per query.
const BATCH: usize = 1_000;

/// Looks out for an instance.
pub struct Lookout {
    reader: Arc<dyn OrderReader>,
    live: Arc<dyn LiveEvents>,
}

impl Lookout {
    /// A lookout over this database, for those who listen here. What it finds is told to them alone: every instance has a
    /// lookout of its own.
    pub fn new(reader: Arc<dyn OrderReader>, live: Arc<dyn LiveEvents>) -> Self {
        Self { reader, live }
    }

    /// Looks out until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let (mut blind, mut last) = (false, Instant::now());
        while stop.run_until_cancelled(sleep(PACE)).await.is_some() {
            if self.live.hears_others() && last.elapsed() < EASY_PACE {
                continue;
            }
            last = Instant::now();
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
