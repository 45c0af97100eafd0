//! The routes. Each answers under `/` and, as the gateway asks, under `/api/v1`, with and without a trailing slash.
//!
//! An endpoint stands in two lists here, side by side: in [`resources`], by which it is served, and in [`described`], by
//! which it is in the OpenAPI document. A test compares them.

mod change;
mod delivery;
mod docs;
mod document;
mod health;
mod items;
mod operations;
mod payments;
mod place;
mod read;
mod refunds;
mod request;
mod resolve;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, FromRequest, Handler, HttpRequest, Resource, Responder, Route};
use order_faults::point;
use utoipa::OpenApi;

use crate::context::Notes;
use crate::load;
use crate::observe::contain_panics;

/// What the gateway puts before every path.
pub(crate) const PREFIX: &str = "/api/v1";

/// What stands before the path of a request: nothing, or what the gateway puts there. Where an answer names a path, it is
/// one that its caller can reach.
fn prefix(request: &HttpRequest) -> &'static str {
    if request.path().starts_with(PREFIX) { PREFIX } else { "" }
}

fn alive() -> Resources {
    at("/health/live", [get(health::live)]).exempt()
}

fn ready() -> Resources {
    at("/health/ready", [get(health::ready)]).exempt()
}

/// Every endpoint, as it is served.
fn resources() -> Vec<Resources> {
    vec![
        at("/health", [get(health::health)]).exempt(),
        alive(),
        ready(),
        at("/openapi.json", [get(document::openapi)]),
        at("/orders", [get(read::orders), post(place::place)]),
        // Before `/orders/{id}`, which would take it for an id.
        at("/orders/my-orders", [get(read::my_orders)]),
        at("/orders/scheduled", [post(place::place_scheduled)]),
        at("/orders/{id}", [get(read::order), patch(delivery::change)]),
        at("/orders/{id}/timeline", [get(read::timeline)]),
        at("/orders/{id}/status", [put(change::set_status)]),
        at("/orders/{id}/assign-delivery", [put(change::assign)]),
        at("/orders/{id}/items", [put(items::replace)]),
        at("/orders/{id}/cancel", [post(change::cancel)]),
        at("/orders/{id}/refunds", [post(refunds::grant)]),
        at("/orders/{id}/payments", [get(payments::list)]),
        at("/orders/{id}/payments/{n}/resolve", [post(resolve::resolve)]),
        at("/operations/tasks", [get(operations::tasks)]),
        at("/operations/tasks/{id}/retry", [post(operations::retry)]),
        at("/operations/tasks/{id}/discard", [post(operations::discard)]),
        at("/operations/kinds", [get(operations::kinds)]),
        at("/operations/kinds/{kind}/pause", [post(operations::pause)]),
        at("/operations/kinds/{kind}/resume", [post(operations::resume)]),
    ]
}

/// Every endpoint, as it is described.
pub(crate) fn described() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(
        place::place,
        place::place_scheduled,
        read::my_orders,
        read::orders,
        read::order,
        read::timeline,
        change::set_status,
        change::assign,
        delivery::change,
        items::replace,
        change::cancel,
        refunds::grant,
        payments::list,
        resolve::resolve,
        operations::tasks,
        operations::retry,
        operations::discard,
        operations::kinds,
        operations::pause,
        operations::resume,
        health::health,
        health::live,
        health::ready,
        document::openapi,
    ))]
    struct Endpoints;
    Endpoints::openapi()
}

/// Adds the routes to an application. They need [`crate::HttpState`] among its data, and [`crate::app`] around them for
/// the bodies of errors.
pub fn configure(config: &mut ServiceConfig) {
    config.service(web::scope(PREFIX).configure(routes)).configure(routes);
}

/// What an instance without the API is asked for, and nothing else. No gateway stands before it.
pub(crate) fn configure_health(config: &mut ServiceConfig) {
    serve(config, vec![alive(), ready()]);
}

fn routes(config: &mut ServiceConfig) {
    serve(config, resources());
    config.service(docs::redirect().wrap(from_fn(|request, next| around("/docs", Cap::Counts, request, next))));
    config.service(docs::files().wrap(from_fn(|request, next| around("/docs", Cap::Counts, request, next))));
}

fn serve(config: &mut ServiceConfig, resources: Vec<Resources>) {
    for Resources { path, endpoints, cap } in resources {
        let paths = [path.to_owned(), format!("{path}/")];
        // Other methods get 405 with `Allow`, which the framework fills from the routes.
        let resource = endpoints.into_iter().flat_map(Endpoint::routes).fold(Resource::new(paths), Resource::route);
        config.service(resource.wrap(from_fn(move |request, next| around(path, cap, request, next))));
    }
}

/// What goes around every endpoint: the route is noted, the request is counted among those under way, a panic is an error.
async fn around(
    path: &'static str,
    cap: Cap,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    Notes::route(&request, path);
    let _room = match cap {
        Cap::Counts => match load::room(request.request()) {
            Ok(room) => Some(room),
            Err(full) => return Ok(request.error_response(full)),
        },
        Cap::Exempt => None,
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let answer = contain_panics(request, next).await;
    if reads {
        point!("answer.read");
    } else {
        point!("answer.change");
    }
    answer
}

/// Whether the requests of a path count among those under way, and are refused when there are too many.
#[derive(Debug, Clone, Copy)]
enum Cap {
    Counts,
    Exempt,
}

/// Path and method of every endpoint.
#[cfg(test)]
pub(crate) fn served() -> Vec<(&'static str, Method)> {
    let of = |Resources { path, endpoints, .. }| {
        endpoints.into_iter().map(move |endpoint: Endpoint| (path, endpoint.method))
    };
    resources().into_iter().flat_map(of).collect()
}

/// A path with its endpoints.
struct Resources {
    path: &'static str,
    endpoints: Vec<Endpoint>,
    cap: Cap,
}

fn at<const N: usize>(path: &'static str, endpoints: [Endpoint; N]) -> Resources {
    Resources { path, endpoints: endpoints.into(), cap: Cap::Counts }
}

impl Resources {
    /// To be answered however much there is to do: it is asked how the service is.
    fn exempt(self) -> Self {
        Self { cap: Cap::Exempt, ..self }
    }
}

struct Endpoint {
    method: Method,
    route: Box<dyn Fn(Method) -> Route>,
}

impl Endpoint {
    fn new<F, Args>(method: Method, handler: F) -> Self
    where
        F: Handler<Args> + Copy,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self { method, route: Box::new(move |method| web::method(method).to(handler)) }
    }

    /// What can be got can be asked about, too (RFC 9110, 9.1).
    fn routes(self) -> Vec<Route> {
        let head = (self.method == Method::GET).then_some(Method::HEAD);
        [self.method].into_iter().chain(head).map(self.route).collect()
    }
}

/// `get(handler)`, `post(handler)` …: an endpoint of that method.
macro_rules! methods {
    ($($name:ident, $method:ident;)+) => {$(
        fn $name<F, Args>(handler: F) -> Endpoint
        where
            F: Handler<Args> + Copy,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            Endpoint::new(Method::$method, handler)
        }
    )+};
}

methods! {
    get, GET;
    post, POST;
    put, PUT;
    patch, PATCH;
}
