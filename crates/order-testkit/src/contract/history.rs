//! The history: every event that was ever committed, by its moment.

use order_domain::OrderId;
use order_domain::ports::{HistoryPlace, HistorySpan, StreamEvent};
use order_domain::time::{Duration, Timestamp, after, before};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::builders::{START, an_order};
use crate::strategies::{deeds, orders};

use super::Harness;
use super::outbox::told;
use super::support::keep;

const ALWAYS: HistorySpan = HistorySpan { from: Timestamp::UNIX_EPOCH, to: minute(1 << 20), order: None };
const MICROSECOND: Duration = Duration::from_micros(1);
const ALL: u32 = 10_000;

const fn minute(n: i64) -> Timestamp {
    match Timestamp::from_timestamp(START.timestamp() + 60 * n, 0) {
        Some(at) => at,
        None => panic!("a moment within range"),
    }
}

fn place(event: &StreamEvent) -> HistoryPlace {
    HistoryPlace { at: event.at, order: event.order, seq: event.seq }
}

async fn events(harness: &dyn Harness, span: HistorySpan) -> Vec<StreamEvent> {
    harness.history().events(span, None, ALL).await.unwrap()
}

/// All of a span, so many at a time.
async fn paged(harness: &dyn Harness, span: HistorySpan, limit: u32) -> Vec<StreamEvent> {
    let mut found: Vec<StreamEvent> = Vec::new();
    loop {
        let after = found.last().map(place);
        let page = harness.history().events(span, after, limit).await.unwrap();
        assert!(page.len() <= limit as usize);
        let is_last = page.len() < limit as usize;
        found.extend(page);
        if is_last {
            return found;
        }
    }
}

/// Orders whose events lie between each other's, several of them at one moment.
async fn some_orders(harness: &dyn Harness) -> Vec<StreamEvent> {
    let minutes = |n| Duration::from_mins(n);
    let lives = [
        an_order().id(3).at(minute(0)).paid().after(minutes(6)).preparing(),
        an_order().id(1).at(minute(2)).cash().placed().after(minutes(4)).cancelled(),
        an_order().id(2).customer("eve").at(minute(4)).paid().after(minutes(2)).delivered(),
        an_order().id(4).at(minute(9)).placed(),
    ];
    let mut all = Vec::new();
    for life in lives {
        keep(harness, &life).await;
        all.extend(told(&life));
    }
    all.sort_by_key(place);
    let moments: Vec<_> = all.iter().map(|event| event.at).collect();
    assert!(moments.is_sorted() && moments.iter().filter(|at| **at == minute(6)).count() > 5);
    all
}

/// By moment, order and sequence; whether it is published or not.
pub async fn the_history_is_told_as_it_was_committed(harness: &dyn Harness) {
    assert_eq!(events(harness, ALWAYS).await, []);
    let all = some_orders(harness).await;
    assert_eq!(events(harness, ALWAYS).await, all);
    let published: Vec<_> = all.iter().map(|event| (event.order, event.seq)).collect();
    harness.outbox().published(&published).await.unwrap();
    assert_eq!(events(harness, ALWAYS).await, all);
}

/// Random lives: whatever the rules allow to happen is told again as it was.
pub async fn whatever_happened_to_an_order_is_told_again(harness: &dyn Harness) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..20 {
        let id = harness.ids().order_id().await.unwrap();
        let (order, deeds) = (orders(), deeds(24)).new_tree(&mut runner).unwrap().current();
        let life = order.numbered(id).placed().lives_through(deeds);
        keep(harness, &life).await;
        assert_eq!(events(harness, HistorySpan { order: Some(id), ..ALWAYS }).await, told(&life));
    }
}

/// What happened at its first moment is in it, what happened at its end is not.
pub async fn a_span_begins_with_its_first_moment_and_ends_before_its_last(harness: &dyn Harness) {
    let all = some_orders(harness).await;
    for order in [None, OrderId::new(2).ok(), OrderId::new(4).ok()] {
        for (from, to) in [
            (minute(0), minute(10)),
            (minute(0), minute(9)),
            (minute(2), minute(6)),
            (after(minute(2), MICROSECOND), after(minute(6), MICROSECOND)),
            (before(minute(6), MICROSECOND), minute(6)),
            (minute(6), after(minute(6), MICROSECOND)),
            (minute(6), minute(6)),
            (minute(6), minute(2)),
        ] {
            let of_span = |event: &&StreamEvent| from <= event.at && event.at < to;
            let of_order = |event: &&StreamEvent| order.is_none_or(|order| event.order == order);
            let expected: Vec<_> = all.iter().filter(of_span).filter(of_order).cloned().collect();
            let span = HistorySpan { from, to, order };
            assert_eq!(events(harness, span).await, expected, "{span:?}");
            assert_eq!(paged(harness, span, 2).await, expected, "{span:?} by pages");
        }
    }
}

/// Each page goes on where the one before ended, amid events of one moment, too; the last is a short one.
pub async fn pages_of_the_history_follow_each_other(harness: &dyn Harness) {
    let all = some_orders(harness).await;
    for limit in 1..=all.len() + 1 {
        assert_eq!(paged(harness, ALWAYS, u32::try_from(limit).unwrap()).await, all, "{limit} at a time");
    }
    let of_one: Vec<_> = all.iter().filter(|event| event.order.get() == 2).cloned().collect();
    for limit in 1..=4 {
        assert_eq!(paged(harness, HistorySpan { order: Some(of_one[0].order), ..ALWAYS }, limit).await, of_one);
    }
}

/// A place need not be an event's, nor within the span.
pub async fn a_place_in_the_history_need_not_be_an_events(harness: &dyn Harness) {
    let all = some_orders(harness).await;
    let id = |n| OrderId::new(n).unwrap();
    for order in [None, Some(id(2))] {
        for after in [
            HistoryPlace { at: minute(-1), order: id(9), seq: 9 },
            HistoryPlace { at: minute(2), order: id(9), seq: 9 },
            HistoryPlace { at: minute(6), order: id(1), seq: 9 },
            HistoryPlace { at: minute(6), order: id(2), seq: 3 },
            HistoryPlace { at: minute(9), order: id(9), seq: 1 },
        ] {
            let span = HistorySpan { from: minute(4), to: minute(9), order };
            let expected: Vec<_> = all
                .iter()
                .filter(|event| span.from <= event.at && event.at < span.to && place(event) > after)
                .filter(|event| order.is_none_or(|order| event.order == order))
                .cloned()
                .collect();
            assert_eq!(harness.history().events(span, Some(after), ALL).await.unwrap(), expected, "{after:?}");
        }
    }
}

/// Of an order that is not there nothing has happened.
pub async fn of_no_order_there_is_no_history(harness: &dyn Harness) {
    some_orders(harness).await;
    let span = HistorySpan { order: OrderId::new(77).ok(), ..ALWAYS };
    assert_eq!(events(harness, span).await, []);
}
