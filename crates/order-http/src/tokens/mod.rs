//! Bearer tokens: who signed them, whether they hold now, and who they say their bearer is.
//!
//! A token is believed only when it is signed by the one algorithm of this deployment, with a key that the service was
//! given: a shared secret, or a public key that the user service publishes. Nothing in the token chooses an algorithm, a
//! key of its own or an address to fetch one from. Time is an argument. Tokens are never logged.

mod claims;
mod key_set;
mod public_keys;

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use order_domain::UserId;
use order_domain::time::Timestamp;
use order_usecases::CallerRole;
use secrecy::{ExposeSecret, SecretString};

use claims::Claims;
pub use key_set::{BadKeySet, KeySet, PublicKeyAlgorithm, Unfit};
pub use public_keys::{KeySource, PublicKeys};

/// The longest token that is looked at.
const MAX_BYTES: usize = 8 * 1024;

/// A secret that signs nothing worth believing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// Anybody can sign with it.
    #[error("the secret for tokens is empty")]
    Empty,
    /// A public key as the secret of an HMAC is known to everybody.
    #[error("the secret for tokens is a PEM key: asymmetric keys are no secrets of HS256")]
    IsPem,
}

/// A token that is not believed. Its reasons are for logs and tests; callers are not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Longer than 8 KiB.
    #[error("too long")]
    TooLong,
    /// Not a JSON web token, or one of another algorithm.
    #[error("not a token of ours")]
    Malformed,
    /// Its header names a key by itself, or has extensions that are not understood.
    #[error("its header brings a key or an unknown extension")]
    Header,
    /// It names a key that the service does not have, or none where there are several.
    #[error("unknown key")]
    UnknownKey,
    /// The service has no keys yet, so that it can't tell: the one reason that says nothing against the token.
    #[error("no keys could be fetched yet")]
    NoKeys,
    /// The signature, issuer, audience or a required claim is wrong.
    #[error("signature or claims do not hold")]
    Invalid,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// Its time has not come.
    #[error("not yet valid")]
    NotYet,
    /// It names nobody.
    #[error("names no user")]
    NoUser,
}

/// Who a token says its bearer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Their id.
    pub user: UserId,
    /// Their role.
    pub role: CallerRole,
}

/// What signatures are checked with.
enum Keys {
    Secret(DecodingKey),
    Public(Arc<PublicKeys>),
}

/// Checks tokens.
pub struct TokenVerifier {
    keys: Keys,
    validation: Validation,
}

impl TokenVerifier {
    /// Believes tokens signed with this secret by HS256, and no others.
    ///
    /// # Errors
    /// [`BadSecret`].
    pub fn hs256(secret: &SecretString) -> Result<Self, BadSecret> {
        let secret = secret.expose_secret();
        if secret.is_empty() {
            return Err(BadSecret::Empty);
        }
        if secret.trim_start().starts_with("-----BEGIN") {
            return Err(BadSecret::IsPem);
        }
        let key = DecodingKey::from_secret(secret.as_bytes());
        Ok(Self { keys: Keys::Secret(key), validation: validation(Algorithm::HS256) })
    }

    /// Believes tokens signed with the private half of one of these keys by the algorithm that they are for, and no
    /// others.
    pub fn public_keys(keys: Arc<PublicKeys>) -> Self {
        let validation = validation(keys.algorithm().algorithm());
        Self { keys: Keys::Public(keys), validation }
    }

    /// Only those of this issuer.
    #[must_use]
    pub fn with_issuer(mut self, issuer: Option<String>) -> Self {
        if let Some(issuer) = issuer {
            self.validation.set_issuer(&[issuer]);
            // Else a token without an issuer would pass.
            self.validation.required_spec_claims.insert("iss".to_owned());
        }
        self
    }

    /// Only those for this audience; without one, `aud` is not looked at.
    #[must_use]
    pub fn with_audience(mut self, audience: Option<String>) -> Self {
        if let Some(audience) = audience {
            self.validation.set_audience(&[audience]);
            self.validation.validate_aud = true;
            self.validation.required_spec_claims.insert("aud".to_owned());
        }
        self
    }

    /// Who the bearer of `token` is. Waits for nothing: for a token with a [key that is not known](BadToken::UnknownKey),
    /// [`look_for_key_of`](Self::look_for_key_of) may be worth the wait.
    ///
    /// # Errors
    /// [`BadToken`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, BadToken> {
        let header = self.header(token)?;
        match &self.keys {
            Keys::Secret(_) if header.kid.is_some() => Err(BadToken::UnknownKey),
            Keys::Secret(secret) => self.identity(token, secret, now),
            Keys::Public(keys) => {
                let keys = keys.current().ok_or(BadToken::NoKeys)?;
                let key = keys.find(header.kid.as_deref()).ok_or(BadToken::UnknownKey)?;
                self.identity(token, key, now)
            }
        }
    }

    /// Where keys are published, has a look whether the one that `token` names is among them by now: at most once a
    /// minute, within 3 s. Afterwards the token is worth another try if this says so.
    pub async fn look_for_key_of(&self, token: &str) -> bool {
        match (&self.keys, self.header(token)) {
            (Keys::Public(keys), Ok(Header { kid: Some(id), .. })) => {
                keys.look_for(&id).await;
                true
            }
            (Keys::Public(_) | Keys::Secret(_), _) => false,
        }
    }

    /// The header of a token that may be one of ours.
    fn header(&self, token: &str) -> Result<Header, BadToken> {
        if token.len() > MAX_BYTES {
            return Err(BadToken::TooLong);
        }
        let header = decode_header(token).map_err(|_| BadToken::Malformed)?;
        if brings_a_key(&header) {
            return Err(BadToken::Header);
        }
        // The algorithm is the service's choice, never the token's: else a public key could pass for a secret.
        if self.validation.algorithms.contains(&header.alg) { Ok(header) } else { Err(BadToken::Malformed) }
    }

    fn identity(&self, token: &str, key: &DecodingKey, now: Timestamp) -> Result<Identity, BadToken> {
        let claims = decode::<Claims>(token, key, &self.validation).map_err(|_| BadToken::Invalid)?.claims;
        claims.hold_at(now)?;
        Ok(Identity { user: claims.user().ok_or(BadToken::NoUser)?, role: claims.role() })
    }
}

/// What the library checks: the signature, and that `exp` is there. It reads the system's clock, so times are checked
/// here.
fn validation(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["exp"]);
    validation
}

/// A key or the address of one in a header is the sender's word about the sender, and a critical extension has to be
/// understood (RFC 7515, 4.1.11): none is.
fn brings_a_key(header: &Header) -> bool {
    header.jku.is_some()
        || header.jwk.is_some()
        || header.x5u.is_some()
        || header.x5c.is_some()
        || header.crit.is_some()
}
