//! What the outside may ask of the core: commands, queries, and the tasks that follow from them.
//!
//! Knows the domain and its ports, no adapter. A command loads the order, asks the services that it needs (never inside
//! a transaction), lets the domain decide, and commits the write set; whatever happens outside afterwards is a durable
//! task of that write set, run by the [`worker`].

mod assign;
pub mod audits;
mod caller;
mod cancel;
mod change;
mod change_delivery;
mod double_click;
mod edit_lines;
mod error;
mod goodwill;
pub mod lookout;
mod operations;
mod payments;
mod place;
pub mod publisher;
mod read;
pub mod replay;
mod request;
mod resolve;
mod set_status;
pub mod signalling;
pub mod tasks;
mod wait;
pub mod worker;

use std::sync::Arc;

use order_domain::order::{Change, Order};
use order_domain::ports::{
    CartService, CommitError, IdGenerator, LiveEvent, LiveEvents, OrderReader, OrderStore, ProductService, TaskDesk,
    TaskRef, TaskSignal, UserService, WriteSet,
};
use order_domain::{Currency, Rules};

use tokio::sync::Semaphore;

pub use caller::{Caller, CallerRole};
pub use edit_lines::EditPreview;
pub use error::UseCaseError;
pub use operations::{Operations, Operator, RenderTask, TaskOutcome, TaskRequest};
pub use place::PlaceOrder;
pub use read::ListOrders;
pub use request::{Answer, IfMatch, Outcome, Render, Request};

/// How often something is decided that meets a change by somebody else: the first time included.
pub(crate) const TRIES: usize = 3;

/// What the use cases work with.
#[derive(Clone)]
pub struct Ports {
    /// Orders, loaded and committed.
    pub orders: Arc<dyn OrderStore>,
    /// Lists and timelines.
    pub reader: Arc<dyn OrderReader>,
    /// What operators look at and do to tasks.
    pub desk: Arc<dyn TaskDesk>,
    /// Numbers.
    pub ids: Arc<dyn IdGenerator>,
    /// Wakes workers.
    pub signal: Arc<dyn TaskSignal>,
    /// Tells those who wait what happens to orders.
    pub live: Arc<dyn LiveEvents>,
    /// The cart service.
    pub carts: Arc<dyn CartService>,
    /// The product service.
    pub products: Arc<dyn ProductService>,
    /// The user service.
    pub users: Arc<dyn UserService>,
}

/// The commands and queries.
#[derive(Clone)]
pub struct UseCases {
    ports: Ports,
    rules: Arc<Rules>,
    /// Those who waited and look again now.
    turns: Arc<Semaphore>,
}

impl UseCases {
    /// The use cases over these ports, by these rules.
    pub fn new(ports: Ports, rules: Arc<Rules>) -> Self {
        Self { ports, rules, turns: Arc::new(Semaphore::new(wait::TURNS)) }
    }

    /// What operators do.
    pub fn operations(&self) -> Operations {
        let Ports { orders, desk, ids, signal, live, .. } = self.ports.clone();
        Operations { orders, desk, ids, signal, live, rules: Arc::clone(&self.rules) }
    }

    /// The currency of all amounts.
    pub fn currency(&self) -> Currency {
        self.rules.currency
    }
}

/// Gives a change's tasks their numbers, commits it with what `complete` adds, and says what is due and what has happened.
/// The order afterwards.
pub(crate) async fn commit(
    orders: &dyn OrderStore,
    ids: &dyn IdGenerator,
    signal: &dyn TaskSignal,
    live: &dyn LiveEvents,
    change: Change,
    complete: impl FnOnce(WriteSet) -> WriteSet + Send,
) -> Result<Order, CommitError> {
    let ids = ids.task_ids(change.tasks.len()).await?;
    let event = (!change.is_empty()).then(|| LiveEvent { order: change.order.id(), version: change.order.version() });
    let set = complete(WriteSet::new(change, ids));
    let (order, tasks) = (set.order.clone(), set.tasks.clone());
    let committed = orders.commit(vec![set]).await?;
    let now = order.state().updated_at;
    let due = tasks.iter().filter(|task| task.due <= now).map(|task| TaskRef { id: task.id, kind: task.kind });
    let due: Vec<_> = due.chain(committed.unblocked).collect();
    if !due.is_empty() {
        signal.due(&due).await;
    }
    live.publish(event.as_slice()).await;
    Ok(order)
}
