//! A commit is all or nothing.

use order_domain::ports::{CommitError, WriteSet};

use crate::builders::{Life, a_key, a_receipt, write_set};

use super::Harness;
use super::support::{a_charge, a_new_order, assert_same, claim, keep, load, now};

/// These write sets do not take, and nothing is left of them.
async fn leaves_nothing(harness: &dyn Harness, before: &[&Life], sets: Vec<WriteSet>) -> CommitError {
    let counts = harness.counts().await;
    let error = harness.store().commit(sets).await.expect_err("a commit that can't take");
    assert_eq!(harness.counts().await, counts, "after {error:?}");
    for life in before {
        assert_same(&life.order, &load(harness, life.order.id()).await);
    }
    error
}

async fn set_of(harness: &dyn Harness, life: &Life) -> WriteSet {
    write_set(&*harness.ids(), life.last_change()).await
}

/// All write sets of a commit take.
pub async fn several_write_sets_take_together(harness: &dyn Harness) {
    let (one, other) = (a_new_order(harness).await.paid(), a_new_order(harness).await.cash().placed());
    keep(harness, &one).await;
    let packed = Life { steps: Vec::new(), ..one }.preparing();
    // The later number first: locks are taken in the order of ids all the same.
    let sets = vec![set_of(harness, &other).await, set_of(harness, &packed).await];
    harness.store().commit(sets).await.unwrap();
    assert_same(&packed.order, &load(harness, packed.order.id()).await);
    assert_same(&other.order, &load(harness, other.order.id()).await);
}

/// No write sets at all: nothing to do, and no error.
pub async fn a_commit_of_nothing_takes(harness: &dyn Harness) {
    let counts = harness.counts().await;
    harness.store().commit(Vec::new()).await.unwrap();
    assert_eq!(harness.counts().await, counts);
}

/// A write set that conflicts takes the other along, whichever comes first.
pub async fn of_two_write_sets_one_that_conflicts_undoes_both(harness: &dyn Harness) {
    let one = a_new_order(harness).await.paid();
    keep(harness, &one).await;
    let two = a_new_order(harness).await.paid();
    keep(harness, &two).await;
    for (fresh, stale) in [(&one, &two), (&two, &one)] {
        let good = set_of(harness, &fresh.clone().preparing()).await;
        let mut bad = set_of(harness, &stale.clone().preparing()).await;
        bad.base = Some(1);
        let placed = set_of(harness, &a_new_order(harness).await.cash().placed()).await;
        let error = leaves_nothing(harness, &[&one, &two], vec![placed, good, bad]).await;
        assert_eq!(error, CommitError::Conflict);
    }
}

/// A new order under a number that is used already.
pub async fn an_order_is_placed_once(harness: &dyn Harness) {
    let life = a_new_order(harness).await.placed();
    keep(harness, &life).await;
    let again = set_of(harness, &life).await;
    assert_eq!(leaves_nothing(harness, &[&life], vec![again]).await, CommitError::Conflict);
}

/// A change of an order that is not there.
pub async fn an_order_that_is_not_there_is_not_changed(harness: &dyn Harness) {
    let set = set_of(harness, &a_new_order(harness).await.paid()).await;
    assert_eq!(leaves_nothing(harness, &[], vec![set]).await, CommitError::Conflict);
}

/// A task's number that is used already, in this commit or before.
pub async fn a_task_number_used_twice_undoes_the_commit(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    let mut set = set_of(harness, &a_new_order(harness).await.placed()).await;
    set.tasks[0].id = task.id;
    leaves_nothing(harness, &[&life], vec![set]).await;

    let mut change = set_of(harness, &life.clone().cancelled()).await;
    change.tasks = vec![order_domain::ports::NewTask { entry: None, seq: 2, ..task }];
    leaves_nothing(harness, &[&life], vec![change]).await;
}

/// A key that is used already, of a new order and of a change.
pub async fn a_used_key_undoes_the_commit(harness: &dyn Harness) {
    let one = a_new_order(harness).await.paid();
    keep(harness, &one).await;
    let answer = || Some((a_key(1), a_receipt(1)));
    let two = a_new_order(harness).await.placed();
    let set = set_of(harness, &two).await.with_receipt(answer());
    harness.store().commit(vec![set]).await.unwrap();

    let new = set_of(harness, &a_new_order(harness).await.placed()).await.with_receipt(answer());
    assert_eq!(leaves_nothing(harness, &[&one, &two], vec![new]).await, CommitError::KeyUsed);
    let change = set_of(harness, &one.clone().preparing()).await.with_receipt(answer());
    assert_eq!(leaves_nothing(harness, &[&one, &two], vec![change]).await, CommitError::KeyUsed);
}

/// A task that is in other hands, whether it would have ended or gone on.
pub async fn a_lost_task_undoes_the_commit(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    let lost = claim(harness, &task).await;
    harness.tasks().hand_back(&lost).await.unwrap();
    let cancelled = life.clone().cancelled();
    let set = set_of(harness, &cancelled).await;
    assert_eq!(leaves_nothing(harness, &[&life], vec![set.clone().finishing(&lost)]).await, CommitError::TaskLost);
    assert_eq!(leaves_nothing(harness, &[&life], vec![set.held_by(&lost)]).await, CommitError::TaskLost);
}
