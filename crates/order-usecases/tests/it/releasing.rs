//! Scheduled orders: released once, in time and never early, whatever happens meanwhile.

use order_domain::order::{CancelCode, DeliveryChange, Patch, Rejection, Status};
use order_domain::ports::{ServiceError, ServiceName, TaskKind};
use order_domain::time::{Duration, Timestamp, after, before};
use order_testkit::builders::{START, an_order, stocked};
use order_testkit::memory::Op;
use order_testkit::services::PaymentAnswer;
use order_usecases::tasks::Done;

use crate::support::{LONGER_THAN_ANY_LEASE, Shop, admin, customer};

/// Three hours after it was placed.
fn wanted_at() -> Timestamp {
    after(START, Duration::from_hours(3))
}

/// Order 1, paid, wanted in three hours: due in two and a quarter.
async fn scheduled() -> Shop {
    let shop = Shop::with(&an_order().scheduled_for(wanted_at()).placed()).await.0;
    shop.step(TaskKind::Charge).await;
    shop
}

fn due() -> Timestamp {
    before(wanted_at(), Duration::from_mins(45))
}

fn at(moment: Option<Timestamp>) -> DeliveryChange {
    DeliveryChange { scheduled_for: moment.map_or(Patch::Clear, Patch::Set), ..DeliveryChange::default() }
}

#[tokio::test]
async fn it_is_released_when_its_time_is_near_and_not_a_moment_earlier() {
    let shop = scheduled().await;
    assert_eq!((shop.order().status(), shop.order().state().released_at), (Status::Confirmed, None));
    shop.store.advance_to(before(due(), Duration::from_micros(1)));
    assert_eq!(shop.claims(TaskKind::Release).await, []);
    shop.store.advance_to(due());
    assert_eq!(shop.step(TaskKind::Release).await, Done::Committed);
    assert_eq!(shop.order().state().released_at, Some(due()));
    shop.drain().await;
    assert_eq!(shop.timeline(), ["placed", "confirmed", "released"]);
    shop.assert_at_rest();
}

#[tokio::test]
async fn the_shop_does_not_begin_before_and_no_courier_takes_it() {
    let shop = scheduled().await;
    let refused = shop.set_status(&admin(), Status::Preparing, None).await;
    assert!(
        matches!(&refused, Err(order_usecases::UseCaseError::Rejected(Rejection::IllegalTransition { allowed, .. }))
            if !allowed.contains(&Status::Preparing)),
        "{refused:?}"
    );
    shop.store.advance_to(due());
    shop.step(TaskKind::Release).await;
    shop.set_status(&admin(), Status::Preparing, None).await.unwrap();
}

#[tokio::test]
async fn one_that_is_paid_late_is_released_at_once() {
    let shop = Shop::with(&an_order().scheduled_for(after(START, Duration::from_mins(40))).placed()).await.0;
    shop.store.advance(Duration::from_mins(2));
    shop.drain().await;
    assert_eq!(shop.timeline(), ["placed", "confirmed", "released"]);
    assert_eq!(shop.order().state().released_at, Some(after(START, Duration::from_mins(2))));
    shop.assert_at_rest();
}

