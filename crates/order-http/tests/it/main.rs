//! The REST API over the use cases, without a network but where the network is what is tested.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on has failed: it panics where it stands"
)]

mod framework;
mod input;
mod json;
mod lists;
mod logs;
mod network;
mod refusals;
mod replay;
mod roles;
mod routes;
mod support;
mod tokens;
mod versions;
mod waiting;
