//! Who asks, and what that makes them to an order.

use order_domain::UserId;
use order_domain::order::{Actor, Order};
use order_domain::ports::Bearer;

use crate::error::UseCaseError;

/// What a token says its bearer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerRole {
    /// Anybody with an account.
    User,
    /// A courier.
    Courier,
    /// Who runs the shop.
    Admin,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Their id.
    pub user: UserId,
    /// Their role.
    pub role: CallerRole,
    /// Their token, for services that are asked in their name.
    pub bearer: Bearer,
}

impl Caller {
    /// An admin, or nobody.
    ///
    /// # Errors
    /// [`UseCaseError::Forbidden`] for anybody else.
    pub(crate) fn admin(&self) -> Result<Actor, UseCaseError> {
        match self.role {
            CallerRole::Admin => Ok(Actor::Admin(self.user.clone())),
            CallerRole::User | CallerRole::Courier => Err(UseCaseError::Forbidden),
        }
    }

    /// An admin, or the order's customer: who decides about it.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] for who may not see it, [`UseCaseError::Forbidden`] for its courier.
    pub(crate) fn decides_about(&self, order: &Order) -> Result<Actor, UseCaseError> {
        self.sees(order)?;
        match self.role {
            CallerRole::Admin => Ok(Actor::Admin(self.user.clone())),
            CallerRole::User | CallerRole::Courier if self.is_customer_of(order) => {
                Ok(Actor::Customer(self.user.clone()))
            }
            CallerRole::User | CallerRole::Courier => Err(UseCaseError::Forbidden),
        }
    }

    /// May they read what is of this customer and this courier?
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`].
    pub(crate) fn reads(&self, customer: &UserId, courier: Option<&UserId>) -> Result<(), UseCaseError> {
        let brings = self.role == CallerRole::Courier && courier == Some(&self.user);
        if self.role == CallerRole::Admin || *customer == self.user || brings {
            Ok(())
        } else {
            Err(UseCaseError::NotFound)
        }
    }

    pub(crate) fn is_customer_of(&self, order: &Order) -> bool {
        order.state().customer == self.user
    }

    pub(crate) fn is_courier_of(&self, order: &Order) -> bool {
        self.role == CallerRole::Courier && order.state().courier.as_ref() == Some(&self.user)
    }

    /// May they see the order? Another's order answers as a missing one does.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`].
    pub(crate) fn sees(&self, order: &Order) -> Result<(), UseCaseError> {
        self.reads(&order.state().customer, order.state().courier.as_ref())
    }
}
