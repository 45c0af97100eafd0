//! Reading orders: one, one's own, all, and what has happened to one.

use actix_web::http::header::{HeaderValue, LINK};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use order_domain::ports::OrderPage;
use order_usecases::CallerRole;

use super::prefix;
use crate::answer;
use crate::auth::Signed;
use crate::codes::Code;
use crate::context::Notes;
use crate::load::make_room;
use crate::openapi::IfNoneMatch;
use crate::order_json::{OrderJson, TimelineJson, View};
use crate::path::{OrderInPath, PathId};
use crate::problem::Problem;
use crate::query::{self, ListQuery, TimelineQuery};
use crate::server::HttpState;

/// Read an order
///
/// For its customer, its courier and admins; to anybody else it does not exist.
#[utoipa::path(
    get,
    path = "/orders/{id}",
    operation_id = "readOrder",
    tag = "orders",
    params(OrderInPath, IfNoneMatch),
    responses(
        (status = 200, description = "The order as it is now.", body = OrderJson<'static>, headers(("ETag"))),
        (status = 304, description = "The order is as the caller knows it.", headers(("ETag"))),
    ),
)]
pub(super) async fn order(
    Signed(caller): Signed,
    PathId(id): PathId,
    request: HttpRequest,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    answer::order(&request, &state.usecases.order(&caller, id).await?)
}

/// List the caller's own orders
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/orders/my-orders",
    operation_id = "listMyOrders",
    tag = "orders",
    params(ListQuery),
    responses((status = 200, description = "The orders.", body = [OrderJson<'static>], headers(("Link")))),
)]
pub(super) async fn my_orders(
    Signed(caller): Signed,
    request: HttpRequest,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let query = query::list(&request)?;
    let page = state.usecases.my_orders(&caller, query.list.clone(), query.page).await?;
    show(&page, View::Full, &format!("{}/orders/my-orders", prefix(&request)), &query)
}

/// List orders
///
/// Newest first. For admins, all; for couriers, those that they have, or, with `available=true`, those that they may take:
/// these without customer, street address and instructions.
#[utoipa::path(
    get,
    path = "/orders",
    operation_id = "listOrders",
    tag = "orders",
    params(ListQuery),
    responses((status = 200, description = "The orders.", body = [OrderJson<'static>], headers(("Link")))),
    extensions(("x-codes" = json!([Code::Forbidden]))),
)]
pub(super) async fn orders(
    Signed(caller): Signed,
    request: HttpRequest,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let query = query::list(&request)?;
    let on_offer = caller.role == CallerRole::Courier && query.list.available;
    let view = if on_offer { View::OnOffer } else { View::Full };
    let page = state.usecases.orders(&caller, query.list.clone(), query.page).await?;
    show(&page, view, &format!("{}/orders", prefix(&request)), &query)
}

/// Read what has happened to an order, or what happens next
///
/// Oldest first. Who did it is shown to admins only. With `wait`, an answer without an entry waits for one: ask again and
/// again with the last `seq`, and nothing is missed.
#[utoipa::path(
    get,
    path = "/orders/{id}/timeline",
    operation_id = "readTimeline",
    tag = "orders",
    params(OrderInPath, TimelineQuery),
    responses((status = 200, description = "What has happened to it.", body = [TimelineJson<'static>])),
)]
pub(super) async fn timeline(
    Signed(caller): Signed,
    PathId(id): PathId,
    request: HttpRequest,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let (after, wait) = query::timeline(&request)?;
    let until = wait.map(|wait| Notes::came_in(&request) + wait);
    let entries = state.usecases.timeline(&caller, id, after, until, || make_room(&request)).await?;
    let to_admin = caller.role == CallerRole::Admin;
    answer::json(&entries.iter().map(|entry| TimelineJson::new(entry, to_admin)).collect::<Vec<_>>())
}

/// A page of a list, and where the next one is, if there is one.
fn show(page: &OrderPage, view: View, path: &str, query: &ListQuery) -> Result<HttpResponse, Problem> {
    let orders = page.orders.iter().map(|order| OrderJson::new(order, view)).collect::<Result<Vec<_>, _>>()?;
    let mut response = answer::json(&orders)?;
    if let Some(next) = &page.next {
        let link = HeaderValue::try_from(format!("<{path}?{}>; rel=\"next\"", query.after(next)));
        response.headers_mut().insert(LINK, link.map_err(|error| Problem::internal(error.to_string()))?);
    }
    Ok(response)
}
