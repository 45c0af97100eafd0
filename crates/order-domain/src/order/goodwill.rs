//! Goodwill: an admin gives money back, whatever the order's status, as long as some is left. How it is booked is said
//! with [`super::Command::GrantGoodwill`].

use crate::money::Money;
use crate::text::Text;

use super::error::{DomainError, Rejection};
use super::event::Event;
use super::state::Order;

/// Which event a goodwill yields.
pub(super) fn decide(order: &Order, amount: Money, reason: Text<500>) -> Result<Vec<Event>, DomainError> {
    if amount.minor() <= 0 {
        return Err(Rejection::AmountNotPositive.into());
    }
    let refundable = order.ledger.left()?;
    if refundable.minus(amount)?.is_negative() {
        return Err(Rejection::RefundExceedsCharge { refundable }.into());
    }
    Ok(vec![Event::GoodwillGranted { amount, reason }])
}
