//! Changing where an order goes and what its courier should know: its customer and admins, until it is packed.

use order_domain::OrderId;
use order_domain::order::{Command, DeliveryChange, Order};

use crate::UseCases;
use crate::caller::Caller;
use crate::change::OnConflict;
use crate::error::UseCaseError;
use crate::request::{Answer, Request};

impl UseCases {
    /// Changes what is named and leaves the rest. What is so already changes nothing; an equal request under the same key
    /// gets the first one's answer.
    ///
    /// # Errors
    /// [`UseCaseError::Rejected`] once it is packed, or where the shop does not deliver;
    /// [`UseCaseError::ConcurrentChange`] when somebody else changed the order meanwhile.
    pub async fn change_delivery(
        &self,
        caller: &Caller,
        id: OrderId,
        change: DeliveryChange,
        request: Request,
    ) -> Result<Answer, UseCaseError> {
        let command = |order: &Order| Ok((caller.decides_about(order)?, Command::ChangeDelivery(change.clone())));
        let change = self.change(id, OnConflict::Refuse, &request, command);
        self.once(request.key, Box::pin(change)).await
    }
}
