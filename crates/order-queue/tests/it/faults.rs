//! What happens to Redis, and what becomes of signals meanwhile.

use std::collections::BTreeSet;
use std::time::Duration;

use order_domain::ports::TaskSignal;
use order_queue::{LinkState, RedisLink, RedisSignal, RedisUrl, SignalConfig};
use order_testkit::contract::eventually;
use order_testkit::queue_contract::signal::{a_task, next, next_of};
use order_testkit::redis_server::{RedisServer, free_port, on_server};
use tokio::time::Instant;

use crate::support::{STREAM, goes_over_redis, has_group, in_no_time, link, linked, teller, until, worker};

/// Says that so many tasks are due, one by one, each in no time; and the worker of the same process is told of all.
async fn is_told_the_short_way(signal: &RedisSignal, ids: std::ops::RangeInclusive<i64>) {
    let mut times = Vec::new();
    for id in ids.clone() {
        let begun = Instant::now();
        signal.due(&[a_task(id)]).await;
        times.push(begun.elapsed());
    }
    in_no_time(times);
    let mut missing: BTreeSet<_> = ids.collect();
    while !missing.is_empty() {
        for task in next(signal).await {
            missing.remove(&task.id.get());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_a_service_starts_and_tells_its_own_worker() {
    let begun = Instant::now();
    let link = link(&format!("redis://127.0.0.1:{}", free_port()));
    let signal = worker(&link);
    assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
    is_told_the_short_way(&signal, 1..=100).await;
    assert_eq!(link.state(), LinkState::Down);
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_that_comes_later_is_used_by_itself() {
    let mut server = RedisServer::start();
    server.kill();
    let (one, other) = (link(&server.url()), link(&server.url()));
    let (teller, worker) = (teller(&one), worker(&other));
    server.start_again();
    goes_over_redis(&teller, &worker, &mut (1..)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_that_dies_and_comes_back_costs_no_signal_and_is_used_again() {
    let mut server = RedisServer::start();
    let (one, other) = (linked(&server.url()).await, linked(&server.url()).await);
    let (teller, signal) = (teller(&one), worker(&other));
    let mut ids = 1_000..;
    goes_over_redis(&teller, &signal, &mut ids).await;
    server.kill();
    is_told_the_short_way(&signal, 1..=100).await;
    until(&other, LinkState::Down).await;
    is_told_the_short_way(&signal, 101..=200).await;
    server.start_again();
    goes_over_redis(&teller, &signal, &mut ids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_that_hangs_slows_nobody() {
    let server = RedisServer::start();
    let link = linked(&server.url()).await;
    let signal = worker(&link);
    eventually("the group", || async { has_group(&server) }).await;
    server.freeze(true);
    is_told_the_short_way(&signal, 1..=100).await;
    until(&link, LinkState::Down).await;
    is_told_the_short_way(&signal, 101..=200).await;
    server.freeze(false);
    until(&link, LinkState::Up).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_work_only_says() {
    let server = RedisServer::start();
    let link = linked(&server.url()).await;
    let teller = teller(&link);
    teller.due(&[a_task(1), a_task(2)]).await;
    eventually("two messages", || async { server.cli(&["XLEN", STREAM]) == "2" }).await;
    assert_eq!(server.cli(&["XINFO", "GROUPS", STREAM]), "", "nobody reads");
    // What was said before anybody worked is told to the first who does.
    let worker = worker(&link);
    assert_eq!(next_of(&worker, 2).await, [a_task(1), a_task(2)]);
    eventually("nothing is left", || async { server.cli(&["XLEN", STREAM]) == "0" }).await;
    assert_eq!(server.cli(&["XPENDING", STREAM, "workers"]).lines().next(), Some("0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_was_emptied_gets_its_group_again() {
    let server = RedisServer::start();
    let (one, other) = (linked(&server.url()).await, linked(&server.url()).await);
    let (teller, worker) = (teller(&one), worker(&other));
    let mut ids = 1..;
    goes_over_redis(&teller, &worker, &mut ids).await;
    server.cli(&["FLUSHALL"]);
    goes_over_redis(&teller, &worker, &mut ids).await;
    server.cli(&["XGROUP", "DESTROY", STREAM, "workers"]);
    goes_over_redis(&teller, &worker, &mut ids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_full_costs_no_signal() {
    let server = RedisServer::start();
    let link = linked(&server.url()).await;
    let signal = worker(&link);
    let mut ids = 1_000..;
    goes_over_redis(&signal, &signal, &mut ids).await;
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    is_told_the_short_way(&signal, 1..=100).await;
    assert_eq!(link.state(), LinkState::Up, "it answers");
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    let teller = teller(&link);
    goes_over_redis(&teller, &signal, &mut ids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_type_under_our_name_costs_no_signal_and_is_left_alone() {
    let server = RedisServer::start();
    server.cli(&["SET", STREAM, "of somebody else"]);
    let (one, other) = (linked(&server.url()).await, linked(&server.url()).await);
    let (teller, signal) = (teller(&one), worker(&other));
    is_told_the_short_way(&signal, 1..=100).await;
    assert_eq!(server.cli(&["GET", STREAM]), "of somebody else");
    server.cli(&["DEL", STREAM]);
    goes_over_redis(&teller, &signal, &mut (1_000..)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_costs_no_signal_and_is_tried_again() {
    let server = RedisServer::start_with(&["--requirepass", "secret"]);
    let link = RedisLink::connect(&RedisUrl::parse(&format!("redis://:wrong@127.0.0.1:{}", server.port())).unwrap());
    let signal = worker(&link);
    is_told_the_short_way(&signal, 1..=100).await;
    assert_eq!(link.state(), LinkState::Down);
    let right = format!("redis://default:secret@127.0.0.1:{}", server.port());
    assert_eq!(on_server(&right, &["CONFIG", "SET", "requirepass", "wrong"]).unwrap(), "OK");
    until(&link, LinkState::Up).await;
    goes_over_redis(&signal, &signal, &mut (1_000..)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_trimmed_away_is_forgotten_and_what_follows_is_told() {
    let server = RedisServer::start();
    let link = linked(&server.url()).await;
    // A consumer that was given messages and died, and messages that nobody was given: all of them trimmed.
    server.cli(&["XGROUP", "CREATE", STREAM, "workers", "0", "MKSTREAM"]);
    for id in 1..=3 {
        server.cli(&["XADD", STREAM, "*", "v", "1", "t", &format!("{id}:charge")]);
    }
    server.cli(&["XREADGROUP", "GROUP", "workers", "gone", "COUNT", "2", "STREAMS", STREAM, ">"]);
    server.cli(&["XTRIM", STREAM, "MAXLEN", "0"]);
    let signal = worker(&link);
    signal.due(&[a_task(4)]).await;
    assert_eq!(next(&signal).await, [a_task(4)]);
    eventually("nothing is pending", || async {
        server.cli(&["XPENDING", STREAM, "workers"]).lines().next() == Some("0")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_was_given_that_died_goes_to_another_and_the_dead_are_forgotten() {
    let server = RedisServer::start();
    let link = linked(&server.url()).await;
    let teller = teller(&link);
    let dead = worker(&link);
    let tasks: Vec<_> = (1..=200).map(a_task).collect();
    teller.due(&tasks).await;
    // It was given a batch, nobody has taken it from there, and now it is gone.
    eventually("a batch is read", || async { server.cli(&["XPENDING", STREAM, "workers"]).starts_with("64\n") }).await;
    drop(dead);
    let alive = worker(&link);
    let told: BTreeSet<_> = next_of(&alive, 200).await.into_iter().map(|task| task.id.get()).collect();
    assert_eq!(told, (1..=200).collect());
    eventually("nothing is left", || async { server.cli(&["XLEN", STREAM]) == "0" }).await;
    eventually("one consumer", || async {
        server.cli(&["XINFO", "CONSUMERS", STREAM, "workers"]).matches("pending").count() == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_worker_leaves_the_rest_to_others() {
    let server = RedisServer::start();
    let link = linked(&server.url()).await;
    let slow = RedisSignal::start(&link, &SignalConfig::default());
    let teller = teller(&link);
    teller.due(&(1..=300).map(a_task).collect::<Vec<_>>()).await;
    eventually("a batch is read", || async { server.cli(&["XPENDING", STREAM, "workers"]).starts_with("64\n") }).await;
    let other = RedisSignal::start(&link, &SignalConfig::default());
    assert_eq!(next_of(&other, 236).await.len(), 236, "all but what the slow one has");
    assert_eq!(next(&slow).await, (1..=64).map(a_task).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_not_ours_are_skipped_and_gone() {
    let server = RedisServer::start();
    let link = linked(&server.url()).await;
    let signal = worker(&link);
    for fields in [
        &["job", "send_mail"][..],
        &["v", "2", "t", "1:charge", "how", "unknown"],
        &["v", "1", "t", "1:teleport"],
        &["v", "1", "t", "\x01\x02"],
    ] {
        server.cli(&[&["XADD", STREAM, "*"], fields].concat());
    }
    signal.due(&[a_task(7)]).await;
    assert_eq!(next(&signal).await, [a_task(7)]);
    eventually("nothing is left", || async { server.cli(&["XLEN", STREAM]) == "0" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_takes_does_not_grow_for_ever() {
    let server = RedisServer::start();
    let link = linked(&server.url()).await;
    let teller = teller(&link);
    let begun = Instant::now();
    for round in 0..30_i64 {
        let tasks: Vec<_> = (1..=1_000).map(|id| a_task(round * 1_000 + id)).collect();
        teller.due(&tasks).await;
        let first = format!("{}:charge", round * 1_000 + 1_000);
        eventually("they are written", || async {
            server.cli(&["XREVRANGE", STREAM, "+", "-", "COUNT", "1"]).contains(&first)
        })
        .await;
    }
    let length: u64 = server.cli(&["XLEN", STREAM]).parse().unwrap();
    assert!((10_000..=10_200).contains(&length), "{length}");
    assert!(begun.elapsed() < Duration::from_secs(10), "2,000 a second are easy: {:?}", begun.elapsed());
}
