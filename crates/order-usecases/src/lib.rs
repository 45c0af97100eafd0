//! What the outside may ask of the core: commands, queries, and the tasks that follow from them.
//!
//! Knows the domain and its ports, no adapter. A command loads the order, asks the services that it needs (never inside
//! a transaction), lets the domain decide, and commits the write set; whatever happens outside afterwards is a durable
//! task of that write set, run by the [`worker`].

mod assign;
mod caller;
mod cancel;
mod change;
mod error;
mod place;
mod read;
mod set_status;
pub mod tasks;
pub mod worker;

use std::sync::Arc;

use order_domain::Rules;
use order_domain::ports::{
    CartService, Committed, IdGenerator, NewTask, OrderReader, OrderStore, ProductService, TaskRef, TaskSignal,
    UserService,
};
use order_domain::time::Timestamp;

pub use caller::{Caller, CallerRole};
pub use cancel::Cancelled;
pub use error::UseCaseError;
pub use place::{Answer, PlaceOrder, Render, Request};
pub use read::ListOrders;

/// What the use cases work with.
#[derive(Clone)]
pub struct Ports {
    /// Orders, loaded and committed.
    pub orders: Arc<dyn OrderStore>,
    /// Lists and timelines.
    pub reader: Arc<dyn OrderReader>,
    /// Numbers.
    pub ids: Arc<dyn IdGenerator>,
    /// Wakes workers.
    pub signal: Arc<dyn TaskSignal>,
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
}

impl UseCases {
    /// The use cases over these ports, by these rules.
    pub fn new(ports: Ports, rules: Arc<Rules>) -> Self {
        Self { ports, rules }
    }
}

/// Says which of the committed tasks are due, and which of those that waited behind a finished one.
pub(crate) async fn wake(signal: &dyn TaskSignal, tasks: &[NewTask], now: Timestamp, committed: Committed) {
    let due = tasks.iter().filter(|task| task.due <= now).map(|task| TaskRef { id: task.id, kind: task.kind });
    let due: Vec<_> = due.chain(committed.unblocked).collect();
    if !due.is_empty() {
        signal.due(&due).await;
    }
}
