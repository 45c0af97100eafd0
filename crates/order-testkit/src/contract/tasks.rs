//! Claiming, finishing and failing tasks.

use std::collections::BTreeSet;

use order_domain::ports::{Claim, MAX_TRIES, TaskKind};
use order_domain::time::{Duration, after};

use crate::builders::write_set;

use super::Harness;
use super::support::{
    LEASE, LONGER_THAN_ANY_LEASE, a_charge, a_lane, a_new_order, claim, claim_all, claim_ids, failure, keep, now,
};

const HOUR: Duration = Duration::from_hours(1);

/// A task is claimed as it was committed.
pub async fn a_due_task_is_claimed_as_it_was_committed(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    let claimed = claim(harness, &task).await;
    assert_eq!((claimed.id, claimed.kind, claimed.order), (task.id, TaskKind::Charge, life.order.id()));
    assert_eq!((claimed.entry, claimed.attempts), (Some(1), 1));
    let kept = keep(harness, &a_new_order(harness).await.cash().placed()).await;
    let clear = claim(harness, kept.task(TaskKind::ClearCart)).await;
    assert_eq!((clear.kind, clear.entry, clear.attempts), (TaskKind::ClearCart, None, 1));
}

/// A task that is not due yet is not claimed, and the sweep says when it will be.
pub async fn a_task_is_not_claimed_before_it_is_due(harness: &dyn Harness) {
    let due = after(now(harness).await, HOUR);
    let (_, task) = a_charge(harness, due).await;
    a_charge(harness, after(due, HOUR)).await;
    let everything = TaskKind::ALL.map(|kind| (kind, 10)).to_vec();
    for only in [None, Some(vec![task.id])] {
        let claim = Claim { slots: everything.clone(), chores: Vec::new(), only, lease: LEASE };
        let sweep = harness.tasks().claim(&claim).await.unwrap();
        assert_eq!((sweep.claimed, sweep.next_due), (Vec::new(), Some(due)));
        assert!(sweep.now < due && sweep.now <= now(harness).await);
    }
    harness.let_pass(HOUR).await;
    assert_eq!(claim_ids(harness, TaskKind::Charge).await, [task.id]);
}

/// What is held is due again when its lease runs out.
pub async fn a_lease_that_runs_out_is_the_next_thing_due(harness: &dyn Harness) {
    let (_, _) = a_charge(harness, now(harness).await).await;
    let claim = Claim { slots: vec![(TaskKind::Charge, 1)], chores: Vec::new(), only: None, lease: HOUR };
    let sweep = harness.tasks().claim(&claim).await.unwrap();
    assert_eq!(sweep.claimed.len(), 1);
    assert_eq!(sweep.next_due, Some(after(sweep.now, HOUR)));
}

/// An empty list of tasks has nothing to wait for.
pub async fn without_tasks_nothing_is_due(harness: &dyn Harness) {
    let claim = Claim { slots: vec![(TaskKind::Charge, 1)], chores: Vec::new(), only: None, lease: LEASE };
    let sweep = harness.tasks().claim(&claim).await.unwrap();
    assert_eq!((sweep.claimed, sweep.next_due), (Vec::new(), None));
}

/// Never more than there are slots of a kind, and no kind that is not named.
pub async fn a_claim_keeps_to_its_slots(harness: &dyn Harness) {
    let due = now(harness).await;
    for _ in 0..3 {
        a_charge(harness, due).await;
        a_lane(harness, 1, due).await;
    }
    let take = |slots: Vec<(TaskKind, usize)>| async move {
        let claim = Claim { slots, chores: Vec::new(), only: None, lease: LEASE };
        let claimed = harness.tasks().claim(&claim).await.unwrap().claimed;
        let of = |kind| claimed.iter().filter(|task| task.kind == kind).count();
        (of(TaskKind::Charge), of(TaskKind::ClearCart))
    };
    assert_eq!(take(vec![]).await, (0, 0));
    assert_eq!(take(vec![(TaskKind::Refund, 5), (TaskKind::Charge, 0)]).await, (0, 0));
    assert_eq!(take(vec![(TaskKind::Charge, 1)]).await, (1, 0));
    assert_eq!(take(vec![(TaskKind::Charge, 1), (TaskKind::ClearCart, 2)]).await, (1, 2));
    assert_eq!(take(vec![(TaskKind::ClearCart, 9), (TaskKind::Charge, 9)]).await, (1, 1));
}

