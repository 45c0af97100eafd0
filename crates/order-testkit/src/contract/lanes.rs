//! Lanes: tasks of one order and lane run one after another, in the sequence of what caused them.

use order_domain::ports::{Claim, MAX_TRIES, TaskKind, TaskRef};
use order_domain::time::{Duration, after};

use crate::builders::write_set;

use super::Harness;
use super::support::{LEASE, a_lane, a_new_order, claim, claim_all, claim_ids, failure, keep, load, now};

const KIND: TaskKind = TaskKind::ClearCart;

/// By the sequence of their events, not by their numbers, and never two at once.
pub async fn a_lane_runs_in_the_sequence_of_its_events(harness: &dyn Harness) {
    let lane = a_lane(harness, 4, now(harness).await).await;
    assert!(lane.windows(2).all(|pair| pair[0].id > pair[1].id), "the numbers run the other way");
    for task in &lane {
        assert_eq!(claim_ids(harness, KIND).await, [task.id]);
        let again = claim_all(harness, KIND).await;
        assert!(again.is_empty(), "one at a time");
        // Held: let it run out, to claim and finish it.
        harness.let_pass(LEASE).await;
        let claimed = claim(harness, task).await;
        harness.tasks().finish(&claimed).await.unwrap();
    }
    assert!(claim_all(harness, KIND).await.is_empty());
}

/// One that is not the head is not claimed, even by its number.
pub async fn only_the_head_of_a_lane_is_claimed(harness: &dyn Harness) {
    let lane = a_lane(harness, 2, now(harness).await).await;
    let second = Claim { slots: vec![(KIND, 10)], chores: Vec::new(), only: Some(vec![lane[1].id]), lease: LEASE };
    assert_eq!(harness.tasks().claim(&second).await.unwrap().claimed, Vec::new());
}

/// A head that waits for its retry, or is not due yet, holds its lane.
pub async fn a_head_that_waits_holds_its_lane(harness: &dyn Harness) {
    let lane = a_lane(harness, 2, now(harness).await).await;
    let head = claim(harness, &lane[0]).await;
    harness.tasks().fail(&head, &failure(Duration::from_hours(1))).await.unwrap();
    harness.let_pass(Duration::from_mins(30)).await;
    assert!(claim_all(harness, KIND).await.is_empty());
    harness.let_pass(Duration::from_mins(30)).await;
    assert_eq!(claim_ids(harness, KIND).await, [lane[0].id]);
}

/// Lanes of other orders, and what moves money, do not wait.
pub async fn lanes_do_not_wait_for_each_other(harness: &dyn Harness) {
    let due = now(harness).await;
    let (one, other) = (a_lane(harness, 2, due).await, a_lane(harness, 2, due).await);
    let mut heads = claim_ids(harness, KIND).await;
    heads.sort_unstable();
    let mut expected = vec![one[0].id, other[0].id];
    expected.sort_unstable();
    assert_eq!(heads, expected);
}

/// Whoever finishes a task is told what waited behind it.
pub async fn finishing_tells_the_next_of_the_lane(harness: &dyn Harness) {
    let lane = a_lane(harness, 3, now(harness).await).await;
    let head = claim(harness, &lane[0]).await;
    let next = TaskRef { id: lane[1].id, kind: KIND };
    assert_eq!(harness.tasks().finish(&head).await, Ok(Some(next)));
    assert_eq!(harness.tasks().finish(&head).await, Ok(None), "once");
    let head = claim(harness, &lane[1]).await;
    assert_eq!(harness.tasks().finish(&head).await, Ok(Some(TaskRef { id: lane[2].id, kind: KIND })));
    let head = claim(harness, &lane[2]).await;
    assert_eq!(harness.tasks().finish(&head).await, Ok(None), "nothing waits behind it");
}

