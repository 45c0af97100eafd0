//! Moving an order along the table: admins, and the courier it is assigned to.

use order_domain::order::{Actor, Command, Order, Status};
use order_domain::{OrderId, Text};

use crate::UseCases;
use crate::caller::{Caller, CallerRole};
use crate::change::OnConflict;
use crate::error::UseCaseError;
use crate::request::{Answer, Request};

impl UseCases {
    /// Gives an order another status. The one it has already changes nothing; an equal request under the same key gets
    /// the first one's answer.
    ///
    /// # Errors
    /// [`UseCaseError::Rejected`] where the table has no such row for this caller now.
    pub async fn set_status(
        &self,
        caller: &Caller,
        id: OrderId,
        to: Status,
        reason: Option<Text<500>>,
        request: Request,
    ) -> Result<Answer, UseCaseError> {
        let command = |order: &Order| {
            caller.sees(order)?;
            let actor = match caller.role {
                CallerRole::Admin => Actor::Admin(caller.user.clone()),
                CallerRole::Courier if caller.is_courier_of(order) => Actor::Courier(caller.user.clone()),
                CallerRole::Courier | CallerRole::User => return Err(UseCaseError::Forbidden),
            };
            Ok((actor, Command::SetStatus { to, reason: reason.clone() }))
        };
        let change = self.change(id, OnConflict::DecideAgain, &request, command);
        self.once(request.key, Box::pin(change)).await
    }
}
