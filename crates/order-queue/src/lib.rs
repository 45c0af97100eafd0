//! Word between those who commit and those who wait: due tasks for the workers, and what happens to orders for whoever
//! watches them. And the stream of events for other services.
//!
//! The database is the truth; word of it only says where to look, and may be lost. Within one process it passes through
//! memory ([`InProcessSignal`], [`InProcessLive`]), between instances through Redis as well ([`RedisSignal`],
//! [`RedisLive`]; [`RedisEventStream`] is the stream for other services). Both keep the same contracts (`order_testkit::queue_contract`). No caller is ever slowed by Redis, or
//! told that it is away.

pub mod events;
mod in_process;
mod live;
mod redis;

pub use in_process::InProcessSignal;
pub use live::InProcessLive;
pub use redis::{
    DEFAULT_PREFIX, EntryId, EventReader, InvalidEntryId, InvalidRedisUrl, LinkState, ReadError, RedisEventStream,
    RedisLink, RedisLive, RedisSignal, RedisUrl, SignalConfig, StreamEntry, check,
};
