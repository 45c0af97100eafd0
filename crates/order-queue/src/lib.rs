//! Word between those who commit and those who wait: due tasks for the workers, and what happens to orders for whoever
//! watches them. And the stream of events for other services.
//!
//! The database is the truth; word of it only says where to look, and may be lost. Within one process it passes through
//! memory.

pub mod events;
mod in_process;
mod live;

pub use in_process::InProcessSignal;
pub use live::InProcessLive;
