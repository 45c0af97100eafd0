//! Signals within one process.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use order_domain::ports::{TaskRef, TaskSignal};
use order_faults::{around, point};
use tokio::sync::Notify;

/// Signals that wait at most; more are dropped, and found by the sweep.
const CAPACITY: usize = 10_000;

/// Passes signals from those who commit to the workers of the same process. Each signal reaches one of them.
#[derive(Debug, Default)]
pub struct InProcessSignal {
    waiting: Mutex<VecDeque<TaskRef>>,
    arrived: Notify,
}

impl InProcessSignal {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<TaskRef>> {
        // A queue of copies is whole even if somebody panicked beside it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, tasks: &[TaskRef]) {
        let mut waiting = self.waiting();
        let room = CAPACITY.saturating_sub(waiting.len());
        waiting.extend(tasks.iter().take(room));
        drop(waiting);
        // A permit is kept when nobody waits yet, so no signal falls between a look and a wait.
        self.arrived.notify_one();
    }

    fn take(&self) -> Vec<TaskRef> {
        self.waiting().drain(..).collect()
    }
}

#[async_trait]
impl TaskSignal for InProcessSignal {
    async fn due(&self, tasks: &[TaskRef]) {
        around!("signal.due", self.put(tasks));
    }

    /// Whoever stops waiting takes nothing along: signals are taken at the very end.
    async fn next(&self) -> Vec<TaskRef> {
        loop {
            let tasks = self.take();
            if !tasks.is_empty() {
                point!("signal.next");
                return tasks;
            }
            self.arrived.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use order_domain::TaskId;
    use order_domain::ports::TaskKind;

    use super::*;

    fn task(id: i64) -> TaskRef {
        TaskRef { id: TaskId::new(id).unwrap(), kind: TaskKind::Charge }
    }

    #[tokio::test]
    async fn a_signal_before_the_wait_is_not_lost() {
        let signal = InProcessSignal::default();
        signal.due(&[task(1), task(2)]).await;
        signal.due(&[task(3)]).await;
        assert_eq!(signal.next().await, [task(1), task(2), task(3)]);
    }

    #[tokio::test]
    async fn a_waiting_worker_is_woken() {
        let signal = Arc::new(InProcessSignal::default());
        let worker = tokio::spawn({
            let signal = Arc::clone(&signal);
            async move { signal.next().await }
        });
        signal.due(&[task(7)]).await;
        assert_eq!(worker.await.unwrap(), [task(7)]);
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_takes_nothing_along() {
        let signal = InProcessSignal::default();
        {
            let wait = signal.next();
            tokio::pin!(wait);
            assert!(futures_util::poll!(wait.as_mut()).is_pending());
            signal.due(&[task(1)]).await;
        }
        assert_eq!(signal.next().await, [task(1)]);
    }

    #[tokio::test]
    async fn more_than_it_holds_is_dropped_not_kept_for_ever() {
        let signal = InProcessSignal::default();
        let many: Vec<_> = (1..=20_000).map(task).collect();
        signal.due(&many).await;
        assert_eq!(signal.next().await.len(), CAPACITY);
    }
}
