//! `make bench-tasks`: how soon after a commit the outside is told, how fast what has piled up is worked off, and that a
//! backlog slows nobody. On PostgreSQL; the worker is the service's own, the services that it calls answer at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    unreachable_pub,
    reason = "a benchmark that can't go on says so and ends; its figures have three digits"
)]

#[path = "tasks/backlog.rs"]
mod backlog;
mod figures;
#[path = "tasks/shop.rs"]
mod shop;
#[path = "tasks/table.rs"]
mod table;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use order_testkit::pg::TestDatabase;
use tokio::time::{Instant, interval, sleep, timeout};

use figures::{at, number};
use shop::Shop;
use table::{Row, Table};

#[tokio::main]
async fn main() {
    let mut table = Table::new();
    lag(&mut table, number("BENCH_PER_SECOND", 200), number("BENCH_SECONDS", 15)).await;
    drained(&mut table, number("BENCH_ORDERS", 10_000)).await;
    lateness(&mut table, number("BENCH_SCHEDULED", 2_000)).await;
    backlog::slows_nobody(&mut table, number("BENCH_BACKLOG", 100_000)).await;
    idle(&mut table).await;
    println!("{table}");
    table.write(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md"), "tasks");
}

/// Orders come in at a steady pace: from the commit of one to the call of its charge.
async fn lag(table: &mut Table, per_second: usize, seconds: usize) {
    eprintln!("{per_second} orders a second for {seconds} s…");
    let database = TestDatabase::create().await;
    let shop = Arc::new(Shop::open(&database).await);
    let working = shop.work();
    let mut pace = interval(Duration::from_secs(1) / u32::try_from(per_second).unwrap());
    let mut commits = Vec::new();
    for _ in 0..per_second * seconds {
        pace.tick().await;
        let shop = Arc::clone(&shop);
        commits.push(tokio::spawn(async move { shop.order().await }));
    }
    let mut committed = Vec::new();
    for commit in commits {
        committed.push(commit.await.unwrap());
    }
    shop.wait_for_calls(committed.len()).await;
    working.stop().await;
    let mut lags: Vec<Duration> = committed.iter().map(|(id, when)| shop.called(*id).duration_since(*when)).collect();
    let (p50, p99) = (at(&mut lags, 50), at(&mut lags, 99));
    let what = format!("committed → effect called, {per_second} orders/s");
    table.add(Row::of(
        &what,
        format!("p50 {p50:.1} ms, p99 {p99:.1} ms"),
        "≤ 20 ms, ≤ 250 ms",
        p50 <= 20.0 && p99 <= 250.0,
    ));
}

/// Orders that nobody has looked at yet: each has a charge, then a cart to be cleared and a customer to be told.
async fn drained(table: &mut Table, orders: usize) {
    let mut rates = Vec::new();
    for _ in 0..3 {
        eprintln!("{orders} orders to be worked off…");
        rates.push((orders * 3) as f64 / worked_off(orders).await.as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    let (least, per_second, most) = (rates[0], rates[1], rates[2]);
    table.add(Row::of(
        &format!("tasks worked off, {} of {orders} orders, the median of three", orders * 3),
        format!("{per_second:.0}/s ({least:.0} to {most:.0})"),
        "≥ 2,000/s",
        per_second >= 2_000.0,
    ));
}

async fn worked_off(orders: usize) -> Duration {
    let database = TestDatabase::create().await;
    let shop = Arc::new(Shop::open(&database).await);
    stream::iter(0..orders).for_each_concurrent(16, |_| async { _ = shop.order_unheard().await }).await;
    let client = database.connect().await;
    client.batch_execute("VACUUM ANALYZE").await.unwrap();
    let began = Instant::now();
    let working = shop.work();
    // Not by the service's own figures: counting all of them again and again would be a tenth of the work.
    let left = "SELECT EXISTS (SELECT FROM tasks WHERE NOT dead AND order_id IS NOT NULL)";
    timeout(Duration::from_mins(5), async {
        while client.query_one(left, &[]).await.unwrap().get(0) {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("worked off within 5 minutes");
    let took = began.elapsed();
    working.stop().await;
    took
}

/// Scheduled orders that are all to be released at one moment: how late they are.
async fn lateness(table: &mut Table, orders: usize) {
    eprintln!("{orders} orders to be released at one moment…");
    let database = TestDatabase::create().await;
    let shop = Arc::new(Shop::open(&database).await);
    let due = shop.in_time(Duration::from_secs(15)).await;
    stream::iter(0..orders).for_each_concurrent(16, |_| async { shop.order_for(due).await }).await;
    assert!(shop.in_time(Duration::ZERO).await < due, "too many orders for their time");
    let working = shop.work();
    let client = database.connect().await;
    let late = "SELECT count(released_at), coalesce(extract(epoch FROM percentile_cont(0.99) WITHIN GROUP \
                (ORDER BY released_at - scheduled_for + interval '45 minutes')), 0)::float8, \
                coalesce(extract(epoch FROM min(released_at - scheduled_for + interval '45 minutes')), 0)::float8 FROM orders";
    let (p99, first) = timeout(Duration::from_mins(3), async {
        loop {
            let row = client.query_one(late, &[]).await.unwrap();
            if usize::try_from(row.get::<_, i64>(0)) == Ok(orders) {
                return (row.get::<_, f64>(1), row.get::<_, f64>(2));
            }
            sleep(Duration::from_millis(200)).await;
        }
    })
    .await
    .expect("released within 3 minutes");
    working.stop().await;
    assert!(first >= 0.0, "never early");
    let what = format!("{orders} scheduled orders due at one moment, lateness");
    table.add(Row::of(&what, format!("p99 {p99:.2} s"), "≤ 5 s", p99 <= 5.0));
}

/// Nothing is to be done: what a worker asks the database all the same.
async fn idle(table: &mut Table) {
    const SECONDS: u64 = 20;
    eprintln!("an idle worker…");
    let database = TestDatabase::create().await;
    let shop = Arc::new(Shop::open(&database).await);
    let working = shop.work();
    let client = database.connect().await;
    let statements = async || -> i64 {
        // A session tells what it has done about a second later.
        sleep(Duration::from_secs(2)).await;
        client.batch_execute("SELECT pg_stat_clear_snapshot()").await.unwrap();
        let query = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()";
        client.query_one(query, &[]).await.unwrap().get(0)
    };
    // What it did at its start is told by idle sessions up to 10 seconds later.
    sleep(Duration::from_secs(10)).await;
    let mut counted = vec![statements().await];
    for _ in 0..3 {
        sleep(Duration::from_secs(SECONDS)).await;
        counted.push(statements().await);
    }
    working.stop().await;
    // The looks themselves, two statements each, are not the worker's. Neither is what autovacuum does, once a minute and
    // in the same count: the quietest time is the worker's own.
    let asked = counted.windows(2).map(|pair| pair[1] - pair[0] - 2).min().unwrap();
    let seconds = SECONDS + 2;
    let met = asked <= i64::try_from(seconds).unwrap();
    table.add(Row::of("an idle worker asks", format!("{asked} queries in {seconds} s"), "≤ 1/s", met));
}
