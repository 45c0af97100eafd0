//! What happens to orders, told to all instances: a channel, `{orders}:live`, that each listens to once.
//!
//! Whoever waits here is told at once, by this process; the others hear of it by way of Redis. Word may be lost on that
//! way and is never waited for. Whether any would come in is known: each instance hears itself, over a channel of its own
//! on the same connection.

mod listener;
mod message;
mod speaker;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use order_domain::OrderId;
use order_domain::ports::{LiveEvent, LiveEvents, Subscription};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::InProcessLive;
use crate::redis::link::RedisLink;
use listener::Listener;

/// Word that waits to be said at most; more is dropped.
const CAPACITY: usize = 10_000;

/// Passes on what happens to orders, to whoever listens in any instance.
pub struct RedisLive {
    local: Arc<InProcessLive>,
    to_say: mpsc::Sender<LiveEvent>,
    _listening: AbortOnDropHandle<()>,
}

impl RedisLive {
    /// Begins to listen and to speak. It listens no more when it is dropped, and still says what it was told until then.
    /// Needs a runtime of tokio around it.
    pub fn start(link: &RedisLink) -> Self {
        let local = Arc::new(InProcessLive::default());
        let (to_say, to_be_said) = mpsc::channel(CAPACITY);
        tokio::spawn(speaker::speak(link.clone(), to_be_said));
        let listening = tokio::spawn(Listener::new(link.clone(), Arc::clone(&local)).run());
        Self { local, to_say, _listening: AbortOnDropHandle::new(listening) }
    }

    /// Its half within this process: what is said to it stays here. For the lookout, whose word every instance finds by
    /// itself.
    pub fn local(&self) -> Arc<InProcessLive> {
        Arc::clone(&self.local)
    }
}

#[async_trait]
impl LiveEvents for RedisLive {
    async fn publish(&self, events: &[LiveEvent]) {
        self.local.publish(events).await;
        for event in events {
            // What there is no room for the others look for.
            let _ = self.to_say.try_send(*event);
        }
    }

    fn subscribe(&self, order: OrderId) -> Option<Box<dyn Subscription>> {
        self.local.subscribe(order)
    }

    fn watched(&self) -> Vec<OrderId> {
        self.local.watched()
    }

    async fn anything(&self) {
        self.local.anything().await;
    }

    fn hears_others(&self) -> bool {
        self.local.hears_others()
    }

    fn close(&self) {
        self.local.close();
    }
}

impl fmt::Debug for RedisLive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLive").field("hears_others", &self.hears_others()).finish_non_exhaustive()
    }
}
