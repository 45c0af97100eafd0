//! Stands where the client of the notification service will stand: what a customer would be told goes to the log, without
//! saying which customer.

use async_trait::async_trait;
use order_domain::order::Status;
use order_domain::ports::{NotificationService, ServiceError};
use order_domain::{Money, OrderId, UserId};

/// Tells the log.
pub(crate) struct LoggedNotifications;

#[async_trait]
impl NotificationService for LoggedNotifications {
    async fn order_confirmed(&self, _: &UserId, order: OrderId, total: Money) -> Result<(), ServiceError> {
        tracing::info!(%order, %total, "the customer would be told that the order is confirmed");
        Ok(())
    }

    async fn order_status(&self, _: &UserId, order: OrderId, status: Status) -> Result<(), ServiceError> {
        tracing::info!(%order, status = status.name(), "the customer would be told of the order's status");
        Ok(())
    }
}
