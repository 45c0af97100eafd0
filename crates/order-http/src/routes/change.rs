//! Changing an order: its status, who brings it, its end. Every answer is the whole order as it is then.

use actix_web::HttpResponse;
use actix_web::http::header::ETAG;
use actix_web::web::Data;
use order_domain::order::{CancelCode, Status};
use order_usecases::Cancelled;
use serde::{Deserialize, Serialize};

use crate::answer;
use crate::auth::Signed;
use crate::body::Body;
use crate::fields::{Fields, Scalar, Unknown, present};
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
    state: Data<HttpState>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let body: StatusBody = body.read().await?.json()?;
    let mut fields = Fields::of_body(&body.unknown);
    let status = fields
        .required("status", body.status)
        .and_then(|name| fields.named("status", &name, Status::from_name, &Status::ALL.map(Status::name)));
    let reason = fields.line_if_any("reason", body.reason);
    fields.finish()?;
    let status = status.ok_or_else(|| Problem::internal("no status and nothing is wrong"))?;
    answer::order(&state.usecases.set_status(&caller, id, status, reason).await?)
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct AssignBody {
    /// `null` and `""` take the order from its courier; absent, nobody knows what is meant.
    #[serde(default, deserialize_with = "present")]
    #[expect(clippy::option_option, reason = "absent and null are two things here")]
    delivery_partner_id: Option<Option<Scalar>>,
    #[serde(flatten)]
    unknown: Unknown,
}

/// Gives an order to a courier, or takes it from one.
pub(super) async fn assign(
    Signed(caller): Signed,
    PathId(id): PathId,
    state: Data<HttpState>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let body: AssignBody = body.read().await?.json()?;
    let mut fields = Fields::of_body(&body.unknown);
    let field = "delivery_partner_id";
    let name = fields.required(field, body.delivery_partner_id).flatten().filter(|Scalar(name)| !name.is_empty());
    let courier = name.and_then(|Scalar(name)| fields.user(field, name));
    fields.finish()?;
    answer::order(&state.usecases.assign(&caller, id, courier).await?)
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
    state: Data<HttpState>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let body: CancelBody = body.read().await?.json_if_any()?;
    let mut fields = Fields::of_body(&body.unknown);
    let code = body.code.filter(|code| !code.is_empty());
    let names = CancelCode::ALL.map(CancelCode::name);
    let code = code.and_then(|name| fields.named("code", &name, CancelCode::from_name, &names));
    let reason = fields.line_if_any("reason", body.reason);
    fields.finish()?;
    let Cancelled { order, refund_initiated, changed } = state.usecases.cancel(&caller, id, code, reason).await?;
    let message = if changed { "The order is cancelled." } else { "The order was cancelled before." };
    let body = CancelledJson { success: true, message, refund_initiated, order: OrderJson::new(&order, View::Full)? };
    let mut response = answer::json(&body)?;
    if let Ok(tag) = answer::etag(&order).parse() {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}
