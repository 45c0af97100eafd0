//! Reading orders: one, one's own, all, and what has happened to one.

use actix_web::http::header::{HeaderValue, LINK};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use order_domain::ports::OrderPage;
use order_usecases::CallerRole;
use tokio::time::Instant;

use super::prefix;
use crate::answer;
use crate::auth::Signed;
use crate::order_json::{OrderJson, TimelineJson, View};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{self, ListQuery};
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
    let query = query::list(&request)?;
    let page = state.usecases.my_orders(&caller, query.list.clone(), query.page).await?;
    show(&page, View::Full, &format!("{}/orders/my-orders", prefix(&request)), &query)
}

/// All orders for an admin, their own for a courier, or those that one may take.
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

/// What has happened to an order, or what happens next.
pub(super) async fn timeline(
    Signed(caller): Signed,
    PathId(id): PathId,
    request: HttpRequest,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let came_in = Instant::now();
    let (after, wait) = query::timeline(&request)?;
    let until = wait.map(|wait| came_in + wait);
    let entries = state.usecases.timeline(&caller, id, after, until).await?;
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
