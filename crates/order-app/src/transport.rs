//! What carries word from those who commit to those who work and watch: within this process.

use std::sync::Arc;

use order_domain::ports::{LiveEvents, TaskSignal};
use order_http::TransportHealth;
use order_queue::{InProcessLive, InProcessSignal};

/// The transport of an instance.
pub(crate) struct Transport {
    /// Wakes workers.
    pub(crate) signal: Arc<dyn TaskSignal>,
    /// Wakes those who wait for news of an order.
    pub(crate) live: Arc<dyn LiveEvents>,
}

impl Transport {
    /// Within one process. An instance that does not work keeps signals for nobody, ten thousand at most.
    pub(crate) fn in_process() -> Self {
        Self { signal: Arc::new(InProcessSignal::default()), live: Arc::new(InProcessLive::default()) }
    }

    /// Whether it is up, for health. Within one process there is nothing that could be down.
    pub(crate) fn health(&self) -> Option<TransportHealth> {
        None
    }
}
