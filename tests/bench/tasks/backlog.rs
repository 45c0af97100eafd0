//! A hundred thousand tasks that wait: they slow neither who places orders nor who claims.

use std::time::Duration;

use order_domain::ports::{Claim, TaskKind};
use order_testkit::pg::TestDatabase;
use tokio::time::Instant;

use crate::figures::at;
use crate::shop::Shop;
use crate::table::{Row, Table};

/// Measured one after another, so often.
const TIMES: usize = 600;
/// Not measured before: a page that is written for the first time since a checkpoint goes into the log whole, and the large
/// table has a hundred times as many.
const WARM_UP: usize = 300;

pub(crate) async fn slows_nobody(table: &mut Table, backlog: usize) {
    let few = backlog / 100;
    eprintln!("a backlog of {few} and of {backlog} tasks…");
    let (small, large) = (TestDatabase::create().await, TestDatabase::create().await);
    let (with_few, with_many) = (Shop::open(&small).await, Shop::open(&large).await);
    pile_up(&with_few, &small, few).await;
    pile_up(&with_many, &large, backlog).await;

    // In turn, so that a machine that slows down meanwhile slows both.
    let (mut places, mut claims) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for _ in 0..WARM_UP + TIMES {
        places.0.push(place(&with_few).await);
        places.1.push(place(&with_many).await);
        claims.0.push(claim(&with_few).await);
        claims.1.push(claim(&with_many).await);
    }
    for times in [&mut places.0, &mut places.1, &mut claims.0, &mut claims.1] {
        times.drain(..WARM_UP);
    }
    for (what, (mut few_times, mut many_times), bound) in [("placing", places, 1.10), ("claiming", claims, 1.25)] {
        let (few_p50, many_p50) = (at(&mut few_times, 50), at(&mut many_times, 50));
        let ratio = many_p50 / few_p50;
        let figure = format!("p50 {many_p50:.2} ms, {ratio:.2} of {few_p50:.2} ms with {few}");
        table.add(Row::of(
            &format!("{what} with {backlog} tasks due"),
            figure,
            &format!("≤ {bound:.2}"),
            ratio <= bound,
        ));
    }
}

/// Refunds of orders, all due, of which nobody has begun one: as after an outage of the payment service.
async fn pile_up(shop: &Shop, database: &TestDatabase, tasks: usize) {
    const OF_AN_ORDER: usize = 100;
    for _ in 0..tasks.div_ceil(OF_AN_ORDER) {
        shop.order_unheard().await;
    }
    let client = database.connect().await;
    let pile = format!(
        "DELETE FROM tasks WHERE order_id IS NOT NULL;
         INSERT INTO tasks (id, kind, order_id, seq, ordinal, run_at, created_at)
             SELECT nextval('row_ids') * 1000000, 'refund', o.id, 1000 + n, 0, now() - interval '1 minute' * random(), now()
             FROM orders AS o, generate_series(1, {OF_AN_ORDER}) AS n;
         VACUUM ANALYZE"
    );
    for statement in pile.split(';') {
        client.batch_execute(statement).await.expect("a pile of tasks");
    }
}

async fn place(shop: &Shop) -> Duration {
    let began = Instant::now();
    shop.order_unheard().await;
    began.elapsed()
}

/// A sweep as a worker makes it; what it takes is given back.
async fn claim(shop: &Shop) -> Duration {
    let slots = vec![(TaskKind::Refund, 16)];
    let claim = Claim { slots, chores: Vec::new(), only: None, lease: Duration::from_secs(30) };
    let began = Instant::now();
    let claimed = shop.stores.tasks.claim(&claim).await.expect("a claim").claimed;
    let time = began.elapsed();
    assert_eq!(claimed.len(), 16);
    for task in &claimed {
        shop.stores.tasks.hand_back(task).await.expect("it goes back");
    }
    time
}
