//! Bearer tokens, as the user service would issue them and every other service checks them: with `exp`, HS256 by the shared
//! secret, anything else by a key of the user service's set.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::keys::DemoKey;
use crate::problem::Problem;
use crate::state::State;

/// Whoever a token speaks for.
pub(crate) struct Caller {
    pub(crate) uid: String,
    pub(crate) role: String,
}

impl Caller {
    pub(crate) fn is_admin(&self) -> bool {
        matches!(self.role.as_str(), "admin" | "owner")
    }
}

#[derive(Deserialize)]
struct Claims {
    uid: Option<Value>,
    user_id: Option<Value>,
    sub: Option<Value>,
    role: Option<String>,
}

/// The caller of a request, or 401.
pub(crate) fn caller(request: &HttpRequest, state: &State) -> Result<Caller, Problem> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = header.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Err(Problem::unauthorized("Not authenticated"));
    };
    let claims = checked(token, state).map_err(|error| Problem::unauthorized(format!("Invalid token: {error}")))?;
    let uid = [claims.uid, claims.user_id, claims.sub].into_iter().flatten().find_map(|id| id_text(&id));
    let uid = uid.ok_or_else(|| Problem::unauthorized("The token names no user"))?;
    Ok(Caller { uid, role: claims.role.unwrap_or_else(|| "user".to_owned()) })
}

fn checked(token: &str, state: &State) -> Result<Claims, Error> {
    let header = jsonwebtoken::decode_header(token)?;
    let key = match header.alg {
        Algorithm::HS256 => DecodingKey::from_secret(state.jwt_secret.as_bytes()),
        _ => state.read(|world| public_key(&world.jwks, header.kid.as_deref()))?,
    };
    let mut validation = Validation::new(header.alg);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.validate_aud = false;
    Ok(jsonwebtoken::decode::<Claims>(token, &key, &validation)?.claims)
}

/// The key of this id in a key set.
fn public_key(jwks: &Value, kid: Option<&str>) -> Result<DecodingKey, Error> {
    let keys = jwks["keys"].as_array().into_iter().flatten();
    let key = keys.filter(|key| key["kid"].as_str() == kid).find_map(|key| Jwk::deserialize(key).ok());
    DecodingKey::from_jwk(&key.ok_or(ErrorKind::InvalidToken)?)
}

/// An id as text; services write them as numbers or as strings.
pub(crate) fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Signs a token for a user with the shared secret.
pub(crate) fn sign(secret: &str, uid: &str, role: &str, lifetime: Duration) -> Result<String, Error> {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(uid, role, lifetime), &key)
}

/// Signs a token for a user with a private key.
pub(crate) fn sign_by(key: DemoKey, uid: &str, role: &str, lifetime: Duration) -> Result<String, Error> {
    let (header, key) = key.signing()?;
    jsonwebtoken::encode(&header, &claims(uid, role, lifetime), &key)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a stand-in issues and checks tokens by the real clock, as the outside does"
)]
fn claims(uid: &str, role: &str, lifetime: Duration) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    json!({
        "uid": uid,
        "user_id": uid,
        "sub": uid,
        "role": role,
        "iat": now.as_secs(),
        "exp": now.saturating_add(lifetime).as_secs(),
    })
}
