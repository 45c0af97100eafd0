//! What has happened is told again.

use order_domain::ports::{HistorySpan, Outbox, StoreError};
use order_domain::time::{Duration, Timestamp, after, before};
use order_domain::{OrderId, PaymentMethod};
use order_testkit::builders::START;
use order_testkit::memory::{Fault, Op};
use order_testkit::services::{RecordingStream, Sending};
use order_usecases::replay::{ReplayError, Replayed, replay};

use crate::support::Shop;

/// A shop in which customers have ordered, one a minute, and got their orders paid; all of it was published.
async fn sold(orders: usize) -> Shop {
    let shop = Shop::open();
    for n in 0..orders {
        shop.ordered(&format!("customer-{n}"), PaymentMethod::Online).await;
        shop.drain().await;
        shop.store.advance(Duration::from_mins(1));
    }
    shop
}

fn ever() -> HistorySpan {
    HistorySpan { from: Timestamp::MIN_UTC, to: Timestamp::MAX_UTC, order: None }
}

#[tokio::test(start_paused = true)]
async fn a_span_is_told_again_and_nothing_else() {
    let (shop, stream) = (sold(5).await, RecordingStream::new());
    let all = replay(&shop.store, Some(&stream), ever(), |_| ()).await.unwrap();
    assert_eq!((all.events, stream.taken().len()), (10, 10));
    assert!(stream.as_read().values().eq(&[2; 5]));

    let stream = RecordingStream::new();
    let first = first_moment(&shop);
    let span = HistorySpan {
        from: after(first, Duration::from_mins(1)),
        to: after(first, Duration::from_mins(3)),
        order: None,
    };
    let some = replay(&shop.store, Some(&stream), span, |_| ()).await.unwrap();
    let orders: Vec<_> = stream.taken().iter().map(|event| event.order.get()).collect();
    assert_eq!((some.events, orders), (4, vec![2, 2, 3, 3]));

    let stream = RecordingStream::new();
    let one = HistorySpan { order: Some(OrderId::new(4).unwrap()), ..ever() };
    assert_eq!(replay(&shop.store, Some(&stream), one, |_| ()).await.unwrap().events, 2);
    assert!(stream.taken().iter().all(|event| event.order.get() == 4));
    let nobody = HistorySpan { to: before(START, Duration::from_hours(1)), ..ever() };
    assert_eq!(replay(&shop.store, Some(&stream), nobody, |_| ()).await, Ok(Replayed::default()));
}

fn first_moment(shop: &Shop) -> Timestamp {
    shop.store.events(OrderId::new(1).unwrap())[0].at
}

#[tokio::test(start_paused = true)]
async fn what_is_only_counted_is_sent_to_nobody_and_what_waits_in_the_outbox_stays_there() {
    let shop = sold(3).await;
    let waits = shop.store.unpublished().await.unwrap();
    let told = replay(&shop.store, None, ever(), |_| ()).await.unwrap();
    assert_eq!((told.events, shop.store.unpublished().await.unwrap()), (6, waits));
}

#[tokio::test(start_paused = true)]
async fn a_long_history_goes_in_batches_with_word_of_each() {
    let (shop, stream) = (sold(502).await, RecordingStream::new());
    let mut told = Vec::new();
    let all = replay(&shop.store, Some(&stream), ever(), |done| told.push(done.events)).await.unwrap();
    assert_eq!((all.events, told, stream.sends()), (1_004, vec![1_000, 1_004], vec![1_000, 4]));
    assert_eq!(stream.as_read().len(), 502);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_fails_for_a_moment_is_asked_again_and_one_that_is_away_ends_it_where_it_is() {
    let (shop, stream) = (sold(2).await, RecordingStream::new());
    stream.plan([Sending::Refused, Sending::Broken(1), Sending::AnswerLost]);
    assert_eq!(replay(&shop.store, Some(&stream), ever(), |_| ()).await.unwrap().events, 4);
    assert_eq!(stream.as_read().len(), 2);

    stream.always(Sending::Refused);
    let mut told = Replayed::default();
    let failed = replay(&shop.store, Some(&stream), ever(), |done| told = done).await.unwrap_err();
    assert!(matches!(failed, ReplayError::Stream(_)), "{failed}");
    assert_eq!(told, Replayed::default());
}

#[tokio::test(start_paused = true)]
async fn it_says_how_far_it_came_before_the_database_went() {
    let (shop, stream) = (sold(501).await, RecordingStream::new());
    let mut told = Replayed::default();
    let goes = |done| {
        told = done;
        shop.store.fail_next(Op::History, Fault::Unavailable);
    };
    let failed = replay(&shop.store, Some(&stream), ever(), goes).await.unwrap_err();
    assert!(matches!(failed, ReplayError::Store(StoreError::Unavailable(_))), "{failed}");
    let taken = stream.taken();
    let last = taken.last().unwrap();
    assert_eq!(
        (told.events, told.last.map(|last| (last.at, last.order, last.seq))),
        (1_000, Some((last.at, last.order, last.seq)))
    );
    // Whoever goes on from there has told everything.
    let rest = HistorySpan { from: last.at, ..ever() };
    replay(&shop.store, Some(&stream), rest, |_| ()).await.unwrap();
    assert_eq!(stream.as_read().len(), 501);
}
