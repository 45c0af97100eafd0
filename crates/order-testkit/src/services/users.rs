//! The user service.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use order_domain::UserId;
use order_domain::ports::{Bearer, ServiceError, UserService};

use crate::builders::user;
use crate::lock;

use super::planned;

/// Knows who is a courier.
#[derive(Debug, Default)]
pub struct FakeUsers {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    couriers: BTreeSet<UserId>,
    failures: VecDeque<ServiceError>,
    asked: Vec<(UserId, String)>,
}

impl FakeUsers {
    /// These are couriers, and nobody else.
    pub fn with_couriers(names: &[&str]) -> Self {
        let fake = Self::default();
        lock(&fake.state).couriers = names.iter().map(|name| user(name)).collect();
        fake
    }

    /// The next call fails so. Failures are met in the order in which they were planned.
    pub fn fail_next(&self, error: ServiceError) {
        lock(&self.state).failures.push_back(error);
    }

    /// Who was asked about, and with which token, failed calls too.
    pub fn asked(&self) -> Vec<(UserId, String)> {
        lock(&self.state).asked.clone()
    }
}

#[async_trait]
impl UserService for FakeUsers {
    async fn is_courier(&self, user: &UserId, admin: &Bearer) -> Result<bool, ServiceError> {
        let mut state = lock(&self.state);
        state.asked.push((user.clone(), admin.expose().to_owned()));
        planned(&mut state.failures)?;
        Ok(state.couriers.contains(user))
    }
}
