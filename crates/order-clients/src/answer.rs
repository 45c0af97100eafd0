//! From an answer to a value, or to the right [`ServiceError`]: what a read of any service has in common.

use order_domain::ports::ServiceError;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::error::Category;

use crate::failure::Failure;
use crate::http::{Answer, Http};

/// What is wrong with an answer: a name of ours, never anything of the answer itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw(pub(crate) String);

impl Flaw {
    /// A field with a value that can't be used.
    pub(crate) fn field(name: &str) -> Self {
        Self(format!("unusable {name}"))
    }
}

/// Reads a JSON object. The text of serde's error is left out: it quotes the body.
pub(crate) fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Flaw> {
    // serde would take `[true]` for an object with one field
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Flaw("no JSON object".to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => Flaw(format!("JSON of another shape, byte {} of line {}", error.column(), error.line())),
        Category::Syntax | Category::Eof | Category::Io => Flaw("not JSON".to_owned()),
    })
}

impl Http {
    /// The body of an answer, read by `read`.
    pub(crate) fn read<T>(
        &self,
        answer: &Answer,
        read: impl FnOnce(&[u8]) -> Result<T, Flaw>,
    ) -> Result<T, ServiceError> {
        read(&answer.body).map_err(|flaw| self.bad_answer(flaw))
    }

    /// No answer.
    pub(crate) fn failed(&self, failure: Failure) -> ServiceError {
        match failure {
            Failure::TooLarge => self.bad_answer(Flaw(failure.detail().to_owned())),
            Failure::BreakerOpen
            | Failure::TooMany
            | Failure::NoConnection
            | Failure::ConnectTimeout
            | Failure::Timeout
            | Failure::Broken
            | Failure::BodyTimeout
            | Failure::BrokenOff => self.unavailable(failure.detail()),
        }
    }

    /// A status that the call has no use for. 5xx and 429 say "not now"; every other one, a redirect included, should
    /// not have come.
    pub(crate) fn unexpected(&self, status: StatusCode) -> ServiceError {
        let detail = format!("status {}", status.as_u16());
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            self.unavailable(detail)
        } else {
            self.bad_answer(Flaw(detail))
        }
    }

    pub(crate) fn unavailable(&self, detail: impl Into<String>) -> ServiceError {
        ServiceError::Unavailable { service: self.service(), detail: detail.into() }
    }

    pub(crate) fn unauthorized(&self) -> ServiceError {
        ServiceError::Unauthorized { service: self.service() }
    }

    fn bad_answer(&self, flaw: Flaw) -> ServiceError {
        ServiceError::BadAnswer { service: self.service(), detail: flaw.0 }
    }
}
