//! The guarded call: the one way out of this crate.
//!
//! It ends within its deadlines, reads at most [`MAX_BODY`] bytes, follows no redirect, uses no proxy and asks once. What
//! went wrong is told in three kinds ([`Failure`]), because a payment must know whether it may have been heard.

use std::error::Error;

use order_domain::ports::{Bearer, ServiceName};
use order_domain::time::Duration;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, Url, redirect, retry};

use crate::settings::{Deadlines, SetupError, base_url};

/// The most bytes that are read of an answer.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// How long an unused connection is kept. The services run on servers that drop one after 5 seconds (uvicorn's default):
/// a call that is sent down a connection while it is being dropped fails, and for a payment that means not to know.
const IDLE: Duration = Duration::from_secs(4);

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Why there is no answer to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There was no connection, so not a byte of the call has left.
    NotSent(&'static str),
    /// The call may have been heard, but no whole answer came.
    Lost(&'static str),
    /// The answer is over its limit.
    TooLarge,
}

impl Failure {
    /// What happened, in words that can be shown to an operator.
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::NotSent(detail) | Self::Lost(detail) => detail,
            Self::TooLarge => "the answer is larger than 1 MiB",
        }
    }
}

/// A service's address and the connections to it.
#[derive(Debug)]
pub(crate) struct Http {
    service: ServiceName,
    base: Url,
    client: Client,
}

impl Http {
    pub(crate) fn new(service: ServiceName, base: &str, deadlines: Deadlines) -> Result<Self, SetupError> {
        let base = base_url(base).map_err(|reason| SetupError::Url { service, reason })?;
        let client = Client::builder()
            .default_headers(HeaderMap::from_iter([(ACCEPT, JSON)]))
            .connect_timeout(deadlines.connect)
            .timeout(deadlines.total)
            .pool_idle_timeout(IDLE)
            .redirect(redirect::Policy::none())
            .no_proxy()
            // One call, one question. What stays is that a call goes to a fresh connection when a kept one turns out to
            // be closed before anything of the call was written to it; that cannot be heard twice. HTTP/1.1 alone,
            // where that is certain: HTTP/2 has the peer say which calls it did not look at.
            .retry(retry::never())
            .http1_only()
            .build()
            .map_err(|source| SetupError::Client { service, source })?;
        Ok(Self { service, base, client })
    }

    pub(crate) fn service(&self) -> ServiceName {
        self.service
    }

    /// A `GET` of a path, each segment encoded. A segment `.` or `..` has no encoding and would be left out.
    pub(crate) fn get(&self, path: &[&str]) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    /// A `POST` of a JSON body.
    pub(crate) fn post(&self, path: &[&str], body: Vec<u8>) -> RequestBuilder {
        self.client.post(self.url(path)).header(CONTENT_TYPE, JSON).body(body)
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // an http URL always has segments
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// Sends a call and waits for the head of its answer, whatever its status.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        request.send().await.map_err(|error| {
            // A builder's error is one of the call itself. A connector's error comes before a connection exists that
            // the call could be written to; TLS is part of making one. Everything else may have left.
            let failure = match (error.is_builder() || error.is_connect(), error.is_timeout()) {
                (true, true) => Failure::NotSent("no connection in time"),
                (true, false) => Failure::NotSent("no connection"),
                (false, true) => Failure::Lost("no answer in time"),
                (false, false) => Failure::Lost("the connection broke before an answer"),
            };
            self.note(error, failure)
        })
    }

    /// Reads the body of an answer.
    pub(crate) async fn body(&self, mut answer: Response) -> Result<Vec<u8>, Failure> {
        let declared = answer.content_length().unwrap_or(0);
        if usize::try_from(declared).map_or(true, |declared| declared > MAX_BODY) {
            return Err(Failure::TooLarge);
        }
        let mut body = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(None) => return Ok(body),
                Ok(Some(chunk)) if chunk.len() > MAX_BODY - body.len() => return Err(Failure::TooLarge),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Err(error) if error.is_timeout() => {
                    return Err(self.note(error, Failure::Lost("no whole answer in time")));
                }
                Err(error) => return Err(self.note(error, Failure::Lost("the answer broke off"))),
            }
        }
    }

    /// The cause, for whoever searches; the error that goes up has fixed words only.
    fn note(&self, error: reqwest::Error, failure: Failure) -> Failure {
        // without the URL, which names a user
        let error = error.without_url();
        let mut cause: &dyn Error = &error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        tracing::debug!(service = self.service.name(), %cause, "{}", failure.detail());
        failure
    }
}

/// Puts a caller's token on a call; `None` for one that fits into no header.
pub(crate) fn authorized(request: RequestBuilder, token: &Bearer) -> Option<RequestBuilder> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose())).ok()?;
    value.set_sensitive(true);
    Some(request.header(AUTHORIZATION, value))
}
