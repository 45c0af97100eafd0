//! Placing an order: one read, the cart, the products, one write.

use std::collections::BTreeMap;
use std::time::Duration;

use order_domain::order::{
    self, Basket, Click, Guard, NewOrder, Ordered, PaymentMethod, Rejection, Status, can_be_promised,
};
use order_domain::ports::{Cart, CommitError, Placing, ServiceError, ServiceName, WriteSet};
use order_domain::pricing::{StockedProduct, shortages};
use order_domain::time::Timestamp;
use order_domain::{Destination, OrderId, ProductId, Text};
use tokio::time::{Instant, timeout_at};

use crate::caller::Caller;
use crate::error::UseCaseError;
use crate::request::{Answer, Outcome, Request, given, not_committed, replay};
use crate::{Ports, TRIES, UseCases, commit, double_click};

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
    /// When it is wanted, if at a time.
    pub scheduled_for: Option<Timestamp>,
}

impl UseCases {
    /// Makes an order of the caller's cart. An equal request under the same key gets the first one's answer; one that has
    /// no key gets the order of that cart as it is now, as long as it is guarded.
    ///
    /// # Errors
    /// [`UseCaseError`]; nothing is written then, unless the outcome is unknown.
    /// [`UseCaseError::AlreadyOrdered`] where another request has ordered the same cart.
    pub async fn place(&self, caller: &Caller, wish: PlaceOrder, request: Request) -> Result<Answer, UseCaseError> {
        let mut placing = self.ports.orders.placing(&caller.user, request.key).await?;
        if let Some(answer) = replay(request.key, placing.receipt.take())? {
            return Ok(answer);
        }
        let placed = self.place_once(caller, wish, &request, placing);
        self.unless_given(request.key, Box::pin(placed)).await
    }

    /// Are new orders taken? What was answered before is answered again all the same.
    pub fn accepts_orders(&self) -> bool {
        self.rules.accept_orders
    }

    /// Places the order, or finds that it is placed already. Whoever commits first is found at the next look.
    async fn place_once(
        &self,
        caller: &Caller,
        wish: PlaceOrder,
        request: &Request,
        mut placing: Placing,
    ) -> Result<Answer, UseCaseError> {
        let upstream = Instant::now() + UPSTREAM_LIMIT;
        for _ in 0..TRIES {
            if let Some(answer) = self.place_as_seen(caller, &wish, request, &placing, upstream).await? {
                return Ok(answer);
            }
            placing = self.ports.orders.placing(&caller.user, request.key).await?;
            if let Some(answer) = replay(request.key, placing.receipt.take())? {
                return Ok(answer);
            }
        }
        Err(UseCaseError::Unavailable("the cart is ordered over and over at the same time".into()))
    }

    /// Places the order, by what `placing` has seen; `None` when that is not so any more. `upstream`: until when other
    /// services may be asked.
    async fn place_as_seen(
        &self,
        caller: &Caller,
        wish: &PlaceOrder,
        request: &Request,
        placing: &Placing,
        upstream: Instant,
    ) -> Result<Option<Answer>, UseCaseError> {
        if !self.accepts_orders() && placing.guards.is_empty() {
            return Err(UseCaseError::NotAcceptingOrders);
        }
        let cart = in_time(upstream, ServiceName::Cart, self.cart(caller)).await?;
        let click = Click { fingerprint: request.fingerprint, key: request.key.map(|key| key.hash), cart: &cart.lines };
        let mut ordered = click.ordered(&placing.guards, placing.now);
        if ordered == Ordered::Not && cart.lines.is_empty() && request.key.is_none() {
            // It may have been ordered and cleared while this request was on its way to it.
            let looked = self.ports.orders.placing(&caller.user, None).await?;
            ordered = click.ordered(&looked.guards, looked.now);
        }
        match ordered {
            Ordered::Equally(order) => match given(&*self.ports.orders, request.key).await? {
                // Receipt and guard are committed together and read one after the other: only the guard was seen.
                Some(answer) => Ok(Some(answer)),
                None => self.as_it_is(order, request).await,
            },
            Ordered::Otherwise(order) => Err(UseCaseError::AlreadyOrdered { order }),
            Ordered::Not if !self.accepts_orders() => Err(UseCaseError::NotAcceptingOrders),
            Ordered::Not if cart.lines.is_empty() => Err(Rejection::CartEmpty.into()),
            Ordered::Not => {
                // Nobody is asked about an order that can't be for that time.
                if let Some(at) = wish.scheduled_for {
                    can_be_promised(at, &self.rules, placing.now)?;
                }
                let guard = Guard {
                    hash: double_click::hash(&caller.user, &cart.lines),
                    fingerprint: request.fingerprint,
                    placed_with: request.key.map(|key| key.hash),
                    seen: placing.guards.iter().map(|guard| guard.order).collect(),
                };
                let basket = in_time(upstream, ServiceName::Product, self.basket(cart)).await?;
                self.place_new(caller, wish.clone(), request, guard, basket, placing.now).await
            }
        }
    }

