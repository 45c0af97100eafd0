//! Reading orders: one, one's own, all.

use order_domain::OrderId;
use order_domain::UserId;
use order_domain::order::{Order, Status};
use order_domain::payment::PaymentStatus;
use order_domain::ports::{OrderFilter, OrderPage, Page};
use order_domain::time::Timestamp;

use crate::UseCases;
use crate::caller::{Caller, CallerRole};
use crate::error::UseCaseError;

/// What a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListOrders {
    /// In one of these statuses; empty: in any.
    pub statuses: Vec<Status>,
    /// Of this payment status.
    pub payment_status: Option<PaymentStatus>,
    /// Of this customer.
    pub customer: Option<UserId>,
    /// Of this courier.
    pub courier: Option<UserId>,
    /// Placed at this moment or later.
    pub created_from: Option<Timestamp>,
    /// Placed at this moment or earlier.
    pub created_to: Option<Timestamp>,
    /// Only those that a courier may take.
    pub available: bool,
    /// Only those that are wanted at a time that their customer named, or only the others.
    pub scheduled: Option<bool>,
}

impl UseCases {
    /// One order, for its customer, its courier and admins.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] for anybody else, too.
    pub async fn order(&self, caller: &Caller, id: OrderId) -> Result<Order, UseCaseError> {
        let loaded = self.ports.orders.load(id).await?.ok_or(UseCaseError::NotFound)?;
        caller.sees(&loaded.order)?;
        Ok(loaded.order)
    }

    /// The orders that the caller has placed.
    ///
    /// # Errors
    /// [`UseCaseError::Unavailable`].
    pub async fn my_orders(&self, caller: &Caller, list: ListOrders, page: Page) -> Result<OrderPage, UseCaseError> {
        let filter = OrderFilter { customer: Some(caller.user.clone()), available: false, ..filter(list) };
        Ok(self.ports.reader.list(&filter, page).await?)
    }

    /// All orders for an admin; for a courier those assigned to them, or those that can be taken.
    ///
    /// # Errors
    /// [`UseCaseError::Forbidden`] for anybody else.
    pub async fn orders(&self, caller: &Caller, list: ListOrders, page: Page) -> Result<OrderPage, UseCaseError> {
        let filter = match caller.role {
            CallerRole::Admin => filter(list),
            CallerRole::Courier if list.available => OrderFilter { courier: None, customer: None, ..filter(list) },
            CallerRole::Courier => OrderFilter { courier: Some(caller.user.clone()), ..filter(list) },
            CallerRole::User => return Err(UseCaseError::Forbidden),
        };
        Ok(self.ports.reader.list(&filter, page).await?)
    }

    /// Is the database there?
    ///
    /// # Errors
    /// [`UseCaseError::Unavailable`] when it is not.
    pub async fn ready(&self) -> Result<(), UseCaseError> {
        Ok(self.ports.reader.ping().await?)
    }
}

fn filter(list: ListOrders) -> OrderFilter {
    OrderFilter {
        customer: list.customer,
        courier: list.courier,
        statuses: list.statuses,
        payment_status: list.payment_status,
        created_from: list.created_from,
        created_to: list.created_to,
        available: list.available,
        scheduled: list.scheduled,
    }
}
