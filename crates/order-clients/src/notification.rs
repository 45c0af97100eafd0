//! The notification service: told what has become of an order, so that it can tell the customer.
//!
//! It is given no token: its contract names none, and what is not needed is not handed out. Its status says everything;
//! whatever it answers besides is not looked at.

use async_trait::async_trait;
use order_domain::order::Status;
use order_domain::ports::{NotificationService, ServiceError, ServiceName};
use order_domain::{Money, OrderId, UserId};
use order_faults::around;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::guard::Guards;
use crate::http::Http;
use crate::numbers;
use crate::settings::{Deadlines, SetupError};

/// The notification service over HTTP.
#[derive(Debug)]
pub struct NotificationClient {
    http: Http,
}

impl NotificationClient {
    /// A client of the service at `base_url`.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(base_url: &str, deadlines: Deadlines, guards: &Guards) -> Result<Self, SetupError> {
        Ok(Self { http: Http::new(ServiceName::Notification, base_url, deadlines, guards)? })
    }

    async fn tell(&self, route: &str, message: &Message<'_>) -> Result<(), ServiceError> {
        let body =
            serde_json::to_vec(message).map_err(|_| self.http.unavailable("the message can't be written as JSON"))?;
        let call = self.http.post(&["notifications", route], body).heedless();
        let answer =
            around!("call.notification", self.http.send(call).await).map_err(|failure| self.http.failed(failure))?;
        if answer.status.is_success() { Ok(()) } else { Err(self.http.unexpected(answer.status)) }
    }
}

#[async_trait]
impl NotificationService for NotificationClient {
    async fn order_confirmed(&self, customer: &UserId, order: OrderId, total: Money) -> Result<(), ServiceError> {
        let total = numbers::exact(total).map_err(|_| self.http.unavailable("the amount can't be written as JSON"))?;
        let message =
            Message { user_id: customer.as_str(), order_id: order.get(), total_amount: Some(&total), status: None };
        self.tell("order-confirmation", &message).await
    }

    async fn order_status(&self, customer: &UserId, order: OrderId, status: Status) -> Result<(), ServiceError> {
        let message = Message {
            user_id: customer.as_str(),
            order_id: order.get(),
            total_amount: None,
            status: Some(status.name()),
        };
        self.tell("order-status", &message).await
    }
}

/// One of the two, by what it says of the order.
#[derive(Serialize)]
struct Message<'a> {
    user_id: &'a str,
    order_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_amount: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}
