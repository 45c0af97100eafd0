//! Every kind of task is run twice: by whoever crashed before it could say that it was done, and by whoever comes after.
//! Its effect happens once.

use order_domain::order::Status;
use order_domain::ports::TaskKind;
use order_domain::time::{Duration, after};
use order_testkit::builders::{START, an_order};
use order_usecases::tasks::Done;

use crate::support::{LONGER_THAN_ANY_LEASE, Shop, customer};

/// A shop in which a task of this kind is due.
async fn with_a_task(kind: TaskKind) -> Shop {
    match kind {
        TaskKind::Charge => Shop::with(&an_order().placed()).await.0,
        TaskKind::Refund => {
            let shop = Shop::with(&an_order().placed()).await.0;
            shop.drain().await;
            shop.cancel(&customer("ann"), None).await.unwrap();
            shop
        }
        TaskKind::ClearCart | TaskKind::Notify => {
            let shop = Shop::open();
            shop.ordered("ann", order_domain::PaymentMethod::Cash).await;
            shop
        }
        TaskKind::Release => {
            let order = an_order().cash().scheduled_for(after(START, Duration::from_hours(1)));
            let shop = Shop::with(&order.placed()).await.0;
            shop.store.advance(Duration::from_mins(15));
            shop
        }
    }
}

/// Everything that a task may have done outside or to its order.
fn effects(shop: &Shop) -> (Vec<&'static str>, (i64, i64), usize, usize) {
    let mut told: Vec<_> = shop.notifications.told().into_iter().map(|message| format!("{message:?}")).collect();
    // A message that is told twice says the same twice, and does no harm.
    told.dedup();
    (shop.timeline(), shop.moved(), shop.carts.removed().len(), told.len())
}

#[tokio::test]
async fn what_is_run_again_after_a_crash_has_one_effect() {
    for kind in TaskKind::ALL {
        let once = with_a_task(kind).await;
        let task = once.claim(kind).await;
        let done = once.run(&task).await;
        once.conclude(&task, done).await;

        let twice = with_a_task(kind).await;
        let task = twice.claim(kind).await;
        twice.run(&task).await;
        // It died before it could finish; the next one has it when the lease is over, if it is still there.
        twice.store.advance(LONGER_THAN_ANY_LEASE);
        for again in twice.claims(kind).await {
            let done = twice.run(&again).await;
            twice.conclude(&again, done).await;
        }
        assert_eq!(effects(&twice), effects(&once), "{kind:?}");
        twice.drain().await;
        twice.assert_at_rest();
    }
}

#[tokio::test]
async fn who_lost_a_task_and_runs_it_all_the_same_has_no_effect() {
    for kind in TaskKind::ALL {
        let shop = with_a_task(kind).await;
        let lost = shop.claim(kind).await;
        shop.store.advance(LONGER_THAN_ANY_LEASE);
        let task = shop.claim(kind).await;
        let done = shop.run(&task).await;
        shop.conclude(&task, done).await;
        let before = (effects(&shop), shop.payments.calls().len(), shop.notifications.told().len());
        assert_eq!(shop.run(&lost).await, Done::Lost, "{kind:?}");
        assert_eq!((effects(&shop), shop.payments.calls().len(), shop.notifications.told().len()), before, "{kind:?}");
        assert_ne!(shop.order().status(), Status::Pending);
    }
}
