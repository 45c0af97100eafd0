//! The signal that wakes workers.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use order_domain::ports::{TaskRef, TaskSignal};
use tokio::sync::Notify;

use crate::lock;

/// Passes signals on, and remembers them. Told to, it loses them: a signal may.
#[derive(Debug, Default)]
pub struct RecordingSignal {
    waiting: Mutex<VecDeque<Vec<TaskRef>>>,
    sent: Mutex<Vec<TaskRef>>,
    wake: Notify,
    loses: AtomicBool,
}

impl RecordingSignal {
    /// A signal that passes everything on.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on, signals are recorded and lost; or no longer.
    pub fn lose(&self, lose: bool) {
        self.loses.store(lose, Ordering::SeqCst);
    }

    /// Everything that was signalled, lost or not, in sequence.
    pub fn signalled(&self) -> Vec<TaskRef> {
        lock(&self.sent).clone()
    }
}

#[async_trait]
impl TaskSignal for RecordingSignal {
    async fn due(&self, tasks: &[TaskRef]) {
        lock(&self.sent).extend(tasks);
        if !self.loses.load(Ordering::SeqCst) {
            lock(&self.waiting).push_back(tasks.to_vec());
            self.wake.notify_one();
        }
    }

    async fn next(&self) -> Vec<TaskRef> {
        loop {
            if let Some(tasks) = lock(&self.waiting).pop_front() {
                return tasks;
            }
            self.wake.notified().await;
        }
    }
}
