//! Chores: what a worker does for the service itself, beside the tasks of orders.

use order_domain::PaymentMethod::Online;
use order_domain::ports::{Chore, Claim, TaskStore};
use order_domain::time::{Duration, after};
use order_testkit::memory::{Fault, Op};
use order_usecases::worker::WorkerConfig;

use super::few_slots;
use crate::support::{LEASE, Shop};

#[tokio::test(start_paused = true)]
async fn a_chore_is_done_when_it_is_due_and_again_when_it_is_due_again() {
    let shop = Shop::open();
    let working = shop.at_work(WorkerConfig::default());
    for runs in 1..=3 {
        shop.until("it is done", |shop| shop.store.calls(Op::Rest) == runs).await;
        let chore = shop.store.chores().remove(0);
        assert!(chore.run_at >= after(shop.store.now(), Duration::from_secs(599)), "{chore:?}");
        shop.pass(Duration::from_secs(598)).await;
        assert_eq!(shop.store.calls(Op::Rest), runs, "not before it is due");
    }
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_chore_that_fails_is_tried_again_and_holds_nothing_up() {
    let shop = Shop::open();
    for _ in 0..3 {
        shop.store.fail_next(Op::Forget, Fault::Unavailable);
    }
    let working = shop.at_work(few_slots(1, Duration::from_secs(1)));
    shop.ordered("ann", Online).await;
    shop.until_done().await;
    shop.until("the fourth try succeeds", |shop| shop.store.calls(Op::Forget) == 4).await;
    shop.until("it is said to be done", |shop| shop.store.chores()[0].attempts == 0).await;
    working.stopped().await;
    shop.assert_at_rest();
}

/// The handler panics: a failed try, like any other.
#[tokio::test(start_paused = true)]
async fn a_chore_that_panics_is_a_failed_try() {
    let shop = Shop::open();
    shop.store.before_next(Op::Forget, |_| async { panic!("as the test wants it") });
    let working = shop.at_work(WorkerConfig::default());
    shop.until("it is put off", |shop| shop.store.calls(Op::Rest) == 1).await;
    assert_eq!(shop.store.chores()[0].last_error.as_deref(), Some("the handler panicked"));
    shop.until("it is done", |shop| shop.store.calls(Op::Rest) == 2).await;
    assert_eq!(shop.store.chores()[0].last_error, None);
    working.stopped().await;
}

/// A handler that never ends is cut off.
#[tokio::test(start_paused = true)]
async fn a_chore_that_hangs_is_cut_off() {
    let shop = Shop::open();
    shop.store.before_next(Op::Forget, |_| std::future::pending());
    let working = shop.at_work(WorkerConfig::default());
    let took = shop.until("it is cut off", |shop| shop.store.calls(Op::Rest) == 1).await;
    assert!(took >= Duration::from_secs(20) && took < LEASE, "{took:?}");
    assert!(shop.store.chores()[0].last_error.as_ref().unwrap().contains("cut off"));
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_chore_that_a_stopping_worker_has_just_claimed_is_handed_back() {
    let shop = Shop::open();
    let working = shop.at_work(WorkerConfig::default());
    let end = working.stop.clone();
    shop.store.before_next(Op::Claim, move |_| async move { end.cancel() });
    working.ended.await.unwrap();
    assert_eq!((shop.store.calls(Op::HandBack), shop.store.calls(Op::Forget)), (1, 0));
    let claim = Claim { slots: Vec::new(), chores: Chore::ALL.to_vec(), only: None, lease: LEASE };
    let claimed = shop.store.claim(&claim).await.unwrap().chores;
    assert_eq!(claimed.iter().map(|chore| chore.attempts).collect::<Vec<_>>(), [1], "due at once, and not tried");
}
