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

/// Why a private key can't sign. Nothing of the key is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// Neither PKCS#8 nor an RSA key in PKCS#1.
    #[error("must be a private key in PEM: RSA, EC P-256 or Ed25519, in PKCS#8 (-----BEGIN PRIVATE KEY-----)")]
    NoKey,
    /// A key of these kinds that does not sign: a public one, RSA of less than 2048 bits, another curve than P-256.
    #[error("can't sign: it must be private, RSA of at least 2048 bits, EC on the curve P-256")]
    Unusable,
}

/// What tokens are signed with.
#[derive(Clone)]
pub struct SigningKey {
    header: Header,
    key: EncodingKey,
}

impl SigningKey {
    /// The secret that all services share (HS256).
    pub fn secret(secret: &SecretString) -> Self {
        let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
        Self { header: Header::new(Algorithm::HS256), key }
    }

    /// A private key of this service's own, in PEM. Its kind says the algorithm: RSA signs RS256, EC P-256 ES256, Ed25519
    /// `EdDSA`. `id` is the `kid` under which the services know its public half. Line ends may be written as `\n`, for
    /// settings that are one line each.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub fn private(pem: &SecretString, id: Option<String>) -> Result<Self, SigningKeyError> {
        let pem = SecretString::from(pem.expose_secret().replace("\\n", "\n"));
        let pem = pem.expose_secret().as_bytes();
        let (algorithm, key) = EncodingKey::from_rsa_pem(pem)
            .map(|key| (Algorithm::RS256, key))
            .or_else(|_| EncodingKey::from_ec_pem(pem).map(|key| (Algorithm::ES256, key)))
            .or_else(|_| EncodingKey::from_ed_pem(pem).map(|key| (Algorithm::EdDSA, key)))
            .map_err(|_| SigningKeyError::NoKey)?;
        let key = Self { header: Header { kid: id, ..Header::new(algorithm) }, key };
        // whether it signs is found here, not with the first cart
        key.sign(&()).map_err(|_| SigningKeyError::Unusable)?;
        Ok(key)
    }

    fn sign(&self, claims: &impl Serialize) -> Result<String, Error> {
        jsonwebtoken::encode(&self.header, claims, &self.key)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?}, …)", self.header.alg)
    }
}

/// Signs tokens in this service's own name.
#[derive(Clone)]
pub struct ServiceTokens {
    key: SigningKey,
    clock: Arc<dyn Clock>,
}

impl ServiceTokens {
    /// With a key, and the clock that tells when a token ends.
    pub fn new(key: SigningKey, clock: Arc<dyn Clock>) -> Self {
        Self { key, clock }
    }

    /// A token for `user`.
    pub(crate) fn for_user(&self, user: &UserId) -> Result<Bearer, Error> {
        let now = self.clock.now().timestamp();
        let uid = user.as_str();
        let claims = Claims { uid, user_id: uid, sub: uid, role: "user", iat: now, exp: now.saturating_add(LIFETIME) };
        self.key.sign(&claims).map(Bearer::new)
    }
}

impl fmt::Debug for ServiceTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServiceTokens").field(&self.key).finish()
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
