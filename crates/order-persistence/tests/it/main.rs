//! Both engines: the contract of the store ports, the constraints of the tables, migrations, connections.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test that can't go on has failed"
)]

mod migrations;
mod personal;
mod plans;
mod plans_of_requests;
mod postgres;
mod races;
mod round_trips;
mod sqlite;
mod tables;
