//! Around every request: its id and its span, one line in the log, and the body of what went wrong.
//!
//! The log names the route's pattern and never the path, the query, a header or a body: those hold personal data.

use std::panic::AssertUnwindSafe;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};
use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::Instrument;

use crate::problem::{PROBLEM_JSON, Problem};
use crate::request_id::{self, X_REQUEST_ID};
use crate::unread::Hold;

/// The outermost middleware.
///
/// # Errors
/// None but those of the framework.
pub(crate) async fn observe(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let id = request_id::of(request.headers());
    let instance = request.path().to_owned();
    let method = request.method().clone();
    let hold = Hold::on(&mut request);
    let span = tracing::info_span!("request", request_id = %id, %method);
    let mut response = next.call(request).instrument(span.clone()).await?.map_into_boxed_body();
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
    let route = response.request().match_pattern();
    tracing::info!(
        %method,
        route = route.as_deref().unwrap_or("none"),
        status = status.as_u16(),
        duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        request_id = %id,
        "answered",
    );
    Ok(response)
}

/// Writes the body of an error, whoever found it: a handler, or the framework by itself.
fn with_problem(response: ServiceResponse, status: StatusCode, instance: &str, id: &str) -> ServiceResponse {
    let found = response.response().error().and_then(|error| error.as_error::<Problem>());
    let own = found.is_none().then(|| Problem::of_status(status));
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
