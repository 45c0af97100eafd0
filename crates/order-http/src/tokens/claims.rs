//! What a token says: until when it holds, and who its bearer is.

use std::time::Duration;

use order_domain::UserId;
use order_domain::time::{Timestamp, after};
use order_usecases::CallerRole;
use serde::Deserialize;
use serde_json::{Number, Value};

use super::BadToken;

/// How far the issuer's clock may be ahead for `nbf`. An expired token gets no such grace.
const NOT_BEFORE_LEEWAY: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
pub(super) struct Claims {
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
    /// Whether it is the token's time.
    pub(super) fn hold_at(&self, now: Timestamp) -> Result<(), BadToken> {
        if now >= moment(&self.exp).ok_or(BadToken::Invalid)? {
            return Err(BadToken::Expired);
        }
        if let Some(not_before) = &self.nbf {
            let from = moment(not_before).ok_or(BadToken::Invalid)?;
            if after(now, NOT_BEFORE_LEEWAY) < from {
                return Err(BadToken::NotYet);
            }
        }
        Ok(())
    }

    /// `uid`, else `user_id`, else `sub`. One that is there and names nobody is not passed over for the next.
    pub(super) fn user(&self) -> Option<UserId> {
        let claim = [&self.uid, &self.user_id, &self.sub].into_iter().find(|claim| !claim.is_null())?;
        let name = match claim {
            Value::String(name) => name.clone(),
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            _ => return None,
        };
        UserId::new(name).ok()
    }

    pub(super) fn role(&self) -> CallerRole {
        match self.role.as_str() {
            Some("delivery_partner" | "delivery_guy") => CallerRole::Courier,
            Some("admin" | "owner") => CallerRole::Admin,
            // `user`, `customer`, none, and whatever else there may be: it grants nothing.
            _ => CallerRole::User,
        }
    }
}

/// A `NumericDate`: seconds, perhaps with a fraction.
fn moment(seconds: &Number) -> Option<Timestamp> {
    let since = match seconds.as_u64() {
        Some(whole) => Duration::from_secs(whole),
        None => Duration::try_from_secs_f64(seconds.as_f64()?).ok()?,
    };
    Some(after(Timestamp::UNIX_EPOCH, since))
}
