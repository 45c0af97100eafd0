//! Tells the customer what has become of the order: that it is confirmed, and each status after that.
//!
//! A message says what was so after the event that it follows from, even when the order has moved on since: its lane
//! keeps the sequence, so what the customer hears last is what is so. The total is the one of today, for no later message
//! would put it right. A message that dies is never told; it fails nothing.

use order_domain::order::Event;
use order_domain::ports::ClaimedTask;

use super::{Done, Handlers, TaskError};

impl Handlers {
    pub(super) async fn notify(&self, task: &ClaimedTask) -> Result<Done, TaskError> {
        let Some(cause) = self.orders.cause_of(task).await? else { return Ok(Done::Lost) };
        if cause.kind == Event::CONFIRMED {
            self.notifications.order_confirmed(&cause.customer, task.order, cause.total).await?;
        } else {
            self.notifications.order_status(&cause.customer, task.order, cause.status).await?;
        }
        Ok(Done::Finish)
    }
}
