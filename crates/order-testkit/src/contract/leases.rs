//! Leases: how long a task stays in a worker's hands, and what becomes of it when the worker does not come back.

use order_domain::ports::{Claim, ClaimedTask, MAX_TRIES, NewTask, TaskKind, backoff_ceiling};
use order_domain::time::Duration;

use super::Harness;
use super::support::{LONGER_THAN_ANY_LEASE, a_charge, a_lane, claim, claim_all, failure, now};

const SECOND: Duration = Duration::from_secs(1);

async fn claim_for(harness: &dyn Harness, task: &NewTask, lease: Duration) -> Option<ClaimedTask> {
    let claim = Claim { slots: vec![(task.kind, 1)], chores: Vec::new(), only: Some(vec![task.id]), lease };
    harness.tasks().claim(&claim).await.unwrap().claimed.pop()
}

/// A task that is held is nobody else's until its lease runs out; then it is claimed with a new token, and whatever the
/// old holder says does nothing.
pub async fn a_task_is_held_until_its_lease_runs_out(harness: &dyn Harness) {
    let second = harness.second().await;
    let task = a_lane(harness, 1, now(harness).await).await.remove(0);
    let lease = Duration::from_mins(10);
    let old = claim_for(harness, &task, lease).await.unwrap();
    assert_eq!(claim_for(&*second, &task, lease).await, None);
    harness.let_pass(Duration::from_mins(9)).await;
    assert_eq!(claim_for(&*second, &task, lease).await, None);
    assert!(harness.store().load_for(&old).await.unwrap().is_some());

    harness.let_pass(Duration::from_mins(1)).await;
    let new = claim_for(&*second, &task, lease).await.unwrap();
    assert_eq!(new.attempts, 2, "the claim counts, whatever became of it");
    assert!(new.token > old.token);
    assert_eq!(harness.tasks().finish(&old).await, Ok(None));
    assert_eq!(harness.tasks().fail(&old, &failure(Duration::ZERO)).await, Ok(false));
    harness.tasks().hand_back(&old).await.unwrap();
    assert_eq!(claim_for(harness, &task, lease).await, None, "the new holder has it still");
    assert!(second.store().load_for(&new).await.unwrap().is_some());
}

/// A lease that has run out is still a hold, as long as nobody else has claimed the task.
pub async fn an_expired_lease_holds_until_somebody_claims(harness: &dyn Harness) {
    let (_, task) = a_charge(harness, now(harness).await).await;
    let claimed = claim(harness, &task).await;
    harness.let_pass(LONGER_THAN_ANY_LEASE).await;
    assert!(harness.store().load_for(&claimed).await.unwrap().is_some());
    let tasks = harness.counts().await.tasks;
    harness.tasks().finish(&claimed).await.unwrap();
    assert_eq!(harness.counts().await.tasks, tasks - 1);
}

/// A payment that kills its process is not given to the next process at once: its lease is as long as its backoff.
pub async fn the_lease_of_what_moves_money_is_as_long_as_its_backoff(harness: &dyn Harness) {
    let (_, task) = a_charge(harness, now(harness).await).await;
    for _ in 0..11 {
        let claimed = claim_for(harness, &task, SECOND).await.unwrap();
        harness.tasks().fail(&claimed, &failure(Duration::ZERO)).await.unwrap();
    }
    let twelfth = claim_for(harness, &task, SECOND).await.unwrap();
    assert_eq!(twelfth.attempts, 12);
    let backoff = backoff_ceiling(twelfth.attempts);
    assert_eq!(backoff, Duration::from_mins(5));
    harness.let_pass(Duration::from_mins(4)).await;
    assert_eq!(claim_for(harness, &task, SECOND).await, None);
    harness.let_pass(Duration::from_mins(1)).await;
    assert!(claim_for(harness, &task, SECOND).await.is_some());
}

/// A lease that is longer than the backoff stays so.
pub async fn a_long_lease_is_kept(harness: &dyn Harness) {
    let (_, task) = a_charge(harness, now(harness).await).await;
    let hour = Duration::from_hours(1);
    claim_for(harness, &task, hour).await.unwrap();
    harness.let_pass(Duration::from_mins(59)).await;
    assert_eq!(claim_for(harness, &task, hour).await, None);
    harness.let_pass(Duration::from_mins(1)).await;
    assert!(claim_for(harness, &task, hour).await.is_some());
}

/// A cart's lease is what it was asked to be, however often it was tried.
pub async fn the_lease_of_a_cart_does_not_grow(harness: &dyn Harness) {
    let task = a_lane(harness, 1, now(harness).await).await.remove(0);
    for _ in 0..MAX_TRIES {
        assert!(claim_for(harness, &task, SECOND).await.is_some());
        harness.let_pass(SECOND).await;
    }
}

/// A cart's task that kills its process each time is dead when it has had its tries, although it never failed.
pub async fn a_task_that_kills_its_process_dies(harness: &dyn Harness) {
    let task = a_lane(harness, 1, now(harness).await).await.remove(0);
    let tasks = harness.counts().await.tasks;
    for attempt in 1..=MAX_TRIES {
        assert_eq!(claim(harness, &task).await.attempts, attempt);
        harness.let_pass(LONGER_THAN_ANY_LEASE).await;
    }
    for _ in 0..3 {
        assert!(claim_all(harness, TaskKind::ClearCart).await.is_empty());
        harness.let_pass(LONGER_THAN_ANY_LEASE).await;
    }
    assert_eq!(harness.counts().await.tasks, tasks, "it is kept");
}

/// Its last try is a try like any other: as long as it is held, it is not dead.
pub async fn the_last_try_may_still_succeed(harness: &dyn Harness) {
    let task = a_lane(harness, 1, now(harness).await).await.remove(0);
    for _ in 1..MAX_TRIES {
        let claimed = claim(harness, &task).await;
        harness.tasks().fail(&claimed, &failure(Duration::ZERO)).await.unwrap();
    }
    let last = claim(harness, &task).await;
    assert_eq!(last.attempts, MAX_TRIES);
    assert!(claim_all(harness, TaskKind::ClearCart).await.is_empty());
    assert!(harness.store().load_for(&last).await.unwrap().is_some());
    let tasks = harness.counts().await.tasks;
    harness.tasks().finish(&last).await.unwrap();
    assert_eq!(harness.counts().await.tasks, tasks - 1);
}
