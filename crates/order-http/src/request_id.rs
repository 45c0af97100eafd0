//! The name of a request, by which its answer, its log lines and a support call find each other.

use actix_web::http::header::{HeaderMap, HeaderName};
use uuid::Uuid;

/// The header it comes and goes in.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The caller's id for the request, if it is fit for a log and a header, or a new one.
pub(crate) fn of(headers: &HeaderMap) -> String {
    let sane = |id: &&str| (1..=128).contains(&id.len()) && id.bytes().all(plain);
    match headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok()).filter(sane) {
        Some(id) => id.to_owned(),
        None => fresh(),
    }
}

fn plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'`' | b'\\')
}

#[expect(clippy::disallowed_methods, reason = "the one place where a request gets a name; nothing is decided by it")]
fn fresh() -> String {
    Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn of_header(value: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_str(value).expect("a header"));
        of(&headers)
    }

    #[test]
    fn a_sane_id_is_taken_and_any_other_replaced() {
        assert_eq!(of_header("abc-123:4/5"), "abc-123:4/5");
        assert_eq!(of_header(&"x".repeat(128)), "x".repeat(128));
        for odd in ["", "a b", "a\"b", "é", &"x".repeat(129)] {
            assert!(Uuid::parse_str(&of_header(odd)).is_ok(), "{odd}");
        }
        assert!(Uuid::parse_str(&of(&HeaderMap::new())).is_ok());
    }
}
