//! Placing an order: one read, the cart, the products, one write.

use std::collections::BTreeMap;
use std::time::Duration;

use order_domain::order::{self, Basket, NewOrder, PaymentMethod, Rejection};
use order_domain::ports::{Cart, ServiceError, ServiceName};
use order_domain::pricing::{StockedProduct, shortages};
use order_domain::time::Timestamp;
use order_domain::{Destination, ProductId, Text};

use crate::UseCases;
use crate::caller::Caller;
use crate::error::UseCaseError;
use crate::request::{Answer, Request, not_committed, replay};

/// All calls to other services of one placing together.
const UPSTREAM_LIMIT: Duration = Duration::from_secs(4);

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

impl UseCases {
    /// Makes an order of the caller's cart. An equal request under the same key gets the first one's answer.
    ///
    /// # Errors
    /// [`UseCaseError`]; nothing is written then, unless the outcome is unknown.
    pub async fn place(&self, caller: &Caller, wish: PlaceOrder, request: Request) -> Result<Answer, UseCaseError> {
        let placing = self.ports.orders.placing(request.key).await?;
        if let Some(answer) = replay(request.key, placing.receipt)? {
            return Ok(answer);
        }
        let placed = self.place_new(caller, wish, &request, placing.now);
        self.unless_given(request.key, Box::pin(placed)).await
    }

    /// Are new orders taken? What was answered before is answered again all the same.
    pub fn accepts_orders(&self) -> bool {
        self.rules.accept_orders
    }

    async fn place_new(
        &self,
        caller: &Caller,
        wish: PlaceOrder,
        request: &Request,
        now: Timestamp,
    ) -> Result<Answer, UseCaseError> {
        if !self.accepts_orders() {
            return Err(UseCaseError::NotAcceptingOrders);
        }
        let basket = tokio::time::timeout(UPSTREAM_LIMIT, self.basket(caller)).await.map_err(|_| {
            let detail = format!("cart and products took longer than {UPSTREAM_LIMIT:?}");
            ServiceError::Unavailable { service: ServiceName::Product, detail }
        })??;
        let id = self.ports.ids.order_id().await?;
        let PlaceOrder { destination, instructions, method } = wish;
        let new = NewOrder { id, customer: caller.user.clone(), destination, instructions, method, basket };
        let change = order::place(new, &self.rules, now)?;
        let answer = request.answer(&change)?;
        self.commit_answered(change, request, &answer).await.map_err(not_committed)?;
        Ok(answer)
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
}

fn basket(cart: Cart, found: &BTreeMap<ProductId, Option<StockedProduct>>) -> Basket {
    let product = |id: &ProductId| found.get(id).and_then(Option::as_ref).map(|found| found.product.clone());
    let lines = cart.lines.iter().filter_map(|line| Some((product(&line.product)?, line.quantity)));
    Basket { lines: lines.collect(), promo_discount: cart.promo_discount, cart_lines: cart.lines }
}
