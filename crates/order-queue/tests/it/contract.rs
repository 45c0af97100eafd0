//! The contracts of the queue ports, over both implementations.

use std::sync::Arc;

use async_trait::async_trait;
use order_domain::ports::{LiveEvents, TaskSignal};
use order_queue::{InProcessLive, InProcessSignal, LinkState, RedisLink, RedisSignal, RedisUrl, SignalConfig};
use order_testkit::queue_contract::QueueHarness;
use order_testkit::redis_server::{a_prefix, shared_server};

use crate::support::{listening, until};

#[derive(Default)]
struct InProcess {
    signal: Arc<InProcessSignal>,
    live: Arc<InProcessLive>,
}

#[async_trait]
impl QueueHarness for InProcess {
    async fn worker(&self) -> Arc<dyn TaskSignal> {
        self.signal.clone()
    }

    async fn teller(&self) -> Arc<dyn TaskSignal> {
        self.signal.clone()
    }

    async fn live(&self) -> Arc<dyn LiveEvents> {
        self.live.clone()
    }
}

/// Instances over the server that all tests share, under names of their own.
struct OverRedis(String);

impl OverRedis {
    /// Another instance has connections of its own.
    async fn instance(&self) -> RedisLink {
        let link = RedisLink::connect_under(&RedisUrl::parse(&shared_server()).unwrap(), &self.0);
        until(&link, LinkState::Up).await;
        link
    }
}

#[async_trait]
impl QueueHarness for OverRedis {
    async fn worker(&self) -> Arc<dyn TaskSignal> {
        Arc::new(RedisSignal::start(&self.instance().await, &SignalConfig::default()))
    }

    async fn teller(&self) -> Arc<dyn TaskSignal> {
        Arc::new(RedisSignal::start(&self.instance().await, &SignalConfig { works: false, ..SignalConfig::default() }))
    }

    async fn live(&self) -> Arc<dyn LiveEvents> {
        listening(&self.instance().await).await
    }
}

mod in_process {
    use super::InProcess;

    order_testkit::queue_contract_tests!(InProcess::default());
}

mod over_redis {
    use super::{OverRedis, a_prefix};

    order_testkit::queue_contract_tests!(OverRedis(a_prefix()));
}
