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
    /// How long the payment service keeps what it knows of a key, from its first call. 24 hours.
    pub payment_key_ttl: Duration,
    /// Answers other than yes, no or nothing after which a call is not made again. 8.
    pub payment_refusals: u32,
    /// How far ahead an order has to be scheduled at least. 30 minutes.
    pub schedule_at_least: Duration,
    /// How far ahead an order can be scheduled at most. 30 days.
    pub schedule_at_most: Duration,
    /// A scheduled order is released so long before its time. 45 minutes.
    pub release_lead: Duration,
    /// A release waits so long for a product service that is away. 10 minutes.
    pub stock_patience: Duration,
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
            payment_key_ttl: Duration::from_hours(24),
            payment_refusals: 8,
            schedule_at_least: Duration::from_mins(30),
            schedule_at_most: Duration::from_hours(30 * 24),
            release_lead: Duration::from_mins(45),
            stock_patience: Duration::from_mins(10),
            fee: FeePolicy::flat_five(currency),
        }
    }
}
