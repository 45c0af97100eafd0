//! Placing with Redis on, beside the same without: two shops, each with a database of its own, in turn.

use order_testkit::pg::TestDatabase;

use crate::outside::Outside;
use crate::process::Shop;
use crate::report::Row;
use crate::{Plan, Rate, load, machine, median, requests};

/// Rounds of each for one of the plan's: what is looked for is smaller than what one round differs from the next.
const TIMES: usize = 4;

/// Measures both in turn, while payments do not answer.
pub(crate) async fn placing(plan: &Plan, outside: &Outside) -> Row {
    let redis = std::env::var("TEST_REDIS_URL").expect("`make bench` starts a Redis");
    let databases = (TestDatabase::create().await, TestDatabase::create().await);
    let with = Shop::start_as("all", databases.0.url(), Some(&redis), outside).await;
    let without = Shop::start_as("all", databases.1.url(), None, outside).await;
    let (mut of_with, mut of_without) = (Vec::new(), Vec::new());
    for round in 0..TIMES * plan.rounds {
        // Whoever is first has the other's orders to write down: each is, in turn.
        let mut turns = [(&with, &mut of_with), (&without, &mut of_without)];
        if round % 2 == 1 {
            turns.reverse();
        }
        for (shop, rounds) in turns {
            rounds.push(round_at(plan, shop).await);
        }
    }
    with.stop().await;
    without.stop().await;
    let rate = |rounds: &[(Rate, f64)]| median(rounds.iter().map(|(rate, _)| *rate).collect());
    let (ours, theirs) = (rate(&of_with), rate(&of_without));
    let what = format!("`POST /orders` with Redis, {:.2} ms of processor time each", work(of_with));
    let beside = format!("without, {:.2} ms each", work(of_without));
    Row::new(&what, ours).beside(&beside, theirs, 0.95)
}

/// One round, and the milliseconds of processor time that an order took in it.
async fn round_at(plan: &Plan, shop: &Shop) -> (Rate, f64) {
    let before = machine::busy();
    let rate = load::run(plan, &shop.address, requests::place()).await;
    let orders = rate.per_second * plan.round.as_secs_f64();
    let work = machine::busy().saturating_sub(before).as_secs_f64() * 1e3 / orders;
    eprintln!("    {:.0}/s, {work:.2} ms of processor time each", rate.per_second);
    (rate, work)
}

fn work(rounds: Vec<(Rate, f64)>) -> f64 {
    let mut work: Vec<_> = rounds.into_iter().map(|(_, work)| work).collect();
    work.sort_by(f64::total_cmp);
    work[work.len() / 2]
}
