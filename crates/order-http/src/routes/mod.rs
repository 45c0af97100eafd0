//! The routes. Each answers under `/` and, as the gateway asks, under `/api/v1`, with and without a trailing slash.

mod change;
mod health;
mod place;
mod read;

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, Resource, Route};

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
    resource(config, "/health", get_and_head(health::health));
    resource(config, "/health/live", get_and_head(health::live));
    resource(config, "/health/ready", get_and_head(health::ready));
    resource(config, "/orders", get_and_head(read::orders).into_iter().chain([web::post().to(place::place)]));
    // Before `/orders/{id}`, which would take it for an id.
    resource(config, "/orders/my-orders", get_and_head(read::my_orders));
    resource(config, "/orders/{id}", get_and_head(read::order));
    resource(config, "/orders/{id}/timeline", get_and_head(read::timeline));
    resource(config, "/orders/{id}/status", [web::put().to(change::set_status)]);
    resource(config, "/orders/{id}/assign-delivery", [web::put().to(change::assign)]);
    resource(config, "/orders/{id}/cancel", [web::post().to(change::cancel)]);
}

/// A path with its methods. Other methods get 405 with `Allow`, which the framework fills from the routes.
fn resource(config: &mut ServiceConfig, path: &str, routes: impl IntoIterator<Item = Route>) {
    let paths = [path.to_owned(), format!("{path}/")];
    let resource = routes.into_iter().fold(Resource::new(paths), Resource::route);
    config.service(resource.wrap(from_fn(contain_panics)));
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
