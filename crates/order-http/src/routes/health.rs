//! Is the service there, does it live, may it be sent requests?

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer;
use crate::codes::Code;
use crate::problem::Problem;
use crate::server::HttpState;

/// Seconds after which an instance that is shutting down may have a successor.
const SUCCESSOR: u16 = 5;

/// The service says that it is there.
#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(pattern = "^healthy$")]
    status: &'static str,
    #[schema(pattern = "^order-service$")]
    service: &'static str,
    #[schema(examples("0.1.0"))]
    version: &'static str,
    /// Whether new orders are taken.
    accepting_orders: bool,
    /// What is done with calls to each outside service: `closed`, they are made; `open`, they are not, since too many
    /// failed; `half_open`, one tries.
    #[schema(examples(json!({ "cart": "closed", "payment": "open" })))]
    breakers: BTreeMap<&'static str, &'static str>,
}

/// In one word.
#[derive(Serialize, ToSchema)]
struct State {
    #[schema(pattern = "^(alive|ready)$")]
    status: &'static str,
}

/// What the gateway asks
///
/// Looks at nothing outside the process. Breakers are told and make nobody unhealthy: another instance would fare no
/// better, and most of what is asked needs no outside service.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "service",
    security(()),
    responses((status = 200, description = "It is there.", body = Health)),
)]
pub(super) async fn health(state: Data<HttpState>) -> Result<HttpResponse, Problem> {
    answer::json(&Health {
        status: "healthy",
        service: "order-service",
        version: env!("CARGO_PKG_VERSION"),
        accepting_orders: state.usecases.accepts_orders(),
        breakers: (state.outside)().into_iter().map(|outside| (outside.service, outside.breaker)).collect(),
    })
}

/// Does the process answer?
///
/// It does whatever happens to the database: starting again would not help.
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "live",
    tag = "service",
    security(()),
    responses((status = 200, description = "It does.", body = State)),
)]
pub(super) async fn live() -> Result<HttpResponse, Problem> {
    answer::json(&State { status: "alive" })
}

/// May it be sent requests?
///
/// Not without its database, and not while it is shutting down.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "ready",
    tag = "service",
    security(()),
    responses((status = 200, description = "It may.", body = State)),
    extensions(("x-codes" = json!([Code::DatabaseUnavailable, Code::Draining]))),
)]
pub(super) async fn ready(state: Data<HttpState>) -> Result<HttpResponse, Problem> {
    if state.draining.load(Ordering::Acquire) {
        return Err(Problem::new(Code::Draining, "Ask another instance.").retry_after(SUCCESSOR));
    }
    state.usecases.ready().await?;
    answer::json(&State { status: "ready" })
}