#[tokio::test]
async fn what_is_gone_by_then_is_cancelled_refunded_and_told() {
    let shop = scheduled().await;
    shop.products.put(stocked(5, 299, 1));
    shop.drain().await;
    let order = shop.order();
    let cancelled = order.state().cancellation.as_ref().map(|cancelled| (cancelled.code, cancelled.by.role()));
    assert_eq!(cancelled, Some((CancelCode::OutOfStock, order_domain::order::Role::System)));
    assert_eq!(shop.moved(), (1_098, 1_098));
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_product_service_that_is_away_is_waited_for_ten_minutes() {
    let shop = scheduled().await;
    let away = || ServiceError::Unavailable { service: ServiceName::Product, detail: "away".into() };
    shop.store.advance_to(due());
    while shop.order().state().released_at.is_none() {
        shop.products.fail_next(away());
        shop.later_step(TaskKind::Release).await;
        assert!(shop.store.now() <= after(due(), Duration::from_mins(10)), "not longer");
    }
    assert_eq!(shop.order().state().released_at, Some(after(due(), Duration::from_mins(10))));
    shop.drain().await;
    shop.assert_at_rest();
}

#[tokio::test]
async fn one_that_is_moved_is_released_at_its_new_time_once() {
    for (minutes, released) in [(180 + 60, 135 + 60), (180 - 60, 135 - 60)] {
        let shop = scheduled().await;
        shop.change_delivery(&customer("ann"), at(Some(after(START, Duration::from_mins(minutes))))).await.unwrap();
        let waiting = shop.store.tasks().into_iter().filter(|task| task.kind == TaskKind::Release);
        assert_eq!(waiting.count(), 1, "the task of its old time is gone");
        shop.drain().await;
        assert_eq!(shop.timeline(), ["placed", "confirmed", "rescheduled", "released"]);
        assert_eq!(shop.order().state().released_at, Some(after(START, Duration::from_mins(released))));
        shop.assert_at_rest();
    }
}

#[tokio::test]
async fn one_whose_time_is_dropped_is_released_at_once() {
    let shop = scheduled().await;
    shop.change_delivery(&customer("ann"), at(None)).await.unwrap();
    assert_eq!(shop.step(TaskKind::Release).await, Done::Committed);
    assert_eq!(shop.order().state().released_at, Some(shop.store.now()));
    let late = shop.change_delivery(&customer("ann"), at(Some(wanted_at()))).await;
    assert_eq!(late, Err(Rejection::AlreadyReleased.into()));
    shop.drain().await;
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_time_that_can_not_be_promised_is_refused() {
    let shop = scheduled().await;
    let now = shop.store.now();
    for (moment, refused) in [
        (before(now, Duration::from_secs(1)), Rejection::ScheduledInThePast),
        (
            after(now, Duration::from_mins(29)),
            Rejection::ScheduledTooSoon { earliest: after(now, Duration::from_mins(30)) },
        ),
        (
            after(now, Duration::from_hours(31 * 24)),
            Rejection::ScheduledTooLate { latest: after(now, Duration::from_hours(30 * 24)) },
        ),
    ] {
        assert_eq!(shop.change_delivery(&admin(), at(Some(moment))).await, Err(refused.into()));
    }
    assert_eq!(shop.order().state().scheduled_for, Some(wanted_at()));
}

#[tokio::test]
async fn an_open_adjustment_puts_the_release_off_until_it_is_settled_or_reverted() {
    for answer in [PaymentAnswer::Settle, PaymentAnswer::Decline] {
        let shop = scheduled().await;
        shop.payments.plan(&[PaymentAnswer::LoseRequest, answer]);
        shop.store.advance_to(before(due(), Duration::from_secs(1)));
        shop.replace_lines(&customer("ann"), &[(5, 3)]).await.unwrap();
        shop.step(TaskKind::Charge).await;
        shop.store.advance_to(due());
        assert_eq!(shop.step(TaskKind::Release).await, Done::Finish, "the adjustment brings its own when it closes");
        assert_eq!(shop.order().state().released_at, None);
        shop.later_step(TaskKind::Charge).await;
        shop.drain().await;
        assert_eq!(shop.timeline().last(), Some(&"released"));
        shop.assert_at_rest();
    }
}

#[tokio::test]
async fn of_two_who_release_it_one_does() {
    let shop = scheduled().await;
    shop.store.advance_to(due());
    let slow = shop.claim(TaskKind::Release).await;
    let other = shop.clone();
    shop.store.before_next(Op::Commit, move |store| async move {
        store.advance(LONGER_THAN_ANY_LEASE);
        assert_eq!(other.step(TaskKind::Release).await, Done::Committed);
    });
    assert_eq!(shop.run(&slow).await, Done::Lost);
    assert_eq!(shop.timeline(), ["placed", "confirmed", "released"]);
}

#[tokio::test]
async fn one_that_is_cancelled_before_is_not_released() {
    let shop = scheduled().await;
    shop.cancel(&customer("ann"), None).await.unwrap();
    shop.drain().await;
    assert_eq!(shop.order().state().released_at, None);
    shop.assert_at_rest();
}
