//! What every change of an order has in common: its key, what it says, the versions that it may be made to.

use actix_web::HttpRequest;
use order_usecases::{Caller, Render, Request};

use crate::body::Read;
use crate::problem::Problem;
use crate::{etag, idempotency};

/// How a change wants to be done and answered.
///
/// # Errors
/// A problem with its key or its tags.
pub(super) fn request(http: &HttpRequest, caller: &Caller, body: &Read, render: Render) -> Result<Request, Problem> {
    let key = idempotency::key(http, &caller.user, body.bytes())?;
    let fingerprint = idempotency::fingerprint(http, body.bytes());
    Ok(Request { key, fingerprint, if_match: etag::if_match(http)?, render })
}
