//! The notification service: keeps what it was told, in place of telling a customer.

use actix_web::HttpResponse;
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::auth::id_text;
use crate::gate;
use crate::money;
use crate::problem::{Problem, read_json};
use crate::service::{Place, Route, Service};
use crate::state::State;

/// A message that the notification service was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// To whom.
    pub user_id: String,
    /// Of which order; numbers are kept as text.
    pub order_id: String,
    /// What it says.
    #[serde(flatten)]
    pub message: Message,
}

/// What a message says of its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// It is confirmed.
    OrderConfirmation {
        /// What it costs, in minor units (cents).
        total_minor: i64,
    },
    /// It has this status now.
    OrderStatus {
        /// The status by its name.
        status: String,
    },
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    let place = |route| Place::new(Service::Notification, route);
    let confirmation = web::post().to(confirmation);
    gate::endpoint(config, "/notifications/order-confirmation", place(Route::OrderConfirmation), confirmation);
    gate::endpoint(config, "/notifications/order-status", place(Route::OrderStatus), web::post().to(status));
    gate::nothing_else(config, Service::Notification);
}

/// Anything more or less than the contract names is refused, in both bodies.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    user_id: Value,
    order_id: Value,
    // the very text that was sent, see `money`
    total_amount: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusChange {
    user_id: Value,
    order_id: Value,
    status: String,
}

async fn confirmation(state: Data<State>, body: Bytes) -> Result<HttpResponse, Problem> {
    let Confirmation { user_id, order_id, total_amount } = read_json(&body)?;
    let total_minor = money::minor_from_text(total_amount.get())
        .filter(|minor| *minor >= 0)
        .ok_or_else(|| Problem::invalid("total_amount is not a number with at most two decimals"))?;
    keep(&state, &user_id, &order_id, Message::OrderConfirmation { total_minor })
}

async fn status(state: Data<State>, body: Bytes) -> Result<HttpResponse, Problem> {
    let StatusChange { user_id, order_id, status } = read_json(&body)?;
    keep(&state, &user_id, &order_id, Message::OrderStatus { status })
}

fn keep(state: &State, user_id: &Value, order_id: &Value, message: Message) -> Result<HttpResponse, Problem> {
    let id = |value: &Value, name| id_text(value).ok_or_else(|| Problem::invalid(format!("{name} is no id")));
    let told = Notification { user_id: id(user_id, "user_id")?, order_id: id(order_id, "order_id")?, message };
    state.change(|world| world.notifications.push(told));
    Ok(HttpResponse::Accepted().json(json!({"accepted": true})))
}
