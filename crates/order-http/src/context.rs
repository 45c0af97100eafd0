//! What a request carries along: the names by which others find it, and what is noted of it on its way for the log and the
//! metrics.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::{Error, HttpMessage};
use futures_util::future::LocalBoxFuture;
use order_usecases::CallerRole;
use tokio::time::Instant;

/// The names of a request, for the services that are asked on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// The caller's id for it, or one made here. Fit for a header.
    pub request_id: String,
    /// The value of the header `traceparent` for calls that it causes: a span of this service in the caller's trace, or in
    /// a new one.
    pub traceparent: String,
}

/// A request's being answered.
pub type Answering = LocalBoxFuture<'static, Result<ServiceResponse<BoxBody>, Error>>;

/// Put around the answering of every request, so that whatever is asked on the way can be told the request's names. It must
/// run the future that it is given to its end, and leave its outcome as it is.
pub type Scope = Arc<dyn Fn(RequestContext, Answering) -> Answering + Send + Sync>;

/// Where nothing was noted.
pub(crate) const NONE: &str = "none";

/// What is noted of a request.
#[derive(Debug)]
pub(crate) struct Notes {
    /// The pattern of its path, without what only says how it came here.
    pub(crate) route: Cell<&'static str>,
    /// As what its caller is known.
    pub(crate) role: Cell<&'static str>,
    /// When it came in.
    pub(crate) came_in: Instant,
}

impl Notes {
    /// Begins the notes of a request.
    pub(crate) fn begin(request: &impl HttpMessage) -> Rc<Self> {
        let notes = Rc::new(Self { route: Cell::new(NONE), role: Cell::new(NONE), came_in: Instant::now() });
        request.extensions_mut().insert(Rc::clone(&notes));
        notes
    }

    /// When a request came in: what is waited for before its handler is counted, too.
    pub(crate) fn came_in(request: &impl HttpMessage) -> Instant {
        request.extensions().get::<Rc<Self>>().map_or_else(Instant::now, |notes| notes.came_in)
    }

    /// Notes which route has the request.
    pub(crate) fn route(request: &impl HttpMessage, route: &'static str) {
        if let Some(notes) = request.extensions().get::<Rc<Self>>() {
            notes.route.set(route);
        }
    }

    /// Notes who asks.
    pub(crate) fn role(request: &impl HttpMessage, role: CallerRole) {
        if let Some(notes) = request.extensions().get::<Rc<Self>>() {
            notes.role.set(match role {
                CallerRole::User => "user",
                CallerRole::Courier => "courier",
                CallerRole::Admin => "admin",
            });
        }
    }
}
