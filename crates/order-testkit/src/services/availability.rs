//! Which services are called.

use std::collections::HashSet;
use std::sync::Mutex;

use order_domain::ports::{Availability, ServiceName};

use crate::lock;

/// Every service is called, but those that a test leaves alone.
#[derive(Debug, Default)]
pub struct FakeAvailability(Mutex<HashSet<ServiceName>>);

impl FakeAvailability {
    /// From now on no call to it leaves; or no longer.
    pub fn leave_alone(&self, service: ServiceName, alone: bool) {
        let mut left_alone = lock(&self.0);
        if alone {
            left_alone.insert(service);
        } else {
            left_alone.remove(&service);
        }
    }
}

impl Availability for FakeAvailability {
    fn takes_calls(&self, service: ServiceName) -> bool {
        !lock(&self.0).contains(&service)
    }
}
