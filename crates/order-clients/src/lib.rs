//! The outside services over HTTP, behind the domain's ports: [`CartClient`], [`ProductClient`], [`PaymentClient`],
//! [`UserClient`] and [`NotificationClient`]; and the keys that tokens are checked with, by [`JwksClient`].
//!
//! What they promise, whatever the other side does:
//!
//! - Every call ends: after its [`Deadlines`], or when the answer grows over its limit.
//! - What comes back is checked before it is believed. Numbers are in the domain's ranges, prices are rounded to the
//!   currency, texts are bounded and free of control characters; anything else is a bad answer, never a panic.
//! - Every call passes its service's guard ([`Guards`]), which refuses it at once while the service is down, and bounds how
//!   many there are at once.
//! - What only reads may be asked a second time, within the same deadline. Everything else is asked once: whether to ask
//!   again is for the caller to decide, who knows what that means.
//! - Calls that are made for a request carry its id and its trace ([`context`]).
//! - An error says what happened in fixed words. It holds no token, no address and nothing of a body.
//!
//! They never follow a redirect, never go through a proxy that the environment names, and never read a clock but the
//! domain's port.
//!
//! A new client: a file of its own that makes its calls through `http` and reads answers with `numbers` and `text`.

mod answer;
mod breaker;
mod cart;
pub mod context;
mod failure;
mod guard;
mod http;
mod jwks;
mod notification;
mod numbers;
mod payment;
mod probe;
mod product;
mod settings;
mod text;
mod token;
mod user;

pub use breaker::BreakerState;
pub use cart::CartClient;
pub use guard::{Guards, Limits};
pub use jwks::JwksClient;
pub use notification::NotificationClient;
pub use payment::PaymentClient;
pub use probe::probe;
pub use product::ProductClient;
pub use settings::{BadUrl, Deadlines, SetupError, check_base_url};
pub use token::{ServiceTokens, SigningKey, SigningKeyError};
pub use user::UserClient;
