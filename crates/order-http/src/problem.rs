//! Errors as `application/problem+json` (RFC 9457): what a handler says went wrong, and how it looks on the wire.
//!
//! A [`Problem`] never holds what is inside the service in a part that is shown: that goes to the log, under the id of
//! the request, which the answer carries as well.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use crate::codes::Code;
use crate::openapi::schemas::{ErrorCode, ErrorStatus};

/// The media type of every error.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// One thing that is wrong with a request. `pointer` is a JSON pointer into the body; for what stands elsewhere it
/// begins with `/path`, `/query` or `/header`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Where.
    #[schema(examples("/delivery_address", "/query/limit", "/header/If-Match", "/path/id"))]
    pub(crate) pointer: String,
    /// What, for programs.
    #[schema(examples("required", "unknown_field", "too_long", "out_of_range"))]
    pub(crate) code: &'static str,
    /// What, for people.
    #[schema(examples("is required"))]
    pub(crate) message: String,
}

impl FieldError {
    pub(crate) fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, message: message.into() }
    }
}

/// A problem document.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemJson<'a> {
    /// The code as a URN: `urn:order-service:` and the code. It names the kind of problem and leads nowhere.
    #[schema(pattern = "^urn:order-service:[a-z_]+$")]
    r#type: String,
    /// What it means, in a few words that are the same every time.
    title: &'static str,
    #[schema(value_type = ErrorStatus)]
    status: u16,
    /// What went wrong this time, and what to do about it, for people.
    #[schema(min_length = 1)]
    detail: &'a str,
    #[schema(value_type = ErrorCode)]
    code: &'static str,
    /// The path of the request.
    instance: &'a str,
    /// The request's id, as in `X-Request-ID`.
    request_id: &'a str,
    /// Everything that is wrong with the request, where it is.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false, min_items = 1)]
    errors: &'a [FieldError],
    #[serde(flatten)]
    #[schema(ignore)]
    extra: &'a BTreeMap<String, Box<RawValue>>,
}

/// The `type` of a code's problem documents. A URN: the same wherever the service is reached, and it never changes.
pub(crate) fn type_of(code: Code) -> String {
    format!("urn:order-service:{}", code.name())
}

#[derive(Debug)]
struct Parts {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    extra: BTreeMap<String, Box<RawValue>>,
    headers: Vec<(HeaderName, HeaderValue)>,
    inside: Option<String>,
}

/// Why a request failed.
#[derive(Debug)]
pub(crate) struct Problem(Box<Parts>);

impl Problem {
    /// A problem; `detail` says what the caller can do about it.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let mut headers = Vec::new();
        if code.status() == StatusCode::UNAUTHORIZED {
            headers.push((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        let detail = detail.into();
        Self(Box::new(Parts { code, detail, errors: Vec::new(), extra: BTreeMap::new(), headers, inside: None }))
    }

    /// With what is wrong where.
    pub(crate) fn at(mut self, pointer: &str, code: &'static str, message: impl Into<String>) -> Self {
        self.0.errors.push(FieldError::new(pointer, code, message));
        self
    }

    /// With all that is wrong.
    pub(crate) fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// With a member that helps. It is kept as it is written: an amount keeps its decimals.
    pub(crate) fn with(mut self, name: &str, value: impl Serialize) -> Self {
        // Strings, numbers and lists of them always serialise.
        self.0.extra.insert(name.to_owned(), to_raw_value(&value).unwrap_or_default());
        self
    }

    /// Worth another try after this many seconds.
    pub(crate) fn retry_after(mut self, seconds: u16) -> Self {
        self.0.headers.push((RETRY_AFTER, HeaderValue::from(seconds)));
        self
    }

    /// With what went wrong inside, for the log only.
    pub(crate) fn inside(mut self, detail: impl Into<String>) -> Self {
        self.0.inside = Some(detail.into());
        self
    }

    /// Something that must not happen.
    pub(crate) fn internal(inside: impl Into<String>) -> Self {
        Self::new(Code::InternalError, "Nothing you did. Try again later, and quote the request_id if it stays so.")
            .inside(inside)
    }

    /// The problem of an answer that the framework gave by itself.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(Code::NotFound, "There is nothing at this address. Check the path."),
            StatusCode::METHOD_NOT_ALLOWED => {
                Self::new(Code::MethodNotAllowed, "This address knows other methods: see the Allow header.")
            }
            StatusCode::REQUEST_TIMEOUT => Self::new(Code::SlowBody, "Send the request faster."),
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(Code::BodyTooLarge, "Send less."),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Self::new(Code::UnsupportedMediaType, "Send JSON with Content-Type: application/json.")
            }
            status if status.is_client_error() => Self::new(Code::BadRequest, "Check the request."),
            status => Self::internal(format!("answered {status} without a problem")),
        }
    }

    pub(crate) fn code(&self) -> Code {
        self.0.code
    }

    /// What went wrong inside.
    pub(crate) fn inside_detail(&self) -> Option<&str> {
        self.0.inside.as_deref()
    }

    /// The body, for one request.
    pub(crate) fn body(&self, instance: &str, request_id: &str) -> Vec<u8> {
        let Parts { code, detail, errors, extra, .. } = &*self.0;
        let body = ProblemJson {
            r#type: type_of(*code),
            title: code.title(),
            status: code.status().as_u16(),
            detail,
            code: code.name(),
            instance,
            request_id,
            errors,
            extra,
        };
        // Strings and JSON values always serialise.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.code.name())
    }
}

/// Without a body: that needs the request, and is written by the middleware that sees every answer.
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status_code());
        response.insert_header((CONTENT_TYPE, PROBLEM_JSON));
        for header in &self.0.headers {
            response.insert_header(header.clone());
        }
        response.finish()
    }
}
