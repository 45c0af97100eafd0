//! Word of what happens to orders, for those who wait for it.
//!
//! The timeline is the truth; word of it only says where to look, and may be lost, repeated or late. Whoever waits
//! subscribes first and reads then, so that nothing falls in between, and reads once more when the wait is over.

use async_trait::async_trait;

use crate::ids::OrderId;
use crate::order::Version;

/// Something has happened to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveEvent {
    /// To which.
    pub order: OrderId,
    /// The version that it is in now, which is the number of its last event.
    pub version: Version,
}

/// Passes on what happens to orders. Keeps nothing of an order that nobody waits for.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait LiveEvents: Send + Sync {
    /// Says what has happened; called after the commit, never before.
    async fn publish(&self, events: &[LiveEvent]);

    /// Listens from now on. `None` where too many listen already, and once it is closed: nobody waits then.
    fn subscribe(&self, order: OrderId) -> Option<Box<dyn Subscription>>;

    /// The orders that somebody listens for here, each once.
    fn watched(&self) -> Vec<OrderId>;

    /// Waits until something is said of any order, or was said since the last such wait. For one listener.
    async fn anything(&self);

    /// Whether word of what other instances do comes in by itself just now.
    fn hears_others(&self) -> bool;

    /// Ends every subscription, and lets nobody listen any more: the service is stopping.
    fn close(&self);
}

/// What somebody listens to; ends when it is dropped.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Subscription: Send + Sync {
    /// Waits until the order is said to be in a later version than this one, which may have been said since the
    /// subscription began. False: nothing is said any more.
    async fn later_than(&mut self, version: Version) -> bool;
}
