//! Goodwill: an admin gives a customer money back.

use order_domain::order::{Command, Order};
use order_domain::{Money, OrderId, Text};

use crate::UseCases;
use crate::caller::Caller;
use crate::change::OnConflict;
use crate::error::UseCaseError;
use crate::request::{Answer, Request};

impl UseCases {
    /// Gives `amount` back. Decided again when somebody else changed the order meanwhile; an equal request under the same
    /// key gets the first one's answer.
    ///
    /// # Errors
    /// [`UseCaseError::Rejected`] for an amount that is not above 0, or more than is left of what was charged.
    pub async fn grant_goodwill(
        &self,
        caller: &Caller,
        id: OrderId,
        amount: Money,
        reason: Text<500>,
        request: Request,
    ) -> Result<Answer, UseCaseError> {
        let command = |order: &Order| {
            caller.sees(order)?;
            Ok((caller.admin()?, Command::GrantGoodwill { amount, reason: reason.clone() }))
        };
        let change = self.change(id, OnConflict::DecideAgain, &request, command);
        self.once(request.key, Box::pin(change)).await
    }
}
