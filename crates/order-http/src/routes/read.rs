//! Reading orders: one, one's own, all, and what has happened to one.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use order_domain::order::Order;
use order_usecases::CallerRole;

use crate::answer;
use crate::auth::Signed;
use crate::order_json::{OrderJson, TimelineJson, View};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query;
use crate::server::HttpState;

/// One order.
pub(super) async fn order(
    Signed(caller): Signed,
    PathId(id): PathId,
    request: HttpRequest,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    answer::order(&request, &state.usecases.order(&caller, id).await?)
}

/// The orders that the caller has placed.
pub(super) async fn my_orders(
    Signed(caller): Signed,
    request: HttpRequest,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let (list, page) = query::list(&request)?;
    show(&state.usecases.my_orders(&caller, list, page).await?, View::Full)
}

/// All orders for an admin, their own for a courier, or those that one may take.
pub(super) async fn orders(
    Signed(caller): Signed,
    request: HttpRequest,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let (list, page) = query::list(&request)?;
    let on_offer = caller.role == CallerRole::Courier && list.available;
    let view = if on_offer { View::OnOffer } else { View::Full };
    show(&state.usecases.orders(&caller, list, page).await?, view)
}

/// What has happened to an order.
pub(super) async fn timeline(
    Signed(caller): Signed,
    PathId(id): PathId,
    request: HttpRequest,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    query::timeline(&request)?;
    let entries = state.usecases.timeline(&caller, id).await?;
    let to_admin = caller.role == CallerRole::Admin;
    answer::json(&entries.iter().map(|entry| TimelineJson::new(entry, to_admin)).collect::<Vec<_>>())
}

fn show(orders: &[Order], view: View) -> Result<HttpResponse, Problem> {
    let orders = orders.iter().map(|order| OrderJson::new(order, view)).collect::<Result<Vec<_>, _>>()?;
    answer::json(&orders)
}
