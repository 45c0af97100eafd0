//! Which requests are the same one, sent again: by their `Idempotency-Key`, and by what they say. Only hashes leave this
//! module.

use actix_web::HttpRequest;
use order_domain::UserId;
use order_domain::ports::IdempotencyKey;
use sha2::{Digest, Sha256};

use crate::codes::Code;
use crate::problem::Problem;

const HEADER: &str = "idempotency-key";

/// A hash of what a request says: its query and body, byte for byte.
pub(crate) fn fingerprint(request: &HttpRequest, body: &[u8]) -> [u8; 32] {
    digest(&[request.query_string().as_bytes(), body])
}

/// The key of a request with this body, if it has one. Its scope is caller, method and path: the path as it is meant,
/// so that a retry through the gateway is still a retry.
///
/// # Errors
/// A problem for a key that is not 1 to 255 visible ASCII characters, and for two different ones.
pub(crate) fn key(request: &HttpRequest, caller: &UserId, body: &[u8]) -> Result<Option<IdempotencyKey>, Problem> {
    let mut key: Option<&[u8]> = None;
    for value in request.headers().get_all(HEADER) {
        let value = value.as_bytes();
        if !(1..=255).contains(&value.len()) || !value.iter().all(u8::is_ascii_graphic) {
            return Err(invalid("must be 1 to 255 visible ASCII characters"));
        }
        if key.is_some_and(|key| key != value) {
            return Err(invalid("was sent twice with different values"));
        }
        key = Some(value);
    }
    let Some(key) = key else { return Ok(None) };
    let path = meant(request.path());
    let hash = digest(&[caller.as_str().as_bytes(), request.method().as_str().as_bytes(), path.as_bytes(), key]);
    Ok(Some(IdempotencyKey { hash, fingerprint: fingerprint(request, body) }))
}

/// The path without what only says how it came here.
fn meant(path: &str) -> &str {
    let path = path.strip_prefix(crate::routes::PREFIX).unwrap_or(path);
    path.strip_suffix('/').unwrap_or(path)
}

/// SHA-256 over parts, each preceded by its length: no two lists of parts are the same bytes.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn invalid(message: &str) -> Problem {
    Problem::new(Code::InvalidIdempotencyKey, format!("The Idempotency-Key {message}.")).at(
        "/header/Idempotency-Key",
        "invalid",
        message,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_keep_parts_apart() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(digest(&[b"ab", b"c"]), digest(&[b"ab", b"c"]));
    }

    #[test]
    fn a_path_is_the_same_with_and_without_prefix_and_slash() {
        for path in ["/orders", "/orders/", "/api/v1/orders", "/api/v1/orders/"] {
            assert_eq!(meant(path), "/orders");
        }
    }
}
