//! The names of the services and of their routes, as faults and call counts use them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An outside service that the sandbox stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Users and their roles.
    User,
    /// The catalogue.
    Product,
    /// Carts.
    Cart,
    /// Charges and refunds.
    Payment,
    /// Messages to customers.
    Notification,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 5] = [Self::User, Self::Product, Self::Cart, Self::Payment, Self::Notification];

    /// The name as it stands in JSON and in paths of the admin surface.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Product => "product",
            Self::Cart => "cart",
            Self::Payment => "payment",
            Self::Notification => "notification",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A route of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// user: `GET /auth/users/{uid}`
    User,
    /// user: `GET /.well-known/jwks.json`
    Jwks,
    /// product: `GET /api/products/{id}`
    Product,
    /// cart: `GET /api/v1/cart`
    Cart,
    /// cart: `POST /api/v1/cart/remove`
    Remove,
    /// payment: `POST /payments/process`
    Process,
    /// payment: `POST /payments/refund`
    Refund,
    /// payment: `GET /payments/by-key/{key}`
    ByKey,
    /// notification: `POST /notifications/order-confirmation`
    OrderConfirmation,
    /// notification: `POST /notifications/order-status`
    OrderStatus,
    /// Any service: a path or method that it does not have. A client that keeps to the contract never comes here.
    Other,
}

/// One route of one service: what a call is counted and disturbed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) service: Service,
    pub(crate) route: Route,
}

impl Place {
    pub(crate) const fn new(service: Service, route: Route) -> Self {
        Self { service, route }
    }
}
