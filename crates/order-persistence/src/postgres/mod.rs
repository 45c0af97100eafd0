//! PostgreSQL, the production engine: pure Rust, a pool per store, statements kept prepared; a new order and a change of one
//! are a statement each, and so is reading one.

mod change;
mod claim;
mod connect;
mod dialect;
mod ends;
mod migrate;
mod outbox;
mod parts;
mod place;
mod whole;

#[path = "../shared/audit.rs"]
mod audit;
#[path = "../shared/desk.rs"]
mod desk;
#[path = "../shared/events.rs"]
mod events;
#[path = "../shared/figures.rs"]
mod figures;
#[path = "../shared/list.rs"]
mod list;
#[path = "../shared/load.rs"]
mod load;
#[path = "../shared/mapping.rs"]
mod mapping;
#[path = "../shared/rows.rs"]
mod rows;
#[path = "../shared/schema.rs"]
mod schema;
#[path = "../shared/statements.rs"]
mod statements;
#[path = "../shared/store.rs"]
mod store;
#[path = "../shared/task_ends.rs"]
mod task_ends;
#[path = "../shared/texts.rs"]
mod texts;
#[path = "../shared/timeline.rs"]
mod timeline;
#[path = "../shared/write.rs"]
mod write;

pub use store::Store;

use std::sync::Arc;

use crate::{ConnectError, Options};

pub(crate) use migrate::migrate;

/// Opens a pool. No connection is made yet.
pub(crate) fn open(url: &str, options: &Options) -> Result<Store, ConnectError> {
    Ok(Store::over(dialect::Database::open(url, options)?))
}

/// The same store with connections of its own for reads, which are done on the runtime of whoever asks.
pub(crate) fn reading_here(store: &Store, url: &str, options: &Options) -> Result<Store, ConnectError> {
    Ok(Store { db: store.db.reading_here(url, options)?, ids: Arc::clone(&store.ids) })
}
