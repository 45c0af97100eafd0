//! Around every request: its id, its trace and its span, one line in the log, its metrics, and the body of what went wrong.
//!
//! The log and the metrics name the route's pattern and never the path, the query, a header or a body: those hold personal
//! data.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use actix_cors::CorsError;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};
use futures_util::FutureExt;
use tracing::Instrument;

use crate::codes::Code;
use crate::context::{Notes, RequestContext, Scope};
use crate::meter::Meter;
use crate::problem::{PROBLEM_JSON, Problem};
use crate::request_id::{self, X_REQUEST_ID};
use crate::trace::Trace;
use crate::unread::Hold;

/// What the requests of a thread are observed with.
#[derive(Clone, Default)]
pub(crate) struct Observed {
    scope: Option<Scope>,
    meter: Rc<Meter>,
}

impl Observed {
    /// Answers within this scope, if there is one.
    pub(crate) fn within(scope: Option<Scope>) -> Self {
        Self { scope, meter: Rc::default() }
    }
}

/// The outermost middleware.
///
/// # Errors
/// None but those of the framework.
pub(crate) async fn observe(
    observed: Data<Observed>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request_id::of(request.headers());
    let trace = Trace::of(request.headers());
    let instance = request.path().to_owned();
    let method = request.method().clone();
    let notes = Notes::begin(&request);
    let hold = Hold::on(&mut request);
    // Of the highest level: whatever the log leaves out, what it shows says to which request it belongs.
    let span = tracing::error_span!("request", request_id = %id, trace_id = %trace.id);
    let answering = async move { Ok(next.call(request).await?.map_into_boxed_body()) };
    let answering = answering.instrument(span.clone()).boxed_local();
    let answering = match &observed.scope {
        Some(scope) => scope(RequestContext { request_id: id.clone(), traceparent: trace.parent() }, answering),
        None => answering,
    };
    let mut response = answering.await?;
    let _in = span.enter();
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        response = with_problem(response, status, &instance, &id);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    if let Some(hold) = hold {
        response = response.map_body(|_, body| hold.until_sent(body));
    }
    let took = notes.came_in.elapsed();
    let (route, role) = (notes.route.get(), notes.role.get());
    observed.meter.answered(route, &method, status, took);
    tracing::info!(
        %method,
        route,
        status = status.as_u16(),
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        role,
        request_id = %id,
        "answered",
    );
    Ok(response)
}

/// Writes the body of an error, whoever found it: a handler, or the framework by itself.
fn with_problem(response: ServiceResponse, status: StatusCode, instance: &str, id: &str) -> ServiceResponse {
    let found = response.response().error().and_then(|error| error.as_error::<Problem>());
    let cors = response.response().error().and_then(|error| error.as_error::<CorsError>());
    let own = || cors.map_or_else(|| Problem::of_status(status), refused_by_cors);
    let own = found.is_none().then(own);
    let Some(problem) = found.or(own.as_ref()) else { return response };
    if status.is_server_error() {
        let (code, inside) = (problem.code().name(), problem.inside_detail().unwrap_or("none"));
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(request_id = id, code, inside, "request {id} failed: {code}");
        } else {
            tracing::warn!(request_id = id, code, inside, "request {id} failed: {code}");
        }
    }
    let body = BoxBody::new(problem.body(instance, id));
    let mut response = response.map_body(|_, _| body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    response
}

/// A preflight that is refused. Its browser shows nobody the answer; whoever looks for the reason does see it.
fn refused_by_cors(error: &CorsError) -> Problem {
    Problem::new(Code::BadRequest, format!("{error}. Look at CORS_ORIGINS and at what the page asks for."))
}

/// Around every resource: a panic is that one request's failure, and shows nothing of itself.
///
/// # Errors
/// Those of the framework.
pub(crate) async fn contain_panics(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // Taken after routing: the router needs the request for itself.
    let for_answer = request.request().clone();
    let Ok(answer) = AssertUnwindSafe(next.call(request)).catch_unwind().await else {
        let problem = Problem::internal("a handler panicked");
        return Ok(ServiceResponse::new(for_answer, HttpResponse::from_error(problem)));
    };
    answer.map(ServiceResponse::map_into_boxed_body)
}
