//! What customers are told: all of it, in its sequence, as it was; and what is never told stands in nobody's way.

use order_domain::order::{DeliveryChange, Order, Patch, Recorded, Status};
use order_domain::ports::{MAX_TRIES, ServiceName, TaskKind};
use order_domain::time::Duration;
use order_domain::{OrderId, PaymentMethod};
use order_testkit::builders::{usd, user};
use order_testkit::services::Notification::{self, Confirmed};
use order_testkit::services::{PaymentAnswer, away, garbage};
use order_usecases::tasks::Done;

use crate::support::{LEASE, LONGER_THAN_ANY_LEASE, Shop, admin, an_id, customer};

impl Shop {
    /// The customer was told all that concerns them, in its sequence; a message that was told twice counts once, and only
    /// one that died was never told.
    pub(crate) fn assert_customer_was_told(&self, id: OrderId) {
        let of_order = |told: &Notification| match told {
            Confirmed(_, order, _) | Notification::Status(_, order, _) => *order == id,
        };
        let mut told: Vec<_> = self.notifications.told().into_iter().filter(of_order).collect();
        let order = self.store.order(id).unwrap();
        let mut due: Vec<_> = self.store.events(id).iter().filter_map(|event| message(&order, event)).collect();
        // What an edited order cost when its confirmation was told is another test's affair.
        for told in told.iter_mut().chain(&mut due) {
            if let Confirmed(_, _, total) = told {
                *total = order.state().total;
            }
        }
        told.dedup();
        due.dedup();
        if self.store.dead_tasks().iter().all(|task| (task.kind, task.order) != (TaskKind::Notify, id)) {
            assert_eq!(told, due, "order {id}");
        }
    }

    fn told(&self) -> Vec<Notification> {
        self.notifications.told()
    }

    async fn tell(&self) -> Done {
        self.step(TaskKind::Notify).await
    }

    /// Once the first message is due again: those behind it are due already, but wait.
    async fn tell_later(&self) -> Done {
        let head = self.store.tasks().into_iter().find(|task| task.kind == TaskKind::Notify && !task.dead).unwrap();
        self.store.advance_to(head.run_at);
        self.tell().await
    }
}

fn message(order: &Order, event: &Recorded) -> Option<Notification> {
    let (customer, id) = (order.state().customer.clone(), order.id());
    match event.event.name() {
        "confirmed" => Some(Confirmed(customer, id, order.state().total)),
        "preparing" | "out_for_delivery" | "delivered" | "cancelled" | "refund_settled" | "edit_reverted" => {
            Some(Notification::Status(customer, id, event.status))
        }
        _ => None,
    }
}

fn confirmed() -> Notification {
    Confirmed(user("ann"), an_id(1), usd(1_098))
}

fn is(status: Status) -> Notification {
    Notification::Status(user("ann"), an_id(1), status)
}

/// Order 1 of `ann`, 10.98, confirmed; nobody has been told.
async fn with_a_confirmation() -> Shop {
    let shop = Shop::open();
    shop.ordered("ann", PaymentMethod::Online).await;
    shop.step(TaskKind::Charge).await;
    shop
}

#[tokio::test]
async fn each_status_is_told_as_it_comes() {
    let shop = with_a_confirmation().await;
    assert_eq!((shop.tell().await, shop.told()), (Done::Finish, vec![confirmed()]));
    shop.assign(&admin(), Some("bob")).await.unwrap();
    for status in [Status::Preparing, Status::OutForDelivery, Status::Delivered] {
        shop.set_status(&admin(), status, None).await.unwrap();
        assert_eq!((shop.tell().await, shop.told().last()), (Done::Finish, Some(&is(status))));
    }
    assert_eq!(shop.told().len(), 4);
    shop.assert_customer_was_told(an_id(1));
}

#[tokio::test]
async fn a_message_says_what_was_so_however_far_the_order_has_come() {
    let shop = with_a_confirmation().await;
    shop.assign(&admin(), Some("bob")).await.unwrap();
    shop.set_status(&admin(), Status::Preparing, None).await.unwrap();
    shop.cancel(&admin(), None).await.unwrap_err();
    let reason = order_testkit::builders::words("no bread left");
    shop.set_status(&admin(), Status::Cancelled, reason).await.unwrap();
    shop.step(TaskKind::Refund).await;
    for _ in 0..4 {
        shop.tell().await;
    }
    let cancelled = is(Status::Cancelled);
    assert_eq!(
        shop.told(),
        [confirmed(), is(Status::Preparing), cancelled.clone(), cancelled],
        "the last: money is back"
    );
    assert!(shop.claims(TaskKind::Notify).await.is_empty());
}

#[tokio::test]
async fn a_goodwill_is_told_of_when_it_has_arrived_and_an_address_is_not() {
    let shop = with_a_confirmation().await;
    shop.tell().await;
    let change = DeliveryChange { instructions: Patch::Clear, ..DeliveryChange::default() };
    shop.change_delivery(&customer("ann"), change).await.unwrap();
    shop.goodwill(&admin(), 100).await.unwrap();
    assert!(shop.claims(TaskKind::Notify).await.is_empty());
    shop.payments.plan(&[PaymentAnswer::Decline]);
    shop.step(TaskKind::Refund).await;
    assert!(shop.claims(TaskKind::Notify).await.is_empty(), "it is tried again");
    shop.later_step(TaskKind::Refund).await;
    assert_eq!((shop.tell().await, shop.told()), (Done::Finish, vec![confirmed(), is(Status::Confirmed)]));
}

