//! Time and identifiers.

use async_trait::async_trait;

use crate::ids::{OrderId, TaskId};
use crate::time::Timestamp;

use super::store::StoreError;

/// The process's idea of the database's time, for what needs no database: tokens and deadlines that are shown.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Numbers that nobody else uses. They come in blocks, so that all rows of a new order are known before the transaction
/// that writes them; they are not ordered by time, and have gaps.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait IdGenerator: Send + Sync {
    /// The number of a new order.
    ///
    /// # Errors
    /// [`StoreError`] when a new block is needed and can't be had.
    async fn order_id(&self) -> Result<OrderId, StoreError>;

    /// The numbers of `count` new tasks.
    ///
    /// # Errors
    /// [`StoreError`] when a new block is needed and can't be had.
    async fn task_ids(&self, count: usize) -> Result<Vec<TaskId>, StoreError>;
}
