//! The use cases, the task handlers and the worker, over a store in memory and scripted services.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test that can't go on has failed"
)]

mod assigning;
mod audits;
mod cart;
mod changing;
mod changing_again;
mod delivery;
mod double_click;
mod editing;
mod goodwill;
mod housekeeping;
mod ledger;
mod notifying;
mod operations;
mod payments;
mod placing;
mod preconditions;
mod publishing;
mod random;
mod releasing;
mod repeating;
mod replaying;
mod reviewing;
mod support;
mod twice;
mod waiting;
mod worker;
