//! Why a use case did not do what was asked.

use order_domain::OrderId;
use order_domain::order::{DomainError, Inconsistent, Rejection, Version};
use order_domain::ports::{ServiceError, StoreError};

/// Why a use case did not do what was asked. Unless it says otherwise, nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UseCaseError {
    /// There is no such order, or it is not the caller's.
    #[error("no such order")]
    NotFound,
    /// There is no such task, or it is done.
    #[error("no such task")]
    NoSuchTask,
    /// The caller's role may not do this.
    #[error("not allowed for this role")]
    Forbidden,
    /// The rules refuse it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The cart has been ordered already, by another request.
    #[error("the cart has been ordered already: order {order}")]
    AlreadyOrdered {
        /// The order that it has become.
        order: OrderId,
    },
    /// The order is in a version that its caller did not name.
    #[error("the order is in version {current}")]
    PreconditionFailed {
        /// The version that it is in.
        current: Version,
    },
    /// Somebody else changed the order at the same time.
    #[error("the order was changed at the same time")]
    ConcurrentChange,
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The user service knows no courier of that id.
    #[error("no courier of that id")]
    UnknownCourier,
    /// A code that this caller can't give.
    #[error("this code can't be given here")]
    CodeNotAllowed,
    /// The shop takes no new orders at the moment.
    #[error("no new orders are taken")]
    NotAcceptingOrders,
    /// An outside service can't be used.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The database is away.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// The database did not say whether the change took.
    #[error("outcome unknown: {0}")]
    OutcomeUnknown(String),
    /// Something that can't be: a tampered row, or a bug.
    #[error("inconsistent: {0}")]
    Inconsistent(String),
}

impl From<StoreError> for UseCaseError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(detail) => Self::Unavailable(detail),
            StoreError::Inconsistent(detail) => Self::Inconsistent(detail),
        }
    }
}

impl From<Inconsistent> for UseCaseError {
    fn from(error: Inconsistent) -> Self {
        Self::Inconsistent(error.0)
    }
}

impl From<DomainError> for UseCaseError {
    fn from(error: DomainError) -> Self {
        match error {
            DomainError::Rejected(rejection) => Self::Rejected(rejection),
            DomainError::Inconsistent(inconsistent) => inconsistent.into(),
        }
    }
}
