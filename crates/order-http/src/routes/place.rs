//! `POST /orders`: the caller's cart becomes an order.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use order_domain::{Destination, PaymentMethod};
use order_usecases::{IfMatch, Outcome, PlaceOrder, Render, Request};
use serde::Deserialize;
use tokio::time::Instant;

use super::prefix;
use crate::answer;
use crate::auth::Signed;
use crate::body::Body;
use crate::fields::{Fields, Scalar, Unknown};
use crate::idempotency;
use crate::order_json::OrderJson;
use crate::prefer;
use crate::problem::Problem;
use crate::server::HttpState;

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct PlaceBody {
    delivery_address: Option<String>,
    delivery_latitude: Option<Scalar>,
    delivery_longitude: Option<Scalar>,
    special_instructions: Option<String>,
    payment_method: Option<String>,
    #[serde(flatten)]
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
            (Some(address), Some(method)) => {
                Ok(PlaceOrder { destination: Destination { address, coordinates }, instructions, method })
            }
            _ => Err(Problem::internal("a field is missing and nothing is wrong")),
        }
    }
}

/// Places an order. Sent again with its key, it is answered with the first answer; without one, with the order as it is,
/// as long as the cart is guarded. Whoever prefers to wait is told what has become of it.
pub(super) async fn place(
    Signed(caller): Signed,
    request: HttpRequest,
    state: Data<HttpState>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let came_in = Instant::now();
    let body = body.read().await?;
    let key = idempotency::key(&request, &caller.user, body.bytes())?;
    let wish = body.json::<PlaceBody>()?.wish()?;
    let render = render(prefix(&request));
    let fingerprint = idempotency::fingerprint(&request, body.bytes());
    let order = Request { key, fingerprint, if_match: IfMatch::Any, render };
    let Some(wait) = prefer::wait(&request) else {
        return answer::kept(state.usecases.place(&caller, wish, order).await?);
    };
    let placing = Box::pin(state.usecases.place_and_wait(&caller, wish, order, came_in + wait));
    let answer = placing.await?;
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
