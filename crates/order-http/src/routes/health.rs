//! Is the service there, does it live, may it be sent requests?

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer;
use crate::codes::Code;
use crate::problem::Problem;
use crate::server::HttpState;
use crate::standing::Standing;

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

/// The process lives.
#[derive(Serialize, ToSchema)]
struct Alive {
    #[schema(pattern = "^alive$")]
    status: &'static str,
}

/// Requests may be sent.
#[derive(Serialize, ToSchema)]
struct Ready {
    #[schema(pattern = "^ready$")]
    status: &'static str,
    /// Whether Redis is `up` or `down`; `null` where none is used. It makes nobody unready: without it, work and news come
    /// from the database.
    #[schema(pattern = "^(up|down)$")]
    redis: Option<&'static str>,
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
    responses((status = 200, description = "It does.", body = Alive)),
)]
pub(super) async fn live() -> Result<HttpResponse, Problem> {
    answer::json(&Alive { status: "alive" })
}

/// May it be sent requests?
///
/// Not without its database, and not while it is shutting down. Redis is no reason.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "ready",
    tag = "service",
    security(()),
    responses((status = 200, description = "It may.", body = Ready)),
    extensions(("x-codes" = json!([Code::DatabaseUnavailable, Code::Draining]))),
)]
pub(super) async fn ready(standing: Data<Standing>) -> Result<HttpResponse, Problem> {
    standing.ready().await?;
    answer::json(&Ready { status: "ready", redis: standing.transport() })
}
