//! Stand-ins for the services around the order service: user, product, cart, payment and
//! notification.
//!
//! They are HTTP servers with state, ledgers and faults, for tests and for the demo. What they promise:
//!
//! - They answer as the services' contract says, and refuse what it does not allow: an unknown field in a payment, an
//!   amount that has lost its exactness, a path with a trailing slash. What they are called by the order service for
//!   is therefore checked by them, and they share no type with it: a mistake made on both sides would hide.
//! - The payment service keeps one outcome for each idempotency key and counts who asks how often.
//! - A [`Fault`] happens exactly to the calls that it is meant for, before the work or after it.
//! - They run on threads of their own, so that a [`Sandbox`] can be started from any runtime, or from none.
//!
//! They never call anybody, never write to disk and never sleep unless told to by a fault.
//!
//! ```
//! use order_sandbox::{Fault, FaultKind, Options, Route, Sandbox, Service};
//!
//! let sandbox = Sandbox::start(&Options::new("a secret of at least thirty-two bytes"))?;
//! sandbox.demo_seed();
//! sandbox.add_fault(Service::Payment, Fault::acted_answer_lost().on(Route::Process).times(1));
//! assert!(sandbox.urls().payment.starts_with("http://127.0.0.1:"));
//! # Ok::<(), std::io::Error>(())
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod admin;
mod auth;
mod cart;
mod connection;
mod faults;
mod gate;
mod keys;
mod ledger;
mod money;
mod notification;
mod options;
mod payment;
mod problem;
mod product;
mod sandbox;
mod seed;
mod server;
mod service;
mod state;
mod user;

pub use cart::{Cart, CartLine, Promo};
pub use faults::{Fault, FaultKind};
pub use keys::DemoKey;
pub use ledger::{Balance, Decline, DeclineAnswer, Outcome, Payment, PaymentKind};
pub use notification::{Message, Notification};
pub use options::{Options, Ports, Urls};
pub use product::Product;
pub use sandbox::Sandbox;
pub use service::{Route, Service};
pub use state::Calls;
pub use user::User;
