//! What goes on behind the API until the service is told to stop: the worker, the lookout, and whatever else has no end of
//! its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use order_domain::ports::Publisher as PublisherId;
use order_persistence::Stores;
use order_usecases::publisher::{Publisher, PublisherConfig};
use order_usecases::tasks::Handlers;
use order_usecases::worker::{Worker, WorkerConfig};
use tokio::task::{Id, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::clock::DatabaseClock;
use crate::outside::Outside;
use crate::settings::Settings;
use crate::transport::Transport;

/// What was begun and goes on until it is told to stop.
#[derive(Default)]
pub(super) struct Going {
    parts: JoinSet<()>,
    names: HashMap<Id, &'static str>,
    stop: CancellationToken,
}

impl Going {
    /// Begins a part.
    pub(super) fn begin<F>(&mut self, name: &'static str, part: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let id = self.parts.spawn(part(self.stop.clone())).id();
        self.names.insert(id, name);
    }

    /// Waits until a part ends that was not told to, and names it.
    pub(super) async fn one_gone(&mut self) -> &'static str {
        let id = match self.parts.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(panicked)) => panicked.id(),
            // Nothing was begun, so nothing can end.
            None => std::future::pending().await,
        };
        self.names.get(&id).copied().unwrap_or_default()
    }

    /// Tells all of it to stop. Each finishes what it has begun.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits for the end of all of it, this long. What can't be finished by then another instance takes up.
    pub(super) async fn end(mut self, patience: Duration) {
        if timeout(patience, async { while self.parts.join_next().await.is_some() {} }).await.is_err() {
            tracing::warn!("tasks are still running; they are taken up again when their leases are over");
        }
    }
}

/// The worker over these tasks.
pub(super) fn worker(
    settings: &Settings,
    stores: &Stores,
    transport: &Transport,
    outside: &Outside,
    clock: Arc<DatabaseClock>,
) -> Worker {
    let handlers = Handlers {
        orders: stores.orders.clone(),
        ids: stores.ids.clone(),
        signal: outside.signal(&transport.signal),
        live: transport.live.clone(),
        availability: Arc::new(outside.guards.clone()),
        payments: outside.payments.clone(),
        products: outside.products.clone(),
        carts: outside.carts.clone(),
        notifications: outside.notifications.clone(),
        rules: Arc::new(settings.rules.clone()),
        chance: Arc::new(chance),
    };
    let config = WorkerConfig { slots: settings.task_slots, ..WorkerConfig::default() };
    let on_sweep = Arc::new(move |now| clock.set(now));
    Worker::new(stores.tasks.clone(), transport.signal.clone(), Arc::new(handlers), config, on_sweep)
}

/// The publisher of the outbox's events.
#[expect(clippy::disallowed_methods, reason = "its number decides nothing, it only has to differ from the others'")]
pub(super) fn publisher(stores: &Stores, transport: &Transport) -> Publisher {
    let (outbox, stream, live) = (stores.outbox.clone(), transport.stream.clone(), transport.live.clone());
    Publisher::new(outbox, stream, live, PublisherId(rand::random()), PublisherConfig::default())
}

#[expect(clippy::disallowed_methods, reason = "this is where chance comes from: the handlers take it as an argument")]
fn chance() -> f64 {
    rand::random()
}
