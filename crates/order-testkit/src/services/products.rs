//! The product service.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use order_domain::ProductId;
use order_domain::ports::{ProductService, ServiceError};
use order_domain::pricing::StockedProduct;

use crate::lock;

use super::planned;

/// Products by id. An id that nobody has put there is unknown.
#[derive(Debug, Default)]
pub struct FakeProducts {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    products: BTreeMap<ProductId, StockedProduct>,
    failures: VecDeque<ServiceError>,
    asked: Vec<Vec<ProductId>>,
}

impl FakeProducts {
    /// These products.
    pub fn of(products: impl IntoIterator<Item = StockedProduct>) -> Self {
        let fake = Self::default();
        products.into_iter().for_each(|product| fake.put(product));
        fake
    }

    /// A product is there, or is now so.
    pub fn put(&self, product: StockedProduct) {
        lock(&self.state).products.insert(product.product.id, product);
    }

    /// A product is no longer known.
    pub fn forget(&self, id: ProductId) {
        lock(&self.state).products.remove(&id);
    }

    /// The next call fails so. Failures are met in the order in which they were planned.
    pub fn fail_next(&self, error: ServiceError) {
        lock(&self.state).failures.push_back(error);
    }

    /// What was asked for, call by call, failed ones too.
    pub fn asked(&self) -> Vec<Vec<ProductId>> {
        lock(&self.state).asked.clone()
    }
}

#[async_trait]
impl ProductService for FakeProducts {
    async fn products(&self, ids: &[ProductId]) -> Result<BTreeMap<ProductId, Option<StockedProduct>>, ServiceError> {
        let mut state = lock(&self.state);
        state.asked.push(ids.to_vec());
        planned(&mut state.failures)?;
        Ok(ids.iter().map(|id| (*id, state.products.get(id).cloned())).collect())
    }
}
