//! The outbox: every committed event waits in it, and one publisher at a time reads it.

use futures_util::future::join_all;
use order_domain::OrderId;
use order_domain::order::Version;
use order_domain::ports::{CommitError, Outgoing, Publisher, StreamEvent, Unpublished};
use order_domain::time::{Duration, before};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::builders::{Life, write_set};
use crate::events::stream_event;
use crate::strategies::{deeds, orders};

use super::Harness;
use super::support::{a_new_order, claim, keep, load, now, try_commit};

const ANN: Publisher = Publisher(1);
const BOB: Publisher = Publisher(i64::MIN);
const MINUTE: Duration = Duration::from_mins(1);
const LEASE: Duration = Duration::from_mins(10);
const ALL: u32 = 10_000;

async fn next(harness: &dyn Harness, publisher: Publisher, limit: u32) -> Option<Outgoing> {
    harness.outbox().next(publisher, LEASE, limit).await.unwrap()
}

/// What ann is given, who has the lease or takes it.
async fn given(harness: &dyn Harness, limit: u32) -> Vec<StreamEvent> {
    next(harness, ANN, limit).await.expect("the lease").events
}

async fn published(harness: &dyn Harness, events: &[(OrderId, Version)]) {
    harness.outbox().published(events).await.unwrap();
}

fn keys(events: &[StreamEvent]) -> Vec<(OrderId, Version)> {
    events.iter().map(|event| (event.order, event.seq)).collect()
}

/// What other services are to be told of a life, as it ends.
pub(super) fn told(life: &Life) -> Vec<StreamEvent> {
    life.timeline().iter().map(|event| stream_event(life.order.state(), event)).collect()
}

/// Three orders in the outbox, with several events each.
async fn three_orders(harness: &dyn Harness) -> Vec<StreamEvent> {
    let mut expected = Vec::new();
    for life in [
        a_new_order(harness).await.delivered(),
        a_new_order(harness).await.customer("eve").cash().placed(),
        a_new_order(harness).await.paid().cancelled().refund_settles(2),
    ] {
        keep(harness, &life).await;
        expected.extend(told(&life));
    }
    expected.sort_by_key(|event| (event.order, event.seq));
    expected
}

/// By order and sequence, as it was committed; with the database's now.
pub async fn every_committed_event_waits_in_the_outbox(harness: &dyn Harness) {
    let expected = three_orders(harness).await;
    let before = now(harness).await;
    let outgoing = next(harness, ANN, ALL).await.unwrap();
    assert_eq!(outgoing.events, expected);
    assert!(before <= outgoing.now && outgoing.now <= now(harness).await);
    assert_eq!(harness.counts().await.outbox, expected.len());
}

/// Of several write sets in one commit, too.
pub async fn what_is_committed_together_waits_together(harness: &dyn Harness) {
    let (one, other) = (a_new_order(harness).await.paid(), a_new_order(harness).await.cash().placed());
    keep(harness, &one).await;
    let packed = one.clone().preparing();
    let sets = vec![
        write_set(&*harness.ids(), other.last_change()).await,
        write_set(&*harness.ids(), packed.last_change()).await,
    ];
    harness.store().commit(sets).await.unwrap();
    let mut expected = [told(&packed), told(&other)].concat();
    expected.sort_by_key(|event| (event.order, event.seq));
    assert_eq!(given(harness, ALL).await, expected);
}

/// Random lives: whatever the rules allow to happen is told.
pub async fn whatever_happens_to_an_order_waits_in_the_outbox(harness: &dyn Harness) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..20 {
        let id = harness.ids().order_id().await.unwrap();
        let (order, deeds) = (orders(), deeds(24)).new_tree(&mut runner).unwrap().current();
        let life = order.numbered(id).placed().lives_through(deeds);
        keep(harness, &life).await;
        let events = given(harness, ALL).await;
        assert_eq!(events, told(&life));
        published(harness, &keys(&events)).await;
    }
}

