//! Signals of due tasks.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::poll;
use order_domain::TaskId;
use order_domain::ports::{TaskKind, TaskRef, TaskSignal};
use tokio::time::timeout;

use super::QueueHarness;

/// As long as a signal may take in a test.
const IN_TIME: Duration = Duration::from_secs(10);

/// A charge of this number.
///
/// # Panics
/// When no task has this number.
pub fn a_task(id: i64) -> TaskRef {
    TaskRef { id: TaskId::new(id).unwrap(), kind: TaskKind::Charge }
}

/// Waits for the next signals.
///
/// # Panics
/// When none comes in time.
pub async fn next(signal: &dyn TaskSignal) -> Vec<TaskRef> {
    timeout(IN_TIME, signal.next()).await.expect("a signal")
}

/// Waits for so many signals, however they are told.
///
/// # Panics
/// When they do not come in time.
pub async fn next_of(signal: &dyn TaskSignal, number: usize) -> Vec<TaskRef> {
    let mut told = Vec::new();
    while told.len() < number {
        told.extend(next(signal).await);
    }
    told
}

/// What is due before a worker waits is told when it does.
pub async fn a_signal_before_the_wait_is_not_lost(queue: &dyn QueueHarness) {
    let (teller, worker) = (queue.teller().await, queue.worker().await);
    teller.due(&[a_task(1), a_task(2)]).await;
    worker.due(&[a_task(3)]).await;
    let told: BTreeSet<_> = next_of(&*worker, 3).await.into_iter().map(|task| task.id.get()).collect();
    assert_eq!(told, BTreeSet::from([1, 2, 3]));
}

/// A worker that waits is woken, by another instance and by its own.
pub async fn a_waiting_worker_is_woken(queue: &dyn QueueHarness) {
    let (teller, worker) = (queue.teller().await, queue.worker().await);
    for (id, by) in [(7, &teller), (8, &worker)] {
        let waiting = tokio::spawn({
            let worker = worker.clone();
            async move { next(&*worker).await }
        });
        by.due(&[a_task(id)]).await;
        assert_eq!(waiting.await.unwrap(), [a_task(id)]);
    }
}

/// However many work, a signal is told to one of them.
pub async fn each_signal_reaches_one_worker(queue: &dyn QueueHarness) {
    const SIGNALS: i64 = 500;
    let (teller, workers) = (queue.teller().await, [queue.worker().await, queue.worker().await]);
    let said = tokio::spawn(async move {
        for id in 1..=SIGNALS {
            teller.due(&[a_task(id)]).await;
        }
    });
    let mut told = Vec::new();
    while told.len() < usize::try_from(SIGNALS).unwrap() {
        let any = async {
            tokio::select! { told = workers[0].next() => told, told = workers[1].next() => told }
        };
        told.extend(timeout(IN_TIME, any).await.expect("all signals").into_iter().map(|task| task.id.get()));
    }
    said.await.unwrap();
    told.sort_unstable();
    assert_eq!(told, (1..=SIGNALS).collect::<Vec<_>>());
}

/// One worker is told them as they were said.
pub async fn signals_are_told_in_their_sequence(queue: &dyn QueueHarness) {
    let (teller, worker) = (queue.teller().await, queue.worker().await);
    let tasks: Vec<_> = (1..=300).map(a_task).collect();
    for tasks in tasks.chunks(3) {
        teller.due(tasks).await;
    }
    assert_eq!(next_of(&*worker, tasks.len()).await, tasks);
}

/// Whoever stops waiting loses no signal by it.
pub async fn a_wait_that_is_given_up_takes_nothing_along(queue: &dyn QueueHarness) {
    let (teller, worker) = (queue.teller().await, queue.worker().await);
    {
        let wait = worker.next();
        tokio::pin!(wait);
        assert!(poll!(wait.as_mut()).is_pending());
        teller.due(&[a_task(1)]).await;
    }
    assert_eq!(next(&*worker).await, [a_task(1)]);
}

/// A worker is told what there is to do, and nothing else.
pub async fn saying_that_nothing_is_due_wakes_nobody(queue: &dyn QueueHarness) {
    let (teller, worker) = (queue.teller().await, queue.worker().await);
    teller.due(&[]).await;
    worker.due(&[]).await;
    teller.due(&[a_task(1)]).await;
    assert_eq!(next(&*worker).await, [a_task(1)]);
}
