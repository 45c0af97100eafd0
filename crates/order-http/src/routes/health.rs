//! Is the service there, does it live, may it be sent requests?

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use crate::answer;
use crate::codes::Code;
use crate::problem::Problem;
use crate::server::HttpState;

/// Seconds after which an instance that is shutting down may have a successor.
const SUCCESSOR: u16 = 5;

/// What the gateway asks. Looks at nothing outside the process. Breakers are told and make nobody unhealthy: another
/// instance would fare no better, and most of what is asked needs no outside service.
pub(super) async fn health(state: Data<HttpState>) -> Result<HttpResponse, Problem> {
    let breakers: BTreeMap<_, _> =
        (state.outside)().into_iter().map(|outside| (outside.service, outside.breaker.name())).collect();
    let body = json!({
        "status": "healthy",
        "service": "order-service",
        "version": env!("CARGO_PKG_VERSION"),
        "accepting_orders": state.usecases.accepts_orders(),
        "breakers": breakers,
    });
    answer::json(&body)
}

/// Does the process answer? Stays so whatever happens to the database: starting again would not help.
pub(super) async fn live() -> Result<HttpResponse, Problem> {
    answer::json(&json!({ "status": "alive" }))
}

/// May it be sent requests? Not without its database, and not while it is shutting down.
pub(super) async fn ready(state: Data<HttpState>) -> Result<HttpResponse, Problem> {
    if state.draining.load(Ordering::Acquire) {
        return Err(Problem::new(Code::Draining, "Ask another instance.").retry_after(SUCCESSOR));
    }
    state.usecases.ready().await?;
    answer::json(&json!({ "status": "ready" }))
}
