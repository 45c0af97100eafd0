//! An admin says what has become of a payment that nobody else can tell.

use order_domain::order::{Command, Order, Outcome};
use order_domain::{EntryNo, OrderId, Text};

use crate::UseCases;
use crate::caller::Caller;
use crate::change::OnConflict;
use crate::error::UseCaseError;
use crate::request::{Answer, Request};

impl UseCases {
    /// Settles or declines an entry in review, or says that a refund was handed over in cash: once, by whoever comes
    /// first.
    ///
    /// # Errors
    /// [`UseCaseError::Rejected`] where there is no such entry, it needs nobody's word, or that can't be its outcome.
    pub async fn resolve(
        &self,
        caller: &Caller,
        id: OrderId,
        entry: EntryNo,
        outcome: Outcome,
        reason: Text<500>,
        request: Request,
    ) -> Result<Answer, UseCaseError> {
        let command = |order: &Order| {
            caller.sees(order)?;
            Ok((caller.admin()?, Command::Resolve { entry, outcome, reason: reason.clone() }))
        };
        let change = self.change(id, OnConflict::DecideAgain, &request, command);
        self.once(request.key, Box::pin(change)).await
    }
}
