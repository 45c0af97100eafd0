//! The user service: is somebody a courier? Asked in the name of the admin who wants to know.

use async_trait::async_trait;
use order_domain::UserId;
use order_domain::ports::{Bearer, ServiceError, ServiceName, UserService};
use order_faults::around;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::answer::{Flaw, json};
use crate::guard::Guards;
use crate::http::Http;
use crate::numbers;
use crate::settings::{Deadlines, SetupError};

/// The user service over HTTP.
#[derive(Debug)]
pub struct UserClient {
    http: Http,
}

impl UserClient {
    /// A client of the service at `base_url`.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(base_url: &str, deadlines: Deadlines, guards: &Guards) -> Result<Self, SetupError> {
        Ok(Self { http: Http::new(ServiceName::User, base_url, deadlines, guards)? })
    }
}

#[async_trait]
impl UserService for UserClient {
    async fn is_courier(&self, user: &UserId, admin: &Bearer) -> Result<bool, ServiceError> {
        // These name a folder in every spelling, `%2E%2E` included: there is no path to such a user.
        if matches!(user.as_str(), "." | "..") {
            return Ok(false);
        }
        let call = self.http.get(&["auth", "users", user.as_str()]).authorized(admin);
        let call = call.ok_or_else(|| self.http.unauthorized())?;
        let answer = around!("call.user", self.http.send(call).await).map_err(|failure| self.http.failed(failure))?;
        match answer.status {
            StatusCode::OK => self.http.read(&answer, |body| courier(body, user)),
            StatusCode::NOT_FOUND => Ok(false),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(self.http.unauthorized()),
            status => Err(self.http.unexpected(status)),
        }
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    uid: Option<&'a RawValue>,
    role: String,
}

fn courier(body: &[u8], asked: &UserId) -> Result<bool, Flaw> {
    let answer: Answer<'_> = json(body)?;
    if answer.uid.is_some_and(|uid| numbers::id_text(uid).as_deref() != Some(asked.as_str())) {
        return Err(Flaw("another user than the one asked for".to_owned()));
    }
    Ok(matches!(answer.role.as_str(), "delivery_partner" | "delivery_guy"))
}
