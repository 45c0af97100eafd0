//! Word of what happens to orders.

use std::time::Duration;

use futures_util::{FutureExt, poll};
use order_domain::OrderId;
use order_domain::order::Version;
use order_domain::ports::{LiveEvent, LiveEvents, Subscription};
use tokio::time::timeout;

use super::QueueHarness;

/// As long as word may take in a test.
const IN_TIME: Duration = Duration::from_secs(10);

/// Order `order` is in this version now.
///
/// # Panics
/// When no order has this number.
pub fn word(order: i64, version: Version) -> LiveEvent {
    LiveEvent { order: id(order), version }
}

fn id(order: i64) -> OrderId {
    OrderId::new(order).unwrap()
}

fn listens(live: &dyn LiveEvents, order: i64) -> Box<dyn Subscription> {
    live.subscribe(id(order)).expect("a subscription")
}

async fn hears_later_than(subscription: &mut dyn Subscription, version: Version) -> bool {
    timeout(IN_TIME, subscription.later_than(version)).await.expect("word of the order")
}

/// Who subscribes first and reads then misses nothing.
pub async fn what_is_said_after_the_subscription_is_not_lost(queue: &dyn QueueHarness) {
    let live = queue.live().await;
    let mut subscription = listens(&*live, 1);
    live.publish(&[word(1, 2)]).await;
    assert_eq!(subscription.later_than(1).now_or_never(), Some(true), "whoever listens here is told at once");
    assert_eq!(subscription.later_than(0).now_or_never(), Some(true), "it stays so");
    assert_eq!(subscription.later_than(2).now_or_never(), None, "nothing later was said");
}

/// Every instance hears of it, and of each order in a message of several.
pub async fn word_reaches_those_who_listen_elsewhere(queue: &dyn QueueHarness) {
    let [here, there, elsewhere] = [queue.live().await, queue.live().await, queue.live().await];
    let mut subscriptions = [listens(&*here, 1), listens(&*there, 1), listens(&*elsewhere, 2)];
    here.publish(&[word(1, 4), word(2, 4)]).await;
    for subscription in &mut subscriptions {
        assert!(hears_later_than(&mut **subscription, 3).await);
    }
}

/// All who wait for an order are told; who waits for another sleeps on.
pub async fn everybody_who_waits_for_an_order_is_woken_and_nobody_else(queue: &dyn QueueHarness) {
    let [here, there] = [queue.live().await, queue.live().await];
    let [mut one, mut same] = [listens(&*here, 1), listens(&*there, 1)];
    let mut others = [listens(&*here, 2), listens(&*there, 2)];
    {
        let mut waits = [one.later_than(3), same.later_than(3)];
        for wait in &mut waits {
            assert!(poll!(wait).is_pending());
        }
        here.publish(&[word(1, 4)]).await;
        for wait in waits {
            assert!(timeout(IN_TIME, wait).await.expect("word of the order"));
        }
    }
    for other in &mut others {
        assert_eq!(other.later_than(0).now_or_never(), None);
    }
}

/// Word that comes late says nothing new.
pub async fn an_older_version_takes_nothing_back(queue: &dyn QueueHarness) {
    let [here, there] = [queue.live().await, queue.live().await];
    let mut subscriptions = [listens(&*here, 1), listens(&*there, 1)];
    here.publish(&[word(1, 5), word(1, 2)]).await;
    for subscription in &mut subscriptions {
        assert!(hears_later_than(&mut **subscription, 4).await);
    }
}

/// It costs nothing to say what nobody waits for.
pub async fn of_an_order_that_nobody_listens_for_nothing_is_kept(queue: &dyn QueueHarness) {
    let live = queue.live().await;
    live.publish(&[word(1, 2)]).await;
    assert_eq!(live.watched(), []);
    let (one, same) = (listens(&*live, 1), listens(&*live, 1));
    assert_eq!(live.watched(), [id(1)]);
    drop(one);
    assert_eq!(live.watched(), [id(1)], "somebody is left");
    drop(same);
    assert_eq!(live.watched(), []);
}

/// Word of any order, said before the wait or during it, here or elsewhere.
pub async fn whoever_waits_for_anything_is_woken_by_any_word(queue: &dyn QueueHarness) {
    let [here, there] = [queue.live().await, queue.live().await];
    for live in [&here, &there] {
        here.publish(&[word(1, 2)]).await;
        timeout(IN_TIME, live.anything()).await.expect("word");
    }
}

/// A service that stops keeps nobody waiting.
pub async fn closing_ends_every_wait_and_lets_nobody_in(queue: &dyn QueueHarness) {
    let live = queue.live().await;
    let mut subscription = listens(&*live, 1);
    {
        let mut wait = subscription.later_than(1);
        assert!(poll!(&mut wait).is_pending());
        live.close();
        assert!(!timeout(IN_TIME, wait).await.expect("an end"));
    }
    drop(subscription);
    assert!(live.subscribe(id(1)).is_none() && live.watched().is_empty());
}
