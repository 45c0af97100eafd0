//! The request on whose behalf calls are made: its id and its trace go along with every call.
//!
//! Whoever takes a request in wraps its work in [`with_context`]. Work that moves to a task of its own is outside again
//! until it is wrapped there; calls outside of any request carry neither header.

use reqwest::RequestBuilder;
use reqwest::header::HeaderValue;

tokio::task_local! {
    static CONTEXT: CallContext;
}

/// What a call tells of the request it is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallContext {
    /// `X-Request-ID`.
    pub request_id: String,
    /// `traceparent` (W3C Trace Context), where there is one.
    pub traceparent: Option<String>,
}

/// Runs `work` on behalf of a request.
pub async fn with_context<F: Future>(context: CallContext, work: F) -> F::Output {
    CONTEXT.scope(context, work).await
}

/// Puts the headers on a call; what fits into no header is left out.
pub(crate) fn told(mut request: RequestBuilder) -> RequestBuilder {
    let Ok(CallContext { request_id, traceparent }) = CONTEXT.try_with(CallContext::clone) else {
        return request;
    };
    for (name, value) in [("x-request-id", Some(request_id)), ("traceparent", traceparent)] {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            request = request.header(name, value);
        }
    }
    request
}
