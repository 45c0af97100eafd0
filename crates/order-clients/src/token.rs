//! Tokens that this service signs for itself, for what it does for a customer when the customer is not there.
//!
//! A caller's token is never kept for later. Such a token names one user with the role of a plain user, and lasts a
//! minute; it is made for one call and dropped.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use order_domain::UserId;
use order_domain::ports::{Bearer, Clock};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

/// How long a token lasts, in seconds.
const LIFETIME: i64 = 60;

/// Signs with the secret that all services share (HS256).
#[derive(Clone)]
pub struct ServiceTokens {
    secret: SecretString,
    clock: Arc<dyn Clock>,
}

impl ServiceTokens {
    /// With the shared secret, and the clock that tells when a token ends.
    pub fn new(secret: SecretString, clock: Arc<dyn Clock>) -> Self {
        Self { secret, clock }
    }

    /// A token for `user`.
    pub(crate) fn for_user(&self, user: &UserId) -> Result<Bearer, Error> {
        let now = self.clock.now().timestamp();
        let uid = user.as_str();
        let claims = Claims { uid, user_id: uid, sub: uid, role: "user", iat: now, exp: now.saturating_add(LIFETIME) };
        let key = EncodingKey::from_secret(self.secret.expose_secret().as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map(Bearer::new)
    }
}

impl fmt::Debug for ServiceTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceTokens(…)")
    }
}

/// The services disagree on which claim names the user, so all three do.
#[derive(Serialize)]
struct Claims<'a> {
    uid: &'a str,
    user_id: &'a str,
    sub: &'a str,
    role: &'static str,
    iat: i64,
    exp: i64,
}
