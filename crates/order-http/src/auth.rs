//! Who asks: the bearer of a valid token, or nobody. No header but `Authorization` says anything about it.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{FromRequest, HttpRequest, web};
use order_domain::ports::Bearer;
use order_usecases::Caller;

use crate::codes::Code;
use crate::context::Notes;
use crate::problem::Problem;
use crate::server::HttpState;

/// A caller with a valid token. Stands first among a handler's arguments, so that nobody else learns anything.
pub(crate) struct Signed(pub(crate) Caller);

impl FromRequest for Signed {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(signed(request))
    }
}

fn signed(request: &HttpRequest) -> Result<Signed, Problem> {
    let state = request.app_data::<web::Data<HttpState>>().ok_or_else(|| Problem::internal("no state"))?;
    let token = bearer(request.headers())?;
    let identity = state.verifier.verify(token, state.clock.now()).map_err(|error| {
        tracing::debug!(%error, "token refused");
        unauthorized("Your token is not valid (any more). Sign in again.")
    })?;
    Notes::role(request, identity.role);
    Ok(Signed(Caller { user: identity.user, role: identity.role, bearer: Bearer::new(token) }))
}

/// The one token of a request. The gateway sends the header twice, and other proxies join such headers with a comma (no
/// token holds one): equal values are one.
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut token = None;
    for value in headers.get_all(AUTHORIZATION) {
        let value = value.to_str().map_err(|_| unauthorized("The Authorization header can't be read."))?;
        for one in value.split(',') {
            let (scheme, credentials) = one.trim().split_once(' ').unwrap_or_default();
            let credentials = credentials.trim();
            if !scheme.eq_ignore_ascii_case("bearer") || credentials.is_empty() {
                return Err(unauthorized("Send `Authorization: Bearer <token>`."));
            }
            if token.is_some_and(|token| token != credentials) {
                return Err(unauthorized("There are two different Authorization headers. Send one."));
            }
            token = Some(credentials);
        }
    }
    token.ok_or_else(|| unauthorized("Sign in, and send `Authorization: Bearer <token>`."))
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(Code::Unauthorized, detail)
}
