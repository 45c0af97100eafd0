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
    taken: Notify,
}

impl InProcessSignal {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<TaskRef>> {
        // A queue of copies is whole even if somebody panicked beside it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes on as many as there is room for, and says how many that are.
    pub(crate) fn put(&self, tasks: &[TaskRef]) -> usize {
        let mut waiting = self.waiting();
        let passed = tasks.len().min(CAPACITY.saturating_sub(waiting.len()));
        waiting.extend(tasks.iter().take(passed));
        drop(waiting);
        // A permit is kept when nobody waits yet, so no signal falls between a look and a wait.
        self.arrived.notify_one();
        passed
    }

    fn take(&self) -> Vec<TaskRef> {
        let tasks = self.waiting().drain(..).collect();
        self.taken.notify_waiters();
        tasks
    }

    /// Waits until a worker has taken all that was passed on.
    pub(crate) async fn until_taken(&self) {
        loop {
            let taken = self.taken.notified();
            tokio::pin!(taken);
            // Before the look, so that nothing falls in between.
            taken.as_mut().enable();
            if self.waiting().is_empty() {
                return;
            }
            taken.await;
        }
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
    use futures_util::poll;
    use order_domain::TaskId;
    use order_domain::ports::TaskKind;

    use super::*;

    fn task(id: i64) -> TaskRef {
        TaskRef { id: TaskId::new(id).unwrap(), kind: TaskKind::Charge }
    }

    #[tokio::test]
    async fn more_than_it_holds_is_dropped_not_kept_for_ever() {
        let signal = InProcessSignal::default();
        let many: Vec<_> = (1..=20_000).map(task).collect();
        assert_eq!((signal.put(&many), signal.put(&many)), (CAPACITY, 0));
        assert_eq!(signal.next().await.len(), CAPACITY);
    }

    #[tokio::test]
    async fn whoever_passes_on_knows_when_it_was_taken() {
        let signal = InProcessSignal::default();
        signal.until_taken().await;
        signal.put(&[task(1)]);
        {
            let taken = signal.until_taken();
            tokio::pin!(taken);
            assert!(poll!(taken.as_mut()).is_pending());
            assert_eq!(signal.next().await, [task(1)]);
            taken.await;
        }
        signal.until_taken().await;
    }
}
