//! Changing an order: its status, who brings it, its end. Every answer shows the whole order as it is then; a request
//! that is sent again with its key gets the first answer again, and one that names versions of the order (`If-Match`) is done
//! to no other.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use order_domain::order::{CancelCode, Inconsistent, Status};
use order_usecases::{Caller, Render, Request};
use serde::{Deserialize, Serialize};

use crate::answer;
use crate::auth::Signed;
use crate::body::{Body, Read};
use crate::etag;
use crate::fields::{Fields, ForeignId, Unknown, present};
use crate::idempotency;
use crate::order_json::{OrderJson, View};
use crate::path::PathId;
use crate::problem::Problem;
use crate::server::HttpState;

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct StatusBody {
    status: Option<String>,
    reason: Option<String>,
    #[serde(flatten)]
    unknown: Unknown,
}

/// Moves an order along.
pub(super) async fn set_status(
    Signed(caller): Signed,
    PathId(id): PathId,
    http: HttpRequest,
    state: Data<HttpState>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let body = body.read().await?;
    let request = request(&http, &caller, &body, answer::changed_order())?;
    let body: StatusBody = body.json()?;
    let mut fields = Fields::of_body(&body.unknown);
    let status = fields
        .required("status", body.status)
        .and_then(|name| fields.named("status", &name, Status::from_name, &Status::ALL.map(Status::name)));
    let reason = fields.line_if_any("reason", body.reason);
    fields.finish()?;
    let status = status.ok_or_else(|| Problem::internal("no status and nothing is wrong"))?;
    answer::kept(state.usecases.set_status(&caller, id, status, reason, request).await?)
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct AssignBody {
    /// `null` and `""` take the order from its courier; absent, nobody knows what is meant.
    #[serde(default, deserialize_with = "present")]
    #[expect(clippy::option_option, reason = "absent and null are two things here")]
    delivery_partner_id: Option<Option<ForeignId>>,
    #[serde(flatten)]
    unknown: Unknown,
}

/// Gives an order to a courier, or takes it from one.
pub(super) async fn assign(
    Signed(caller): Signed,
    PathId(id): PathId,
    http: HttpRequest,
    state: Data<HttpState>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let body = body.read().await?;
    let request = request(&http, &caller, &body, answer::changed_order())?;
    let body: AssignBody = body.json()?;
    let mut fields = Fields::of_body(&body.unknown);
    let field = "delivery_partner_id";
    let name = fields.required(field, body.delivery_partner_id).flatten().filter(|ForeignId(name)| !name.is_empty());
    let courier = name.and_then(|ForeignId(name)| fields.user(field, name));
    fields.finish()?;
    answer::kept(state.usecases.assign(&caller, id, courier, request).await?)
}

#[derive(Deserialize, Default)]
#[serde(expecting = "an object")]
struct CancelBody {
    reason: Option<String>,
    code: Option<String>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Serialize)]
struct CancelledJson<'a> {
    success: bool,
    message: &'static str,
    refund_initiated: bool,
    order: OrderJson<'a>,
}

/// Cancels an order. Its body may be missing.
pub(super) async fn cancel(
    Signed(caller): Signed,
    PathId(id): PathId,
    http: HttpRequest,
    state: Data<HttpState>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let body = body.read().await?;
    let request = request(&http, &caller, &body, cancelled())?;
    let body: CancelBody = body.json_if_any()?;
    let mut fields = Fields::of_body(&body.unknown);
    let code = body.code.filter(|code| !code.is_empty());
    let names = CancelCode::ALL.map(CancelCode::name);
    let code = code.and_then(|name| fields.named("code", &name, CancelCode::from_name, &names));
    let reason = fields.line_if_any("reason", body.reason);
    fields.finish()?;
    answer::kept(state.usecases.cancel(&caller, id, code, reason, request).await?)
}

/// How a change wants to be done and answered.
///
/// # Errors
/// A problem with its key or its tags.
pub(super) fn request(http: &HttpRequest, caller: &Caller, body: &Read, render: Render) -> Result<Request, Problem> {
    let key = idempotency::key(http, &caller.user, body.bytes())?;
    let fingerprint = idempotency::fingerprint(http, body.bytes());
    Ok(Request { key, fingerprint, if_match: etag::if_match(http)?, render })
}

fn cancelled() -> Render {
    Arc::new(|outcome| {
        let message = if outcome.changed { "The order is cancelled." } else { "The order was cancelled before." };
        let body = CancelledJson {
            success: true,
            message,
            refund_initiated: outcome.refund_initiated(),
            order: OrderJson::new(&outcome.order, View::Full)?,
        };
        let body = serde_json::to_vec(&body).map_err(|error| Inconsistent(error.to_string()))?;
        Ok(answer::receipt(&outcome.order, StatusCode::OK, body))
    })
}
