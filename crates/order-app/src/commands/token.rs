//! `order-app token`: a token for development.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header, encode};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::Failure;
use crate::settings::Given;

/// Arguments of `token`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Whose token
    user: String,
    /// user, `delivery_partner`, admin or owner
    #[arg(long, default_value = "user", value_parser = ["user", "delivery_partner", "admin", "owner"])]
    role: String,
    /// How long it is good for
    #[arg(long, default_value = "12h", value_parser = humantime::parse_duration)]
    lifetime: Duration,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its arguments")]
pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    let secret = Given::read().jwt_secret()?;
    println!("{}", sign(secret.expose_secret(), &arguments.user, &arguments.role, arguments.lifetime)?);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a token for a person at this machine goes by this machine's clock")]
pub(crate) fn sign(secret: &str, user: &str, role: &str, lifetime: Duration) -> Result<String, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Failure::other)?;
    let claims = json!({
        "uid": user,
        "sub": user,
        "role": role,
        "iat": now.as_secs(),
        "exp": (now + lifetime).as_secs(),
    });
    encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes())).map_err(Failure::other)
}
