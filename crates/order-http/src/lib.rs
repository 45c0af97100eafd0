//! The REST API: routes, tokens, and errors as `application/problem+json`.
//!
//! A request is taken for a command of the use cases, their answer for JSON; nothing is decided here but who asks
//! ([`TokenVerifier`]) and whether the request can be understood. What is promised:
//!
//! - Every error is a problem document with a stable [`Code`], the framework's own errors included; none shows what is
//!   inside the service, and another's order looks like a missing one.
//! - Amounts are written exactly, never through a float.
//! - A body is read within a size and a time, whatever it claims to be.
//! - Logs name routes, never paths, queries, tokens or what a customer wrote.
//!
//! It never reads a clock but through the port, never starts a task of its own, and compresses nothing.

mod amount;
mod answer;
mod auth;
mod body;
mod codes;
mod context;
mod cors;
mod cursor;
mod etag;
mod fields;
mod idempotency;
mod load;
mod meter;
mod moment;
mod observe;
mod openapi;
mod order_json;
mod path;
mod payment_json;
mod prefer;
mod problem;
mod query;
mod refusal;
mod request_id;
mod routes;
mod server;
mod standing;
mod task_json;
mod tokens;
mod trace;
mod unread;
mod wait;

pub use codes::{Code, errors_markdown};
pub use context::{Answering, RequestContext, Scope};
pub use cors::Origins;
pub use openapi::openapi_json;
pub use routes::configure;
pub use server::{HealthWiring, HttpConfig, HttpState, OutsideHealth, Wiring, app, health_app, health_server, server};
pub use standing::TransportHealth;
pub use tokens::{
    BadKeySet, BadSecret, BadToken, Identity, KeySet, KeySource, PublicKeyAlgorithm, PublicKeys, TokenVerifier, Unfit,
};
