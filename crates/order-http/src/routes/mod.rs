//! The routes. Each answers under `/` and, as the gateway asks, under `/api/v1`, with and without a trailing slash.

mod change;
mod delivery;
mod health;
mod payments;
mod place;
mod read;
mod refunds;

use actix_web::body::BoxBody;
use actix_web::dev::ServiceRequest;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, Resource, Route};

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

/// Adds the routes to an application. They need [`crate::HttpState`] among its data, and [`crate::app`] around them for
/// the bodies of errors.
pub fn configure(config: &mut ServiceConfig) {
    config.service(web::scope(PREFIX).configure(routes)).configure(routes);
}

fn routes(config: &mut ServiceConfig) {
    probe(config, "/health", get_and_head(health::health));
    probe(config, "/health/live", get_and_head(health::live));
    probe(config, "/health/ready", get_and_head(health::ready));
    resource(config, "/orders", get_and_head(read::orders).into_iter().chain([web::post().to(place::place)]));
    // Before `/orders/{id}`, which would take it for an id.
    resource(config, "/orders/my-orders", get_and_head(read::my_orders));
    let order = get_and_head(read::order).into_iter().chain([web::patch().to(delivery::change)]);
    resource(config, "/orders/{id}", order);
    resource(config, "/orders/{id}/timeline", get_and_head(read::timeline));
    resource(config, "/orders/{id}/status", [web::put().to(change::set_status)]);
    resource(config, "/orders/{id}/assign-delivery", [web::put().to(change::assign)]);
    resource(config, "/orders/{id}/cancel", [web::post().to(change::cancel)]);
    resource(config, "/orders/{id}/refunds", [web::post().to(refunds::grant)]);
    resource(config, "/orders/{id}/payments", get_and_head(payments::list));
}

/// A path with its methods, under the cap on requests. Other methods get 405 with `Allow`, which the framework fills from
/// the routes.
fn resource(config: &mut ServiceConfig, path: &'static str, routes: impl IntoIterator<Item = Route>) {
    add(config, path, routes, Cap::Counts);
}

/// The same for who asks how the service is: to be answered however much there is to do.
fn probe(config: &mut ServiceConfig, path: &'static str, routes: impl IntoIterator<Item = Route>) {
    add(config, path, routes, Cap::Exempt);
}

fn add(config: &mut ServiceConfig, path: &'static str, routes: impl IntoIterator<Item = Route>, cap: Cap) {
    let resource = routes.into_iter().fold(Resource::new([path.to_owned(), format!("{path}/")]), Resource::route);
    let around = move |request: ServiceRequest, next: Next<BoxBody>| async move {
        Notes::route(&request, path);
        let _room = match cap {
            Cap::Counts => match load::room(request.request()) {
                Ok(room) => Some(room),
                Err(full) => return Ok(request.error_response(full)),
            },
            Cap::Exempt => None,
        };
        contain_panics(request, next).await
    };
    config.service(resource.wrap(from_fn(around)));
}

/// Whether the requests of a path count among those under way, and are refused when there are too many.
#[derive(Debug, Clone, Copy)]
enum Cap {
    Counts,
    Exempt,
}

/// What can be got can be asked about, too (RFC 9110, 9.1).
fn get_and_head<F, Args>(handler: F) -> [Route; 2]
where
    F: actix_web::Handler<Args> + Copy,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    [web::get().to(handler), web::head().to(handler)]
}
