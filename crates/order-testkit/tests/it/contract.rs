//! The contract of the store ports, over the store in memory.

use std::sync::Arc;

use async_trait::async_trait;
use order_domain::ports::{
    AuditReader, EventHistory, IdGenerator, OrderReader, OrderStore, Outbox, TaskDesk, TaskStore,
};
use order_domain::time::Duration;
use order_testkit::contract::{Harness, RowCounts};
use order_testkit::memory::MemoryStore;

struct InMemory(MemoryStore);

#[async_trait]
impl Harness for InMemory {
    fn store(&self) -> Arc<dyn OrderStore> {
        Arc::new(self.0.clone())
    }

    fn reader(&self) -> Arc<dyn OrderReader> {
        Arc::new(self.0.clone())
    }

    fn tasks(&self) -> Arc<dyn TaskStore> {
        Arc::new(self.0.clone())
    }

    fn desk(&self) -> Arc<dyn TaskDesk> {
        Arc::new(self.0.clone())
    }

    fn audit(&self) -> Arc<dyn AuditReader> {
        Arc::new(self.0.clone())
    }

    fn outbox(&self) -> Arc<dyn Outbox> {
        Arc::new(self.0.clone())
    }

    fn history(&self) -> Arc<dyn EventHistory> {
        Arc::new(self.0.clone())
    }

    fn ids(&self) -> Arc<dyn IdGenerator> {
        Arc::new(self.0.clone())
    }

    async fn second(&self) -> Box<dyn Harness> {
        Box::new(Self(self.0.clone()))
    }

    async fn counts(&self) -> RowCounts {
        self.0.counts()
    }

    async fn let_pass(&self, time: Duration) {
        self.0.advance(time);
    }
}

impl InMemory {
    fn new() -> Self {
        let store = MemoryStore::new();
        store.advance(Duration::from_hours(24));
        Self(store)
    }
}

order_testkit::contract_tests!(InMemory::new());
