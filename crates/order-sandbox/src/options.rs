//! What a sandbox is started with, and where its services answer.

use std::net::SocketAddr;

use crate::Service;

/// What a sandbox is started with.
#[derive(Clone)]
pub struct Options {
    /// The secret that bearer tokens are signed with (HS256), shared with the order service.
    pub jwt_secret: String,
    /// The address to listen on, by default `127.0.0.1`.
    pub host: String,
    /// The port of each service, by default any free one.
    pub ports: Ports,
}

impl Options {
    /// On loopback, each service on a free port.
    pub fn new(jwt_secret: impl Into<String>) -> Self {
        Self { jwt_secret: jwt_secret.into(), host: "127.0.0.1".to_owned(), ports: Ports::default() }
    }
}

/// The port of each service; 0 takes a free one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// The user service.
    pub user: u16,
    /// The product service.
    pub product: u16,
    /// The cart service.
    pub cart: u16,
    /// The payment service.
    pub payment: u16,
    /// The notification service.
    pub notification: u16,
    /// The admin surface of the sandbox itself.
    pub admin: u16,
}

/// Base addresses (`http://127.0.0.1:4711`), without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Urls {
    /// The user service.
    pub user: String,
    /// The product service.
    pub product: String,
    /// The cart service.
    pub cart: String,
    /// The payment service.
    pub payment: String,
    /// The notification service.
    pub notification: String,
    /// The admin surface of the sandbox itself.
    pub admin: String,
}

impl Urls {
    /// The base address of one service.
    pub fn of(&self, service: Service) -> &str {
        match service {
            Service::User => &self.user,
            Service::Product => &self.product,
            Service::Cart => &self.cart,
            Service::Payment => &self.payment,
            Service::Notification => &self.notification,
        }
    }

    pub(crate) fn base(address: SocketAddr) -> String {
        format!("http://{address}")
    }
}
