//! What is left to do, in numbers.

use order_domain::Rules;
use order_domain::ports::{Figures, KindFigures, MAX_TRIES, TaskKind};
use order_domain::time::{Duration, after, until};

use crate::builders::rules;

use super::Harness;
use super::support::{LONGER_THAN_ANY_LEASE, a_charge, a_lane, a_new_order, claim, failure, keep, now};

const HOUR: Duration = Duration::from_hours(1);

async fn figures(harness: &dyn Harness) -> Figures {
    harness.tasks().figures().await.unwrap()
}

async fn of(harness: &dyn Harness, kind: TaskKind) -> KindFigures {
    figures(harness).await.kinds[&kind]
}

/// Every kind is there, and says that there is nothing.
pub async fn without_work_there_is_nothing_of_any_kind(harness: &dyn Harness) {
    let before = now(harness).await;
    let found = figures(harness).await;
    let nothing = TaskKind::ALL.into_iter().map(|kind| (kind, KindFigures::default())).collect();
    assert_eq!((found.kinds, found.in_review), (nothing, 0));
    assert!(before <= found.now && found.now <= now(harness).await);
}

/// What is due since when; what is not due yet only waits.
pub async fn the_longest_due_is_told_with_its_time(harness: &dyn Harness) {
    let start = now(harness).await;
    a_charge(harness, after(start, HOUR)).await;
    assert_eq!(of(harness, TaskKind::Charge).await, KindFigures { waiting: 1, ..KindFigures::default() });
    a_charge(harness, start).await;
    a_lane(harness, 2, start).await;
    let charges = of(harness, TaskKind::Charge).await;
    assert_eq!(charges, KindFigures { waiting: 2, due_since: Some(start), ..KindFigures::default() });
    assert_eq!(of(harness, TaskKind::ClearCart).await.waiting, 2, "one of them behind the other");
    assert_eq!(of(harness, TaskKind::Refund).await, KindFigures::default());

    harness.let_pass(HOUR).await;
    let found = figures(harness).await;
    let due_since = found.kinds[&TaskKind::Charge].due_since.unwrap();
    assert!(until(due_since, found.now) >= HOUR, "{due_since} at {}", found.now);
}

/// What a worker holds is not overdue; what it has let go without being done is as old as it is.
pub async fn what_is_tried_and_not_done_grows_old(harness: &dyn Harness) {
    let start = now(harness).await;
    let (life, task) = a_charge(harness, start).await;
    let claimed = claim(harness, &task).await;
    let made = life.order.state().updated_at;
    let held = KindFigures { waiting: 1, tried_since: Some(made), ..KindFigures::default() };
    assert_eq!(of(harness, TaskKind::Charge).await, held);
    harness.tasks().fail(&claimed, &failure(HOUR)).await.unwrap();
    assert_eq!(of(harness, TaskKind::Charge).await, held, "it waits for its next try");
    harness.let_pass(HOUR).await;
    let again = of(harness, TaskKind::Charge).await;
    assert!(again.due_since.is_some() && again.tried_since.is_some(), "{again:?}");

    let claimed = claim(harness, &task).await;
    harness.let_pass(LONGER_THAN_ANY_LEASE).await;
    assert!(of(harness, TaskKind::Charge).await.due_since.is_some(), "its worker did not come back");
    harness.tasks().finish(&claimed).await.unwrap();
    assert_eq!(of(harness, TaskKind::Charge).await, KindFigures::default());
}

/// A dead task is counted among the dead, and nowhere else.
pub async fn the_dead_are_counted(harness: &dyn Harness) {
    let task = a_lane(harness, 1, now(harness).await).await.remove(0);
    for _ in 0..MAX_TRIES {
        let claimed = claim(harness, &task).await;
        harness.tasks().fail(&claimed, &failure(Duration::ZERO)).await.unwrap();
    }
    assert_eq!(of(harness, TaskKind::ClearCart).await, KindFigures { dead: 1, ..KindFigures::default() });
}

/// Entries that wait for a person are counted; others are not.
pub async fn entries_in_review_are_counted(harness: &dyn Harness) {
    keep(harness, &a_new_order(harness).await.paid()).await;
    assert_eq!(figures(harness).await.in_review, 0);
    for n in 1..=2 {
        let strict = Rules { refund_declines: 1, ..rules() };
        let life = a_new_order(harness).await.rules(strict).paid().cancelled().refund_is_declined(2);
        keep(harness, &life).await;
        assert_eq!(figures(harness).await.in_review, n);
    }
}
