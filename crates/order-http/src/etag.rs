//! Entity tags (RFC 9110, 8.8 and 13.1): an order's is its version, as a strong tag. Whatever changes what is shown of an
//! order raises its version, so equal tags are equal answers.

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use order_domain::order::{Order, Version};
use order_usecases::IfMatch;

use crate::codes::Code;
use crate::problem::Problem;

/// The entity tag of an order.
pub(crate) fn of(order: &Order) -> String {
    of_version(order.version())
}

/// The entity tag of an order in this version.
pub(crate) fn of_version(version: Version) -> String {
    format!("\"{version}\"")
}

/// The versions that a change may be made to (`If-Match`). Weak tags, and tags that are no version, match none.
///
/// # Errors
/// A problem for what is no list of tags: a bare number is a mistake of the client, not another version of the order.
pub(crate) fn if_match(request: &HttpRequest) -> Result<IfMatch, Problem> {
    let Some(text) = text(request, &IF_MATCH) else { return Ok(IfMatch::Any) };
    match parse(&text) {
        Some(Tags::Any) => Ok(IfMatch::Any),
        Some(Tags::Some(tags)) => Ok(IfMatch::OneOf(tags.iter().filter_map(Tag::version).collect())),
        None => {
            let message = "must be *, or entity tags in double quotes as an ETag gives them";
            Err(Problem::new(Code::Invalid, format!("If-Match {message}.")).at("/header/If-Match", "invalid", message))
        }
    }
}

/// Does the caller have what this tag (without its quotes) stands for (`If-None-Match`)? What can't be read is passed over:
/// they get all of it.
pub(crate) fn is_known(request: &HttpRequest, opaque: &str) -> bool {
    match text(request, &IF_NONE_MATCH).as_deref().and_then(parse) {
        Some(Tags::Any) => true,
        Some(Tags::Some(tags)) => tags.iter().any(|tag| tag.opaque == opaque),
        None => false,
    }
}

/// All values of a header as one list. Bytes that are no text become a character that no tag has.
fn text(request: &HttpRequest, name: &HeaderName) -> Option<String> {
    let values = request.headers().get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let values: Vec<_> = values.collect();
    (!values.is_empty()).then(|| values.join(","))
}

#[derive(Debug, PartialEq, Eq)]
enum Tags<'a> {
    Any,
    Some(Vec<Tag<'a>>),
}

#[derive(Debug, PartialEq, Eq)]
struct Tag<'a> {
    weak: bool,
    opaque: &'a str,
}

impl Tag<'_> {
    /// The version that it stands for where only a strong tag will do.
    fn version(&self) -> Option<Version> {
        let version: Version = self.opaque.parse().ok()?;
        (!self.weak && version.to_string() == self.opaque).then_some(version)
    }
}

fn parse(text: &str) -> Option<Tags<'_>> {
    const SPACE: [char; 2] = [' ', '\t'];
    const BETWEEN: [char; 3] = [' ', '\t', ','];
    let mut rest = text.trim_matches(SPACE);
    if rest == "*" {
        return Some(Tags::Any);
    }
    let mut tags = Vec::new();
    loop {
        // Elements of a list may be empty.
        rest = rest.trim_start_matches(BETWEEN);
        if rest.is_empty() {
            return (!tags.is_empty()).then_some(Tags::Some(tags));
        }
        let strong = rest.strip_prefix("W/");
        let (opaque, after) = strong.unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
        rest = after.trim_start_matches(SPACE);
        if !opaque.bytes().all(|byte| byte.is_ascii_graphic()) || !(rest.is_empty() || rest.starts_with(',')) {
            return None;
        }
        tags.push(Tag { weak: strong.is_some(), opaque });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(tags: &[(bool, &'static str)]) -> Tags<'static> {
        Tags::Some(tags.iter().map(|&(weak, opaque)| Tag { weak, opaque }).collect())
    }

    #[test]
    fn tags_are_read_as_they_may_be_written() {
        assert_eq!(parse(" * "), Some(Tags::Any));
        assert_eq!(parse("\"3\""), Some(some(&[(false, "3")])));
        assert_eq!(parse(", \"3\",W/\"4\" ,\t\"a,b\",,"), Some(some(&[(false, "3"), (true, "4"), (false, "a,b")])));
        assert_eq!(parse("\"\""), Some(some(&[(false, "")])));
        for bad in ["", " ", ",", "3", "\"3", "3\"", "\"3\" \"4\"", "\"3\"4", "*, \"3\"", "w/\"3\"", "\"a b\"", "W/"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_a_strong_tag_in_one_spelling_is_a_version() {
        let version = |weak, opaque| Tag { weak, opaque }.version();
        assert_eq!(version(false, "3"), Some(3));
        for (weak, opaque) in [(true, "3"), (false, "03"), (false, "+3"), (false, "x"), (false, "")] {
            assert_eq!(version(weak, opaque), None, "{opaque}");
        }
    }
}
