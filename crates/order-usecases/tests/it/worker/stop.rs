//! A worker that is told to stop: it finishes what it has begun and claims nothing more.

use order_domain::PaymentMethod::Online;
use order_domain::order::Status;
use order_domain::time::Duration;
use order_testkit::memory::Op;
use order_usecases::worker::WorkerConfig;

use super::{Gate, few_slots};
use crate::support::Shop;

#[tokio::test(start_paused = true)]
async fn what_has_begun_is_finished_and_nothing_more_is_claimed() {
    let shop = Shop::open();
    let gate = Gate::shut(&shop);
    let working = shop.at_work_with(shop.handlers_asking(gate.clone(), shop.carts.clone()), WorkerConfig::default());
    shop.ordered("ann", Online).await;
    shop.until("the call is under way", |_| gate.inside() == 1).await;
    working.stop.cancel();
    shop.pass(Duration::from_secs(2)).await;
    let claims = shop.store.calls(Op::Claim);
    shop.ordered("eve", Online).await;
    shop.pass(Duration::from_secs(5)).await;
    assert!(!working.ended.is_finished(), "it waits for what it has begun");

    gate.lets_through(10);
    working.ended.await.unwrap();
    assert_eq!(shop.store.calls(Op::Claim), claims);
    let statuses: Vec<_> = shop.store.orders().iter().map(order_domain::order::Order::status).collect();
    assert_eq!(statuses, [Status::Confirmed, Status::Pending]);
    // Nothing is in its hands: another worker goes on at once.
    assert!(shop.store.tasks().iter().all(|task| task.run_at <= shop.store.now()));
    shop.drain().await;
    shop.assert_at_rest();
}

/// However the many things that a worker waits for fall together.
#[tokio::test(start_paused = true)]
async fn a_worker_that_is_told_to_stop_while_it_is_busy_claims_nothing_after_that() {
    for _ in 0..20 {
        let shop = Shop::open();
        let working = shop.at_work(few_slots(2, Duration::from_secs(1)));
        for n in 0..10 {
            shop.ordered(&format!("customer-{n}"), Online).await;
        }
        working.stop.cancel();
        let claims = shop.store.calls(Op::Claim);
        working.ended.await.unwrap();
        assert_eq!(shop.store.calls(Op::Claim), claims, "not one more");
        shop.drain().await;
        shop.assert_at_rest();
    }
}

/// It is told between two claims of the same round.
#[tokio::test(start_paused = true)]
async fn a_worker_that_is_told_to_stop_while_it_claims_claims_once_at_most() {
    let shop = Shop::open();
    for n in 0..10 {
        shop.ordered(&format!("customer-{n}"), Online).await;
    }
    let working = shop.at_work(few_slots(2, Duration::from_secs(1)));
    let end = working.stop.clone();
    shop.store.before_next(Op::Claim, move |_| async move { end.cancel() });
    working.ended.await.unwrap();
    assert_eq!(shop.store.calls(Op::Claim), 1);
    shop.drain().await;
    shop.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_stops_at_once() {
    let shop = Shop::open();
    let working = shop.at_work(WorkerConfig::default());
    shop.pass(Duration::from_millis(50)).await;
    let told = tokio::time::Instant::now();
    working.stopped().await;
    assert_eq!(told.elapsed(), Duration::ZERO);
}
