//! Chores: there from the start, once each, due again and again.

use order_domain::ports::{Chore, ChoreFigures, Claim, ClaimedChore, MAX_TRIES, Rest, Sweep, TaskKind};
use order_domain::time::{Duration, after};

use super::Harness;
use super::support::{LEASE, LONGER_THAN_ANY_LEASE, a_charge, now};

const CHORE: Chore = Chore::Housekeeping;
const TEN_MINUTES: Duration = Duration::from_mins(10);

async fn sweep(harness: &dyn Harness, lease: Duration) -> Sweep {
    let claim = Claim { slots: vec![(TaskKind::Charge, 10)], chores: Chore::ALL.to_vec(), only: None, lease };
    harness.tasks().claim(&claim).await.unwrap()
}

async fn claimed(harness: &dyn Harness) -> Option<ClaimedChore> {
    let mut chores = sweep(harness, LEASE).await.chores;
    let chore = chores.pop();
    assert_eq!(chores, []);
    chore
}

async fn rests(harness: &dyn Harness, chore: &ClaimedChore, wait: Duration, error: Option<&str>) -> bool {
    let rest = Rest { wait, error: error.map(Into::into) };
    harness.tasks().rest(chore, &rest).await.unwrap()
}

/// Due from the beginning, beside tasks of orders and none of them; held by one worker at a time.
pub async fn a_chore_is_there_once(harness: &dyn Harness) {
    let (_, task) = a_charge(harness, now(harness).await).await;
    let found = sweep(harness, LEASE).await;
    assert_eq!(found.claimed.iter().map(|task| task.id).collect::<Vec<_>>(), [task.id]);
    let [chore] = &found.chores[..] else { panic!("one chore: {:?}", found.chores) };
    assert_eq!((chore.chore, chore.attempts), (CHORE, 1));
    assert_eq!(claimed(&*harness.second().await).await, None);
    assert_eq!(harness.counts().await.tasks, 1, "it is no order's");
}

/// A claim that names no chore takes none, and waits for none; nor does one that names tasks.
pub async fn a_chore_is_claimed_by_name(harness: &dyn Harness) {
    let (_, task) = a_charge(harness, after(now(harness).await, Duration::from_hours(1))).await;
    let slots = vec![(TaskKind::Charge, 10)];
    for (chores, only) in [(vec![], None), (Chore::ALL.to_vec(), Some(vec![task.id]))] {
        let claim = Claim { slots: slots.clone(), chores, only, lease: LEASE };
        assert_eq!(harness.tasks().claim(&claim).await.unwrap().chores, []);
    }
    let chore = claimed(harness).await.unwrap();
    assert!(rests(harness, &chore, TEN_MINUTES, None).await);
    let next = |sweep: &Sweep| sweep.next_due.map(|due| due - sweep.now);
    let found = sweep(harness, LEASE).await;
    assert!(next(&found).is_some_and(|wait| wait.num_minutes() <= 10), "{found:?}");
    let claim = Claim { slots, chores: vec![], only: None, lease: LEASE };
    let without = harness.tasks().claim(&claim).await.unwrap();
    assert!(next(&without).is_some_and(|wait| wait.num_minutes() > 10), "{without:?}");
}

/// Done, it waits as long as it was told; then it is as it was in the beginning.
pub async fn a_chore_comes_due_again(harness: &dyn Harness) {
    let mut token = None;
    for _ in 0..3 {
        let chore = claimed(harness).await.expect("it is due");
        assert_eq!(chore.attempts, 1, "what has succeeded is not counted");
        assert!(token.is_none_or(|before| before < chore.token));
        assert!(rests(harness, &chore, TEN_MINUTES, None).await);
        assert!(!rests(harness, &chore, Duration::ZERO, None).await, "once");
        harness.let_pass(Duration::from_mins(9)).await;
        assert_eq!(claimed(harness).await, None);
        harness.let_pass(Duration::from_mins(1)).await;
        token = Some(chore.token);
    }
}

/// However often it fails or kills its process.
pub async fn a_chore_never_dies(harness: &dyn Harness) {
    for attempt in 1..=2 * MAX_TRIES + 2 {
        let chore = claimed(harness).await.expect("it is due");
        assert_eq!(chore.attempts, attempt);
        if attempt % 2 == 0 {
            assert!(rests(harness, &chore, Duration::ZERO, Some("no answer")).await);
        } else {
            harness.let_pass(LONGER_THAN_ANY_LEASE).await;
        }
    }
}

/// It is held as long as it was asked to be, and longer the more often it was tried in vain.
pub async fn the_lease_of_a_chore_is_as_long_as_its_backoff(harness: &dyn Harness) {
    let chore = claimed(harness).await.unwrap();
    harness.let_pass(Duration::from_secs(25)).await;
    assert_eq!(claimed(harness).await, None);
    assert!(rests(harness, &chore, Duration::ZERO, Some("no answer")).await, "held still");
    for _ in 0..11 {
        let chore = claimed(harness).await.unwrap();
        assert!(rests(harness, &chore, Duration::ZERO, Some("no answer")).await);
    }
    let held = claimed(harness).await.unwrap();
    harness.let_pass(Duration::from_mins(4)).await;
    assert_eq!(claimed(harness).await, None);
    harness.let_pass(Duration::from_mins(1)).await;
    let other = claimed(harness).await.unwrap();
    assert!(!rests(harness, &held, Duration::ZERO, None).await, "it is in other hands");
    assert!(rests(harness, &other, TEN_MINUTES, None).await);
}

/// A worker that stops gives it back: due at once, and no try is counted.
pub async fn a_chore_that_is_handed_back_was_not_tried(harness: &dyn Harness) {
    let first = claimed(harness).await.unwrap();
    harness.tasks().hand_back_chore(&first).await.unwrap();
    harness.tasks().hand_back_chore(&first).await.unwrap(); // Once is enough; twice does no harm.
    let second = claimed(harness).await.unwrap();
    assert_eq!(second.attempts, 1);
    assert!(second.token > first.token && !rests(harness, &first, Duration::ZERO, None).await);
}

/// Two workers on two instances, over and over: one of them has it.
pub async fn of_two_workers_one_has_a_chore(harness: &dyn Harness) {
    let second = harness.second().await;
    for _ in 0..20 {
        let (one, other) = tokio::join!(claimed(harness), claimed(&*second));
        let chore = match (one, other) {
            (Some(chore), None) | (None, Some(chore)) => chore,
            both => panic!("one should have it: {both:?}"),
        };
        assert!(rests(harness, &chore, Duration::ZERO, None).await);
    }
}

/// A chore that nobody does is overdue; one that fails is told by its tries, and forgets them when it has been done.
pub async fn a_chore_that_fails_or_waits_is_told(harness: &dyn Harness) {
    const HOUR: Duration = Duration::from_hours(1);
    let of = async || harness.tasks().figures().await.unwrap().chores[&Chore::Housekeeping];
    let waiting = of().await;
    assert!(waiting.due_since.is_some() && waiting.tries == 0, "{waiting:?}");
    let chore = claimed(harness).await.expect("it is due");
    assert_eq!(of().await, ChoreFigures { due_since: None, tries: 1 });
    assert!(rests(harness, &chore, HOUR, Some("disk full")).await);
    assert_eq!(of().await, ChoreFigures { due_since: None, tries: 1 });
    harness.let_pass(HOUR).await;
    let chore = claimed(harness).await.expect("it is due again");
    assert_eq!(of().await.tries, 2);
    assert!(rests(harness, &chore, HOUR, None).await);
    assert_eq!(of().await, ChoreFigures::default());
}