    /// The answer to who orders a cart again: its order as it is now. `None` when it has been cancelled since it was seen.
    async fn as_it_is(&self, order: OrderId, request: &Request) -> Result<Option<Answer>, UseCaseError> {
        let missing = || UseCaseError::Inconsistent(format!("a guard without its order {order}"));
        let order = self.ports.orders.load(order).await?.ok_or_else(missing)?.order;
        if order.status() == Status::Cancelled {
            return Ok(None);
        }
        let receipt = (request.render)(&Outcome { order, changed: false })?;
        // It was placed before: nobody waits for what becomes of it.
        Ok(Some(Answer { receipt, replayed: true, order: None }))
    }

    /// `None` when another one of this caller was first.
    async fn place_new(
        &self,
        caller: &Caller,
        wish: PlaceOrder,
        request: &Request,
        guard: Guard,
        basket: Basket,
        now: Timestamp,
    ) -> Result<Option<Answer>, UseCaseError> {
        let id = self.ports.ids.order_id().await?;
        let PlaceOrder { destination, instructions, method, scheduled_for } = wish;
        let customer = caller.user.clone();
        let new = NewOrder { id, customer, destination, instructions, method, scheduled_for, basket };
        let change = order::place(new, &self.rules, now)?;
        let answer = request.answer(&change)?;
        let kept = request.key.map(|key| (key, answer.receipt.clone()));
        let Ports { orders, ids, signal, live, .. } = &self.ports;
        let complete = |set: WriteSet| set.guarded(guard).with_receipt(kept);
        match commit(&**orders, &**ids, &**signal, &**live, change, complete).await {
            Ok(_) => Ok(Some(answer)),
            Err(CommitError::Guarded) => Ok(None),
            Err(error) => Err(not_committed(error)),
        }
    }

    /// The caller's cart.
    async fn cart(&self, caller: &Caller) -> Result<Cart, UseCaseError> {
        let cart = self.ports.carts.cart(&caller.bearer).await?;
        if cart.customer != caller.user {
            let detail = "the cart is another user's".into();
            return Err(ServiceError::BadAnswer { service: ServiceName::Cart, detail }.into());
        }
        Ok(cart)
    }

    /// The cart with every product as it is now.
    async fn basket(&self, cart: Cart) -> Result<Basket, UseCaseError> {
        let mut ids: Vec<ProductId> = cart.lines.iter().map(|line| line.product).collect();
        ids.sort_unstable();
        ids.dedup();
        let found = self.ports.products.products(&ids).await?;
        let short = shortages(cart.lines.iter().map(|line| (line.product, line.quantity)), &found);
        if short.is_empty() { Ok(basket(cart, &found)) } else { Err(Rejection::OutOfStock(short).into()) }
    }
}

async fn in_time<T>(
    until: Instant,
    service: ServiceName,
    asked: impl Future<Output = Result<T, UseCaseError>> + Send,
) -> Result<T, UseCaseError> {
    let late = |_| {
        let detail = format!("cart and products took longer than {UPSTREAM_LIMIT:?}");
        ServiceError::Unavailable { service, detail }
    };
    timeout_at(until, asked).await.map_err(late)?
}

fn basket(cart: Cart, found: &BTreeMap<ProductId, Option<StockedProduct>>) -> Basket {
    let product = |id: &ProductId| found.get(id).and_then(Option::as_ref).map(|found| found.product.clone());
    let lines = cart.lines.iter().filter_map(|line| Some((product(&line.product)?, line.quantity)));
    Basket { lines: lines.collect(), promo_discount: cart.promo_discount, cart_lines: cart.lines }
}
