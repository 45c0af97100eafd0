//! Housekeeping: what is over is removed, in batches, again and again.

use order_domain::PaymentMethod;
use order_domain::order::{Command, Status};
use order_domain::ports::{Chore, Claim, ClaimedChore, OrderStore, Rest, TaskStore, WriteSet};
use order_domain::time::{Duration, after};
use order_testkit::builders::{a_cart, a_key, a_receipt, admin, an_order};
use order_testkit::memory::{Fault, Op};

use crate::support::{LEASE, LONGER_THAN_ANY_LEASE, Shop, customer};

async fn claim(shop: &Shop) -> ClaimedChore {
    let claim = Claim { slots: Vec::new(), chores: Chore::ALL.to_vec(), only: None, lease: LEASE };
    shop.store.claim(&claim).await.unwrap().chores.pop().expect("housekeeping is due")
}

/// Runs what is due, and says how it ended.
async fn tidies(shop: &Shop) -> Rest {
    let chore = claim(shop).await;
    let rest = shop.handlers().run_chore(&chore).await;
    assert!(shop.store.rest(&chore, &rest).await.unwrap());
    rest
}

const DONE: Rest = Rest { wait: Duration::from_mins(10), error: None };

#[tokio::test]
async fn what_has_ended_goes_and_what_is_in_force_stays() {
    let shop = Shop::open();
    shop.carts.put(a_cart("ann", &[(5, 2)]));
    shop.place(&customer("ann"), Some(a_key(1)), PaymentMethod::Online).await.unwrap();
    assert_eq!(tidies(&shop).await, DONE);
    assert_eq!((shop.store.counts().receipts, shop.store.counts().guards), (1, 1));

    shop.drain().await;
    shop.store.advance(Duration::from_mins(11));
    assert_eq!(tidies(&shop).await, DONE);
    assert_eq!((shop.store.counts().receipts, shop.store.counts().guards), (1, 0), "the cart was cleared");
    assert!(shop.place(&customer("ann"), Some(a_key(1)), PaymentMethod::Online).await.unwrap().replayed);

    shop.store.advance(Duration::from_hours(24));
    assert_eq!(tidies(&shop).await, DONE);
    assert_eq!((shop.store.counts().receipts, shop.store.counts().orders), (0, 1));
}

/// `n` receipts that are over, of requests that changed nothing.
async fn with_old_receipts(n: u32) -> Shop {
    let life = an_order().delivered();
    let (shop, _) = Shop::with(&life).await;
    let nothing = life.asks(&admin(), Command::SetStatus { to: Status::Delivered, reason: None }).unwrap();
    let set = |n: u32| {
        let mut key = a_key(1);
        key.hash[..4].copy_from_slice(&n.to_be_bytes());
        WriteSet::new(nothing.clone(), Vec::new()).with_receipt(Some((key, a_receipt(1))))
    };
    shop.store.commit((0..n).map(set).collect()).await.unwrap();
    shop.store.advance(Duration::from_hours(25));
    shop
}

#[tokio::test]
async fn much_is_removed_in_batches_and_the_rest_soon_after() {
    let shop = with_old_receipts(10_600).await;
    let soon = Rest { wait: Duration::from_secs(1), error: None };
    assert_eq!(tidies(&shop).await, soon);
    assert_eq!((shop.store.calls(Op::Forget), shop.store.counts().receipts), (20, 600));
    shop.store.advance(Duration::from_secs(1));
    assert_eq!(tidies(&shop).await, DONE);
    assert_eq!((shop.store.calls(Op::Forget), shop.store.counts().receipts), (22, 0));
}

#[tokio::test]
async fn a_run_that_fails_is_tried_again_at_its_backoff() {
    let shop = Shop::open();
    for wait in [1, 2, 4, 8] {
        shop.store.fail_next(Op::Forget, Fault::Unavailable);
        let rest = tidies(&shop).await;
        assert_eq!(rest.wait, Duration::from_millis(500) * wait);
        assert!(rest.error.unwrap().contains("database unavailable"));
        let chore = shop.store.chores().remove(0);
        assert_eq!(chore.run_at, after(shop.store.now(), rest.wait));
        assert!(chore.last_error.is_some());
        shop.store.advance(rest.wait);
    }
    assert_eq!(tidies(&shop).await, DONE);
    let chore = shop.store.chores().remove(0);
    assert_eq!((chore.attempts, chore.last_error), (0, None), "what has succeeded begins anew");
}

/// It dies before it has said that it is done; another one does it again.
#[tokio::test]
async fn a_run_that_is_done_twice_is_done_once() {
    let shop = with_old_receipts(3).await;
    let lost = claim(&shop).await;
    assert_eq!(shop.handlers().run_chore(&lost).await, DONE);
    shop.store.advance(LONGER_THAN_ANY_LEASE);
    assert_eq!(tidies(&shop).await, DONE);
    assert_eq!((shop.store.counts().receipts, shop.store.counts().orders), (0, 1));
    assert!(!shop.store.rest(&lost, &DONE).await.unwrap());
}
