//! Reading the ledger of an order.

use order_domain::OrderId;
use order_domain::order::Order;

use crate::UseCases;
use crate::caller::Caller;
use crate::error::UseCaseError;

impl UseCases {
    /// The order whose ledger its customer or an admin wants to see.
    ///
    /// # Errors
    /// [`UseCaseError::Forbidden`] for its courier, whose affair the money is not; [`UseCaseError::NotFound`] for
    /// anybody else.
    pub async fn payments(&self, caller: &Caller, id: OrderId) -> Result<Order, UseCaseError> {
        let loaded = self.ports.orders.load(id).await?.ok_or(UseCaseError::NotFound)?;
        caller.decides_about(&loaded.order)?;
        Ok(loaded.order)
    }
}
