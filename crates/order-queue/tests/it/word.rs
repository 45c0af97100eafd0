//! Word of orders over a Redis that dies, comes back, and carries what is not ours.

use std::time::Duration;

use order_domain::OrderId;
use order_domain::ports::LiveEvents;
use order_queue::{LinkState, RedisLive};
use order_testkit::contract::eventually;
use order_testkit::queue_contract::live::word;
use order_testkit::redis_server::{RedisServer, free_port};
use tokio::time::{Instant, timeout};

use crate::support::{link, linked, listening, until};

/// Word goes from one instance to the other, within this time.
async fn word_goes(from: &RedisLive, to: &RedisLive, within: Duration, version: i64) {
    let mut subscription = to.subscribe(OrderId::new(1).unwrap()).unwrap();
    let deadline = Instant::now() + within;
    loop {
        from.publish(&[word(1, version)]).await;
        if timeout(Duration::from_millis(200), subscription.later_than(version - 1)).await == Ok(true) {
            return;
        }
        assert!(Instant::now() < deadline, "no word comes in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_word_goes_round_in_the_process_and_nobody_is_said_to_hear_others() {
    let live = RedisLive::start(&link(&format!("redis://127.0.0.1:{}", free_port())));
    let mut subscription = live.subscribe(OrderId::new(1).unwrap()).unwrap();
    let begun = Instant::now();
    for version in 1..=20_000 {
        live.publish(&[word(1, version)]).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(subscription.later_than(19_999).await);
    assert!(!live.hears_others());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_redis_was_away_others_are_heard_again() {
    let mut server = RedisServer::start();
    let links = [linked(&server.url()).await, linked(&server.url()).await];
    let [one, other] = [listening(&links[0]).await, listening(&links[1]).await];
    word_goes(&one, &other, Duration::from_secs(1), 2).await;
    server.kill();
    eventually("nobody hears", || async { !one.hears_others() && !other.hears_others() }).await;
    server.start_again();
    eventually("they hear", || async { one.hears_others() && other.hears_others() }).await;
    word_goes(&one, &other, Duration::from_secs(1), 3).await;
    word_goes(&other, &one, Duration::from_secs(1), 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_was_cut_off_is_made_again() {
    let server = RedisServer::start();
    let links = [linked(&server.url()).await, linked(&server.url()).await];
    let [one, other] = [listening(&links[0]).await, listening(&links[1]).await];
    server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    word_goes(&one, &other, Duration::from_secs(5), 2).await;
    eventually("they hear", || async { one.hears_others() && other.hears_others() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_that_hangs_is_known_to_say_nothing() {
    let server = RedisServer::start();
    let link = linked(&server.url()).await;
    let live = listening(&link).await;
    server.freeze(true);
    eventually("it hears nobody", || async { !live.hears_others() }).await;
    until(&link, LinkState::Down).await;
    server.freeze(false);
    eventually("it hears", || async { live.hears_others() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_on_the_channel_is_skipped() {
    let server = RedisServer::start();
    let links = [linked(&server.url()).await, linked(&server.url()).await];
    let [one, other] = [listening(&links[0]).await, listening(&links[1]).await];
    for garbage in ["hello", "", "v2 1:9:of tomorrow", "v1 1:x", "v1 1:9 x"] {
        server.cli(&["PUBLISH", "{orders}:live", garbage]);
    }
    let mut subscription = other.subscribe(OrderId::new(1).unwrap()).unwrap();
    one.publish(&[word(1, 2)]).await;
    assert!(subscription.later_than(1).await);
    assert_eq!(
        timeout(Duration::from_millis(100), subscription.later_than(2)).await.ok(),
        None,
        "no word of it is taken"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_lookout_finds_stays_in_its_instance() {
    let server = RedisServer::start();
    let links = [linked(&server.url()).await, linked(&server.url()).await];
    let [one, other] = [listening(&links[0]).await, listening(&links[1]).await];
    let mut here = one.subscribe(OrderId::new(1).unwrap()).unwrap();
    let mut there = other.subscribe(OrderId::new(1).unwrap()).unwrap();
    let local = one.local();
    assert!(local.hears_others(), "the lookout may take it easy");
    local.publish(&[word(1, 5)]).await;
    assert!(here.later_than(4).await);
    // What is said by the instance itself goes round, and comes after what would have.
    one.publish(&[word(1, 3)]).await;
    assert!(there.later_than(2).await);
    assert_eq!(timeout(Duration::from_millis(100), there.later_than(4)).await.ok(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn word_is_there_within_a_tenth_of_a_second() {
    let server = RedisServer::start();
    let links = [linked(&server.url()).await, linked(&server.url()).await];
    let [one, other] = [listening(&links[0]).await, listening(&links[1]).await];
    let mut subscription = other.subscribe(OrderId::new(1).unwrap()).unwrap();
    let mut times = Vec::new();
    for version in 1..=200 {
        let begun = Instant::now();
        one.publish(&[word(1, version)]).await;
        assert!(subscription.later_than(version - 1).await);
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    assert!(times[197] <= Duration::from_millis(100), "{:?}", times[197]);
}
