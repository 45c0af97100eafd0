//! The outside services, which may be slow, down or wrong.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;

use crate::ids::{OrderId, ProductId, UserId};
use crate::money::Money;
use crate::order::{CartLine, Status};
use crate::pricing::StockedProduct;

/// An outside service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceName {
    /// Users, couriers among them.
    User,
    /// Products and their stock.
    Product,
    /// Carts.
    Cart,
    /// Charges and refunds.
    Payment,
    /// Messages to customers.
    Notification,
}

impl ServiceName {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::User, Self::Product, Self::Cart, Self::Payment, Self::Notification];

    /// Its name in answers, logs and settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Product => "product",
            Self::Cart => "cart",
            Self::Payment => "payment",
            Self::Notification => "notification",
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} service", self.name())
    }
}

/// Which outside services are called just now.
pub trait Availability: Send + Sync {
    /// Whether a call would leave. A service that has failed too often of late is left alone for a while: a call to it is
    /// refused at once, so whoever would have to prepare for one may as well not begin.
    fn takes_calls(&self, service: ServiceName) -> bool;
}

/// Why an outside service could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// It was not reached, did not answer in time, or said that it can't: worth another try.
    #[error("{service} unavailable: {detail}")]
    Unavailable {
        /// Which.
        service: ServiceName,
        /// What happened, for a log; holds nothing personal.
        detail: String,
    },
    /// It answered what can't be used: garbage, or hostile numbers.
    #[error("{service} answered what can't be used: {detail}")]
    BadAnswer {
        /// Which.
        service: ServiceName,
        /// What was wrong, for a log; holds nothing personal.
        detail: String,
    },
    /// It refused the token it was given.
    #[error("{service} refused the token")]
    Unauthorized {
        /// Which.
        service: ServiceName,
    },
}

/// A caller's token, passed on to a service in the caller's name. Never stored, never shown.
#[derive(Clone)]
pub struct Bearer(String);

impl Bearer {
    /// Wraps a token.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token, for an `Authorization` header.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

/// A customer's cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    /// Whose it says it is.
    pub customer: UserId,
    /// Its lines.
    pub lines: Vec<CartLine>,
    /// What its promotion takes off.
    pub promo_discount: Money,
}

/// The cart service.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait CartService: Send + Sync {
    /// The cart of the caller with this token.
    ///
    /// # Errors
    /// [`ServiceError`].
    async fn cart(&self, caller: &Bearer) -> Result<Cart, ServiceError>;

    /// The cart of `customer`, asked for in this service's own name.
    ///
    /// # Errors
    /// [`ServiceError`].
    async fn cart_of(&self, customer: &UserId) -> Result<Cart, ServiceError>;

    /// Takes a product out of the cart of `customer`; nothing, if it is not in it.
    ///
    /// # Errors
    /// [`ServiceError`].
    async fn remove(&self, customer: &UserId, product: ProductId) -> Result<(), ServiceError>;
}

/// The product service.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ProductService: Send + Sync {
    /// The products of these ids as they are now; `None` for one that does not exist.
    ///
    /// # Errors
    /// [`ServiceError`] when any of them could not be asked for.
    async fn products(&self, ids: &[ProductId]) -> Result<BTreeMap<ProductId, Option<StockedProduct>>, ServiceError>;
}

/// The user service.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait UserService: Send + Sync {
    /// Is `user` a courier? Asked with the token of the admin who wants to know.
    ///
    /// # Errors
    /// [`ServiceError`].
    async fn is_courier(&self, user: &UserId, admin: &Bearer) -> Result<bool, ServiceError>;
}

/// A charge or a refund that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The key of its ledger entry: the same key is the same payment, however often it is asked for.
    pub key: String,
    /// Whose money.
    pub customer: UserId,
    /// For which order.
    pub order: OrderId,
    /// How much.
    pub amount: Money,
}

/// What the payment service says of money that moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentReceipt {
    /// What it calls it.
    pub transaction_id: String,
}

/// Why a payment is not known to have been made. What follows differs for each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    /// The call never reached the service: nothing happened.
    #[error("not sent: {0}")]
    NotSent(String),
    /// A definite no, for ever under this key.
    #[error("declined: {0}")]
    Declined(String),
    /// A client error other than a plain no: it may have happened, and asking again will hardly help.
    #[error("refused: {0}")]
    Refused(String),
    /// No answer, or one that can't be read: it may have happened.
    #[error("unknown: {0}")]
    Unknown(String),
}

/// The payment service.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait PaymentService: Send + Sync {
    /// Takes money.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn charge(&self, payment: &Payment) -> Result<PaymentReceipt, PaymentError>;

    /// Gives money back.
    ///
    /// # Errors
    /// [`PaymentError`].
    async fn refund(&self, payment: &Payment) -> Result<PaymentReceipt, PaymentError>;

    /// What has become of a payment that was asked for before, without asking for it again. `None`: the service can't
    /// tell; nothing follows from that.
    ///
    /// # Errors
    /// [`PaymentError::Declined`]: it never moved, for ever under this key. Anything else says nothing.
    async fn outcome(&self, payment: &Payment) -> Result<Option<PaymentReceipt>, PaymentError>;
}

/// The notification service: tells a customer what has become of an order. Repeating a message does no harm, and one that
/// is never told fails no order.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait NotificationService: Send + Sync {
    /// The order is confirmed, and costs this much.
    ///
    /// # Errors
    /// [`ServiceError`].
    async fn order_confirmed(&self, customer: &UserId, order: OrderId, total: Money) -> Result<(), ServiceError>;

    /// The order is in this status now.
    ///
    /// # Errors
    /// [`ServiceError`].
    async fn order_status(&self, customer: &UserId, order: OrderId, status: Status) -> Result<(), ServiceError>;
}
