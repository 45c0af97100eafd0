//! All faults at once, for minutes: three instances, PostgreSQL, Redis and the services outside under a mixed load, each
//! killed, cut off, emptied or lied to by a schedule that a seed draws. Then everything is healed and drained, and the
//! database is held against the ledgers outside, against what clients were told, and against the event stream.
//!
//! `make chaos MINUTES=10 SEED=…`; in `make test` it is one minute, and the day is the seed. `WITHOUT=…` takes a safeguard
//! out on purpose (`without.rs`): the run has to find the damage then.

mod client;
mod customers;
mod drain;
mod events;
mod faults;
mod plan;
mod report;
mod staff;
mod stage;
mod told;
mod verdict;
mod without;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::Shop;
use client::World;
use events::Events;
use faults::Injected;
use report::Report;
use staff::COURIERS;
use stage::Stage;
use told::Violation;
use without::Without;

/// Who order at the same time.
const CUSTOMERS: u64 = 12;
/// How long one try of a request may take.
const ONE_TRY: Duration = Duration::from_secs(10);

/// A number that the environment gives.
fn given(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a whole number, not {text:?}")))
}

/// Another one each day, so that many are tried and a day's is the same on every machine.
fn seed_of_the_day() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() / (24 * 60 * 60)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_breaks_nothing_is_lost_and_nothing_done_twice() {
    let minutes = given("MINUTES").unwrap_or(1);
    let seed = given("SEED").unwrap_or_else(seed_of_the_day);
    let report = Box::pin(run(seed, Duration::from_mins(minutes), Without::chosen())).await;
    println!("{report}");
    assert!(report.violations.is_empty(), "{} violations", report.violations.len());
}

async fn run(seed: u64, length: Duration, without: Option<Without>) -> Report {
    let clocks = crate::support::clock::libfaketime().is_some();
    let tracks = plan::plan(seed, length, clocks);
    let mut stage = Arc::new(Stage::set(seed, without).await);
    let events = Events::of(&stage.redis_url);
    let shop = Shop::nobody(ONE_TRY);

    let watching = tokio::spawn({
        let stage = Arc::clone(&stage);
        async move { stage.watch().await }
    });
    let closing = CancellationToken::new();
    let replaying = tokio::spawn({
        let (stage, closing) = (Arc::clone(&stage), closing.clone());
        async move { faults::replay_on(&stage, &closing).await }
    });
    let mut people = everybody(&stage.world, &shop, &closing);
    let (injected, from) = (Injected::default(), Instant::now());
    let mut breaking = JoinSet::new();
    for track in tracks {
        breaking.spawn(faults::play(track, Arc::clone(&stage), from, Arc::clone(&injected)));
    }
    tokio::time::sleep_until(from + length).await;
    closing.cancel();
    while let Some(ended) = breaking.join_next().await {
        note(&stage.world, Some(ended));
    }
    while let Some(ended) = people.join_next().await {
        note(&stage.world, Some(ended));
    }
    note(&stage.world, Some(replaying.await));

    let closed = Instant::now();
    faults::heal(&stage).await;
    drain::drain(&stage, &shop).await;
    let drained = closed.elapsed();
    drain::ask_again(&stage, &shop).await;
    stage.end_all().await;
    note(&stage.world, Some(watching.await));

    let (lived, mut violations) = verdict::judge(&stage).await;
    violations.extend(drain::read_all(&events, &lived).await);
    violations.extend(events.violations(&stage.fate.lock().unwrap().clone()));
    violations.extend(stage.world.told.violations());
    violations.sort();
    let injected = std::mem::take(&mut *injected.lock().unwrap());
    let mut report = Report::of(&stage, &lived, &events, (seed, length, without), injected, violations);
    report.drained = drained;
    if !report.violations.is_empty() {
        report.tell_more(&stage).await;
        if let Some(stage) = Arc::get_mut(&mut stage) {
            report.logs = Some(stage.keeps_logs());
        }
    }
    report
}

/// Customers, couriers and an admin, until they are told that the shop closes.
fn everybody(world: &Arc<World>, shop: &Shop, closing: &CancellationToken) -> JoinSet<()> {
    let mut people = JoinSet::new();
    let handles = || (Arc::clone(world), shop.clone(), closing.clone());
    for n in 0..CUSTOMERS {
        let (world, shop, closing) = handles();
        people.spawn(async move { customers::order_on(n, &world, &shop, &closing).await });
    }
    for (n, name) in (0..).zip(COURIERS) {
        let (world, shop, closing) = handles();
        people.spawn(async move { staff::deliver_on(name, n, &world, &shop, &closing).await });
    }
    let (world, shop, closing) = handles();
    people.spawn(async move { staff::manage_on(&world, &shop, &closing).await });
    people
}

/// Whoever could not go on has met something that must not be.
fn note(world: &World, ended: Option<Result<(), JoinError>>) {
    let Some(Err(error)) = ended else { return };
    let said = error.into_panic();
    let said = said.downcast_ref::<String>().cloned().or_else(|| said.downcast_ref::<&str>().map(ToString::to_string));
    world.told.violation(Violation::general(format!("somebody could not go on: {}", said.unwrap_or_default())));
}
