//! `traceparent` (W3C Trace Context, level 1): which trace a request belongs to. A caller's is taken, within it this service
//! is a span of its own; without one, or with one that is not as it has to be, a new trace begins here.
//!
//! Nothing is recorded here but log lines, so a new trace is not marked as sampled; a caller's mark is passed on.

use actix_web::http::header::{HeaderMap, HeaderName};
use uuid::Uuid;

/// The header it comes and goes in.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The lengths of `00-TRACE-PARENT-FLAGS`, in hexadecimal digits.
const TRACE: usize = 32;
const SPAN: usize = 16;

/// A trace, and this service's place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace {
    /// 32 lower-case hexadecimal digits.
    pub(crate) id: String,
    span: String,
    sampled: bool,
}

impl Trace {
    /// The caller's trace with a new span in it, or a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all(TRACEPARENT);
        // Two headers are as good as none: nobody knows which is meant.
        let one = given.next().filter(|_| given.next().is_none());
        let parent = one.and_then(|value| value.to_str().ok()).and_then(parse);
        let span = number()[SPAN..].to_owned();
        match parent {
            Some((id, sampled)) => Self { id: id.to_owned(), span, sampled },
            None => Self { id: number(), span, sampled: false },
        }
    }

    /// What the services that are asked on the way are told: this service's span is the parent of theirs.
    pub(crate) fn parent(&self) -> String {
        let flags = u8::from(self.sampled);
        format!("00-{}-{}-{flags:02x}", self.id, self.span)
    }
}

/// The trace's id, and whether it is sampled.
fn parse(header: &str) -> Option<(&str, bool)> {
    let mut parts = header.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none();
    let valid = whole && version == "00" && is_id(trace, TRACE) && is_id(span, SPAN) && is_hex(flags, 2);
    let flags = u8::from_str_radix(flags, 16).ok().filter(|_| valid)?;
    Some((trace, flags & 1 == 1))
}

fn is_id(text: &str, digits: usize) -> bool {
    is_hex(text, digits) && text.bytes().any(|digit| digit != b'0')
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// 32 hexadecimal digits, never all zeros, nor is either half.
#[expect(clippy::disallowed_methods, reason = "a name for log lines; nothing is decided by it")]
fn number() -> String {
    Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(values: &[&str]) -> Trace {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, HeaderValue::from_str(value).expect("a header"));
        }
        Trace::of(&headers)
    }

    #[test]
    fn a_trace_is_gone_on_with_under_a_span_of_its_own() {
        let (one, other) = (of(&[GIVEN]), of(&[GIVEN]));
        assert_eq!(one.id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(one.parent().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && one.parent().ends_with("-01"));
        assert!(!one.parent().contains("00f067aa0ba902b7"), "the caller's span is not ours");
        assert_ne!(one.parent(), other.parent());
        assert_eq!(parse(&one.parent()), Some((&*one.id, true)), "what is passed on is valid");
        let unsampled = of(&["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe"]);
        assert!(unsampled.parent().ends_with("-00"), "flags that nobody knows are not passed on");
    }

    #[test]
    fn what_is_no_traceparent_begins_a_new_trace() {
        for bad in [
            "",
            "00",
            "garbage",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-+1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            let trace = of(&[bad]);
            assert_ne!(trace.id, "4bf92f3577b34da6a3ce929d0e0e4736", "{bad}");
            assert_eq!(parse(&trace.parent()), Some((&*trace.id, false)), "{bad}");
        }
        assert_ne!(of(&[GIVEN, GIVEN]).id, "4bf92f3577b34da6a3ce929d0e0e4736", "of two nobody knows which");
        assert_ne!(of(&[]).id, of(&[]).id);
    }
}
