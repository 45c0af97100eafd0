//! Answers that are no errors.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderName};
use actix_web::{HttpRequest, HttpResponse};
use order_domain::order::{Inconsistent, Order};
use order_domain::ports::Receipt;
use order_usecases::{Answer, Render};
use serde::Serialize;

use crate::etag;
use crate::order_json::OrderJson;
use crate::problem::Problem;

/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// One order, as it is now; to a caller who has it so already, only that.
///
/// # Errors
/// A problem when it contradicts itself.
pub(crate) fn order(request: &HttpRequest, order: &Order) -> Result<HttpResponse, Problem> {
    let tag = (ETAG, etag::of(order));
    if etag::is_known(request, &order.version().to_string()) {
        return Ok(HttpResponse::NotModified().insert_header(tag).finish());
    }
    Ok(HttpResponse::Ok().insert_header(tag).content_type("application/json").body(OrderJson::bytes(order)?))
}

/// What is said of an order after a change, with its entity tag, in a form that can be kept.
pub(crate) fn receipt(order: &Order, status: StatusCode, body: Vec<u8>) -> Receipt {
    Receipt { status: status.as_u16(), headers: vec![(ETAG.as_str().to_owned(), etag::of(order))], body }
}

/// The answer to a change: the whole order as it is then.
pub(crate) fn changed_order() -> Render {
    Arc::new(|outcome| Ok(receipt(&outcome.order, StatusCode::OK, OrderJson::bytes(&outcome.order)?)))
}

/// Anything else.
///
/// # Errors
/// A problem when it can't be written.
pub(crate) fn json(value: &impl Serialize) -> Result<HttpResponse, Problem> {
    let body = serde_json::to_vec(value).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

/// An answer that may have been given before.
///
/// # Errors
/// A problem when it was kept in a form that is no answer.
pub(crate) fn kept(answer: Answer) -> Result<HttpResponse, Problem> {
    let Answer { receipt, replayed, order: _ } = answer;
    let status = StatusCode::from_u16(receipt.status).map_err(|error| Problem::internal(error.to_string()))?;
    let mut response = HttpResponse::build(status);
    for (name, value) in receipt.headers {
        response.insert_header((name, value));
    }
    if replayed {
        response.insert_header((REPLAYED, "true"));
    }
    Ok(response.content_type("application/json").body(receipt.body))
}

impl From<Inconsistent> for Problem {
    fn from(error: Inconsistent) -> Self {
        Self::internal(error.to_string())
    }
}
