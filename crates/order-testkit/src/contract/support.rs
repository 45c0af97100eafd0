//! What the contracts have in common.

use std::future::Future;

use order_domain::order::{Change, Order};
use order_domain::payment::Entry;
use order_domain::ports::{Claim, ClaimedTask, CommitError, Committed, Failure, Loaded, NewTask, TaskKind};
use order_domain::time::{Duration, Timestamp};
use order_domain::{OrderId, TaskId};

use crate::builders::{Kept, Life, OrderBuilder, an_order, claim_one, commit, write_set};

use super::Harness;

/// The lease that the contracts ask for, and a time after which it has run out, whatever the kind.
pub(super) const LEASE: Duration = Duration::from_secs(30);
pub(super) const LONGER_THAN_ANY_LEASE: Duration = Duration::from_mins(6);

/// Waits until `condition` holds, for at most ten seconds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    for _ in 0..1_000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within ten seconds: {what}");
}

/// The database's now.
pub(super) async fn now(harness: &dyn Harness) -> Timestamp {
    harness.store().now().await.unwrap()
}

/// An order that is to be placed now, under a number of its own.
pub(super) async fn a_new_order(harness: &dyn Harness) -> OrderBuilder {
    let id = harness.ids().order_id().await.unwrap();
    an_order().numbered(id).at(now(harness).await)
}

pub(super) async fn keep(harness: &dyn Harness, life: &Life) -> Kept {
    life.keep(&*harness.store(), &*harness.tasks(), &*harness.ids()).await
}

pub(super) async fn load(harness: &dyn Harness, id: OrderId) -> Loaded {
    harness.store().load(id).await.unwrap().expect("an order of this number")
}

/// A life that goes on with the order as it is in the database.
pub(super) async fn reloaded(harness: &dyn Harness, life: &Life) -> Life {
    let Loaded { order, now } = load(harness, life.order.id()).await;
    Life::of(order, life.rules.clone(), now)
}

pub(super) async fn try_commit(harness: &dyn Harness, change: Change) -> Result<Committed, CommitError> {
    commit(&*harness.store(), &*harness.ids(), change).await
}

pub(super) async fn claim(harness: &dyn Harness, task: &NewTask) -> ClaimedTask {
    claim_one(&*harness.tasks(), task).await
}

/// Whatever is due of a kind.
pub(super) async fn claim_all(harness: &dyn Harness, kind: TaskKind) -> Vec<ClaimedTask> {
    let claim = Claim { slots: vec![(kind, 1_000)], chores: Vec::new(), only: None, lease: LEASE };
    harness.tasks().claim(&claim).await.unwrap().claimed
}

/// The numbers of whatever is due of a kind.
pub(super) async fn claim_ids(harness: &dyn Harness, kind: TaskKind) -> Vec<TaskId> {
    claim_all(harness, kind).await.into_iter().map(|task| task.id).collect()
}

/// A failure that leaves nothing on an entry.
pub(super) fn failure(wait: Duration) -> Failure {
    Failure { wait, error: "no answer".into(), entry: None }
}

/// A placed order, paid online, whose charge is due at `due`.
pub(super) async fn a_charge(harness: &dyn Harness, due: Timestamp) -> (Life, NewTask) {
    let life = a_new_order(harness).await.placed();
    let mut set = write_set(&*harness.ids(), life.last_change()).await;
    set.tasks[0].due = due;
    let task = set.tasks[0].clone();
    harness.store().commit(vec![set]).await.unwrap();
    (life, task)
}

/// A confirmed order with as many tasks in its cart's lane, all due at `due`, in the sequence in which they have to run.
/// Their numbers run the other way.
pub(super) async fn a_lane(harness: &dyn Harness, length: usize, due: Timestamp) -> Vec<NewTask> {
    let life = a_new_order(harness).await.cash().placed();
    let mut set = write_set(&*harness.ids(), life.last_change()).await;
    let numbers = harness.ids().task_ids(length).await.unwrap();
    let first = set.tasks.remove(0);
    let place = |(id, n): (TaskId, u32)| {
        let (seq, ordinal) = if n == 0 { (1, 7) } else { (2, n - 1) };
        NewTask { id, seq, ordinal, due, ..first.clone() }
    };
    set.tasks = numbers.into_iter().rev().zip(0..).map(place).collect();
    let tasks = set.tasks.clone();
    harness.store().commit(vec![set]).await.unwrap();
    tasks
}

/// An order as it was expected and as it was loaded are the same. The moment of a first try is the database's, so that
/// one is only bounded.
pub(super) fn assert_same(expected: &Order, loaded: &Loaded) {
    assert_eq!(expected.state(), loaded.order.state());
    let (expected_entries, entries) = (expected.ledger().entries(), loaded.order.ledger().entries());
    assert_eq!(expected_entries.len(), entries.len());
    for (expected, entry) in expected_entries.iter().zip(entries) {
        assert_eq!(expected.first_tried_at.is_some(), entry.first_tried_at.is_some(), "entry {}", entry.n);
        assert!(entry.first_tried_at.is_none_or(|at| entry.created_at <= at && at <= loaded.now));
        let expected = Entry { first_tried_at: entry.first_tried_at, ..expected.clone() };
        assert_eq!(expected, *entry);
    }
}
