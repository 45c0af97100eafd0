//! The guarded call: the one way out of this crate.
//!
//! It ends within its deadline, whatever is tried within it, reads at most [`MAX_BODY`] bytes, follows no redirect and uses
//! no proxy. It passes its service's guard, which may refuse it. What only reads is asked for a second time where that may
//! help; everything else is asked once. What went wrong is told as a [`Failure`], because a payment must know whether it
//! may have been heard.

use std::error::Error;
use std::sync::Arc;

use backon::{ExponentialBuilder, Retryable};
use order_domain::ports::{Bearer, ServiceName};
use order_domain::time::Duration;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect, retry};
use tokio::time::Instant;

use crate::context;
use crate::failure::Failure;
use crate::guard::{Guard, Guards};
use crate::settings::{Deadlines, SetupError, base_url};

/// The most bytes that are read of an answer.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// How long an unused connection is kept. The services run on servers that drop one after 5 seconds (uvicorn's default):
/// a call that is sent down a connection while it is being dropped fails, and for a payment that means not to know.
const IDLE: Duration = Duration::from_secs(4);

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The wait before a second try, and as long again at most by chance: enough for a dropped connection or an instance that
/// is being replaced, and little of the time there is.
const PAUSE: Duration = Duration::from_millis(25);

/// A call that is not sent yet.
#[derive(Debug)]
pub(crate) struct Call {
    request: RequestBuilder,
    /// It only reads.
    repeatable: bool,
    /// The status says it all: a body that breaks off is as good as none.
    heedless: bool,
}

impl Call {
    /// With a caller's token; `None` for one that fits into no header.
    pub(crate) fn authorized(self, token: &Bearer) -> Option<Self> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose())).ok()?;
        value.set_sensitive(true);
        Some(self.header(AUTHORIZATION.as_str(), value))
    }

    pub(crate) fn header(self, name: &str, value: HeaderValue) -> Self {
        Self { request: self.request.header(name, value), ..self }
    }

    /// Whatever comes after the status does not matter.
    pub(crate) fn heedless(self) -> Self {
        Self { heedless: true, ..self }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Of a 2xx; that of any other is not read.
    pub(crate) body: Vec<u8>,
}

/// A try that did not do: no answer, or a 5xx.
enum Miss {
    Failed(Failure),
    Answered(Answer),
}

impl Miss {
    fn may_pass(&self) -> bool {
        match self {
            Self::Failed(failure) => failure.may_pass(),
            Self::Answered(_) => true,
        }
    }
}

/// A service's address, the connections to it, and its guard.
#[derive(Debug)]
pub(crate) struct Http {
    base: Url,
    client: Client,
    total: Duration,
    guard: Arc<Guard>,
}

impl Http {
    pub(crate) fn new(
        service: ServiceName,
        base: &str,
        deadlines: Deadlines,
        guards: &Guards,
    ) -> Result<Self, SetupError> {
        let base = base_url(base).map_err(|reason| SetupError::Url { service, reason })?;
        let client = Client::builder()
            .default_headers(HeaderMap::from_iter([(ACCEPT, JSON)]))
            .connect_timeout(deadlines.connect)
            .timeout(deadlines.total)
            .pool_idle_timeout(IDLE)
            .redirect(redirect::Policy::none())
            .no_proxy()
            // Whether to ask again is decided here. What stays is that a call goes to a fresh connection when a kept one
            // turns out to be closed before anything of the call was written to it; that cannot be heard twice.
            // HTTP/1.1 alone, where that is certain: HTTP/2 has the peer say which calls it did not look at.
            .retry(retry::never())
            .http1_only()
            .build()
            .map_err(|source| SetupError::Client { service, source })?;
        Ok(Self { base, client, total: deadlines.total, guard: Arc::clone(guards.of(service)) })
    }

    pub(crate) fn service(&self) -> ServiceName {
        self.guard.service()
    }

    /// A `GET` of a path, each segment encoded. A segment `.` or `..` has no encoding and would be left out.
    pub(crate) fn get(&self, path: &[&str]) -> Call {
        Call { request: self.client.get(self.url(path)), repeatable: true, heedless: false }
    }

