//! `Prefer` (RFC 7240): wishes that a caller can live without. What can't be read is passed over.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;

use crate::wait::seconds;

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// Says which wishes were granted.
pub(crate) const APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The longest that a new order waits.
const LONGEST: u64 = 30;

/// How long the answer to a new order may wait (`wait=N`, in seconds), cut to the longest; `None` if it may not.
pub(crate) fn wait(request: &HttpRequest) -> Option<Duration> {
    let values = request.headers().get_all(PREFER).filter_map(|value| value.to_str().ok());
    // Of a wish that is uttered twice, the first counts.
    let wait = values.flat_map(preferences).find(|(name, _)| name.eq_ignore_ascii_case("wait"));
    seconds(&wait?.1, LONGEST).filter(|wait| !wait.is_zero())
}

/// The wishes of one header, each with its value; their parameters mean nothing to us.
fn preferences(header: &str) -> Vec<(&str, String)> {
    let wish = |wish| {
        let wish = split(wish, b';')[0];
        match wish.split_once('=') {
            Some((name, value)) => (name.trim(), word(value.trim())),
            None => (wish.trim(), String::new()),
        }
    };
    split(header, b',').into_iter().map(wish).collect()
}

/// A word, in quotes or not.
fn word(text: &str) -> String {
    let Some(quoted) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return text.to_owned() };
    let mut word = String::with_capacity(quoted.len());
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        word.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    word
}

/// The parts between separators that stand outside of quotes.
fn split(text: &str, separator: u8) -> Vec<&str> {
    let (mut parts, mut from, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            byte if byte == separator && !quoted => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn of(headers: &[&str]) -> Option<u64> {
        let request =
            headers.iter().fold(TestRequest::default(), |request, value| request.append_header((PREFER, *value)));
        wait(&request.to_http_request()).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wait_is_read_as_it_may_be_written() {
        for header in [
            "wait=4",
            "WAIT = 4",
            "wait=\"4\"",
            "wait=\"\\4\"",
            "wait=4; reason=\"a, b; wait=9\"",
            "respond-async, wait=4",
            "handling=\"lenient, wait=9\", wait=4",
            ", ,wait=4",
            "wait=4, wait=9",
            "wait=04",
        ] {
            assert_eq!(of(&[header]), Some(4), "{header}");
        }
        assert_eq!(of(&["respond-async", "wait=4", "wait=9"]), Some(4));
    }

    #[test]
    fn a_long_wait_is_cut() {
        for header in ["wait=30", "wait=31", "wait=999", "wait=99999999999999999999999999"] {
            assert_eq!(of(&[header]), Some(30), "{header}");
        }
    }

    #[test]
    fn what_is_no_wait_is_passed_over() {
        for header in [
            "",
            "wait",
            "wait=",
            "wait=0",
            "wait=-1",
            "wait=1.5",
            "wait=+4",
            "wait=soon",
            "wait=4s",
            "wait=\"4",
            "waits=4",
            "x; wait=4",
            "\"wait=4\"",
            "=4",
            "wait=\"\\",
            "wait=nonsense, wait=4",
        ] {
            assert_eq!(of(&[header]), None, "{header}");
        }
        assert_eq!(of(&[]), None);
    }
}