/// Whatever has waited longest goes first.
pub async fn the_longest_due_is_claimed_first(harness: &dyn Harness) {
    let start = now(harness).await;
    let mut by_due = Vec::new();
    for seconds in [2_u64, 0, 3, 1] {
        let (_, task) = a_charge(harness, after(start, Duration::from_secs(seconds))).await;
        by_due.push((seconds, task.id));
    }
    by_due.sort_unstable();
    harness.let_pass(Duration::from_mins(1)).await;
    for (_, expected) in by_due {
        let claim = Claim { slots: vec![(TaskKind::Charge, 1)], chores: Vec::new(), only: None, lease: HOUR };
        let claimed = harness.tasks().claim(&claim).await.unwrap().claimed;
        assert_eq!(claimed.iter().map(|task| task.id).collect::<Vec<_>>(), [expected]);
    }
}

/// Only those that are named, and of them only what is due and of a kind with slots.
pub async fn a_claim_takes_only_what_it_names(harness: &dyn Harness) {
    let start = now(harness).await;
    let (_, one) = a_charge(harness, start).await;
    let (_, two) = a_charge(harness, start).await;
    let (_, later) = a_charge(harness, after(start, HOUR)).await;
    let clear = a_lane(harness, 1, start).await[0].clone();
    let named = Some(vec![two.id, later.id, clear.id, order_domain::TaskId::new(987_654_321).unwrap()]);
    let claim = Claim { slots: vec![(TaskKind::Charge, 10)], chores: Vec::new(), only: named, lease: LEASE };
    let claimed = harness.tasks().claim(&claim).await.unwrap().claimed;
    assert_eq!(claimed.iter().map(|task| task.id).collect::<Vec<_>>(), [two.id]);
    let nothing =
        Claim { slots: vec![(TaskKind::Charge, 10)], chores: Vec::new(), only: Some(Vec::new()), lease: LEASE };
    assert_eq!(harness.tasks().claim(&nothing).await.unwrap().claimed, Vec::new());
    assert_eq!(claim_ids(harness, TaskKind::Charge).await, [one.id]);
}

/// A finished task is gone; to finish it again does nothing.
pub async fn a_task_is_finished_once(harness: &dyn Harness) {
    let (_, task) = a_charge(harness, now(harness).await).await;
    let claimed = claim(harness, &task).await;
    let tasks = harness.counts().await.tasks;
    for _ in 0..2 {
        assert_eq!(harness.tasks().finish(&claimed).await, Ok(None));
        assert_eq!(harness.counts().await.tasks, tasks - 1);
    }
    assert_eq!(harness.tasks().fail(&claimed, &failure(Duration::ZERO)).await, Ok(false));
    harness.tasks().hand_back(&claimed).await.unwrap();
    assert_eq!(harness.store().load_for(&claimed).await, Ok(None));
    harness.let_pass(LONGER_THAN_ANY_LEASE).await;
    assert!(claim_all(harness, TaskKind::Charge).await.is_empty());
}

/// A commit ends the task that caused it, and a second one finds it lost.
pub async fn a_task_ends_with_the_commit_that_it_caused(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    let claimed = claim(harness, &task).await;
    let tasks = harness.counts().await.tasks;
    let cancelled = life.cancelled();
    let set = write_set(&*harness.ids(), cancelled.last_change()).await.finishing(&claimed);
    let follow = set.tasks.len();
    harness.store().commit(vec![set]).await.unwrap();
    assert_eq!(harness.counts().await.tasks, tasks + follow - 1);
    assert_eq!(harness.store().load_for(&claimed).await, Ok(None));
}

/// A failed task waits as long as it was told, and keeps count.
pub async fn a_failed_task_waits(harness: &dyn Harness) {
    let (_, task) = a_charge(harness, now(harness).await).await;
    let claimed = claim(harness, &task).await;
    assert_eq!(harness.tasks().fail(&claimed, &failure(HOUR)).await, Ok(true));
    harness.let_pass(Duration::from_mins(59)).await;
    assert!(claim_all(harness, TaskKind::Charge).await.is_empty());
    harness.let_pass(Duration::from_mins(1)).await;
    let again = claim(harness, &task).await;
    assert_eq!(again.attempts, 2);
    assert!(again.token > claimed.token);
    assert_eq!(harness.tasks().fail(&again, &failure(Duration::ZERO)).await, Ok(true));
    assert_eq!(claim(harness, &task).await.attempts, 3, "no wait: due at once");
}

