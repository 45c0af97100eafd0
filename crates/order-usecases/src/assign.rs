//! Who brings an order: admins assign, couriers take and give back.

use order_domain::order::{Actor, Command, Order, Rejection};
use order_domain::{OrderId, UserId};

use crate::UseCases;
use crate::caller::{Caller, CallerRole};
use crate::change::OnConflict;
use crate::error::UseCaseError;
use crate::request::{Answer, Request};

impl UseCases {
    /// Gives an order to a courier, or takes it from one (`None`). An equal request under the same key gets the first
    /// one's answer.
    ///
    /// A courier may take an order that is free and give back their own. An admin's courier has to be one to the user
    /// service; a courier who takes is trusted by the token's role.
    ///
    /// # Errors
    /// [`UseCaseError::UnknownCourier`], or [`UseCaseError::Rejected`] where the order's status does not allow it or
    /// another courier was faster.
    pub async fn assign(
        &self,
        caller: &Caller,
        id: OrderId,
        to: Option<UserId>,
        request: Request,
    ) -> Result<Answer, UseCaseError> {
        let assignment = async {
            match caller.role {
                CallerRole::Admin => self.assign_by_admin(caller, id, to, &request).await,
                CallerRole::Courier if to.as_ref().is_none_or(|to| *to == caller.user) => {
                    self.take(caller, id, to, &request).await
                }
                CallerRole::Courier | CallerRole::User => {
                    // Who may see the order is told that their role does not allow it, everybody else that there is none.
                    self.order(caller, id).await?;
                    Err(UseCaseError::Forbidden)
                }
            }
        };
        self.once(request.key, Box::pin(assignment)).await
    }

    async fn assign_by_admin(
        &self,
        caller: &Caller,
        id: OrderId,
        to: Option<UserId>,
        request: &Request,
    ) -> Result<Answer, UseCaseError> {
        let actor = caller.admin()?;
        if let Some(courier) = &to {
            // A missing order is said to be missing before anything is said of the courier.
            self.order(caller, id).await?;
            if !self.ports.users.is_courier(courier, &caller.bearer).await? {
                return Err(UseCaseError::UnknownCourier);
            }
        }
        let command = |_: &Order| {
            let command = match &to {
                Some(courier) => Command::Assign { courier: courier.clone() },
                None => Command::Unassign,
            };
            Ok((actor.clone(), command))
        };
        self.change(id, OnConflict::Refuse, request, command).await
    }

    async fn take(
        &self,
        caller: &Caller,
        id: OrderId,
        to: Option<UserId>,
        request: &Request,
    ) -> Result<Answer, UseCaseError> {
        let command = |_: &Order| {
            let command = if to.is_some() { Command::Take } else { Command::GiveBack };
            Ok((Actor::Courier(caller.user.clone()), command))
        };
        match self.change(id, OnConflict::DecideAgain, request, command).await {
            // What is not theirs and can't be taken is none of their business.
            Err(UseCaseError::Rejected(Rejection::NotYours)) => Err(UseCaseError::NotFound),
            Err(UseCaseError::Rejected(Rejection::NotAssignable { .. })) if to.is_some() => Err(UseCaseError::NotFound),
            answer => answer,
        }
    }
}
