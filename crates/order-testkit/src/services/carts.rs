//! The cart service.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use order_domain::ports::{Bearer, Cart, CartService, ServiceError};
use order_domain::{ProductId, UserId};

use crate::builders::{a_cart, user};
use crate::lock;

use super::planned;

/// Carts by customer. A caller's token is their name: `Bearer::new("ann")`. Who has none has an empty one.
#[derive(Debug, Default)]
pub struct FakeCarts {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    carts: BTreeMap<UserId, Cart>,
    failures: VecDeque<ServiceError>,
    removed: Vec<(UserId, ProductId)>,
    asked: usize,
}

impl FakeCarts {
    /// Carts that are all empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// A customer's cart.
    pub fn put(&self, cart: Cart) {
        lock(&self.state).carts.insert(cart.customer.clone(), cart);
    }

    /// Whoever asks as `name` is given this cart, even if it is another's.
    pub fn put_for(&self, name: &str, cart: Cart) {
        lock(&self.state).carts.insert(user(name), cart);
    }

    /// The cart of a customer as it is now.
    pub fn cart_now(&self, name: &str) -> Cart {
        self.of(&user(name))
    }

    /// The next call fails so. Failures are met in the order in which they were planned.
    pub fn fail_next(&self, error: ServiceError) {
        lock(&self.state).failures.push_back(error);
    }

    /// What was taken out, in sequence: customers and products; also what was not in it.
    pub fn removed(&self) -> Vec<(UserId, ProductId)> {
        lock(&self.state).removed.clone()
    }

    /// How many calls there were, failed ones too.
    pub fn asked(&self) -> usize {
        lock(&self.state).asked
    }

    fn of(&self, customer: &UserId) -> Cart {
        lock(&self.state).carts.get(customer).cloned().unwrap_or_else(|| a_cart(customer.as_str(), &[]))
    }

    fn begin(&self) -> Result<(), ServiceError> {
        let mut state = lock(&self.state);
        state.asked += 1;
        planned(&mut state.failures)
    }
}

#[async_trait]
impl CartService for FakeCarts {
    async fn cart(&self, caller: &Bearer) -> Result<Cart, ServiceError> {
        self.begin()?;
        Ok(self.of(&user(caller.expose())))
    }

    async fn cart_of(&self, customer: &UserId) -> Result<Cart, ServiceError> {
        self.begin()?;
        Ok(self.of(customer))
    }

    async fn remove(&self, customer: &UserId, product: ProductId) -> Result<(), ServiceError> {
        self.begin()?;
        let mut state = lock(&self.state);
        state.removed.push((customer.clone(), product));
        if let Some(cart) = state.carts.get_mut(customer) {
            cart.lines.retain(|line| line.product != product);
        }
        Ok(())
    }
}
