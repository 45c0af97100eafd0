//! The outside services, scripted, with records of what they were asked. Each answers well unless the test plans
//! otherwise. All are shared by reference (`Arc<FakeCarts>`), so that a test keeps its hand on what a use case holds.

mod availability;
mod carts;
mod clock;
mod live;
mod notifications;
mod payments;
mod products;
mod signal;
mod stream;
mod users;

pub use availability::FakeAvailability;
pub use carts::FakeCarts;
pub use clock::FixedClock;
pub use live::RecordingLive;
pub use notifications::{FakeNotifications, Notification};
pub use payments::{FakePayments, PaymentAnswer, PaymentCall};
pub use products::FakeProducts;
pub use signal::RecordingSignal;
pub use stream::{RecordingStream, Sending};
pub use users::FakeUsers;

use std::collections::VecDeque;

use order_domain::ports::{ServiceError, ServiceName};

/// A service that does not answer.
pub fn away(service: ServiceName) -> ServiceError {
    ServiceError::Unavailable { service, detail: "as the test wants it".into() }
}

/// A service that answers garbage.
pub fn garbage(service: ServiceName) -> ServiceError {
    ServiceError::BadAnswer { service, detail: "as the test wants it".into() }
}

/// The next planned failure, if there is one.
fn planned(failures: &mut VecDeque<ServiceError>) -> Result<(), ServiceError> {
    failures.pop_front().map_or(Ok(()), Err)
}
