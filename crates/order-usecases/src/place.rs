//! Placing an order: one read, the cart, the products, one write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use order_domain::order::{self, Basket, NewOrder, Order, PaymentMethod, Rejection};
use order_domain::ports::{Cart, CommitError, IdempotencyKey, Receipt, ServiceError, ServiceName, StoredReceipt};
use order_domain::pricing::{StockedProduct, shortages};
use order_domain::time::Timestamp;
use order_domain::{Destination, ProductId, Text};

use crate::caller::Caller;
use crate::change::not_committed;
use crate::error::UseCaseError;
use crate::{Ports, UseCases, commit};

/// All calls to other services of one placing together.
const UPSTREAM_LIMIT: Duration = Duration::from_secs(4);

/// Turns an order into the answer that the caller gets, so that it can be kept under the request's key. Brought along by
/// the command: what an answer looks like is no use case's affair.
pub type Render = Arc<dyn Fn(&Order) -> Result<Receipt, order::Inconsistent> + Send + Sync>;

/// How a request wants to be answered.
#[derive(Clone)]
pub struct Request {
    /// Its idempotency key, if it has one.
    pub key: Option<IdempotencyKey>,
    /// What its answer looks like.
    pub render: Render,
}

/// What a customer wants of the order that their cart becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceOrder {
    /// Where it goes.
    pub destination: Destination,
    /// What the courier should know.
    pub instructions: Option<Text<500>>,
    /// How it is paid.
    pub method: PaymentMethod,
}

/// The answer to a request that may be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What to say.
    pub receipt: Receipt,
    /// True: it has been said before.
    pub replayed: bool,
}

impl UseCases {
    /// Makes an order of the caller's cart. An equal request under the same key gets the first one's answer.
    ///
    /// # Errors
    /// [`UseCaseError`]; nothing is written then, unless the outcome is unknown.
    pub async fn place(&self, caller: &Caller, wish: PlaceOrder, request: Request) -> Result<Answer, UseCaseError> {
        let placing = self.ports.orders.placing(request.key).await?;
        if let (Some(key), Some(stored)) = (request.key, placing.receipt) {
            return replay(&key, stored);
        }
        match self.place_new(caller, wish, &request, placing.now).await {
            // Whatever the cart looks like now, an equal request may have been first.
            Err(UseCaseError::Rejected(rejection)) => match self.given_before(request.key).await? {
                Some(answer) => answer,
                None => Err(rejection.into()),
            },
            Err(UseCaseError::KeyReused) => {
                let gone = || UseCaseError::Unavailable("an equal request is under way".into());
                self.given_before(request.key).await?.ok_or_else(gone)?
            }
            Err(UseCaseError::OutcomeUnknown(detail)) => {
                // Never decided again: either its receipt is there, or the caller asks again with the same key.
                match self.given_before(request.key).await {
                    Ok(Some(answer)) => answer,
                    Ok(None) | Err(_) => Err(UseCaseError::OutcomeUnknown(detail)),
                }
            }
            answer => answer,
        }
    }

    async fn place_new(
        &self,
        caller: &Caller,
        wish: PlaceOrder,
        request: &Request,
        now: Timestamp,
    ) -> Result<Answer, UseCaseError> {
        let basket = tokio::time::timeout(UPSTREAM_LIMIT, self.basket(caller)).await.map_err(|_| {
            let detail = format!("cart and products took longer than {UPSTREAM_LIMIT:?}");
            ServiceError::Unavailable { service: ServiceName::Product, detail }
        })??;
        let id = self.ports.ids.order_id().await?;
        let PlaceOrder { destination, instructions, method } = wish;
        let new = NewOrder { id, customer: caller.user.clone(), destination, instructions, method, basket };
        let change = order::place(new, &self.rules, now)?;
        let receipt = (request.render)(&change.order)?;
        let kept = request.key.map(|key| (key, receipt.clone()));
        let Ports { orders, ids, signal, .. } = &self.ports;
        match commit(&**orders, &**ids, &**signal, change, |set| set.with_receipt(kept)).await {
            Ok(_) => Ok(Answer { receipt, replayed: false }),
            Err(CommitError::KeyUsed) => Err(UseCaseError::KeyReused),
            Err(error) => Err(not_committed(error)),
        }
    }

    /// The caller's cart, with every product as it is now.
    async fn basket(&self, caller: &Caller) -> Result<Basket, UseCaseError> {
        let cart = self.ports.carts.cart(&caller.bearer).await?;
        if cart.customer != caller.user {
            let detail = "the cart is another user's".into();
            return Err(ServiceError::BadAnswer { service: ServiceName::Cart, detail }.into());
        }
        if cart.lines.is_empty() {
            return Err(Rejection::CartEmpty.into());
        }
        let mut ids: Vec<ProductId> = cart.lines.iter().map(|line| line.product).collect();
        ids.sort_unstable();
        ids.dedup();
        let found = self.ports.products.products(&ids).await?;
        let short = shortages(cart.lines.iter().map(|line| (line.product, line.quantity)), &found);
        if short.is_empty() { Ok(basket(cart, &found)) } else { Err(Rejection::OutOfStock(short).into()) }
    }

    async fn given_before(
        &self,
        key: Option<IdempotencyKey>,
    ) -> Result<Option<Result<Answer, UseCaseError>>, UseCaseError> {
        let Some(key) = key else { return Ok(None) };
        let placing = self.ports.orders.placing(Some(key)).await?;
        Ok(placing.receipt.map(|stored| replay(&key, stored)))
    }
}

fn basket(cart: Cart, found: &BTreeMap<ProductId, Option<StockedProduct>>) -> Basket {
    let product = |id: &ProductId| found.get(id).and_then(Option::as_ref).map(|found| found.product.clone());
    let lines = cart.lines.iter().filter_map(|line| Some((product(&line.product)?, line.quantity)));
    Basket { lines: lines.collect(), promo_discount: cart.promo_discount, cart_lines: cart.lines }
}

fn replay(key: &IdempotencyKey, stored: StoredReceipt) -> Result<Answer, UseCaseError> {
    if stored.fingerprint == key.fingerprint {
        Ok(Answer { receipt: stored.receipt, replayed: true })
    } else {
        Err(UseCaseError::KeyReused)
    }
}
