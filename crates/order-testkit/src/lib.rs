//! Builders, fakes and contract suites for tests. Never part of a running service.
//!
//! - [`builders`]: readable test data, made through the domain itself: `an_order().customer("ann").paid()`.
//! - [`events`]: events of every kind, and what other services are told of them.
//! - [`keys`]: private keys that sign tokens, and what the user service publishes of them.
//! - [`memory`]: a store in memory that keeps the promises of the store ports, with a clock that the test steers.
//! - [`services`]: the outside services, scripted, with records of what they were asked.
//! - [`contract`]: what every implementation of the store ports has to keep, as tests that each of them runs.
//! - `document` (with the feature of that name): compares answers with an OpenAPI document.
//! - `event_documents` (with the same feature): compares documents of the event stream with their schemas.
//! - [`pages`]: pages of the documentation that are generated.
//! - [`pg`]: a fresh PostgreSQL database per test.
//! - [`queue_contract`]: the same for the queue ports.
//! - [`redis_server`]: names of its own on a shared Redis per test, and servers that a test kills.
//! - [`strategies`]: random products, orders and lives, for property tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that can't be set up has failed: it panics where it stands"
)]

pub mod builders;
pub mod contract;
#[cfg(feature = "document")]
pub mod document;
#[cfg(feature = "document")]
pub mod event_documents;
pub mod events;
pub mod keys;
pub mod memory;
pub mod pages;
pub mod pg;
pub mod queue_contract;
pub mod redis_server;
pub mod services;
pub mod strategies;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks what no panic leaves half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
