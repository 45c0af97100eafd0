//! The numbers that a deployment sets. Each default is the one of the rule's text.

use std::time::Duration;

use crate::money::Currency;
use crate::pricing::FeePolicy;

/// What a deployment decides; an argument of every decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// The one currency of the deployment.
    pub currency: Currency,
    /// Whether new orders are taken. They are.
    pub accept_orders: bool,
    /// An unpaid order is cancelled this long after placing. 15 minutes.
    pub payment_timeout: Duration,
    /// Whether `payment_method: cash` may be chosen at placing. Off.
    pub cash_on_delivery: bool,
    /// Declines in a row that put a refund in review. 5.
    pub refund_declines: u32,
    /// What delivery costs.
    pub fee: FeePolicy,
}

impl Rules {
    /// The defaults, in `currency`.
    pub fn new(currency: Currency) -> Self {
        Self {
            currency,
            accept_orders: true,
            payment_timeout: Duration::from_mins(15),
            cash_on_delivery: false,
            refund_declines: 5,
            fee: FeePolicy::flat_five(currency),
        }
    }
}
