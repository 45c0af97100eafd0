//! The clients against stand-ins of their services: the sandbox, which keeps to the contract and fails on demand, and a
//! bare TCP server for what no HTTP server would answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cart;
mod context;
mod faults;
mod guard;
mod jwks;
mod look_up;
mod metrics;
mod notification;
mod payment;
mod product;
mod raw;
mod token;
mod user;

use std::sync::Arc;
use std::time::Duration;

use order_clients::{
    CartClient, Deadlines, Guards, NotificationClient, PaymentClient, ProductClient, ServiceTokens, SigningKey,
    UserClient,
};
use order_domain::ports::{Bearer, Clock, ServiceError};
use order_domain::time::Timestamp;
use order_domain::{Currency, Money, ProductId, UserId};
use order_sandbox::{Options, Sandbox};

const SECRET: &str = "a secret of at least thirty-two bytes";

/// Long enough never to be met, on whatever machine.
const PATIENT: Deadlines = Deadlines { connect: Duration::from_secs(20), total: Duration::from_secs(30) };

/// For calls that are to run into it.
const HASTY: Deadlines = Deadlines { connect: Duration::from_millis(100), total: Duration::from_millis(200) };

struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// The time that the sandbox checks tokens by.
#[expect(clippy::disallowed_methods, reason = "the sandbox is a server of its own, with the real time")]
fn real_now() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}

fn tokens_at(now: Timestamp) -> ServiceTokens {
    ServiceTokens::new(SigningKey::secret(&SECRET.into()), Arc::new(At(now)))
}

fn cart_client(url: &str, deadlines: Deadlines) -> CartClient {
    guarded_cart_client(url, deadlines, &Guards::default())
}

fn guarded_cart_client(url: &str, deadlines: Deadlines, guards: &Guards) -> CartClient {
    CartClient::new(url, deadlines, guards, Currency::USD, tokens_at(real_now())).unwrap()
}

fn product_client(url: &str, deadlines: Deadlines) -> ProductClient {
    ProductClient::new(url, deadlines, &Guards::default(), Currency::USD).unwrap()
}

fn payment_client(url: &str, deadlines: Deadlines) -> PaymentClient {
    PaymentClient::new(url, deadlines, &Guards::default()).unwrap()
}

fn user_client(url: &str, deadlines: Deadlines) -> UserClient {
    UserClient::new(url, deadlines, &Guards::default()).unwrap()
}

fn notification_client(url: &str, deadlines: Deadlines) -> NotificationClient {
    NotificationClient::new(url, deadlines, &Guards::default()).unwrap()
}

/// A seeded sandbox.
fn shop() -> Sandbox {
    let sandbox = Sandbox::start(&Options::new(SECRET)).unwrap();
    sandbox.demo_seed();
    sandbox
}

fn bearer(sandbox: &Sandbox, uid: &str, role: &str) -> Bearer {
    Bearer::new(sandbox.token(uid, role, Duration::from_mins(10)).unwrap())
}

fn user(uid: &str) -> UserId {
    UserId::new(uid).unwrap()
}

fn product(id: i64) -> ProductId {
    ProductId::new(id).unwrap()
}

fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::USD)
}

/// The kind of an outcome, for tables.
fn kind<T>(outcome: &Result<T, ServiceError>) -> &'static str {
    match outcome {
        Ok(_) => "ok",
        Err(ServiceError::Unavailable { .. }) => "unavailable",
        Err(ServiceError::BadAnswer { .. }) => "bad answer",
        Err(ServiceError::Unauthorized { .. }) => "unauthorized",
    }
}
