//! `POST /orders/{id}/payments/{n}/resolve`: an admin says what has become of a payment that nobody else can tell.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use order_domain::order::Outcome;
use serde::Deserialize;
use utoipa::ToSchema;

use super::request::request;
use crate::answer;
use crate::auth::Signed;
use crate::body::Body;
use crate::codes::Code;
use crate::fields::{Fields, Unknown};
use crate::openapi::schemas::ResolvedOutcome;
use crate::openapi::{IdempotencyKey, IfMatch};
use crate::order_json::OrderJson;
use crate::path::{EntryInPath, OrderInPath, PathEntry, PathId};
use crate::problem::Problem;
use crate::server::HttpState;

/// What has become of a payment, and how that is known.
#[derive(Deserialize, ToSchema)]
#[serde(expecting = "an object")]
#[schema(as = Resolution, examples(json!({ "outcome": "settled", "reason": "found in the provider's console" })))]
struct ResolveBody {
    /// `settled`: the money has moved; of a refund in cash: it has been handed over. `by_hand` (refunds): paid back in
    /// another way. `not_settled` (in review): it has not moved and never will; a refund is booked again then, a charge is
    /// declined.
    #[schema(value_type = ResolvedOutcome, required)]
    outcome: Option<String>,
    /// One line.
    #[schema(required, min_length = 1, max_length = 500)]
    reason: Option<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// Say what has become of a payment
///
/// For admins: of a payment in `review`, and of a refund in cash that is `booked`. It is said once, by whoever comes first.
/// What follows from it follows by itself, as if the payment service had said so.
#[utoipa::path(
    post,
    path = "/orders/{id}/payments/{n}/resolve",
    operation_id = "resolvePayment",
    tag = "changes",
    params(OrderInPath, EntryInPath, IdempotencyKey, IfMatch),
    request_body = ResolveBody,
    responses((
        status = 200,
        description = "The order as it is then.",
        body = OrderJson<'static>,
        headers(("ETag"), ("Idempotency-Replayed")),
    )),
    extensions(("x-codes" = json!([
        Code::Forbidden, Code::PaymentNotFound, Code::NotInReview, Code::OutcomeNotPossible,
    ]))),
)]
pub(super) async fn resolve(
    Signed(caller): Signed,
    PathId(id): PathId,
    PathEntry(n): PathEntry,
    http: HttpRequest,
    state: Data<HttpState>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let body = body.read().await?;
    let request = request(&http, &caller, &body, answer::changed_order())?;
    let body: ResolveBody = body.json()?;
    let mut fields = Fields::of_body(&body.unknown);
    let outcome = fields
        .required("outcome", body.outcome)
        .and_then(|name| fields.named("outcome", &name, Outcome::from_name, &Outcome::ALL.map(Outcome::name)));
    let reason = fields.line("reason", body.reason);
    fields.finish()?;
    let (Some(outcome), Some(reason)) = (outcome, reason) else {
        return Err(Problem::internal("a field is missing and nothing is wrong"));
    };
    answer::kept(state.usecases.resolve(&caller, id, n, outcome, reason, request).await?)
}
