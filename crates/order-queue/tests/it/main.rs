//! The event stream as other services see it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test that can't go on has failed"
)]

mod documents;
mod told;