/// Neither a new order nor a change that does not take is told, whatever the reason.
pub async fn of_a_commit_that_does_not_take_nothing_waits(harness: &dyn Harness) {
    let life = a_new_order(harness).await.placed();
    let kept = keep(harness, &life).await;
    let waiting = given(harness, ALL).await;
    assert_eq!(waiting, told(&life));
    assert_eq!(try_commit(harness, life.last_change()).await, Err(CommitError::Conflict), "a used number");

    let cancelled = life.clone().cancelled();
    let task = claim(harness, kept.task_of(1)).await;
    harness.tasks().hand_back(&task).await.unwrap();
    let set = write_set(&*harness.ids(), cancelled.last_change()).await;
    assert_eq!(harness.store().commit(vec![set.clone().held_by(&task)]).await, Err(CommitError::TaskLost));
    let stale = {
        let mut stale = set.clone();
        stale.base = Some(7);
        stale
    };
    let new = write_set(&*harness.ids(), a_new_order(harness).await.placed().last_change()).await;
    assert_eq!(harness.store().commit(vec![new, stale]).await, Err(CommitError::Conflict));
    assert_eq!(given(harness, ALL).await, waiting);

    harness.store().commit(vec![set]).await.unwrap();
    assert_eq!(given(harness, ALL).await, told(&cancelled));
}

/// Moves that are no events are told to nobody.
pub async fn what_is_no_event_does_not_wait(harness: &dyn Harness) {
    let life = a_new_order(harness).await.sent().put_back(1);
    keep(harness, &life).await;
    assert_eq!(load(harness, life.order.id()).await.order.version(), 1);
    assert_eq!(given(harness, ALL).await, told(&life));
}

/// However few are taken at a time: of each order one after another, none twice, none left out.
pub async fn no_limit_breaks_the_sequence_of_an_order(harness: &dyn Harness) {
    for limit in [1, 2, 3, 5, 100] {
        let expected = three_orders(harness).await;
        let mut found = Vec::new();
        loop {
            let events = given(harness, limit).await;
            assert!(events.len() <= limit as usize);
            if events.is_empty() {
                break;
            }
            published(harness, &keys(&events)).await;
            found.extend(events);
        }
        assert_eq!(found, expected, "{limit} at a time");
    }
}

/// What is taken from it is not given again; what is not, is.
pub async fn what_is_published_is_gone(harness: &dyn Harness) {
    let mut expected = three_orders(harness).await;
    assert_eq!(given(harness, ALL).await, expected);
    assert_eq!(given(harness, ALL).await, expected, "nothing was published");
    let taken: Vec<_> = expected.drain(..4).collect();
    published(harness, &keys(&taken)).await;
    assert_eq!(given(harness, ALL).await, expected);
    published(harness, &keys(&expected)).await;
    assert_eq!(given(harness, ALL).await, []);
    assert_eq!(harness.counts().await.outbox, 0);
}

/// Removing again, what never was there, or nothing at all.
pub async fn removing_what_is_not_there_is_harmless(harness: &dyn Harness) {
    let expected = three_orders(harness).await;
    let first = &expected[..3];
    let missing = (OrderId::new(1 << 52).unwrap(), 1);
    let twice = [keys(first), keys(first), vec![missing]].concat();
    published(harness, &twice).await;
    published(harness, &keys(first)).await;
    published(harness, &[]).await;
    assert_eq!(given(harness, ALL).await, expected[3..]);
}

/// What is committed while something is published stays, of the same order, too.
pub async fn what_is_committed_meanwhile_waits(harness: &dyn Harness) {
    let life = a_new_order(harness).await.paid();
    keep(harness, &life).await;
    let events = given(harness, ALL).await;
    let packed = life.preparing();
    try_commit(harness, packed.last_change()).await.unwrap();
    published(harness, &keys(&events)).await;
    assert_eq!(given(harness, ALL).await, told(&packed)[events.len()..]);
}

