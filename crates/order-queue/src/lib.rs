//! Dispatch of due tasks to workers: who commits says what is due, and a worker takes it up.
//!
//! The database is the truth; a signal only says where to look, and may be lost. Within one process signals pass through
//! memory.

mod in_process;

pub use in_process::InProcessSignal;
