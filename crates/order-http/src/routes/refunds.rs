//! `POST /orders/{id}/refunds`: an admin gives money back out of kindness.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::request::request;
use crate::amount::Amount;
use crate::answer;
use crate::auth::Signed;
use crate::body::Body;
use crate::codes::Code;
use crate::fields::{Fields, Unknown};
use crate::openapi::{IdempotencyKey, IfMatch};
use crate::order_json::OrderJson;
use crate::path::{OrderInPath, PathId};
use crate::problem::Problem;
use crate::server::HttpState;

/// What is to be given back.
#[derive(Deserialize, ToSchema)]
#[serde(expecting = "an object")]
#[schema(as = Goodwill, examples(json!({ "amount": 2.5, "reason": "the apples were bruised" })))]
struct RefundBody {
    /// More than nothing, with the currency's decimals at most.
    #[schema(value_type = Amount, required)]
    amount: Option<Box<RawValue>>,
    /// One line.
    #[schema(required, min_length = 1, max_length = 500)]
    reason: Option<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// Give an amount back out of goodwill
///
/// For admins: any amount up to what is left of what was charged, the latest charge first. The refund follows by itself.
#[utoipa::path(
    post,
    path = "/orders/{id}/refunds",
    operation_id = "grantGoodwill",
    tag = "changes",
    params(OrderInPath, IdempotencyKey, IfMatch),
    request_body = RefundBody,
    responses((
        status = 200,
        description = "The order as it is then.",
        body = OrderJson<'static>,
        headers(("ETag"), ("Idempotency-Replayed")),
    )),
    extensions(("x-codes" = json!([Code::Forbidden, Code::RefundExceedsCharge]))),
)]
pub(super) async fn grant(
    Signed(caller): Signed,
    PathId(id): PathId,
    http: HttpRequest,
    state: Data<HttpState>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let body = body.read().await?;
    let request = request(&http, &caller, &body, answer::changed_order())?;
    let body: RefundBody = body.json()?;
    let mut fields = Fields::of_body(&body.unknown);
    let amount = fields.amount("amount", body.amount, state.usecases.currency());
    let reason = fields.line("reason", body.reason);
    fields.finish()?;
    let (Some(amount), Some(reason)) = (amount, reason) else {
        return Err(Problem::internal("a field is missing and nothing is wrong"));
    };
    answer::kept(state.usecases.grant_goodwill(&caller, id, amount, reason, request).await?)
}
