//! `POST /orders`: the caller's cart becomes an order.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use order_domain::{Destination, PaymentMethod};
use order_usecases::{IfMatch, Outcome, PlaceOrder, Render, Request};
use serde::Deserialize;
use utoipa::ToSchema;

use super::prefix;
use crate::answer;
use crate::auth::Signed;
use crate::body::Body;
use crate::codes::Code;
use crate::context::Notes;
use crate::fields::{Fields, Scalar, Unknown};
use crate::idempotency;
use crate::load::make_room;
use crate::openapi::schemas::OrderPaymentMethod;
use crate::openapi::{IdempotencyKey, Prefer, examples};
use crate::order_json::OrderJson;
use crate::prefer;
use crate::problem::Problem;
use crate::server::HttpState;

/// Where the caller's cart is to go.
#[derive(Deserialize, ToSchema)]
#[serde(expecting = "an object")]
#[schema(as = NewOrder, examples(json!(examples::new_order())))]
struct PlaceBody {
    /// One line.
    #[schema(value_type = String, required, min_length = 1, max_length = 500, examples("123 Main St"))]
    delivery_address: Option<String>,
    /// Degrees from -90 to 90. Both coordinates, or neither; `""` is neither.
    #[schema(examples("40.7128"))]
    delivery_latitude: Option<Scalar>,
    /// Degrees from -180 to 180.
    #[schema(examples("-74.0060"))]
    delivery_longitude: Option<Scalar>,
    /// For the courier; line breaks and tabs are allowed.
    #[schema(max_length = 500, examples("Ring twice"))]
    special_instructions: Option<String>,
    /// `online` when absent. `cash` only where the shop offers it.
    #[schema(value_type = Option<OrderPaymentMethod>)]
    payment_method: Option<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl PlaceBody {
    fn wish(self) -> Result<PlaceOrder, Problem> {
        let mut fields = Fields::of_body(&self.unknown);
        let address = fields.line("delivery_address", self.delivery_address);
        let coordinates = fields.coordinates(
            ("delivery_latitude", "delivery_longitude"),
            (self.delivery_latitude, self.delivery_longitude),
        );
        let instructions = fields.lines_if_any("special_instructions", self.special_instructions);
        let names = [PaymentMethod::Online, PaymentMethod::Cash].map(PaymentMethod::name);
        let method = match self.payment_method {
            Some(name) => fields.named("payment_method", &name, PaymentMethod::from_name, &names),
            None => Some(PaymentMethod::Online),
        };
        fields.finish()?;
        match (address, method) {
            (Some(address), Some(method)) => Ok(PlaceOrder {
                destination: Destination { address, coordinates },
                instructions,
                method,
                scheduled_for: None,
            }),
            _ => Err(Problem::internal("a field is missing and nothing is wrong")),
        }
    }
}

/// Place an order of the caller's cart
///
/// The answer comes as soon as the order is safe; the charge and the clearing of the cart follow by themselves. A cart is
/// ordered once: sent again without a key, the request is answered with the order as it is then, until the cart has been
/// cleared. With `Prefer: wait`, the answer waits until the order is no longer `pending`.
#[utoipa::path(
    post,
    path = "/orders",
    operation_id = "placeOrder",
    tag = "orders",
    params(IdempotencyKey, Prefer),
    request_body = PlaceBody,
    responses((
        status = 201,
        description = "The new order, or the one that was made of this cart before.",
        body = OrderJson<'static>,
        headers(("ETag"), ("Location"), ("Idempotency-Replayed"), ("Preference-Applied")),
    )),
    extensions(("x-codes" = json!([
        Code::CartEmpty, Code::AlreadyOrdered, Code::OutOfStock, Code::NotServiceable, Code::CashNotAccepted,
        Code::NotAcceptingOrders, Code::BadUpstreamAnswer,
    ]))),
)]
pub(super) async fn place(
    Signed(caller): Signed,
    request: HttpRequest,
    state: Data<HttpState>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let body = body.read().await?;
    let key = idempotency::key(&request, &caller.user, body.bytes())?;
    let wish = body.json::<PlaceBody>()?.wish()?;
    let render = render(prefix(&request));
    let fingerprint = idempotency::fingerprint(&request, body.bytes());
    let order = Request { key, fingerprint, if_match: IfMatch::Any, render };
    let Some(wait) = prefer::wait(&request) else {
        return answer::kept(state.usecases.place(&caller, wish, order).await?);
    };
    let until = Notes::came_in(&request) + wait;
    let placing = state.usecases.place_and_wait(&caller, wish, order, until, || make_room(&request));
    let answer = Box::pin(placing).await?;
    let waited = !answer.replayed;
    let mut response = answer::kept(answer)?;
    if waited {
        let applied = HeaderValue::try_from(format!("wait={}", wait.as_secs()));
        response.headers_mut().insert(prefer::APPLIED, applied.map_err(|error| Problem::internal(error.to_string()))?);
    }
    Ok(response)
}

/// The answer to a new order. It is found again where its caller is: behind the gateway, or not.
fn render(prefix: &'static str) -> Render {
    Arc::new(move |Outcome { order, .. }| {
        let mut receipt = answer::receipt(order, StatusCode::CREATED, OrderJson::bytes(order)?);
        receipt.headers.push((LOCATION.as_str().to_owned(), format!("{prefix}/orders/{}", order.id())));
        Ok(receipt)
    })
}