/// A worker that stops gives its task back: due at once, in nobody's hands, and no try is counted.
pub async fn a_task_that_is_handed_back_was_not_tried(harness: &dyn Harness) {
    let (_, task) = a_charge(harness, now(harness).await).await;
    let first = claim(harness, &task).await;
    harness.tasks().hand_back(&first).await.unwrap();
    harness.tasks().hand_back(&first).await.unwrap(); // Once is enough; twice does no harm.
    let second = claim(harness, &task).await;
    assert_eq!((second.attempts, second.entry), (1, Some(1)));
    assert!(second.token > first.token);
    assert_eq!(harness.tasks().finish(&first).await, Ok(None));
    assert!(harness.store().load_for(&second).await.unwrap().is_some());
}

/// Two workers on two instances, 200 tasks: each is claimed by one of them.
pub async fn two_workers_never_claim_the_same_task(harness: &dyn Harness) {
    let second = harness.second().await;
    let due = now(harness).await;
    let mut left = BTreeSet::new();
    for _ in 0..20 {
        let mut sets = Vec::new();
        for _ in 0..10 {
            let mut set = write_set(&*harness.ids(), a_new_order(harness).await.placed().last_change()).await;
            set.tasks[0].due = due;
            left.insert(set.tasks[0].id);
            sets.push(set);
        }
        harness.store().commit(sets).await.unwrap();
    }
    let (one, other) = (harness.tasks(), second.tasks());
    let batch = Claim { slots: vec![(TaskKind::Charge, 9)], chores: Vec::new(), only: None, lease: HOUR };
    let mut idle = 0;
    while idle < 2 {
        let (a, b) = tokio::join!(one.claim(&batch), other.claim(&batch));
        let claimed = [a.unwrap().claimed, b.unwrap().claimed].concat();
        idle = if claimed.is_empty() { idle + 1 } else { 0 };
        for task in claimed {
            assert!(left.remove(&task.id), "task {} was claimed twice", task.id);
            assert_eq!(task.attempts, 1);
        }
    }
    assert_eq!(left, BTreeSet::new(), "all are claimed");
}

/// A cart's task that always fails is dead after its tries, kept for an operator, and never claimed again.
pub async fn a_task_that_may_die_is_dead_after_its_tries(harness: &dyn Harness) {
    let task = a_lane(harness, 1, now(harness).await).await.remove(0);
    let tasks = harness.counts().await.tasks;
    for attempt in 1..=MAX_TRIES {
        let claimed = claim(harness, &task).await;
        assert_eq!(claimed.attempts, attempt);
        let wait = if attempt == MAX_TRIES { HOUR } else { Duration::ZERO };
        assert_eq!(harness.tasks().fail(&claimed, &failure(wait)).await, Ok(true));
    }
    let claim = Claim { slots: vec![(TaskKind::ClearCart, 10)], chores: Vec::new(), only: None, lease: LEASE };
    for _ in 0..2 {
        let sweep = harness.tasks().claim(&claim).await.unwrap();
        assert_eq!((sweep.claimed, sweep.next_due), (Vec::new(), None), "a dead one is not waited for");
        harness.let_pass(2 * HOUR).await;
    }
    assert_eq!(harness.counts().await.tasks, tasks, "it is kept");
}

/// What moves money never dies, however often it fails or kills its process.
pub async fn what_moves_money_never_dies(harness: &dyn Harness) {
    let (_, task) = a_charge(harness, now(harness).await).await;
    for attempt in 1..=(2 * MAX_TRIES + 2) {
        let claimed = claim(harness, &task).await;
        assert_eq!(claimed.attempts, attempt);
        if attempt % 2 == 0 {
            assert_eq!(harness.tasks().fail(&claimed, &failure(Duration::ZERO)).await, Ok(true));
        } else {
            harness.let_pass(LONGER_THAN_ANY_LEASE).await;
        }
    }
}
