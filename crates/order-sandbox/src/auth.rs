//! Bearer tokens, as the user service would issue them and every other service checks them: HS256, with `exp`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::problem::Problem;

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
pub(crate) fn caller(request: &HttpRequest, secret: &str) -> Result<Caller, Problem> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = header.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Err(Problem::unauthorized("Not authenticated"));
    };
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.validate_aud = false;
    let key = DecodingKey::from_secret(secret.as_bytes());
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .map_err(|error| Problem::unauthorized(format!("Invalid token: {error}")))?
        .claims;
    let uid = [claims.uid, claims.user_id, claims.sub].into_iter().flatten().find_map(|id| id_text(&id));
    let uid = uid.ok_or_else(|| Problem::unauthorized("The token names no user"))?;
    Ok(Caller { uid, role: claims.role.unwrap_or_else(|| "user".to_owned()) })
}

/// An id as text; services write them as numbers or as strings.
pub(crate) fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Signs a token for a user.
#[expect(
    clippy::disallowed_methods,
    reason = "a stand-in issues and checks tokens by the real clock, as the outside does"
)]
pub(crate) fn sign(secret: &str, uid: &str, role: &str, lifetime: Duration) -> Result<String, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let claims = json!({
        "uid": uid,
        "user_id": uid,
        "sub": uid,
        "role": role,
        "iat": now.as_secs(),
        "exp": now.saturating_add(lifetime).as_secs(),
    });
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.as_bytes()))
}
