//! The queues against their contracts, and against what a real Redis, its Sentinels and its Cluster do to them; the event
//! stream as other services see it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test that can't go on has failed"
)]

mod checking;
mod cluster;
mod contract;
mod documents;
mod event_stream;
mod faults;
mod logged;
mod sentinel;
mod support;
mod told;
mod word;