/// While one holds the lease nobody else is given anything; at least half of it is left after every call.
pub async fn a_lease_shuts_others_out_until_it_ends(harness: &dyn Harness) {
    let second = harness.second().await;
    let expected = three_orders(harness).await;
    assert_eq!(given(harness, ALL).await, expected);
    assert_eq!(next(&*second, BOB, ALL).await, None);
    harness.let_pass(4 * MINUTE).await;
    assert_eq!(next(&*second, BOB, ALL).await, None);
    assert_eq!(given(harness, ALL).await, expected, "it is kept, for five minutes at least");
    harness.let_pass(4 * MINUTE).await;
    assert_eq!(next(&*second, BOB, ALL).await, None);
    assert_eq!(given(harness, ALL).await, expected, "again");
    harness.let_pass(4 * MINUTE).await;
    assert_eq!(next(&*second, BOB, ALL).await, None);

    harness.let_pass(LEASE).await;
    assert_eq!(next(&*second, BOB, ALL).await.unwrap().events, expected, "it is over");
    assert_eq!(next(harness, ANN, ALL).await, None);
}

/// A lease that is over is its holder's still, until somebody else takes it.
pub async fn a_lease_that_is_over_is_kept_by_who_asks_first(harness: &dyn Harness) {
    assert_eq!(given(harness, ALL).await, []);
    harness.let_pass(2 * LEASE).await;
    assert_eq!(given(harness, ALL).await, []);
    assert_eq!(next(harness, BOB, ALL).await, None);
}

/// Whoever stalled and lost the lease has published what they were given: that is not sent again.
pub async fn who_lost_the_lease_still_removes_what_was_taken(harness: &dyn Harness) {
    let expected = three_orders(harness).await;
    let old = given(harness, 2).await;
    harness.let_pass(LEASE).await;
    assert_eq!(next(harness, BOB, ALL).await.unwrap().events, expected);
    published(harness, &keys(&old)).await;
    assert_eq!(next(harness, BOB, ALL).await.unwrap().events, expected[2..]);
}

/// Given back by its holder alone; then the next one need not wait.
pub async fn a_lease_is_given_back(harness: &dyn Harness) {
    assert!(next(harness, ANN, ALL).await.is_some());
    harness.outbox().leave(BOB).await.unwrap();
    assert_eq!(next(harness, BOB, ALL).await, None, "it was not theirs");
    harness.outbox().leave(ANN).await.unwrap();
    assert!(next(harness, BOB, ALL).await.is_some());
    harness.outbox().leave(ANN).await.unwrap();
    assert_eq!(next(harness, ANN, ALL).await, None, "it was theirs no more");
}

/// Whoever asks at the same moment: one is given something.
pub async fn two_publishers_never_read_at_once(harness: &dyn Harness) {
    let second = harness.second().await;
    three_orders(harness).await;
    for round in 0..20 {
        let asking = (0..4).flat_map(|n| {
            let (one, other) = (Publisher(100 * round + n), Publisher(100 * round + n + 50));
            [next(harness, one, ALL), next(&*second, other, ALL)]
        });
        let given = join_all(asking).await;
        assert_eq!(given.iter().flatten().count(), 1, "round {round}");
        harness.let_pass(LEASE).await;
    }
}

/// How many, and for how long the oldest.
pub async fn what_waits_is_counted(harness: &dyn Harness) {
    let waits = || async { harness.outbox().unpublished().await.unwrap() };
    assert_eq!(waits().await, Unpublished { events: 0, oldest: None });
    let hour = Duration::from_hours(1);
    let old = a_new_order(harness).await.at(before(now(harness).await, hour)).placed();
    let young = a_new_order(harness).await.cash().placed();
    // The oldest need not be of the lowest number.
    keep(harness, &young).await;
    keep(harness, &old).await;
    let found = waits().await;
    assert_eq!(found.events, 3);
    let oldest = found.oldest.unwrap();
    assert!(hour <= oldest && oldest < hour + MINUTE, "{oldest:?}");
    published(harness, &keys(&told(&old))).await;
    let found = waits().await;
    assert!(found.events == 2 && found.oldest.unwrap() < MINUTE, "{found:?}");
    published(harness, &keys(&told(&young))).await;
    assert_eq!(waits().await, Unpublished { events: 0, oldest: None });
}
