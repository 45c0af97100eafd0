//! `POST /orders` and `POST /orders/scheduled`: the caller's cart becomes an order.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use order_domain::{Destination, PaymentMethod};
use order_usecases::{Caller, IfMatch, Outcome, PlaceOrder, Render, Request};
use serde::Deserialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

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
    /// When it is wanted: half an hour to 30 days ahead, unless the shop has set other bounds. Without zone it is UTC; absent,
    /// as soon as can be.
    #[schema(examples("2026-01-02T18:00:00Z"))]
    scheduled_for: Option<String>,
    /// `online` when absent. `cash` only where the shop offers it.
    #[schema(value_type = Option<OrderPaymentMethod>)]
    payment_method: Option<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// The same, with its time.
enum ScheduledBody {}

impl PartialSchema for ScheduledBody {
    fn schema() -> RefOr<Schema> {
        let mut schema = PlaceBody::schema();
        if let RefOr::T(Schema::Object(body)) = &mut schema {
            body.required.push("scheduled_for".to_owned());
            body.description = Some("Where the caller's cart is to go, and when.".to_owned());
            body.examples = vec![examples::new_scheduled_order()];
        }
        schema
    }
}

impl ToSchema for ScheduledBody {
    fn name() -> Cow<'static, str> {
        "NewScheduledOrder".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        PlaceBody::schemas(schemas);
    }
}

/// Whether a time has to be named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    MayBe,
    HasToBe,
}

impl PlaceBody {
    fn wish(self, time: Time) -> Result<PlaceOrder, Problem> {
        let mut fields = Fields::of_body(&self.unknown);
        let address = fields.line("delivery_address", self.delivery_address);
        let coordinates = fields.coordinates(
            ("delivery_latitude", "delivery_longitude"),
            (self.delivery_latitude, self.delivery_longitude),
        );
        let instructions = fields.lines_if_any("special_instructions", self.special_instructions);
        let scheduled_for = match time {
            Time::MayBe => self.scheduled_for,
            Time::HasToBe => fields.required("scheduled_for", self.scheduled_for),
        };
        let scheduled_for = scheduled_for.and_then(|text| fields.moment("scheduled_for", &text));
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
                scheduled_for,
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
        Code::ScheduledInThePast, Code::ScheduledTooSoon, Code::ScheduledTooLate, Code::NotAcceptingOrders,
        Code::BadUpstreamAnswer,
    ]))),
)]
pub(super) async fn place(
    Signed(caller): Signed,
    request: HttpRequest,
    state: Data<HttpState>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    place_at(Time::MayBe, caller, request, &state, body).await
}

/// Place an order for a time
///
/// As `POST /orders`, with `scheduled_for` required. It is priced, checked and charged now; the shop gets it 45 minutes
/// before its time, unless it has set another lead. What is out of stock then ends it, and the money goes back.
#[utoipa::path(
    post,
    path = "/orders/scheduled",
    operation_id = "placeScheduledOrder",
    tag = "orders",
    params(IdempotencyKey, Prefer),
    request_body = ScheduledBody,
    responses((
        status = 201,
        description = "The new order, or the one that was made of this cart before.",
        body = OrderJson<'static>,
        headers(("ETag"), ("Location"), ("Idempotency-Replayed"), ("Preference-Applied")),
    )),
    extensions(("x-codes" = json!([
        Code::CartEmpty, Code::AlreadyOrdered, Code::OutOfStock, Code::NotServiceable, Code::CashNotAccepted,
        Code::ScheduledInThePast, Code::ScheduledTooSoon, Code::ScheduledTooLate, Code::NotAcceptingOrders,
        Code::BadUpstreamAnswer,
    ]))),
)]
pub(super) async fn place_scheduled(
    Signed(caller): Signed,
    request: HttpRequest,
    state: Data<HttpState>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    place_at(Time::HasToBe, caller, request, &state, body).await
}

async fn place_at(
    time: Time,
    caller: Caller,
    request: HttpRequest,
    state: &HttpState,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let body = body.read().await?;
    let key = idempotency::key(&request, &caller.user, body.bytes())?;
    let wish = body.json::<PlaceBody>()?.wish(time)?;
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