    /// A `POST` of a JSON body.
    pub(crate) fn post(&self, path: &[&str], body: Vec<u8>) -> Call {
        let request = self.client.post(self.url(path)).header(CONTENT_TYPE, JSON).body(body);
        Call { request, repeatable: false, heedless: false }
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // an http URL always has segments
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// Makes a call and reads its answer, whatever its status.
    pub(crate) async fn send(&self, call: Call) -> Result<Answer, Failure> {
        self.send_within(self.total, call).await
    }

    /// Makes a call that may not take as long as others of this service.
    pub(crate) async fn send_within(&self, limit: Duration, call: Call) -> Result<Answer, Failure> {
        let deadline = Instant::now() + limit.min(self.total);
        let call = Call { request: context::told(call.request), ..call };
        let answer = if call.repeatable {
            self.guard.first_try();
            // a body that can't be copied is none of a call that only reads
            let again = || async {
                match call.request.try_clone() {
                    Some(request) => self.attempt(request, call.heedless, deadline).await,
                    None => Err(Miss::Failed(Failure::Broken)),
                }
            };
            let pause = ExponentialBuilder::new().with_min_delay(PAUSE).with_max_times(1).with_jitter();
            again
                .retry(pause)
                .sleep(tokio::time::sleep)
                .when(|miss| miss.may_pass() && Instant::now() + 2 * PAUSE < deadline)
                .adjust(|_, pause| pause.filter(|_| self.guard.second_try()))
                .await
        } else {
            self.attempt(call.request, call.heedless, deadline).await
        };
        match answer {
            Ok(answer) | Err(Miss::Answered(answer)) => Ok(answer),
            Err(Miss::Failed(failure)) => Err(failure),
        }
    }

    /// One try, through the guard, which is told how it went.
    async fn attempt(&self, request: RequestBuilder, heedless: bool, deadline: Instant) -> Result<Answer, Miss> {
        let pass = self.guard.pass().await.map_err(|refusal| {
            self.count(refusal.outcome());
            Miss::Failed(refusal)
        })?;
        let started = Instant::now();
        let answer = self.exchange(request.timeout(deadline - started), heedless).await;
        metrics::histogram!("outside_call_duration_seconds", "service" => self.service().name())
            .record(started.elapsed().as_secs_f64());
        let (works, outcome) = match &answer {
            Ok(answer) => (!answer.status.is_server_error(), answered(answer.status)),
            Err(failure) => (!failure.is_of_service(), failure.outcome()),
        };
        pass.ended(works);
        self.count(outcome);
        match answer {
            Ok(answer) if works => Ok(answer),
            Ok(answer) => Err(Miss::Answered(answer)),
            Err(failure) => Err(Miss::Failed(failure)),
        }
    }

    fn count(&self, outcome: &'static str) {
        let service = self.service().name();
        metrics::counter!("outside_calls_total", "service" => service, "outcome" => outcome).increment(1);
    }

    async fn exchange(&self, request: RequestBuilder, heedless: bool) -> Result<Answer, Failure> {
        let answer = request.send().await.map_err(|error| {
            // A builder's error is one of the call itself. A connector's error comes before a connection exists that
            // the call could be written to; TLS is part of making one. Everything else may have left.
            let failure = match (error.is_builder() || error.is_connect(), error.is_timeout()) {
                (true, true) => Failure::ConnectTimeout,
                (true, false) => Failure::NoConnection,
                (false, true) => Failure::Timeout,
                (false, false) => Failure::Broken,
            };
            self.note(error, failure)
        })?;
        let status = answer.status();
        let body = match self.body(answer).await {
            Err(_) if heedless => Vec::new(),
            body => body?,
        };
        Ok(Answer { status, body })
    }

    /// The body of a 2xx.
    async fn body(&self, mut answer: Response) -> Result<Vec<u8>, Failure> {
        if !answer.status().is_success() {
            return Ok(Vec::new());
        }
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
                    return Err(self.note(error, Failure::BodyTimeout));
                }
                Err(error) => return Err(self.note(error, Failure::BrokenOff)),
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
        tracing::debug!(service = self.service().name(), %cause, "{}", failure.detail());
        failure
    }
}

/// The `outcome` of an answer in metrics.
fn answered(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200..=299 => "success",
        500.. => "server_error",
        _ => "refused",
    }
}
