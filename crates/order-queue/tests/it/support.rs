//! What the tests of Redis have in common.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use order_domain::OrderId;
use order_domain::ports::{LiveEvents, TaskRef, TaskSignal};
use order_queue::{LinkState, RedisLink, RedisLive, RedisSignal, RedisUrl, SignalConfig};
use order_testkit::contract::eventually;
use order_testkit::queue_contract::live::word;
use order_testkit::queue_contract::signal::a_task;
use order_testkit::redis_server::RedisServer;
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;

/// The stream of due tasks under the usual prefix.
pub(crate) const STREAM: &str = "{orders}:tasks";

/// A link to this server.
pub(crate) fn link(url: &str) -> RedisLink {
    RedisLink::connect(&RedisUrl::parse(url).unwrap())
}

/// A link that Redis answers on.
pub(crate) async fn linked(url: &str) -> RedisLink {
    let link = link(url);
    until(&link, LinkState::Up).await;
    link
}

pub(crate) async fn until(link: &RedisLink, state: LinkState) {
    eventually(&format!("{state:?}"), || async { link.state() == state }).await;
}

/// Signals of an instance that works, quick to take over what others left.
pub(crate) fn worker(link: &RedisLink) -> RedisSignal {
    let quick = SignalConfig {
        abandoned: Duration::from_millis(500),
        forgotten: Duration::from_secs(1),
        round: Duration::from_millis(200),
        ..SignalConfig::default()
    };
    RedisSignal::start(link, &quick)
}

/// Signals of an instance that only says what is due.
pub(crate) fn teller(link: &RedisLink) -> RedisSignal {
    RedisSignal::start(link, &SignalConfig { works: false, ..SignalConfig::default() })
}

/// Word of an instance, which hears the others.
pub(crate) async fn listening(link: &RedisLink) -> Arc<RedisLive> {
    let live = Arc::new(RedisLive::start(link));
    eventually("it hears itself", || async { live.hears_others() }).await;
    live
}

/// Whether the group of workers is there.
pub(crate) fn has_group(server: &RedisServer) -> bool {
    server.cli(&["XINFO", "GROUPS", STREAM]).contains("workers")
}

/// Signals come by way of Redis: a worker is told by an instance which does not work.
pub(crate) async fn goes_over_redis(teller: &RedisSignal, worker: &RedisSignal, ids: &mut std::ops::RangeFrom<i64>) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        // One that was said too early is dropped: it is not what this waits for.
        let task = a_task(ids.next().unwrap());
        teller.due(&[task]).await;
        if told(worker, task).await {
            return;
        }
        assert!(Instant::now() < deadline, "no signal comes by way of Redis");
    }
}

/// Whether the worker is told of this task within a short while.
async fn told(worker: &RedisSignal, task: TaskRef) -> bool {
    let wait = async { while !worker.next().await.contains(&task) {} };
    timeout(Duration::from_millis(300), wait).await.is_ok()
}

/// What a fail-over must not do: two instances say and hear under load, `kill` ends the Redis in charge, and a while later
/// signals and word go over the next one. Meanwhile nobody who says something waits, and what is said is told; but for
/// what was on its way in the Redis that died, which the sweep finds.
pub(crate) async fn fail_over_under_load(url: &str, kill: impl FnOnce()) {
    let links = [linked(url).await, linked(url).await];
    let (teller, signal) = (teller(&links[0]), Arc::new(worker(&links[1])));
    let [one, other] = [listening(&links[0]).await, listening(&links[1]).await];
    let mut ids = 1_000_000..;
    goes_over_redis(&teller, &signal, &mut ids).await;

    let stop = CancellationToken::new();
    let load = tokio::spawn(say_all_the_time(Arc::clone(&signal), stop.clone()));
    let told = Arc::new(Mutex::new(BTreeSet::new()));
    let hearing = tokio::spawn(hear_all(Arc::clone(&signal), Arc::clone(&told)));
    eventually("signals flow", || async { told.lock().unwrap().len() > 100 }).await;
    kill();
    until(&links[1], LinkState::Down).await;
    let down = told.lock().unwrap().len();
    eventually("signals flow on", || async { told.lock().unwrap().len() > down + 100 }).await;
    until(&links[1], LinkState::Up).await;
    until(&links[0], LinkState::Up).await;
    let up = told.lock().unwrap().len();
    eventually("signals flow on", || async { told.lock().unwrap().len() > up + 100 }).await;
    stop.cancel();
    let times = load.await.unwrap();
    let all_but_a_few = times.len() - 300;
    in_no_time(times);
    eventually("what was said is told", || async { told.lock().unwrap().len() >= all_but_a_few }).await;
    hearing.abort();

    goes_over_redis(&teller, &signal, &mut ids).await;
    eventually("they hear each other", || async { one.hears_others() && other.hears_others() }).await;
    let mut subscription = other.subscribe(OrderId::new(1).unwrap()).unwrap();
    one.publish(&[word(1, 2)]).await;
    assert!(timeout(Duration::from_secs(1), subscription.later_than(1)).await.expect("word of the order"));
}

/// Says that one task after the other is due, about a thousand a second; and in the end how long each took.
async fn say_all_the_time(signal: Arc<RedisSignal>, stop: CancellationToken) -> Vec<Duration> {
    let mut times = Vec::new();
    let mut pace = interval(Duration::from_millis(1));
    for id in 1.. {
        if stop.run_until_cancelled(pace.tick()).await.is_none() {
            break;
        }
        let begun = Instant::now();
        signal.due(&[a_task(id)]).await;
        times.push(begun.elapsed());
    }
    times
}

/// Nobody was slowed: each took 5 ms at most, but for the few that the machine itself may have held up; none took as long
/// as Redis may.
pub(crate) fn in_no_time(mut times: Vec<Duration>) {
    times.sort_unstable();
    let (most, slowest) = (times[times.len() * 97 / 100], times[times.len() - 1]);
    assert!(most <= Duration::from_millis(5) && slowest <= Duration::from_millis(200), "{most:?}, {slowest:?}");
}

async fn hear_all(signal: Arc<RedisSignal>, told: Arc<Mutex<BTreeSet<i64>>>) {
    loop {
        let tasks = signal.next().await;
        told.lock().unwrap().extend(tasks.into_iter().map(|task| task.id.get()));
    }
}
