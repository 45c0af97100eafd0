//! What wakes a worker, and how much it does at once.

use order_domain::PaymentMethod::{Cash, Online};
use order_domain::order::Status;
use order_domain::ports::{NewTask, OrderStore, TaskKind};
use order_domain::time::Duration;
use order_testkit::builders::{an_order, write_set};
use order_testkit::memory::Op;
use order_usecases::worker::WorkerConfig;
use tokio::time::Instant;

use super::{Gate, NEVER, few_slots};
use crate::support::Shop;

async fn orders(shop: &Shop, count: usize) {
    for n in 0..count {
        shop.ordered(&format!("customer-{n}"), Online).await;
    }
}

fn confirmed(shop: &Shop) -> usize {
    shop.store.orders().iter().filter(|order| order.status() == Status::Confirmed).count()
}

#[tokio::test(start_paused = true)]
async fn a_signal_wakes_the_worker_without_a_sweep() {
    let shop = Shop::open();
    let working = shop.at_work(few_slots(16, NEVER));
    shop.pass(Duration::from_millis(100)).await;
    let claims = shop.store.calls(Op::Claim);
    shop.ordered("ann", Online).await;
    let took = shop.until_done().await;
    assert!(took <= Duration::from_millis(20), "{took:?}");
    assert_eq!(shop.store.calls(Op::Claim) - claims, 2, "the charge, then the cart");
    working.stopped().await;
    shop.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_signal_left_behind_is_found_by_the_sweep() {
    let shop = Shop::open();
    shop.signal.lose(true);
    let working = shop.at_work(WorkerConfig::default());
    shop.pass(Duration::from_millis(500)).await;
    orders(&shop, 3).await;
    let took = shop.until_done().await;
    assert!(took <= Duration::from_millis(2_600), "the charge and then the cart, each within a second: {took:?}");
    working.stopped().await;
    shop.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn what_was_due_before_the_worker_began_is_done_at_once() {
    let shop = Shop::open();
    shop.signal.lose(true);
    orders(&shop, 3).await;
    shop.signal.lose(false);
    let working = shop.at_work(few_slots(16, NEVER));
    let took = shop.until_done().await;
    assert!(took <= Duration::from_millis(50), "{took:?}");
    working.stopped().await;
    shop.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn each_kind_has_slots_of_its_own() {
    let shop = Shop::open();
    let gate = Gate::shut(&shop);
    let working = shop.at_work_with(shop.handlers_asking(gate.clone(), shop.carts.clone()), few_slots(2, NEVER));
    orders(&shop, 5).await;
    shop.until("as many calls as slots", |_| gate.inside() == 2).await;
    // The payment service hangs; carts are cleared all the same.
    for n in 0..5 {
        shop.ordered(&format!("cash-{n}"), Cash).await;
    }
    let took = shop.until("carts cleared", |shop| shop.carts.removed().len() == 5).await;
    assert!(took <= Duration::from_millis(50), "{took:?}");
    assert_eq!((gate.inside(), shop.store.calls(Op::MarkSent)), (2, 2), "nothing is claimed that has no slot");

    gate.lets_through(100);
    shop.until_done().await;
    assert_eq!(gate.most(), 2);
    working.stopped().await;
    shop.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn signals_wait_for_a_slot() {
    let shop = Shop::open();
    let gate = Gate::shut(&shop);
    let working = shop.at_work_with(shop.handlers_asking(gate.clone(), shop.carts.clone()), few_slots(1, NEVER));
    shop.pass(Duration::from_millis(10)).await;
    orders(&shop, 4).await;
    for done in 1..=4 {
        shop.until("the next call", |_| gate.inside() == 1).await;
        gate.lets_through(1);
        let took = shop.until("one more is paid", |shop| confirmed(shop) == done).await;
        assert!(took <= Duration::from_millis(20), "{took:?}");
    }
    shop.until_done().await;
    assert_eq!(gate.most(), 1);
    working.stopped().await;
    shop.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_backlog_larger_than_the_slots_is_drained_without_waiting_for_sweeps() {
    let shop = Shop::open();
    shop.signal.lose(true);
    orders(&shop, 50).await;
    let working = shop.at_work(few_slots(4, NEVER));
    let took = shop.until("all are paid", |shop| confirmed(shop) == 50).await;
    assert!(took <= Duration::from_millis(100), "{took:?}");
    working.stopped().await;
    shop.drain().await;
    shop.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_not_forgotten_because_a_sweep_found_no_free_slot() {
    let shop = Shop::open();
    shop.signal.lose(true);
    orders(&shop, 20).await;
    let gate = Gate::slow(&shop, Duration::from_millis(1_100));
    let handlers = shop.handlers_asking(gate.clone(), shop.carts.clone());
    let working = shop.at_work_with(handlers, few_slots(2, Duration::from_secs(1)));
    let took = shop.until("all are paid", |shop| confirmed(shop) == 20).await;
    // Ten rounds of 1.1 s; with a wait for the next sweep in each they would be twenty seconds.
    assert!(took <= Duration::from_secs(12), "{took:?}");
    assert_eq!(gate.most(), 2);
    working.stopped().await;
    shop.drain().await;
    shop.assert_at_rest();
}

/// Orders that no signal speaks of, and new ones that take each slot as soon as it is free: never half of them at once.
#[tokio::test(start_paused = true)]
async fn a_stream_of_new_work_does_not_keep_old_work_waiting() {
    let shop = Shop::open();
    let handlers = shop.handlers_asking(Gate::slow(&shop, Duration::from_secs(1)), shop.carts.clone());
    let working = shop.at_work_with(handlers, few_slots(4, Duration::from_secs(1)));
    for n in 0..80 {
        if n == 5 {
            shop.signal.lose(true);
            orders(&shop, 24).await;
            shop.signal.lose(false);
        }
        shop.ordered(&format!("new-{n}"), Online).await;
        shop.pass(Duration::from_millis(190)).await;
    }
    let old = |order: &order_domain::order::Order| order.state().customer.as_str().starts_with("customer-");
    let waiting = shop.store.orders().into_iter().filter(|order| old(order) && order.status() == Status::Pending);
    assert_eq!(waiting.count(), 0, "fifteen seconds are enough for twenty-four of the longest due");
    working.stopped().await;
    shop.drain().await;
    shop.assert_at_rest();
}

/// The sweep is an hour away; the retry is not.
#[tokio::test(start_paused = true)]
async fn a_retry_starts_when_it_is_due_and_not_at_the_next_sweep() {
    use order_testkit::services::PaymentAnswer;
    let shop = Shop::open();
    shop.payments.plan(&[PaymentAnswer::LoseRequest; 3]);
    let working = shop.at_work(few_slots(2, NEVER));
    shop.pass(Duration::from_millis(10)).await;
    shop.ordered("ann", Online).await;
    let took = shop.until("it is paid", |shop| confirmed(shop) == 1).await;
    assert!(took <= Duration::from_secs(4), "0.5 s, 1 s and 2 s at most: {took:?}");
    working.stopped().await;
    shop.drain().await;
    shop.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn the_next_of_a_lane_is_signalled_when_its_head_is_finished() {
    let shop = Shop::open();
    let mut set = write_set(&shop.store, an_order().cash().placed().last_change()).await;
    let first = set.tasks[0].clone();
    let id = order_domain::TaskId::new(99).unwrap();
    set.tasks.push(NewTask { id, ordinal: first.ordinal + 1, ..first });
    shop.store.commit(vec![set]).await.unwrap();

    let working = shop.at_work(few_slots(16, NEVER));
    let took = shop.until_done().await;
    assert!(took <= Duration::from_millis(20), "{took:?}");
    let signalled: Vec<_> = shop.signal.signalled().iter().map(|task| (task.id, task.kind)).collect();
    assert_eq!(signalled, [(id, TaskKind::ClearCart)]);
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_is_run_when_it_is_due() {
    let shop = Shop::open();
    shop.payments.plan(&[order_testkit::services::PaymentAnswer::LoseRequest; 3]);
    let working = shop.at_work(WorkerConfig::default());
    shop.ordered("ann", Online).await;
    let took = shop.until("it is paid", |shop| confirmed(shop) == 1).await;
    // Backoffs of 0.5, 1 and 2 s, and after each the next look at most a second later.
    assert!((3_500..=6_600).contains(&took.as_millis()), "{took:?}");
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_looks_once_a_second() {
    let shop = Shop::open();
    let working = shop.at_work(WorkerConfig::default());
    let begun = Instant::now();
    shop.pass(Duration::from_mins(1)).await;
    let looks = shop.store.calls(Op::Claim);
    assert!((60..=62).contains(&looks), "{looks} in {:?}", begun.elapsed());
    working.stopped().await;
}
