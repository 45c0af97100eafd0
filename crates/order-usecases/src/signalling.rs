//! Which tasks workers are woken for.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use order_domain::ports::{Availability, TaskRef, TaskSignal};

/// Passes on word of the tasks that can be done. While the service that a task needs is left alone, no worker has a use for
/// it: one that is woken would leave it where it is. It is found by a sweep.
pub struct SignalOfUse {
    inner: Arc<dyn TaskSignal>,
    availability: Arc<dyn Availability>,
}

impl SignalOfUse {
    /// In front of this signal.
    pub fn new(inner: Arc<dyn TaskSignal>, availability: Arc<dyn Availability>) -> Self {
        Self { inner, availability }
    }
}

#[async_trait]
impl TaskSignal for SignalOfUse {
    async fn due(&self, tasks: &[TaskRef]) {
        let of_use = |task: &TaskRef| self.availability.takes_calls(task.kind.service());
        let tasks: Vec<_> = tasks.iter().copied().filter(of_use).collect();
        if !tasks.is_empty() {
            self.inner.due(&tasks).await;
        }
    }

    async fn next(&self) -> Vec<TaskRef> {
        self.inner.next().await
    }
}

impl fmt::Debug for SignalOfUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalOfUse").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use order_domain::TaskId;
    use order_domain::ports::{ServiceName, TaskKind};
    use order_testkit::services::{FakeAvailability, RecordingSignal};

    use super::*;

    #[tokio::test]
    async fn nobody_is_woken_for_what_nobody_can_do() {
        let (inner, availability) = (Arc::new(RecordingSignal::new()), Arc::new(FakeAvailability::default()));
        let signal = SignalOfUse::new(inner.clone(), availability.clone());
        let task = |id, kind| TaskRef { id: TaskId::new(id).unwrap(), kind };
        let (charge, cart) = (task(1, TaskKind::Charge), task(2, TaskKind::ClearCart));
        availability.leave_alone(ServiceName::Payment, true);
        signal.due(&[charge, cart]).await;
        assert_eq!(inner.signalled(), [cart]);
        availability.leave_alone(ServiceName::Payment, false);
        signal.due(&[charge]).await;
        assert_eq!(inner.signalled(), [cart, charge]);
    }
}
