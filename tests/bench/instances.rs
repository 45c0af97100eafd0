//! `make bench-instances`: several instances behind one database and one Redis. How soon a task is begun, how soon who
//! waits on one instance hears of what another has committed, and how far the event stream is behind.
//!
//! Two instances take requests, one does the work; load, databases and the other services share their cores.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    unreachable_pub,
    reason = "a benchmark that can't go on says so and ends; its figures have three digits"
)]

mod figures;
#[path = "instances/house.rs"]
mod house;
#[allow(dead_code, reason = "payments are never held here")]
mod outside;
#[allow(dead_code, reason = "instances are started by their roles here")]
mod process;
#[path = "instances/stream.rs"]
mod stream;
#[path = "tasks/table.rs"]
mod table;

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, interval, sleep};

use figures::{at, number};
use house::House;
use stream::Reading;
use table::{Row, Table};

#[tokio::main]
async fn main() {
    let mut table = Table::new();
    let house = House::open().await;
    steady(&mut table, &house, number("BENCH_PER_SECOND", 200), number("BENCH_SECONDS", 15)).await;
    woken(&mut table, &house, number("BENCH_WAITS", 300)).await;
    published(&mut table, &house, number("BENCH_EVENTS", 60_000)).await;
    without_redis(&mut table, &house, Duration::from_secs(number("BENCH_SECONDS", 15) as u64 / 2)).await;
    house.close().await;
    println!("{table}");
    table.write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md"), "instances");
}

/// Orders come in at a steady pace, at each of the two in turn: how soon each is charged by the third, and how long after
/// an event other services could read it.
async fn steady(table: &mut Table, house: &House, per_second: usize, seconds: usize) {
    eprintln!("{per_second} orders a second for {seconds} s…");
    warmed_up(house, per_second).await;
    // Each order is placed and confirmed.
    let reading = tokio::spawn(Reading::from_now(&house.redis).await.behind(per_second * seconds * 2));
    house.outside.remember();
    let mut pace = interval(Duration::from_secs(1) / u32::try_from(per_second).unwrap());
    let mut orders = Vec::new();
    for n in 0..per_second * seconds {
        pace.tick().await;
        orders.push(tokio::spawn(house.place(n)));
    }
    let mut answered = Vec::new();
    for order in orders {
        answered.push(order.await.unwrap());
    }
    while house.outside.remembered() < answered.len() {
        sleep(Duration::from_millis(20)).await;
    }
    let charged = house.outside.remember();
    let mut lags: Vec<Duration> =
        answered.iter().map(|(id, when)| charged[id].saturating_duration_since(*when)).collect();
    let (p50, p99) = (at(&mut lags, 50), at(&mut lags, 99));
    table.add(Row::of(
        &format!("answered by one instance → charged by another, {per_second} orders/s"),
        format!("p50 {p50:.1} ms, p99 {p99:.1} ms"),
        "≤ 20 ms, ≤ 250 ms",
        p50 <= 20.0 && p99 <= 250.0,
    ));
    let mut behind = reading.await.unwrap();
    let (p50, p99, most) = (at(&mut behind, 50), at(&mut behind, 99), at(&mut behind, 100));
    table.add(Row::of(
        &format!("event → read from the stream, {per_second} orders/s"),
        format!("p50 {p50:.0} ms, p99 {p99:.0} ms, at most {most:.0} ms"),
        "≤ 1 s",
        most <= 1_000.0,
    ));
}

/// The first orders meet instances that have no connections and no plans yet.
async fn warmed_up(house: &House, orders: usize) {
    for n in 0..orders {
        house.place(n).await;
    }
    while house.unfinished().await {
        sleep(Duration::from_millis(20)).await;
    }
}

/// Somebody waits at one instance for what happens at the other.
async fn woken(table: &mut Table, house: &House, times: usize) {
    eprintln!("woken {times} times…");
    let mut lags = Vec::new();
    for n in 0..times {
        let order = house.settled(n).await;
        let waiting = tokio::spawn(house.waits(n + 1, order));
        // Nobody says that a request has begun to wait; one that has not finds its answer at once.
        sleep(Duration::from_millis(20)).await;
        let committed = house.instruct(n, order.0).await;
        lags.push(waiting.await.unwrap().saturating_duration_since(committed));
    }
    let (p50, p99) = (at(&mut lags, 50), at(&mut lags, 99));
    table.add(Row::of(
        "answered by one instance → who waits at another has its answer",
        format!("p50 {p50:.1} ms, p99 {p99:.1} ms"),
        "p99 ≤ 100 ms",
        p99 <= 100.0,
    ));
}

/// Very many events wait, as after an outage of Redis: how fast they go out.
async fn published(table: &mut Table, house: &House, events: usize) {
    eprintln!("{events} events to be published…");
    house.pile_up(events).await;
    let began = Instant::now();
    while house.unpublished().await > 0 {
        sleep(Duration::from_millis(20)).await;
    }
    let per_second = events as f64 / began.elapsed().as_secs_f64();
    let what = format!("events published, {events} that waited");
    table.add(Row::of(&what, format!("{per_second:.0}/s"), "≥ 3,000/s", per_second >= 3_000.0));
}

/// Placing with Redis and without: it is stopped, and nobody who orders notices.
async fn without_redis(table: &mut Table, house: &House, time: Duration) {
    eprintln!("placing with Redis and without…");
    let mut with = house.place_for(time).await;
    house.stop_redis();
    let mut without = house.place_for(time).await;
    let (with, without) = (at(&mut with, 50), at(&mut without, 50));
    table.add(Row::of(
        "placing while Redis is stopped",
        format!("p50 {without:.1} ms, {:+.1} ms", without - with),
        "≤ 5 ms more",
        without - with <= 5.0,
    ));
}