#[tokio::test]
async fn the_messages_of_an_order_go_out_one_after_another() {
    let shop = with_a_confirmation().await;
    shop.set_status(&admin(), Status::Preparing, None).await.unwrap();
    let other = shop.ordered("eve", PaymentMethod::Cash).await;
    let claimed = shop.claims(TaskKind::Notify).await;
    assert_eq!(claimed.iter().map(|task| task.order).collect::<Vec<_>>(), [an_id(1), other], "the head of each");
    assert!(shop.claims(TaskKind::Notify).await.is_empty());
    for task in claimed {
        let done = shop.run(&task).await;
        shop.conclude(&task, done).await;
    }
    assert_eq!((shop.tell().await, shop.told().last()), (Done::Finish, Some(&is(Status::Preparing))));
}

#[tokio::test]
async fn one_that_fails_waits_and_what_comes_after_it_waits_behind_it() {
    let shop = with_a_confirmation().await;
    shop.set_status(&admin(), Status::Preparing, None).await.unwrap();
    shop.notifications.fail_next(away(ServiceName::Notification));
    let done = shop.tell().await;
    assert!(matches!(&done, Done::Retry { entry: None, within: None, .. }), "{done:?}");
    assert!(shop.claims(TaskKind::Notify).await.is_empty(), "not before its backoff, and nothing before it");
    assert_eq!(shop.claim(TaskKind::ClearCart).await.order, an_id(1), "the cart has a lane of its own");
    shop.tell_later().await;
    shop.tell().await;
    assert_eq!(shop.told(), [confirmed(), is(Status::Preparing)]);
}

#[tokio::test]
async fn one_that_always_fails_dies_and_the_next_one_is_told() {
    let shop = with_a_confirmation().await;
    shop.set_status(&admin(), Status::Preparing, None).await.unwrap();
    for tries in 1..=MAX_TRIES {
        assert_eq!(shop.store.dead_tasks(), [], "before try {tries}");
        let error = if tries % 2 == 0 { garbage } else { away };
        shop.notifications.fail_next(error(ServiceName::Notification));
        assert!(matches!(shop.tell_later().await, Done::Retry { .. }));
    }
    let dead = shop.store.dead_tasks();
    assert_eq!(dead.iter().map(|task| (task.kind, task.seq)).collect::<Vec<_>>(), [(TaskKind::Notify, 2)]);
    assert!(dead[0].last_error.as_ref().unwrap().contains("notification service"));
    assert_eq!((shop.tell().await, shop.told()), (Done::Finish, vec![is(Status::Preparing)]));
    shop.drain().await;
    shop.assert_at_rest();
}

/// The order goes its way to the last cent.
#[tokio::test]
async fn a_notification_service_that_is_gone_fails_no_order() {
    let shop = Shop::open();
    for _ in 0..100 {
        shop.notifications.fail_next(away(ServiceName::Notification));
    }
    let id = shop.ordered("ann", PaymentMethod::Online).await;
    shop.drain().await;
    assert_eq!(shop.store.order(id).unwrap().status(), Status::Confirmed);
    shop.cancel(&customer("ann"), None).await.unwrap();
    shop.drain().await;
    assert_eq!((shop.moved(), shop.told(), shop.store.dead_tasks().len()), ((1_098, 1_098), vec![], 3));
    assert!(shop.carts.cart_now("ann").lines.is_empty());
    shop.assert_at_rest();
}

#[tokio::test]
async fn who_has_lost_the_task_says_nothing() {
    let shop = with_a_confirmation().await;
    let slow = shop.claim(TaskKind::Notify).await;
    shop.store.advance(LEASE + Duration::from_secs(1));
    let quick = shop.claim(TaskKind::Notify).await;
    assert_eq!((shop.run(&slow).await, shop.told()), (Done::Lost, vec![]));
    assert_eq!((shop.run(&quick).await, shop.told()), (Done::Finish, vec![confirmed()]));
}

#[tokio::test]
async fn one_whose_worker_dies_after_the_call_is_told_again() {
    let shop = with_a_confirmation().await;
    let task = shop.claim(TaskKind::Notify).await;
    shop.run(&task).await;
    shop.store.advance(LONGER_THAN_ANY_LEASE);
    shop.tell().await;
    assert_eq!(shop.told(), [confirmed(), confirmed()]);
    shop.assert_customer_was_told(an_id(1));
}

#[tokio::test]
async fn a_database_that_is_away_is_a_failed_try() {
    let shop = with_a_confirmation().await;
    let task = shop.claim(TaskKind::Notify).await;
    shop.store.set_away(true);
    let done = shop.run(&task).await;
    assert!(matches!(&done, Done::Retry { error, .. } if error.contains("database unavailable")), "{done:?}");
    assert_eq!(shop.told(), []);
}
