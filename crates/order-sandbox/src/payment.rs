//! The payment service over HTTP: reads what is asked for, and answers from the ledger.

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::auth::id_text;
use crate::gate;
use crate::ledger::{Asked, DeclineAnswer, KeyReused, Outcome, Payment, PaymentKind};
use crate::money;
use crate::problem::{Problem, read_json};
use crate::service::{Place, Route, Service};
use crate::state::State;

pub(crate) fn configure(config: &mut ServiceConfig) {
    let place = |route| Place::new(Service::Payment, route);
    gate::endpoint(config, "/payments/process", place(Route::Process), web::post().to(process));
    gate::endpoint(config, "/payments/refund", place(Route::Refund), web::post().to(refund));
    gate::endpoint(config, "/payments/by-key/{key}", place(Route::ByKey), web::get().to(by_key));
    gate::nothing_else(config, Service::Payment);
}

async fn process(state: Data<State>, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Problem> {
    settle(&state, &request, &body, PaymentKind::Charge)
}

async fn refund(state: Data<State>, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Problem> {
    settle(&state, &request, &body, PaymentKind::Refund)
}

async fn by_key(state: Data<State>, key: Path<String>) -> Result<HttpResponse, Problem> {
    let entry = state.read(|world| world.ledger.by_key(&key).cloned());
    entry.map(|entry| HttpResponse::Ok().json(told(&entry))).ok_or_else(|| Problem::not_found("Unknown key"))
}

/// The body of a charge or refund. Anything more or less is refused: this is all that the contract names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    user_id: Value,
    order_id: Value,
    // the very text that was sent, see `money`
    amount: Box<RawValue>,
}

fn settle(state: &State, request: &HttpRequest, body: &[u8], kind: PaymentKind) -> Result<HttpResponse, Problem> {
    let key = idempotency_key(request)?;
    let body: Body = read_json(body)?;
    let id = |value: &Value, name| id_text(value).ok_or_else(|| Problem::invalid(format!("{name} is no id")));
    let amount_minor = money::minor_from_text(body.amount.get())
        .filter(|minor| *minor > 0)
        .ok_or_else(|| Problem::invalid("amount is not a positive number with at most two decimals"))?;
    let asked =
        Asked { kind, user_id: id(&body.user_id, "user_id")?, order_id: id(&body.order_id, "order_id")?, amount_minor };
    state.change(|world| match world.ledger.settle(&key, &asked) {
        Ok(entry) => Ok(HttpResponse::build(status(entry)).json(told(entry))),
        Err(KeyReused) => Err(Problem::invalid("Idempotency-Key was used for another payment")),
    })
}

fn idempotency_key(request: &HttpRequest) -> Result<String, Problem> {
    let key = request.headers().get("Idempotency-Key").and_then(|value| value.to_str().ok());
    let key = key.filter(|key| (1..=255).contains(&key.len()));
    key.map(str::to_owned).ok_or_else(|| Problem::bad_request("Idempotency-Key is required"))
}

fn status(entry: &Payment) -> StatusCode {
    match entry.decline_answer {
        None | Some(DeclineAnswer::SuccessFalse) => StatusCode::OK,
        Some(DeclineAnswer::PaymentRequired) => StatusCode::PAYMENT_REQUIRED,
    }
}

fn told(entry: &Payment) -> Value {
    match entry.outcome {
        Outcome::Accepted => json!({"success": true, "transaction_id": entry.transaction_id}),
        Outcome::Declined => json!({"success": false, "transaction_id": null, "message": "Declined"}),
    }
}
