//! The notification service.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use order_domain::order::Status;
use order_domain::ports::{NotificationService, ServiceError};
use order_domain::{Money, OrderId, UserId};

use crate::lock;

use super::planned;

/// What a customer was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    /// The order is confirmed.
    Confirmed(UserId, OrderId, Money),
    /// The order is in this status.
    Status(UserId, OrderId, Status),
}

/// Remembers what customers were told.
#[derive(Debug, Default)]
pub struct FakeNotifications {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: VecDeque<ServiceError>,
    told: Vec<Notification>,
}

impl FakeNotifications {
    /// The next call fails so. Failures are met in the order in which they were planned.
    pub fn fail_next(&self, error: ServiceError) {
        lock(&self.state).failures.push_back(error);
    }

    /// What was told, in its order; nothing of failed calls.
    pub fn told(&self) -> Vec<Notification> {
        lock(&self.state).told.clone()
    }

    fn tell(&self, what: Notification) -> Result<(), ServiceError> {
        let mut state = lock(&self.state);
        planned(&mut state.failures)?;
        state.told.push(what);
        Ok(())
    }
}

#[async_trait]
impl NotificationService for FakeNotifications {
    async fn order_confirmed(&self, customer: &UserId, order: OrderId, total: Money) -> Result<(), ServiceError> {
        self.tell(Notification::Confirmed(customer.clone(), order, total))
    }

    async fn order_status(&self, customer: &UserId, order: OrderId, status: Status) -> Result<(), ServiceError> {
        self.tell(Notification::Status(customer.clone(), order, status))
    }
}
