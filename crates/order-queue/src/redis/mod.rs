//! Redis between the instances: a transport, never the truth. Whatever is in it may be lost at any time, and the service
//! goes on from the database ([ADR 11](../../../docs/adr/0011-redis-is-the-transport.md)).
//!
//! All that is kept there has names under one prefix in braces, so that in a Cluster it is on one node. What may grow is
//! bounded where it is written.

mod check;
mod event_reader;
mod event_stream;
mod link;
mod live;
mod pace;
mod seldom;
mod signal;
mod tls;
mod url;

pub use check::check;
pub use event_reader::{EntryId, EventReader, InvalidEntryId, ReadError, StreamEntry};
pub use event_stream::RedisEventStream;
pub use link::{LinkState, RedisLink};
pub use live::RedisLive;
pub use signal::{RedisSignal, SignalConfig};
pub use url::{InvalidRedisUrl, RedisUrl};

/// What the names in Redis begin with, in braces.
pub const DEFAULT_PREFIX: &str = "orders";

/// The names that this crate uses in Redis.
#[derive(Debug, Clone)]
struct Names {
    /// The stream of due tasks.
    tasks: String,
    /// The channel of what happens to orders.
    live: String,
    /// The stream of events for other services. One key, so one slot of a Cluster.
    events: String,
}

impl Names {
    fn under(prefix: &str) -> Self {
        Self {
            tasks: format!("{{{prefix}}}:tasks"),
            live: format!("{{{prefix}}}:live"),
            events: format!("{prefix}.events"),
        }
    }
}

/// A name that no other process has.
#[expect(clippy::disallowed_methods, reason = "it decides nothing, it only has to differ")]
fn a_name_of_its_own() -> String {
    format!("{}-{}", std::process::id(), uuid::Uuid::new_v4().simple())
}
