//! *Moving an entry*, line by line: `booked → sent` and back, answers, and who may still give them.

use order_domain::order::{Command, Status};
use order_domain::payment::EntryState;
use order_domain::ports::{CommitError, TaskKind};

use crate::builders::write_set;

use super::Harness;
use super::support::{
    LONGER_THAN_ANY_LEASE, a_charge, a_new_order, assert_same, claim, claim_all, failure, keep, load, now, reloaded,
    try_commit,
};

/// `booked → sent` counts a try and keeps its moment, `sent → booked` forgets that: nothing has arrived. Neither is an
/// event.
pub async fn marking_sent_is_counted_and_is_no_event(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    let id = life.order.id();
    let claimed = claim(harness, &task).await;
    let counts = harness.counts().await;
    assert!(harness.store().mark_sent(&claimed, 1, 1).await.unwrap());
    let mut expected = life.order.clone();
    expected.mark_sent(1, life.now).unwrap();
    let first = load(harness, id).await;
    assert_same(&expected, &first);
    assert!(!harness.store().mark_sent(&claimed, 1, 1).await.unwrap(), "it is sent already");

    assert!(harness.store().put_back(&claimed, 1, 1).await.unwrap());
    assert!(!harness.store().put_back(&claimed, 1, 1).await.unwrap(), "it is booked again already");
    let between = load(harness, id).await.order;
    assert_eq!(between.ledger().entry(1).unwrap().first_tried_at, None);
    assert!(harness.store().mark_sent(&claimed, 1, 1).await.unwrap());
    let second = load(harness, id).await.order;
    let (before, after) = (first.order.ledger().entry(1).unwrap(), second.ledger().entry(1).unwrap());
    assert_eq!(after.attempts, 2);
    assert!(after.first_tried_at >= before.first_tried_at && before.first_tried_at.is_some());
    assert_eq!(second.version(), 1);
    assert_eq!(harness.counts().await, counts);
}

/// The order was cancelled between the look and the mark: no call.
pub async fn a_cancellation_that_is_first_keeps_an_entry_from_being_sent(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    let claimed = claim(harness, &task).await;
    let looked = harness.store().load_for(&claimed).await.unwrap().unwrap();
    try_commit(harness, life.clone().cancelled().last_change()).await.unwrap();
    assert!(!harness.store().mark_sent(&claimed, looked.order.version(), 1).await.unwrap());
    let order = load(harness, life.order.id()).await.order;
    let entry = order.ledger().entry(1).unwrap();
    assert_eq!((entry.state, entry.attempts, entry.first_tried_at), (EntryState::Withdrawn, 0, None));
    assert!(!harness.store().mark_sent(&claimed, 2, 1).await.unwrap(), "nor with the right version");
}

/// Whoever changed the order, the mark holds only at the version that was looked at.
pub async fn an_entry_is_marked_sent_only_at_the_version_that_was_loaded(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    let claimed = claim(harness, &task).await;
    try_commit(harness, life.clone().assigned_to("bob").last_change()).await.unwrap();
    assert!(!harness.store().mark_sent(&claimed, 1, 1).await.unwrap());
    assert!(!harness.store().mark_sent(&claimed, 3, 1).await.unwrap());
    assert!(!harness.store().mark_sent(&claimed, 2, 2).await.unwrap(), "there is no such entry");
    assert!(harness.store().mark_sent(&claimed, 2, 1).await.unwrap());
}

/// A cancellation and a mark at once: either the charge is withdrawn and no call is made, or the cancellation has to be
/// decided again, on a charge that is sent.
pub async fn of_a_cancellation_and_a_mark_at_once_one_wins(harness: &dyn Harness) {
    let second = harness.second().await;
    for round in 0..20 {
        let (life, task) = a_charge(harness, now(harness).await).await;
        let claimed = claim(harness, &task).await;
        let store = harness.store();
        let mark = store.mark_sent(&claimed, 1, 1);
        let cancel = try_commit(&*second, life.clone().cancelled().last_change());
        let (mark, cancel) = if round % 2 == 0 {
            tokio::join!(mark, cancel)
        } else {
            let (cancel, mark) = tokio::join!(cancel, mark);
            (mark, cancel)
        };
        let order = load(harness, life.order.id()).await.order;
        let state = order.ledger().entry(1).unwrap().state;
        match (mark, cancel) {
            (Ok(true), Err(CommitError::Conflict)) => {
                assert_eq!((order.status(), state), (Status::Pending, EntryState::Sent));
            }
            (Ok(false), Ok(_)) => assert_eq!((order.status(), state), (Status::Cancelled, EntryState::Withdrawn)),
            both => panic!("one should have won: {both:?}"),
        }
    }
}

/// A handler that stalled until its task went to another: it sees nothing, and whatever it does changes nothing.
pub async fn a_handler_that_lost_its_task_changes_nothing(harness: &dyn Harness) {
    let second = harness.second().await;
    let (life, task) = a_charge(harness, now(harness).await).await;
    let stalled = claim(harness, &task).await;
    assert!(harness.store().mark_sent(&stalled, 1, 1).await.unwrap());
    harness.let_pass(LONGER_THAN_ANY_LEASE).await;
    let holder = claim(&*second, &task).await;
    assert!(holder.token > stalled.token, "a claim raises the token");

    let counts = harness.counts().await;
    let before = load(harness, life.order.id()).await.order;
    let store = harness.store();
    assert_eq!(store.load_for(&stalled).await, Ok(None));
    assert_eq!(store.put_back(&stalled, 1, 1).await, Ok(false));
    assert_eq!(store.mark_sent(&stalled, 1, 1).await, Ok(false));
    let settled = reloaded(harness, &life).await.charge_settles(1).last_change();
    let set = write_set(&*harness.ids(), settled).await;
    assert_eq!(store.commit(vec![set.clone().finishing(&stalled)]).await, Err(CommitError::TaskLost));
    assert_eq!(store.commit(vec![set.clone().held_by(&stalled)]).await, Err(CommitError::TaskLost));
    assert_eq!(harness.tasks().finish(&stalled).await, Ok(None));
    assert_eq!(harness.tasks().fail(&stalled, &failure(LONGER_THAN_ANY_LEASE)).await, Ok(false));
    harness.tasks().hand_back(&stalled).await.unwrap();
    assert_eq!(harness.counts().await, counts);
    assert_eq!(load(harness, life.order.id()).await.order, before);

    assert!(second.store().load_for(&holder).await.unwrap().is_some(), "the holder is not disturbed");
    second.store().commit(vec![set.finishing(&holder)]).await.unwrap();
    assert_eq!(load(harness, life.order.id()).await.order.status(), Status::Confirmed);
}

