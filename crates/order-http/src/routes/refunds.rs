//! `POST /orders/{id}/refunds`: an admin gives money back out of kindness.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::change::request;
use crate::answer;
use crate::auth::Signed;
use crate::body::Body;
use crate::fields::{Fields, Unknown};
use crate::path::PathId;
use crate::problem::Problem;
use crate::server::HttpState;

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct RefundBody {
    amount: Option<Box<RawValue>>,
    reason: Option<String>,
    #[serde(flatten)]
    unknown: Unknown,
}

/// Gives an amount back.
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