/// What is not due yet is not told.
pub async fn finishing_tells_nothing_that_is_not_due(harness: &dyn Harness) {
    let lane = a_lane(harness, 2, after(now(harness).await, Duration::from_hours(1))).await;
    harness.let_pass(Duration::from_hours(1)).await;
    let head = claim(harness, &lane[0]).await;
    let told = harness.tasks().finish(&head).await.unwrap();
    assert_eq!(told.map(|task| task.id), Some(lane[1].id), "both are due");

    let life = a_new_order(harness).await.cash().placed();
    let mut set = write_set(&*harness.ids(), life.last_change()).await;
    let mut later = set.tasks[0].clone();
    later.id = harness.ids().task_ids(1).await.unwrap()[0];
    later.ordinal = 7;
    later.due = after(later.due, Duration::from_hours(1));
    set.tasks.push(later);
    let first = set.tasks[0].clone();
    harness.store().commit(vec![set]).await.unwrap();
    let head = claim(harness, &first).await;
    assert_eq!(harness.tasks().finish(&head).await, Ok(None));
}

/// A commit that ends a task tells what waited behind it, too.
pub async fn a_commit_tells_the_next_of_the_lane_that_it_frees(harness: &dyn Harness) {
    let lane = a_lane(harness, 2, now(harness).await).await;
    let head = claim(harness, &lane[0]).await;
    let loaded = load(harness, lane[0].order).await;
    let life = crate::builders::Life::of(loaded.order, crate::builders::rules(), loaded.now).preparing();
    let set = write_set(&*harness.ids(), life.last_change()).await.finishing(&head);
    let committed = harness.store().commit(vec![set]).await.unwrap();
    assert_eq!(committed.unblocked, [TaskRef { id: lane[1].id, kind: KIND }]);
}

/// A commit that ends no task of a lane tells nothing.
pub async fn a_commit_that_frees_no_lane_tells_nothing(harness: &dyn Harness) {
    let life = a_new_order(harness).await.sent();
    let kept = keep(harness, &life).await;
    let settled = super::support::reloaded(harness, &life).await.charge_settles(1);
    let set = write_set(&*harness.ids(), settled.last_change()).await.finishing(kept.held(1));
    let committed = harness.store().commit(vec![set]).await.unwrap();
    assert!(committed.unblocked.is_empty(), "a new task is known to whoever committed it");
}

/// A dead head blocks nothing, whether it died at its failure or at a claim.
pub async fn a_dead_head_frees_its_lane(harness: &dyn Harness) {
    for fails in [true, false] {
        let lane = a_lane(harness, 2, now(harness).await).await;
        for attempt in 1..=MAX_TRIES {
            let head = claim(harness, &lane[0]).await;
            if fails {
                // Whatever it was told to wait: who dies at the failure frees the lane at once.
                let wait = if attempt == MAX_TRIES { Duration::from_hours(1) } else { Duration::ZERO };
                harness.tasks().fail(&head, &failure(wait)).await.unwrap();
            } else {
                harness.let_pass(LEASE).await;
            }
        }
        // A claim that finds a head dead may leave the next one to the claim after it.
        let mut claimed = claim_all(harness, KIND).await;
        claimed.extend(claim_all(harness, KIND).await);
        assert_eq!(claimed.iter().map(|task| task.id).collect::<Vec<_>>(), [lane[1].id]);
        harness.tasks().finish(&claimed[0]).await.unwrap();
    }
}

/// A place within a lane is kept by who comes later with an earlier event: by sequence, then ordinal.
pub async fn what_is_committed_later_stands_where_its_event_does(harness: &dyn Harness) {
    let due = now(harness).await;
    let lane = a_lane(harness, 1, due).await;
    let loaded = load(harness, lane[0].order).await;
    let life = crate::builders::Life::of(loaded.order, crate::builders::rules(), loaded.now).preparing();
    let mut set = write_set(&*harness.ids(), life.last_change()).await;
    let id = harness.ids().task_ids(1).await.unwrap()[0];
    set.tasks = vec![order_domain::ports::NewTask { id, seq: 3, ordinal: 0, ..lane[0].clone() }];
    harness.store().commit(vec![set]).await.unwrap();
    assert_eq!(claim_ids(harness, KIND).await, [lane[0].id]);
}
