//! What a client is made with: where its service is and how long it may take. Wrong settings are found when the client
//! is made, not with its first call.

use order_domain::ports::ServiceName;
use order_domain::time::Duration;
use reqwest::Url;

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Until there is a connection: name, TCP and TLS.
    pub connect: Duration,
    /// Until the last byte of the answer, the connection included.
    pub total: Duration,
}

impl Deadlines {
    /// For payments, which take longer and whose unanswered calls cost more: half a second and 10 seconds.
    pub const PAYMENT: Self = Self { connect: Duration::from_millis(500), total: Duration::from_secs(10) };
}

/// Half a second and 2 seconds.
impl Default for Deadlines {
    fn default() -> Self {
        Self { connect: Duration::from_millis(500), total: Duration::from_secs(2) }
    }
}

/// Why a client can't be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address of the service is of no use.
    #[error("address of the {service}: {reason}")]
    Url {
        /// Which.
        service: ServiceName,
        /// What is wrong with it.
        reason: BadUrl,
    },
    /// No HTTP client could be made, for want of certificates for example.
    #[error("no client for the {service}")]
    Client {
        /// Which.
        service: ServiceName,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
}

/// Why the address of a service is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Not an absolute URL with a host.
    #[error("must be an absolute URL, as http://cart:8003")]
    NotAUrl,
    /// Neither `http` nor `https`.
    #[error("must begin with http:// or https://")]
    NotHttp,
    /// A user name or a password: they would show up in logs.
    #[error("must not hold a user name or a password")]
    Credentials,
    /// A `?` or a `#`: the paths of the calls come after it.
    #[error("must end with its path, without ? or #")]
    QueryOrFragment,
}

/// Whether a text can be the base address of a service.
///
/// # Errors
/// [`BadUrl`] says what is wrong with it.
pub fn check_base_url(text: &str) -> Result<(), BadUrl> {
    base_url(text).map(drop)
}

/// Reads the base address of a service. A path in it is kept, and may end with a slash or not.
pub(crate) fn base_url(text: &str) -> Result<Url, BadUrl> {
    let url = Url::parse(text).map_err(|_| BadUrl::NotAUrl)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BadUrl::NotHttp);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadUrl::Credentials);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BadUrl::QueryOrFragment);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_and_nothing_but_an_address() {
        for good in ["http://cart:8003", "https://shop.example/cart/", "http://[::1]:1"] {
            assert!(base_url(good).is_ok(), "{good}");
        }
        for (bad, reason) in [
            ("", BadUrl::NotAUrl),
            ("cart", BadUrl::NotAUrl),
            ("http://", BadUrl::NotAUrl),
            ("cart:8003", BadUrl::NotHttp),
            ("file:///etc/passwd", BadUrl::NotHttp),
            ("http://me:secret@cart", BadUrl::Credentials),
            ("http://cart?x=1", BadUrl::QueryOrFragment),
            ("http://cart/#x", BadUrl::QueryOrFragment),
        ] {
            assert_eq!(base_url(bad), Err(reason), "{bad}");
        }
    }
}
