//! The REST API over the use cases, without a network but where the network is what is tested.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on has failed: it panics where it stands"
)]

mod access;
mod asymmetric;
mod context;
mod cors;
mod delivery;
mod documents;
mod framework;
mod health;
mod input;
mod items;
mod json;
mod key_fetching;
mod key_sets;
mod lists;
mod load;
mod logs;
mod metrics;
mod network;
mod operations;
mod payments;
mod refunds;
mod refusals;
mod replay;
mod resolving;
mod routes;
mod scheduling;
mod support;
mod tokens;
mod versions;
mod waiting;
