//! Bearer tokens: who signed them, whether they hold now, and who they say their bearer is.
//!
//! A token is believed only when it is signed with a key that the service was given, by the algorithm that this key is
//! for; nothing in the token chooses a key, an algorithm or an address to fetch one from. Time is an argument. Tokens are
//! never logged.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use order_domain::UserId;
use order_domain::time::{Timestamp, after};
use order_usecases::CallerRole;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Number, Value};

/// The longest token that is looked at.
const MAX_BYTES: usize = 8 * 1024;

/// How far the issuer's clock may be ahead for `nbf`. An expired token gets no such grace.
const NOT_BEFORE_LEEWAY: Duration = Duration::from_secs(5);

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
    /// It names a key that the service does not have.
    #[error("unknown key")]
    UnknownKey,
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

/// A key that signatures are checked with: for one algorithm only, and for tokens that name it as it is named.
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    material: DecodingKey,
}

/// Checks tokens.
pub struct TokenVerifier {
    keys: Vec<Key>,
    issuer: Option<String>,
    audience: Option<String>,
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
        let key = Key { id: None, algorithm: Algorithm::HS256, material: DecodingKey::from_secret(secret.as_bytes()) };
        Ok(Self { keys: vec![key], issuer: None, audience: None })
    }

    /// Only those of this issuer.
    #[must_use]
    pub fn with_issuer(mut self, issuer: Option<String>) -> Self {
        self.issuer = issuer;
        self
    }

    /// Only those for this audience; without one, `aud` is not looked at.
    #[must_use]
    pub fn with_audience(mut self, audience: Option<String>) -> Self {
        self.audience = audience;
        self
    }

    /// Who the bearer of `token` is.
    ///
    /// # Errors
    /// [`BadToken`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, BadToken> {
        if token.len() > MAX_BYTES {
            return Err(BadToken::TooLong);
        }
        let header = decode_header(token).map_err(|_| BadToken::Malformed)?;
        if brings_a_key(&header) {
            return Err(BadToken::Header);
        }
        let key = self.key_for(&header)?;
        let claims =
            decode::<Claims>(token, &key.material, &self.validation(key)).map_err(|_| BadToken::Invalid)?.claims;
        if now >= moment(&claims.exp).ok_or(BadToken::Invalid)? {
            return Err(BadToken::Expired);
        }
        if let Some(not_before) = &claims.nbf {
            let from = moment(not_before).ok_or(BadToken::Invalid)?;
            if after(now, NOT_BEFORE_LEEWAY) < from {
                return Err(BadToken::NotYet);
            }
        }
        Ok(Identity { user: claims.user().ok_or(BadToken::NoUser)?, role: claims.role() })
    }

    fn key_for(&self, header: &Header) -> Result<&Key, BadToken> {
        let named = self.keys.iter().find(|key| key.id == header.kid).ok_or(BadToken::UnknownKey)?;
        // An algorithm belongs to the key, never to the token: else a public key could pass for a secret.
        if named.algorithm == header.alg { Ok(named) } else { Err(BadToken::Malformed) }
    }

    fn validation(&self, key: &Key) -> Validation {
        let mut validation = Validation::new(key.algorithm);
        // The library reads the system's clock, so times are checked here; that `exp` is there is still required.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let mut required = vec!["exp"];
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        validation.validate_aud = self.audience.is_some();
        if let Some(audience) = &self.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        validation
    }
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

/// A `NumericDate`: seconds, perhaps with a fraction.
fn moment(seconds: &Number) -> Option<Timestamp> {
    let since = match seconds.as_u64() {
        Some(whole) => Duration::from_secs(whole),
        None => Duration::try_from_secs_f64(seconds.as_f64()?).ok()?,
    };
    Some(after(Timestamp::UNIX_EPOCH, since))
}

#[derive(Deserialize)]
struct Claims {
    exp: Number,
    nbf: Option<Number>,
    #[serde(default)]
    uid: Value,
    #[serde(default)]
    user_id: Value,
    #[serde(default)]
    sub: Value,
    #[serde(default)]
    role: Value,
}

impl Claims {
    /// `uid`, else `user_id`, else `sub`. One that is there and names nobody is not passed over for the next.
    fn user(&self) -> Option<UserId> {
        let claim = [&self.uid, &self.user_id, &self.sub].into_iter().find(|claim| !claim.is_null())?;
        let name = match claim {
            Value::String(name) => name.clone(),
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            _ => return None,
        };
        UserId::new(name).ok()
    }

    fn role(&self) -> CallerRole {
        match self.role.as_str() {
            Some("delivery_partner" | "delivery_guy") => CallerRole::Courier,
            Some("admin" | "owner") => CallerRole::Admin,
            // `user`, `customer`, none, and whatever else there may be: it grants nothing.
            _ => CallerRole::User,
        }
    }
}
