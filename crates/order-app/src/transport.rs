//! What carries word from those who commit to those who work and watch: within this process alone, or through Redis to all
//! instances, as `REDIS_URL` says. And the stream of events for other services, which is nowhere without it.
//!
//! Word of work is never the truth: whatever is lost on its way is found in the database. So nothing here waits for Redis,
//! and a start without it is a start.

use std::sync::Arc;

use order_domain::ports::{EventStream, LiveEvents, TaskSignal};
use order_http::TransportHealth;
use order_queue::events::NoEventStream;
use order_queue::{
    InProcessLive, InProcessSignal, LinkState, RedisEventStream, RedisLink, RedisLive, RedisSignal, SignalConfig,
};

use crate::role::Role;
use crate::settings::Settings;

/// The transport of an instance.
pub(crate) struct Transport {
    /// Wakes workers.
    pub(crate) signal: Arc<dyn TaskSignal>,
    /// Wakes those who wait for news of an order.
    pub(crate) live: Arc<dyn LiveEvents>,
    /// Wakes those of them who wait here, and tells no other instance: each finds by itself what the lookout finds.
    pub(crate) live_here: Arc<dyn LiveEvents>,
    /// Where other services read what happens to orders.
    pub(crate) stream: Arc<dyn EventStream>,
    link: Option<RedisLink>,
}

impl Transport {
    /// The transport that an instance of a role has. Returns at once, whether Redis is there or not.
    pub(crate) fn of(settings: &Settings, role: Role) -> Self {
        let Some(url) = &settings.redis else { return Self::in_process() };
        let link = RedisLink::connect(url);
        let signal = RedisSignal::start(&link, &SignalConfig { works: role.works(), ..SignalConfig::default() });
        let live = RedisLive::start(&link);
        let live_here = live.local();
        let stream = RedisEventStream::new(&link, settings.events_keep);
        Self { signal: Arc::new(signal), live: Arc::new(live), live_here, stream: Arc::new(stream), link: Some(link) }
    }

    /// Within one process. An instance that does not work keeps signals that nobody takes, ten thousand of them at most:
    /// its tasks begin when another instance sweeps.
    fn in_process() -> Self {
        let live = Arc::new(InProcessLive::default());
        Self {
            signal: Arc::new(InProcessSignal::default()),
            live: live.clone(),
            live_here: live,
            stream: Arc::new(NoEventStream),
            link: None,
        }
    }

    /// Whether Redis is up, for health; `None` where none is used.
    pub(crate) fn health(&self) -> Option<TransportHealth> {
        let link = self.link.clone()?;
        Some(Arc::new(move || match link.state() {
            LinkState::Up => true,
            LinkState::Down => false,
        }))
    }
}
