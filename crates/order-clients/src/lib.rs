//! The outside services over HTTP, behind the domain's ports: [`CartClient`], [`ProductClient`], [`PaymentClient`] and
//! [`UserClient`]; and the keys that tokens are checked with, by [`JwksClient`].
//!
//! What they promise, whatever the other side does:
//!
//! - Every call ends: after its [`Deadlines`], or when the answer grows over its limit.
//! - What comes back is checked before it is believed. Numbers are in the domain's ranges, prices are rounded to the
//!   currency, texts are bounded and free of control characters; anything else is a bad answer, never a panic.
//! - Nothing is asked twice. Whether to ask again is for the caller to decide, who knows what that means.
//! - An error says what happened in fixed words. It holds no token, no address and nothing of a body.
//!
//! They never follow a redirect, never go through a proxy that the environment names, and never read a clock but the
//! domain's port.
//!
//! A new client: a file of its own that makes its calls through `http` and reads answers with `numbers` and `text`.

mod answer;
mod cart;
mod http;
mod jwks;
mod numbers;
mod payment;
mod probe;
mod product;
mod settings;
mod text;
mod token;
mod user;

pub use cart::CartClient;
pub use jwks::JwksClient;
pub use payment::PaymentClient;
pub use probe::probe;
pub use product::ProductClient;
pub use settings::{BadUrl, Deadlines, SetupError, check_base_url};
pub use token::ServiceTokens;
pub use user::UserClient;
