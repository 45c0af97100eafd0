//! Requests that may be sent again: what is done once is answered once, and then again byte for byte.
//!
//! Placing and changing share this. The receipt under a request's key is looked up before anything else; the change
//! commits it together with what it says; and before a refusal is told, it is looked up once more, since an equal request
//! may have been first. What is not known to have taken is never decided again.

use std::pin::Pin;
use std::sync::Arc;

use order_domain::order::{Change, Inconsistent, Order, Version};
use order_domain::ports::{CommitError, IdempotencyKey, OrderStore, Receipt, StoredReceipt};

use crate::error::UseCaseError;
use crate::{Ports, UseCases, commit};

/// An order after a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The order.
    pub order: Order,
    /// False: it asked for what was already so.
    pub changed: bool,
}

/// Turns an outcome into the answer that the caller gets, so that it can be kept under the request's key. Brought along by
/// the command: what an answer looks like is no use case's affair.
pub type Render = Arc<dyn Fn(&Outcome) -> Result<Receipt, Inconsistent> + Send + Sync>;

/// Which versions of an order a change may be made to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum IfMatch {
    /// Any.
    #[default]
    Any,
    /// One of these; of none, none.
    OneOf(Vec<Version>),
}

impl IfMatch {
    pub(crate) fn holds(&self, version: Version) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}

/// How a request wants to be done and answered.
#[derive(Clone)]
pub struct Request {
    /// Its idempotency key, if it has one.
    pub key: Option<IdempotencyKey>,
    /// A hash of its query and body; its key, if it has one, has the same. Placing tells by it whether a request without
    /// a key is an earlier one, sent again.
    pub fingerprint: [u8; 32],
    /// The versions that its caller has in mind. A new order has none, so placing passes it over.
    pub if_match: IfMatch,
    /// What its answer looks like.
    pub render: Render,
}

impl Request {
    /// The answer to what a change would leave.
    pub(crate) fn answer(&self, change: &Change) -> Result<Answer, Inconsistent> {
        Answer::of(Outcome { order: change.order.clone(), changed: !change.is_empty() }, &self.render)
    }
}

/// The answer to a request that may be repeated.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What to say.
    pub receipt: Receipt,
    /// True: it has been said before.
    pub replayed: bool,
    /// The order that it shows; of an answer that has been said before, nobody knows any more.
    pub order: Option<Order>,
}

impl Answer {
    /// A new answer.
    pub(crate) fn of(outcome: Outcome, render: &Render) -> Result<Self, Inconsistent> {
        Ok(Self { receipt: render(&outcome)?, replayed: false, order: Some(outcome.order) })
    }
}

/// What a request asks for, not begun yet.
pub(crate) type Deed<'a> = Pin<Box<dyn Future<Output = Result<Answer, UseCaseError>> + Send + 'a>>;

impl UseCases {
    /// Does what a request asks for, unless an equal one was answered before. A deed is large: it comes in a box.
    pub(crate) async fn once(&self, key: Option<IdempotencyKey>, deed: Deed<'_>) -> Result<Answer, UseCaseError> {
        once(&*self.ports.orders, key, deed).await
    }

    /// As [`Self::once`], where it is known that there was no answer a moment ago.
    pub(crate) async fn unless_given(
        &self,
        key: Option<IdempotencyKey>,
        deed: Deed<'_>,
    ) -> Result<Answer, UseCaseError> {
        unless_given(&*self.ports.orders, key, deed).await
    }

    /// Commits a change with its answer. Where there is neither a change nor a key, there is nothing to commit.
    pub(crate) async fn commit_answered(
        &self,
        change: Change,
        request: &Request,
        answer: &Answer,
    ) -> Result<(), CommitError> {
        if change.is_empty() && request.key.is_none() {
            return Ok(());
        }
        let kept = request.key.map(|key| (key, answer.receipt.clone()));
        let Ports { orders, ids, signal, live, .. } = &self.ports;
        commit(&**orders, &**ids, &**signal, &**live, change, |set| set.with_receipt(kept)).await?;
        Ok(())
    }
}

