//! Handlers that panic or hang, and a database that goes away.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use order_domain::PaymentMethod::{Cash, Online};
use order_domain::order::Status;
use order_domain::payment::EntryState;
use order_domain::time::{Duration, Timestamp};
use order_testkit::memory::{Fault, Op};
use order_testkit::services::PaymentAnswer;
use order_usecases::tasks::Handlers;
use order_usecases::worker::{Worker, WorkerConfig};
use tokio_util::sync::CancellationToken;

use super::{Gate, NEVER, Panicking, few_slots};
use crate::support::{Shop, customer};

fn last_error(shop: &Shop) -> Option<String> {
    shop.store.tasks().iter().find_map(|task| task.last_error.clone())
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_is_a_failed_try_and_the_worker_goes_on() {
    let shop = Shop::open();
    let carts = Arc::new(Panicking { inner: shop.carts.clone(), left: AtomicUsize::new(3) });
    let handlers = shop.handlers_asking(shop.payments.clone(), carts);
    let working = shop.at_work_with(handlers, few_slots(1, Duration::from_secs(1)));
    shop.ordered("ann", Cash).await;
    shop.until("a failed try", |shop| last_error(shop).is_some()).await;
    assert_eq!(last_error(&shop).as_deref(), Some("the handler panicked"));
    assert_eq!(shop.store.tasks()[0].attempts, 1);
    // With one slot, the next two could not run if the panic had kept it.
    shop.ordered("eve", Cash).await;
    shop.until_done().await;
    assert_eq!(shop.carts.removed().len(), 2);
    working.stopped().await;
    shop.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_cart_task_that_always_panics_is_dead_and_blocks_nothing() {
    let shop = Shop::open();
    let carts = Arc::new(Panicking { inner: shop.carts.clone(), left: AtomicUsize::new(8) });
    let handlers = shop.handlers_asking(shop.payments.clone(), carts.clone());
    let working = shop.at_work_with(handlers, WorkerConfig::default());
    shop.ordered("ann", Cash).await;
    shop.until("it is dead", |shop| shop.store.dead_tasks().len() == 1).await;
    assert_eq!(carts.left.load(Ordering::SeqCst), 0, "eight tries");
    shop.ordered("eve", Cash).await;
    shop.until("the other is cleared", |shop| shop.carts.removed().len() == 1).await;
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_try_is_concluded_costs_no_slot() {
    let shop = Shop::open();
    shop.carts.put(order_testkit::builders::a_cart("ann", &[(5, 2)]));
    shop.place(&customer("ann"), None, Cash).await.unwrap();
    shop.carts.fail_next(order_testkit::services::away(order_domain::ports::ServiceName::Cart));
    let chance = Arc::new(|| panic!("no chance, as the test wants it"));
    let working = shop.at_work_with(Handlers { chance, ..shop.handlers() }, few_slots(1, Duration::from_secs(1)));
    let took = shop.until_done().await;
    assert!((30_000..=31_100).contains(&took.as_millis()), "after its lease: {took:?}");
    working.stopped().await;
    shop.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_cut_off_after_twenty_seconds() {
    let shop = Shop::open();
    let gate = Gate::shut(&shop);
    let handlers = shop.handlers_asking(gate.clone(), shop.carts.clone());
    let working = shop.at_work_with(handlers, few_slots(1, Duration::from_secs(1)));
    shop.ordered("ann", Online).await;
    shop.until("the call is under way", |_| gate.inside() == 1).await;
    let took = shop.until("it is cut off", |_| gate.inside() == 0).await;
    assert!((19_900..=20_100).contains(&took.as_millis()), "{took:?}");
    assert_eq!(last_error(&shop).as_deref(), Some("cut off after 20s"));
    assert_eq!(shop.entry(1).state, EntryState::Sent, "it may have arrived");

    gate.lets_through(100);
    shop.until_done().await;
    working.stopped().await;
    shop.assert_at_rest();
    assert_eq!(shop.moved(), (1_098, 0));
}

#[tokio::test(start_paused = true)]
async fn a_try_that_fails_just_before_the_payment_timeout_waits_no_longer_than_that() {
    let shop = Shop::open();
    shop.signal.lose(true);
    shop.ordered("ann", Online).await;
    shop.payments.plan(&[PaymentAnswer::LoseRequest; 40]);
    let working = shop.at_work(WorkerConfig::default());
    let took = shop.until("it is cancelled", |shop| shop.order().status() == Status::Cancelled).await;
    assert!((900_000..=901_100).contains(&took.as_millis()), "{took:?}");
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_away_for_minutes_delays_and_loses_nothing() {
    let shop = Shop::open();
    let working = shop.at_work(WorkerConfig::default());
    shop.ordered("ann", Online).await;
    shop.store.set_away(true);
    shop.pass(Duration::from_mins(3)).await;
    assert!(shop.store.calls(Op::Claim) < 200, "it is not hammered: {}", shop.store.calls(Op::Claim));
    shop.store.set_away(false);
    let took = shop.until_done().await;
    assert!(took <= Duration::from_secs(5), "{took:?}");
    working.stopped().await;
    shop.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_written_is_found_when_the_lease_runs_out() {
    for op in [Op::Finish, Op::Fail] {
        let shop = Shop::open();
        shop.carts.put(order_testkit::builders::a_cart("ann", &[(5, 2)]));
        shop.place(&customer("ann"), None, Cash).await.unwrap();
        if op == Op::Fail {
            shop.carts.fail_next(order_testkit::services::away(order_domain::ports::ServiceName::Cart));
        }
        shop.store.fail_next(op, Fault::Unavailable);
        let working = shop.at_work(WorkerConfig::default());
        let took = shop.until_done().await;
        assert!((30_000..=31_100).contains(&took.as_millis()), "{took:?}");
        working.stopped().await;
        shop.assert_at_rest();
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_may_look_as_often_as_it_is_told() {
    let shop = Shop::open();
    shop.signal.lose(true);
    let working = shop.at_work(few_slots(16, Duration::from_millis(2)));
    shop.ordered("ann", Online).await;
    shop.until_done().await;
    working.stopped().await;
    shop.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn each_sweep_tells_the_databases_now() {
    let shop = Shop::open();
    let told: Arc<Mutex<Vec<Timestamp>>> = Arc::default();
    let tell = told.clone();
    let worker = Worker::new(
        Arc::new(shop.store.clone()),
        shop.signal.clone(),
        Arc::new(shop.handlers()),
        few_slots(1, NEVER),
        Arc::new(move |now| tell.lock().unwrap().push(now)),
    );
    let end = CancellationToken::new();
    let ended = tokio::spawn(worker.run(end.clone()));
    shop.pass(Duration::from_millis(10)).await;
    assert_eq!(*told.lock().unwrap(), [order_testkit::builders::START]);
    end.cancel();
    ended.await.unwrap();
}
