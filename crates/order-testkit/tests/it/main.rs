//! The fakes keep what they promise: the store in memory the contract that the databases keep, the services theirs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod contract;
mod faults;
mod lives;
mod services;
mod suite;
