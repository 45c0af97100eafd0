//! Cancelling: its customer early on, admins until it is delivered.

use order_domain::order::{Actor, CancelCode, Command, Order};
use order_domain::payment::{EntryKind, EntryState};
use order_domain::{OrderId, Text};

use crate::UseCases;
use crate::caller::Caller;
use crate::change::OnConflict;
use crate::error::UseCaseError;
use crate::request::{Answer, Outcome, Request};

impl Outcome {
    /// Of a cancellation: true when it gives money back, or may have to, since a charge is still under way.
    pub fn refund_initiated(&self) -> bool {
        let under_way = self.order.ledger().entries().iter().any(|entry| match entry.kind {
            EntryKind::Charge => entry.state == EntryState::Sent,
            EntryKind::Refund => entry.state.is_open(),
        });
        self.changed && under_way
    }
}

impl UseCases {
    /// Cancels an order. Again, it changes nothing; an equal request under the same key gets the first one's answer.
    ///
    /// # Errors
    /// [`UseCaseError::Rejected`] where the table has no such row for this caller now,
    /// [`UseCaseError::CodeNotAllowed`] for a code that is not this caller's to give.
    pub async fn cancel(
        &self,
        caller: &Caller,
        id: OrderId,
        code: Option<CancelCode>,
        reason: Option<Text<500>>,
        request: Request,
    ) -> Result<Answer, UseCaseError> {
        let command = |order: &Order| {
            let actor = caller.decides_about(order)?;
            let code = code_of(&actor, code, order)?;
            Ok((actor, Command::Cancel { code, reason: reason.clone() }))
        };
        let change = self.change(id, OnConflict::DecideAgain, &request, command);
        self.once(request.key, Box::pin(change)).await
    }
}

/// Customers say `customer_request` or `other`; admins anything but what only the payment service can say.
fn code_of(actor: &Actor, code: Option<CancelCode>, order: &Order) -> Result<CancelCode, UseCaseError> {
    let by_shop = matches!(actor, Actor::Admin(_));
    match code {
        None if by_shop => Ok(CancelCode::of_shop(order.status())),
        None => Ok(CancelCode::CustomerRequest),
        Some(code @ (CancelCode::CustomerRequest | CancelCode::Other)) => Ok(code),
        Some(code @ (CancelCode::OutOfStock | CancelCode::DeliveryFailed | CancelCode::Shop)) if by_shop => Ok(code),
        Some(_) => Err(UseCaseError::CodeNotAllowed),
    }
}
