//! SQLite, the embedded engine: one file, one instance, one writer, several readers.

mod claim;
mod connect;
mod dialect;
mod ends;
mod migrate;
mod outbox;
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

use std::path::Path;

pub use store::Store;

use crate::{ConnectError, Options};

pub(crate) use migrate::{look, migrate};

/// Opens the file, locked against a second instance.
pub(crate) fn open(path: &Path, options: &Options) -> Result<Store, ConnectError> {
    Ok(Store::over(dialect::Database::open(path, options)?))
}

/// Opens the file beside the instance that may have it: for commands that do not work on tasks.
pub(crate) fn beside(path: &Path, options: &Options) -> Result<Store, ConnectError> {
    Ok(Store::over(dialect::Database::beside(path, options)?))
}
