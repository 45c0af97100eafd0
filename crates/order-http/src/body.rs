//! Bodies: read whole, within a size and a time, and taken as JSON.

use std::future::{Ready, ready};

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use actix_web::{FromRequest, HttpRequest, dev, web};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::codes::Code;
use crate::problem::{FieldError, Problem};
use crate::server::HttpState;

/// A body that has not been read yet.
pub(crate) struct Body {
    request: HttpRequest,
    payload: dev::Payload,
}

impl FromRequest for Body {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        ready(Ok(Self { request: request.clone(), payload: payload.take() }))
    }
}

impl Body {
    /// All of it.
    ///
    /// # Errors
    /// A problem for one that is too large, too slow, or cut off.
    pub(crate) async fn read(mut self) -> Result<Read, Problem> {
        let state = self.request.app_data::<web::Data<HttpState>>().ok_or_else(|| Problem::internal("no state"))?;
        let (limit, time) = (state.body_limit, state.body_timeout);
        let announced =
            self.request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: u64| length > limit as u64) {
            return Err(too_large(limit));
        }
        let bytes = tokio::time::timeout(time, collect(&mut self.payload, limit))
            .await
            .map_err(|_| Problem::new(Code::SlowBody, "The body did not arrive in time. Send it again, faster."))??;
        Ok(Read { request: self.request, bytes })
    }
}

async fn collect(payload: &mut dev::Payload, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::new(Code::BadRequest, "The body broke off. Send it again."))?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::BodyTooLarge, format!("A body may have {limit} bytes at most. Send less."))
}

/// A body that has been read.
pub(crate) struct Read {
    request: HttpRequest,
    bytes: Vec<u8>,
}

impl Read {
    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it says.
    ///
    /// # Errors
    /// A problem for what is not JSON, or JSON of another shape.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        self.is_json()?;
        let mut reader = serde_json::Deserializer::from_slice(&self.bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            // The first thing of a wrong type ends the reading; what follows may not even be JSON.
            match serde_json::from_slice::<serde_json::Value>(&self.bytes) {
                Ok(_) => refused(error.inner(), pointer(error.path())),
                Err(malformed) => refused(&malformed, String::new()),
            }
        })?;
        reader.end().map_err(|error| refused(&error, String::new()))?;
        Ok(value)
    }

    /// What it says, if it says anything.
    ///
    /// # Errors
    /// As [`Read::json`].
    pub(crate) fn json_if_any<T: DeserializeOwned + Default>(&self) -> Result<T, Problem> {
        if self.bytes.is_empty() { Ok(T::default()) } else { self.json() }
    }

    /// JSON that does not say that it is JSON is taken for it; anything else that says so is not.
    fn is_json(&self) -> Result<(), Problem> {
        let unsupported = |detail| Err(Problem::new(Code::UnsupportedMediaType, detail));
        let header = |name| self.request.headers().get(name).map(HeaderValue::to_str);
        match header(CONTENT_ENCODING) {
            None => {}
            Some(Ok(encoding)) if encoding.eq_ignore_ascii_case("identity") => {}
            Some(_) => return unsupported("Send the body without Content-Encoding."),
        }
        match header(CONTENT_TYPE) {
            None => Ok(()),
            Some(Ok(content_type)) if names_json(content_type) => Ok(()),
            Some(_) => unsupported("Send JSON with Content-Type: application/json."),
        }
    }
}

fn names_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    let utf8 = |part: &str| match part.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    };
    json && parts.all(utf8)
}

/// Nesting beyond 128 levels counts as malformed: the parser refuses it before it costs any stack.
fn refused(error: &serde_json::Error, pointer: String) -> Problem {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Data => {
            let wrong = wrong(error, pointer);
            let what = if wrong.pointer.is_empty() { "The body" } else { &wrong.pointer };
            Problem::new(Code::Invalid, format!("{what} {}.", wrong.message)).with_errors(vec![wrong])
        }
        Category::Syntax | Category::Eof | Category::Io => {
            Problem::new(Code::MalformedJson, format!("The body is not JSON: see line {line}, column {column}."))
        }
    }
}

/// What the library expected, and nothing of what it found: that may be personal.
fn wrong(error: &serde_json::Error, pointer: String) -> FieldError {
    let text = error.to_string();
    if let Some((name, _)) = text.strip_prefix("duplicate field `").and_then(|rest| rest.split_once('`')) {
        return FieldError::new(format!("/{}", escaped(name)), "repeated", "was given twice");
    }
    let expected = text.rsplit_once("expected ").map_or("of another type", |(_, expected)| expected);
    let expected = expected.split(" at line ").next().unwrap_or_default();
    FieldError::new(pointer, "wrong_type", format!("must be {expected}"))
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.extend(["/", &index.to_string()]),
            Segment::Map { key } => pointer.extend(["/", &escaped(key)]),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// A name as a segment of a JSON pointer.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
