//! The whole service as a black box: the built binary as real processes, PostgreSQL and SQLite, the outside services of
//! the sandbox. And the rules of the house.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test that can't go on has failed"
)]

mod architecture;
mod bad_input;
mod chaos;
mod command_line;
mod crash;
mod delivery;
mod double_click;
mod editing;
mod events;
mod goodwill;
mod kills;
mod logs;
mod metrics;
mod money;
mod money_page;
mod notifying;
mod operators;
mod outside;
mod protocol;
mod races;
mod reconciling;
mod redis;
mod review;
mod roles;
mod rolling;
mod scheduling;
mod selling;
mod soak;
mod stopping;
mod support;
mod tokens;
mod tour;
mod two_instances;
mod verifying;
mod waiting;