/// Does what a request asks for, unless an equal one was answered before.
pub(crate) async fn once(
    orders: &dyn OrderStore,
    key: Option<IdempotencyKey>,
    deed: Deed<'_>,
) -> Result<Answer, UseCaseError> {
    match given(orders, key).await? {
        Some(answer) => Ok(answer),
        None => unless_given(orders, key, deed).await,
    }
}

async fn unless_given(
    orders: &dyn OrderStore,
    key: Option<IdempotencyKey>,
    deed: Deed<'_>,
) -> Result<Answer, UseCaseError> {
    match deed.await {
        Err(UseCaseError::KeyReused) => {
            let gone = || UseCaseError::Unavailable("an equal request is under way".into());
            given(orders, key).await?.ok_or_else(gone)
        }
        Err(UseCaseError::OutcomeUnknown(detail)) => match given(orders, key).await {
            // Never decided again: either its receipt is there, or the caller asks again with the same key.
            Ok(Some(answer)) => Ok(answer),
            Err(UseCaseError::KeyReused) => Err(UseCaseError::KeyReused),
            Ok(None) | Err(_) => Err(UseCaseError::OutcomeUnknown(detail)),
        },
        // Whatever the order or the cart looks like now, an equal request may have been first.
        Err(refusal) if is_refusal(&refusal) => given(orders, key).await?.ok_or(refusal),
        answer => answer,
    }
}

/// The answer that was given under a key.
pub(crate) async fn given(
    orders: &dyn OrderStore,
    key: Option<IdempotencyKey>,
) -> Result<Option<Answer>, UseCaseError> {
    let Some(key) = key else { return Ok(None) };
    replay(Some(key), orders.receipt(key).await?)
}

/// A stored answer, to be given again to an equal request.
///
/// # Errors
/// [`UseCaseError::KeyReused`] to any other request.
pub(crate) fn replay(
    key: Option<IdempotencyKey>,
    stored: Option<StoredReceipt>,
) -> Result<Option<Answer>, UseCaseError> {
    match (key, stored) {
        (Some(key), Some(stored)) if stored.fingerprint == key.fingerprint => {
            Ok(Some(Answer { receipt: stored.receipt, replayed: true, order: None }))
        }
        (Some(_), Some(_)) => Err(UseCaseError::KeyReused),
        (None, _) | (_, None) => Ok(None),
    }
}

/// What a commit that did not take is to the caller.
pub(crate) fn not_committed(error: CommitError) -> UseCaseError {
    match error {
        CommitError::Conflict => UseCaseError::ConcurrentChange,
        CommitError::KeyUsed => UseCaseError::KeyReused,
        CommitError::TaskLost => UseCaseError::Inconsistent("a task's answer to a command".into()),
        CommitError::Guarded => UseCaseError::Unavailable("the cart is being ordered at the same time".into()),
        CommitError::Unknown(detail) => UseCaseError::OutcomeUnknown(detail),
        CommitError::Store(error) => error.into(),
    }
}

/// Is it said of the order, the cart or the caller's part in them as they are now, so that an equal request a moment ago
/// may have been told something else?
fn is_refusal(error: &UseCaseError) -> bool {
    match error {
        UseCaseError::NotFound
        | UseCaseError::NoSuchTask
        | UseCaseError::Forbidden
        | UseCaseError::Rejected(_)
        | UseCaseError::AlreadyOrdered { .. }
        | UseCaseError::PreconditionFailed { .. }
        | UseCaseError::ConcurrentChange
        | UseCaseError::UnknownCourier
        | UseCaseError::CodeNotAllowed => true,
        UseCaseError::KeyReused
        | UseCaseError::NotAcceptingOrders
        | UseCaseError::Service(_)
        | UseCaseError::Unavailable(_)
        | UseCaseError::OutcomeUnknown(_)
        | UseCaseError::Inconsistent(_) => false,
    }
}
