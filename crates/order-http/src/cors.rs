//! Which web pages of other origins may read answers (CORS, the Fetch standard). Nobody, unless the settings name them: then
//! no answer has a header about it.

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, RETRY_AFTER,
};
use actix_web::http::uri::{Scheme, Uri};

use crate::request_id::X_REQUEST_ID;

/// How long a browser may remember what it was told, in seconds: an hour.
const REMEMBER: usize = 3_600;

/// The origins whose pages may read answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origins {
    /// None.
    #[default]
    Nobody,
    /// Any. Browsers then send no credentials of their own (cookies, client certificates); tokens work.
    Anybody,
    /// These, as browsers name them.
    These(Vec<String>),
}

impl Origins {
    /// The origins of a list: `*` alone is any, an empty list none.
    ///
    /// # Errors
    /// The entry that no browser would ever send, and what is wrong with it.
    pub fn parse(entries: Vec<String>) -> Result<Self, String> {
        if entries.is_empty() {
            return Ok(Self::Nobody);
        }
        if entries == ["*"] {
            return Ok(Self::Anybody);
        }
        match entries.iter().find(|entry| !is_origin(entry)) {
            None => Ok(Self::These(entries)),
            Some(entry) if entry == "*" => Err("\"*\" stands for all origins: leave the others out".into()),
            Some(entry) => Err(format!(
                "{entry:?} is no origin; write it as browsers do, such as https://shop.example or http://localhost:3000: \
                 lower case, no path, no slash at the end, no default port"
            )),
        }
    }

    /// Whether any page may read an answer.
    pub(crate) fn any(&self) -> bool {
        *self != Self::Nobody
    }

    /// What tells browsers so. No cookie is ever looked at, so that pages of named origins may send theirs costs nothing,
    /// and clients of the predecessor that do go on working.
    pub(crate) fn cors(&self) -> Cors {
        let own = |name| HeaderName::from_static(name);
        let cors = Cors::default()
            .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allowed_headers([
                AUTHORIZATION,
                CONTENT_TYPE,
                IF_MATCH,
                IF_NONE_MATCH,
                own("idempotency-key"),
                own("prefer"),
                own("traceparent"),
                // Not gone on with, and sent by whoever sends the other.
                own("tracestate"),
                X_REQUEST_ID,
            ])
            .expose_headers([
                ETAG,
                LINK,
                LOCATION,
                RETRY_AFTER,
                own("idempotency-replayed"),
                own("preference-applied"),
                X_REQUEST_ID,
            ])
            .max_age(REMEMBER);
        match self {
            Self::Nobody => cors,
            Self::Anybody => cors.allow_any_origin().send_wildcard(),
            Self::These(origins) => {
                origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)).supports_credentials()
            }
        }
    }
}

/// An origin as browsers serialise it (RFC 6454, 6.2): scheme, host, and a port that is not the scheme's own.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme), Some(host)) = (uri.scheme(), uri.host()) else { return false };
    let port = match (uri.port_u16(), scheme) {
        (Some(80), scheme) if *scheme == Scheme::HTTP => return false,
        (Some(443), scheme) if *scheme == Scheme::HTTPS => return false,
        (Some(port), _) => format!(":{port}"),
        (None, _) => String::new(),
    };
    let web = *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS;
    // An IPv6 address comes with its brackets; a star would be taken for a host and match none.
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte));
    web && plain && text == format!("{scheme}://{host}{port}").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(entries: &[&str]) -> Result<Origins, String> {
        Origins::parse(entries.iter().map(|&entry| entry.to_owned()).collect())
    }

    #[test]
    fn origins_are_taken_as_browsers_write_them() {
        assert_eq!(parse(&[]), Ok(Origins::Nobody));
        assert_eq!(parse(&["*"]), Ok(Origins::Anybody));
        let good = ["https://shop.example", "http://localhost:3000", "http://[::1]:8080", "https://10.0.0.1"];
        assert_eq!(parse(&good), Ok(Origins::These(good.map(str::to_owned).to_vec())));
    }

    #[test]
    fn what_no_browser_would_send_is_named() {
        for bad in [
            "",
            "shop.example",
            "https://shop.example/",
            "https://shop.example/path",
            "https://Shop.example",
            "https://shop.example:443",
            "http://shop.example:80",
            "https://user@shop.example",
            "https://*.shop.example",
            "ftp://shop.example",
            "null",
            "https://shop.example, https://other.example",
        ] {
            let refused = parse(&["https://shop.example", bad]).unwrap_err();
            assert!(refused.contains(&format!("{bad:?}")), "{refused}");
        }
        assert!(parse(&["https://shop.example", "*"]).unwrap_err().contains("\"*\""));
    }
}
