//! The keys that tokens are checked with, where the user service publishes them: read as they are, for others to look at.

use order_domain::ports::{ServiceError, ServiceName};
use reqwest::StatusCode;

use crate::guard::Guards;
use crate::http::Http;
use crate::settings::{Deadlines, SetupError};

/// The JWK set of the user service over HTTP.
#[derive(Debug)]
pub struct JwksClient {
    http: Http,
}

impl JwksClient {
    /// A client of the set at `url`, guarded as the user service.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(url: &str, deadlines: Deadlines, guards: &Guards) -> Result<Self, SetupError> {
        Ok(Self { http: Http::new(ServiceName::User, url, deadlines, guards)? })
    }

    /// What is there now: at most 1 MiB.
    ///
    /// # Errors
    /// [`ServiceError`] when nothing came, or another status than 200.
    pub async fn fetch(&self) -> Result<Vec<u8>, ServiceError> {
        let answer = self.http.send(self.http.get(&[])).await.map_err(|failure| self.http.failed(failure))?;
        match answer.status {
            StatusCode::OK => Ok(answer.body),
            status => Err(self.http.unexpected(status)),
        }
    }
}
