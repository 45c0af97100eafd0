//! What every call to a service passes through: it is counted, and the fault that is meant for it happens to it.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::body::{BodyStream, BoxBody, SizedStream};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Bytes, Data, ServiceConfig};
use actix_web::{Error, HttpResponse, ResponseError, Route as Handling, web};
use futures_util::{StreamExt, stream};
use tokio::sync::oneshot;

use crate::connection::Connection;
use crate::faults::FaultKind;
use crate::problem::Problem;
use crate::service::{Place, Route, Service};
use crate::state::State;

/// Puts a handler at a path, behind the gate. Other methods of that path are calls of [`Route::Other`].
pub(crate) fn endpoint(config: &mut ServiceConfig, path: &str, place: Place, handling: Handling) {
    let wrong_method = guarded(
        Place::new(place.service, Route::Other),
        web::to(async || Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed").error_response()),
    );
    config.service(web::resource(path).route(guarded(place, handling)).default_service(wrong_method));
}

/// Answers what a service does not have: 404, counted as [`Route::Other`].
pub(crate) fn nothing_else(config: &mut ServiceConfig, service: Service) {
    let not_found = web::to(async || Problem::not_found("Not Found").error_response());
    config.default_service(guarded(Place::new(service, Route::Other), not_found));
}

fn guarded(place: Place, handling: Handling) -> Handling {
    handling.wrap(from_fn(move |request: ServiceRequest, next: Next<BoxBody>| pass(place, request, next)))
}

async fn pass(place: Place, request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse, Error> {
    let Some(state) = request.app_data::<Data<State>>().cloned() else {
        return next.call(request).await;
    };
    let arrival = state.change(|world| world.arrive(place));
    tracing::debug!(service = %place.service, route = ?place.route, fault = ?arrival.mishap, "sandbox call");
    let Some(mishap) = arrival.mishap else {
        return next.call(request).await;
    };
    let connection = request.conn_data::<Connection>().cloned();
    if mishap.acted {
        let (request, answer) = next.call(request).await?.into_parts();
        let instead = befall(mishap.kind, arrival.released, connection.as_ref()).await;
        return Ok(ServiceResponse::new(request, instead.unwrap_or(answer)));
    }
    match befall(mishap.kind, arrival.released, connection.as_ref()).await {
        None => next.call(request).await,
        Some(instead) => Ok(unread(request).await.into_response(instead)),
    }
}

/// Takes the body off the wire: closing over unread bytes would turn every orderly end into a reset.
async fn unread(mut request: ServiceRequest) -> ServiceRequest {
    let _ = request.extract::<Bytes>().await;
    request
}

/// Waits, or makes the answer that is given in place of the real one.
async fn befall(
    kind: FaultKind,
    released: Option<oneshot::Receiver<()>>,
    connection: Option<&Connection>,
) -> Option<HttpResponse> {
    match kind {
        FaultKind::Delay(millis) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            None
        }
        FaultKind::Hold => {
            if let Some(released) = released {
                let _ = released.await;
            }
            None
        }
        FaultKind::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Some(Problem::new(status, "A fault of the sandbox").error_response())
        }
        FaultKind::Body(body) => Some(HttpResponse::Ok().json(body)),
        FaultKind::Garbage => {
            Some(HttpResponse::Ok().content_type("application/json").body("<html>\u{0}{\"success\": tru"))
        }
        FaultKind::Redirect => Some(HttpResponse::Found().insert_header((LOCATION, "/elsewhere")).finish()),
        FaultKind::Endless => Some(endless()),
        FaultKind::Truncated => {
            if let Some(connection) = connection {
                connection.let_go();
            }
            Some(cut_short("{\"success\": true, \"id\": 1, \"transaction_id\": \"txn"))
        }
        FaultKind::Reset => {
            if let Some(Err(error)) = connection.map(Connection::reset_when_closed) {
                tracing::warn!(%error, "the connection is closed without a reset");
            }
            Some(cut_short(""))
        }
    }
}

/// An answer that declares more than it sends. The server notices at the end of the stream and drops the connection;
/// what came before the pause has been flushed by then, and without anything to send not even the head has.
fn cut_short(sent: &'static str) -> HttpResponse {
    const DECLARED: u64 = 4096;
    let pause = async {
        tokio::task::yield_now().await;
        None
    };
    let body = if sent.is_empty() {
        stream::empty().left_stream()
    } else {
        let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(sent.as_bytes()))]);
        first.chain(stream::once(pause).filter_map(async |nothing| nothing)).right_stream()
    };
    HttpResponse::Ok().content_type("application/json").body(SizedStream::new(DECLARED, Box::pin(body)))
}

/// An answer without an end, throttled so that it costs the reader's patience and not the processor.
fn endless() -> HttpResponse {
    const PIECE: &[u8] = &[b'a'; 64 * 1024];
    let pieces = stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(PIECE)), ()))
    });
    let start = stream::iter([Ok(Bytes::from_static(b"{\"padding\": \""))]);
    HttpResponse::Ok().content_type("application/json").body(BodyStream::new(Box::pin(start.chain(pieces))))
}
