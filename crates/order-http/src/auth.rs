//! Who asks: the bearer of a valid token, or nobody. No header but `Authorization` says anything about it.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture};
use order_domain::ports::{Bearer, ServiceError, ServiceName};
use order_usecases::Caller;

use crate::codes::Code;
use crate::context::Notes;
use crate::problem::Problem;
use crate::server::HttpState;
use crate::tokens::BadToken;

/// A caller with a valid token. Stands first among a handler's arguments, so that nobody else learns anything.
pub(crate) struct Signed(pub(crate) Caller);

impl FromRequest for Signed {
    type Error = Problem;
    /// At once, but for a token whose key has to be looked for.
    type Future = Either<Ready<Result<Self, Problem>>, LocalBoxFuture<'static, Result<Self, Problem>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        match signed(request) {
            Ok(Checked::Done(caller)) => Either::Left(ready(Ok(caller))),
            Ok(Checked::UnknownKey) => Either::Right(with_new_keys(request.clone()).boxed_local()),
            Err(problem) => Either::Left(ready(Err(problem))),
        }
    }
}

/// What there is to say of a token at once.
enum Checked {
    Done(Signed),
    UnknownKey,
}

fn signed(request: &HttpRequest) -> Result<Checked, Problem> {
    let state = state(request)?;
    let token = bearer(request.headers())?;
    match state.verifier.verify(token, state.clock.now()) {
        Ok(identity) => {
            Notes::role(request, identity.role);
            let caller = Caller { user: identity.user, role: identity.role, bearer: Bearer::new(token) };
            Ok(Checked::Done(Signed(caller)))
        }
        Err(BadToken::UnknownKey) => Ok(Checked::UnknownKey),
        Err(error) => Err(refused(error)),
    }
}

/// The same once more, after a look whether the key that the token names is published by now.
async fn with_new_keys(request: HttpRequest) -> Result<Signed, Problem> {
    if state(&request)?.verifier.look_for_key_of(bearer(request.headers())?).await
        && let Checked::Done(caller) = signed(&request)?
    {
        return Ok(caller);
    }
    Err(refused(BadToken::UnknownKey))
}

fn state(request: &HttpRequest) -> Result<&HttpState, Problem> {
    request.app_data::<web::Data<HttpState>>().map(|state| &***state).ok_or_else(|| Problem::internal("no state"))
}

fn refused(error: BadToken) -> Problem {
    tracing::debug!(%error, "token refused");
    match error {
        // The caller may be whoever they say: to send them to sign in again would be wrong, and no help.
        BadToken::NoKeys => ServiceError::Unavailable { service: ServiceName::User, detail: error.to_string() }.into(),
        BadToken::TooLong
        | BadToken::Malformed
        | BadToken::Header
        | BadToken::UnknownKey
        | BadToken::Invalid
        | BadToken::Expired
        | BadToken::NotYet
        | BadToken::NoUser => unauthorized("Your token is not valid (any more). Sign in again."),
    }
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
