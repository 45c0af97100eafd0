//! `make bench`: what the service does in a second, beside what PostgreSQL's own `pgbench` does with the same rows on the
//! same machine in the same run. Ratios count; absolute figures belong to the machine.
//!
//! Every comparison is interleaved: a round of one, a round of the other, again and again, and the medians are taken, so
//! that a machine that slows down meanwhile slows both. Everything is on the loopback address and bounded in time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    unreachable_pub,
    reason = "a benchmark that can't go on says so and ends; its figures have three digits"
)]

#[allow(dead_code, reason = "here the load puts its times in order by itself")]
mod figures;
mod idle;
mod load;
mod machine;
mod outside;
mod pgbench;
mod process;
mod report;
mod requests;
mod seed;
mod store;
mod with_redis;

use std::path::Path;
use std::time::Duration;

use order_testkit::pg::TestDatabase;

use figures::number;
use process::Shop;
use report::{Report, Row};

/// How a run is measured.
#[derive(Debug, Clone, Copy)]
struct Plan {
    /// Rounds of each comparison; the median counts.
    rounds: usize,
    /// How long a round is.
    round: Duration,
    /// Connections of the load, of the store and of `pgbench`.
    connections: usize,
    /// Orders of three lines that are there before it begins.
    orders: usize,
}

impl Plan {
    /// From `BENCH_ROUNDS` (3), `BENCH_SECONDS` (5), `BENCH_CONNECTIONS` (16) and `BENCH_ORDERS` (20,000).
    fn read() -> Self {
        Self {
            rounds: number("BENCH_ROUNDS", 3).max(1),
            round: Duration::from_secs(number("BENCH_SECONDS", 5).max(1) as u64),
            connections: number("BENCH_CONNECTIONS", 16).max(1),
            orders: number("BENCH_ORDERS", 20_000).max(1_000),
        }
    }
}

/// What was done in a second, and how long one took.
#[derive(Debug, Clone, Copy)]
struct Rate {
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

/// The round in the middle.
fn median(mut rounds: Vec<Rate>) -> Rate {
    rounds.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    rounds[rounds.len() / 2]
}

/// Measures one thing.
async fn alone(plan: &Plan, ours: impl AsyncFn() -> Rate) -> Rate {
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        rounds.push(ours().await);
    }
    median(rounds)
}

/// Measures two things in turn.
async fn in_turn(plan: &Plan, ours: impl AsyncFn() -> Rate, theirs: impl AsyncFn() -> Rate) -> (Rate, Rate) {
    let (mut of_ours, mut of_theirs) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        of_ours.push(ours().await);
        of_theirs.push(theirs().await);
    }
    (median(of_ours), median(of_theirs))
}

#[tokio::main]
async fn main() {
    let plan = Plan::read();
    let database = TestDatabase::create().await;
    let mut report = Report::of(&plan, &database).await;

    eprintln!("the process…");
    report.add_all(idle::measured(&plan).await);

    eprintln!("{} orders…", plan.orders);
    let orders = seed::orders(&database, plan.orders).await;
    let outside = outside::Outside::start().await;
    let shop = Shop::start(database.url(), &outside).await;

    eprintln!("reading an order…");
    let (ours, theirs) = in_turn(
        &plan,
        async || load::run(&plan, &shop.address, requests::read(&orders)).await,
        async || pgbench::run(&database, &plan, &pgbench::reading(&orders)).await,
    )
    .await;
    report.add(Row::new("`GET /orders/{id}`, 3 lines", ours).against("its selects", theirs, 0.6).replacing(300, 20));

    eprintln!("a page of orders…");
    let ours = alone(&plan, async || load::run(&plan, &shop.address, requests::my_orders()).await).await;
    report.add(Row::new("`GET /orders/my-orders`, 20 orders", ours).replacing(10, 200));

    eprintln!("committing a new order…");
    let store = store::Commits::over(database.url(), &plan);
    let (ours, theirs) = in_turn(
        &plan,
        async || store.run(&plan).await,
        async || pgbench::run(&database, &plan, &pgbench::placing()).await,
    )
    .await;
    report.add(Row::new("the store's commit of a new order", ours).against("the same rows", theirs, 1.0));

    eprintln!("placing…");
    outside.hold_payments(true);
    let (ours, theirs) = in_turn(
        &plan,
        async || load::run(&plan, &shop.address, requests::place()).await,
        async || pgbench::run(&database, &plan, &pgbench::placing()).await,
    )
    .await;
    report.add(Row::new("`POST /orders`, 3 lines", ours).against("the same rows", theirs, 0.5).replacing(100, 20));
    shop.stop().await;

    eprintln!("placing with Redis…");
    report.add(with_redis::placing(&plan, &outside).await);
    outside.hold_payments(false);

    eprintln!("placing, charging and confirming…");
    let fresh = TestDatabase::create().await;
    let shop = Shop::start(fresh.url(), &outside).await;
    let ours = alone(&plan, async || load::run(&plan, &shop.address, requests::place()).await).await;
    report.add(Row::new("`POST /orders`, each charged, confirmed and cleared meanwhile", ours));
    shop.stop().await;

    eprintln!("changing the status…");
    let fresh = TestDatabase::create().await;
    let steps = plan.rounds * usize::try_from(plan.round.as_secs()).unwrap() * 6_000;
    let ready = seed::to_be_delivered(&fresh, steps / 3).await;
    let shop = Shop::start(fresh.url(), &outside).await;
    let deliveries = requests::Deliveries::of(ready);
    let ours = alone(&plan, async || load::run(&plan, &shop.address, deliveries.requests()).await).await;
    report.add(Row::new("`PUT /orders/{id}/status`", ours).replacing(150, 20));
    shop.stop().await;

    println!("{}", report.table());
    report.write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md"));
}