/// A task that was handed back is in nobody's hands.
pub async fn a_task_that_was_handed_back_allows_no_move(harness: &dyn Harness) {
    let (_, task) = a_charge(harness, now(harness).await).await;
    let claimed = claim(harness, &task).await;
    harness.tasks().hand_back(&claimed).await.unwrap();
    assert_eq!(harness.store().load_for(&claimed).await, Ok(None));
    assert_eq!(harness.store().mark_sent(&claimed, 1, 1).await, Ok(false));
}

/// `sent → booked` misses an order that has changed, and holds after it was loaded again.
pub async fn putting_back_holds_after_loading_again(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    let claimed = claim(harness, &task).await;
    assert!(harness.store().mark_sent(&claimed, 1, 1).await.unwrap());
    try_commit(harness, reloaded(harness, &life).await.cancelled().last_change()).await.unwrap();
    assert!(!harness.store().put_back(&claimed, 1, 1).await.unwrap());
    let loaded = harness.store().load_for(&claimed).await.unwrap().unwrap();
    assert_eq!(loaded.order.ledger().entry(1).unwrap().state, EntryState::Sent);
    assert!(harness.store().put_back(&claimed, loaded.order.version(), 1).await.unwrap());
    let order = load(harness, life.order.id()).await.order;
    assert_eq!((order.version(), order.ledger().entry(1).unwrap().state), (2, EntryState::Booked));
}

/// Late and repeated answers never move a settled entry.
pub async fn a_settled_entry_never_moves_again(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    let claimed = claim(harness, &task).await;
    assert!(harness.store().mark_sent(&claimed, 1, 1).await.unwrap());
    let under_way = reloaded(harness, &life).await;
    let (settled, declined) = (under_way.clone().charge_settles(1), under_way.charge_is_declined(1));
    let set = write_set(&*harness.ids(), settled.last_change()).await.held_by(&claimed);
    harness.store().commit(vec![set]).await.unwrap();

    assert!(!harness.store().put_back(&claimed, 2, 1).await.unwrap());
    assert!(!harness.store().mark_sent(&claimed, 2, 1).await.unwrap());
    for late in [settled.last_change(), declined.last_change()] {
        assert_eq!(try_commit(harness, late.clone()).await, Err(CommitError::Conflict));
        // Even one that somehow knows the version.
        let mut set = write_set(&*harness.ids(), settled.clone().assigned_to("bob").last_change()).await;
        set.moves = late.moves;
        assert_eq!(harness.store().commit(vec![set]).await, Err(CommitError::Conflict));
    }
    assert_same(&settled.order, &load(harness, life.order.id()).await);
}

/// A charge that settles on a cancelled order is given back by a refund of its own, with a task of its own, in one
/// commit that ends the charge's task.
pub async fn a_refund_is_booked_with_its_task_and_ends_the_charges(harness: &dyn Harness) {
    let life = a_new_order(harness).await.sent().cancelled();
    let kept = keep(harness, &life).await;
    let charge = kept.held(1);
    let settled = reloaded(harness, &life).await.charge_settles(1);
    let set = write_set(&*harness.ids(), settled.last_change()).await.finishing(charge);
    harness.store().commit(vec![set.clone()]).await.unwrap();
    assert_eq!(harness.store().commit(vec![set.clone()]).await.unwrap_err(), CommitError::Conflict, "once");
    assert_same(&settled.order, &load(harness, life.order.id()).await);

    harness.let_pass(LONGER_THAN_ANY_LEASE).await;
    assert!(claim_all(harness, TaskKind::Charge).await.is_empty());
    let refunds = claim_all(harness, TaskKind::Refund).await;
    let told: Vec<_> = refunds.iter().map(|task| (task.id, task.order, task.entry)).collect();
    assert_eq!(told, [(set.tasks[0].id, life.order.id(), Some(2))]);
}

/// A timeout cancels the order and leaves a sent charge to its task, which goes on.
pub async fn a_commit_that_is_held_by_a_task_leaves_it(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    let claimed = claim(harness, &task).await;
    assert!(harness.store().mark_sent(&claimed, 1, 1).await.unwrap());
    let late = reloaded(harness, &life).await.after(life.rules.payment_timeout);
    let late = late.when(&order_domain::order::Actor::System, Command::TimeOut { entry: 1 });
    let set = write_set(&*harness.ids(), late.last_change()).await.held_by(&claimed);
    harness.store().commit(vec![set]).await.unwrap();
    let loaded = harness.store().load_for(&claimed).await.unwrap().expect("the task goes on");
    assert_eq!(loaded.order.ledger().entry(1).unwrap().state, EntryState::Sent);
    assert_eq!(loaded.order.status(), Status::Cancelled);
}
