//! Changing an order: its status, who brings it, its end. Every answer shows the whole order as it is then; a request
//! that is sent again with its key gets the first answer again, and one that names versions of the order (`If-Match`) is done
//! to no other.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use order_domain::order::{CancelCode, Inconsistent, Status};
use order_usecases::Render;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::request::request;
use crate::answer;
use crate::auth::Signed;
use crate::body::Body;
use crate::codes::Code;
use crate::fields::{Fields, ForeignId, Unknown, present};
use crate::openapi::schemas::{CancellationCode, OrderStatus};
use crate::openapi::{IdempotencyKey, IfMatch, examples};
use crate::order_json::{OrderJson, View};
use crate::path::{OrderInPath, PathId};
use crate::problem::Problem;
use crate::server::HttpState;

/// The status that an order is to have.
#[derive(Deserialize, ToSchema)]
#[serde(expecting = "an object")]
#[schema(as = NewStatus, examples(json!({ "status": "preparing" })))]
struct StatusBody {
    #[schema(value_type = OrderStatus, required)]
    status: Option<String>,
    /// One line. Some steps need it.
    #[schema(max_length = 500, examples("nobody at home"))]
    reason: Option<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// Move an order along
///
/// For its courier and admins. The status that it has already changes nothing.
#[utoipa::path(
    put,
    path = "/orders/{id}/status",
    operation_id = "setStatus",
    tag = "changes",
    params(OrderInPath, IdempotencyKey, IfMatch),
    request_body = StatusBody,
    responses((
        status = 200,
        description = "The order as it is then.",
        body = OrderJson<'static>,
        headers(("ETag"), ("Idempotency-Replayed")),
    )),
    extensions(("x-codes" = json!([
        Code::Forbidden, Code::IllegalTransition, Code::ReasonRequired, Code::PartnerRequired, Code::AdjustmentOpen,
    ]))),
)]
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

/// Who is to bring an order.
#[derive(Deserialize, ToSchema)]
#[serde(expecting = "an object")]
#[schema(as = Assignment, examples(json!({ "delivery_partner_id": "courier1" })))]
struct AssignBody {
    /// `null` and `""` take the order from its courier; absent, nobody knows what is meant.
    #[schema(value_type = Option<ForeignId>, required, examples("courier1"))]
    #[serde(default, deserialize_with = "present")]
    #[expect(clippy::option_option, reason = "absent and null are two things here")]
    delivery_partner_id: Option<Option<ForeignId>>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// Give an order to a courier, or take it from one
///
/// Admins for everybody; couriers for themselves: they take an order that nobody has, and give their own back.
#[utoipa::path(
    put,
    path = "/orders/{id}/assign-delivery",
    operation_id = "assignDelivery",
    tag = "changes",
    params(OrderInPath, IdempotencyKey, IfMatch),
    request_body = AssignBody,
    responses((
        status = 200,
        description = "The order as it is then.",
        body = OrderJson<'static>,
        headers(("ETag"), ("Idempotency-Replayed")),
    )),
    extensions(("x-codes" = json!([
        Code::Forbidden, Code::AlreadyTaken, Code::NotAssignable, Code::PartnerRequired, Code::UnknownPartner,
        Code::BadUpstreamAnswer,
    ]))),
)]
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

/// Why an order is to be cancelled.
#[derive(Deserialize, Default, ToSchema)]
#[serde(expecting = "an object")]
#[schema(as = Cancellation, examples(json!({ "reason": "ordered twice" })))]
struct CancelBody {
    /// One line. Admins have to give it once the shop prepares the order.
    #[schema(max_length = 500, examples("ordered twice"))]
    reason: Option<String>,
    /// Customers: `customer_request` (when absent) or `other`. Admins: any but `payment_declined` and `payment_timeout`;
    /// when absent `shop` or, of an order on its way, `delivery_failed`.
    #[schema(value_type = Option<CancellationCode>)]
    code: Option<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// A cancelled order.
#[derive(Serialize, ToSchema)]
#[schema(as = Cancelled, examples(json!(examples::cancelled())))]
struct CancelledJson<'a> {
    /// Always true.
    success: bool,
    /// For people.
    #[schema(examples("The order is cancelled."))]
    message: &'static str,
    /// Money is on its way back, or would be once a charge that is under way succeeds.
    refund_initiated: bool,
    order: OrderJson<'a>,
}

/// Cancel an order
///
/// For its customer and admins. What was charged goes back by itself. An order that is cancelled already stays so.
#[utoipa::path(
    post,
    path = "/orders/{id}/cancel",
    operation_id = "cancelOrder",
    tag = "changes",
    params(OrderInPath, IdempotencyKey, IfMatch),
    request_body = Option<CancelBody>,
    responses((
        status = 200,
        description = "The order as it is then.",
        body = CancelledJson<'static>,
        headers(("ETag"), ("Idempotency-Replayed")),
    )),
    extensions(("x-codes" = json!([
        Code::Forbidden, Code::IllegalTransition, Code::ReasonRequired, Code::CodeNotAllowed,
    ]))),
)]
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
