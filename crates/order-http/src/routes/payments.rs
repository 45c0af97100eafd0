//! `GET /orders/{id}/payments`: the ledger of an order, for its customer and admins.

use actix_web::HttpResponse;
use actix_web::web::Data;
use order_usecases::CallerRole;

use crate::answer;
use crate::auth::Signed;
use crate::codes::Code;
use crate::path::{OrderInPath, PathId};
use crate::payment_json::PaymentJson;
use crate::problem::Problem;
use crate::server::HttpState;

/// Read the payments of an order
///
/// Every charge and refund, by its number, for its customer and admins. To admins with what helps to find it at the
/// payment service.
#[utoipa::path(
    get,
    path = "/orders/{id}/payments",
    operation_id = "readPayments",
    tag = "orders",
    params(OrderInPath),
    responses((status = 200, description = "Its payments.", body = [PaymentJson<'static>])),
    extensions(("x-codes" = json!([Code::Forbidden]))),
)]
pub(super) async fn list(
    Signed(caller): Signed,
    PathId(id): PathId,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let order = state.usecases.payments(&caller, id).await?;
    let to_admin = caller.role == CallerRole::Admin;
    let entries = order.ledger().entries().iter();
    answer::json(&entries.map(|entry| PaymentJson::new(order.id(), entry, to_admin)).collect::<Vec<_>>())
}
