//! A publisher that is told to stop.

use std::sync::Arc;

use order_domain::time::Duration;
use order_testkit::services::{RecordingStream, Sending};
use tokio::time::{Instant, sleep};

use super::faults::slow;
use super::{FakeOutbox, at_work, until};

#[tokio::test(start_paused = true)]
async fn an_idle_one_stops_at_once_and_another_goes_on_without_waiting_for_the_lease() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    let one = at_work(&outbox, &stream, 1);
    sleep(Duration::from_millis(1)).await;
    let other = at_work(&outbox, &stream, 2);
    sleep(Duration::from_millis(2_300)).await;
    let told = Instant::now();
    one.stopped().await;
    assert_eq!((told.elapsed(), outbox.holder()), (Duration::ZERO, None));
    outbox.commit(1, 1);
    let took = until("nothing left", || outbox.left() == 0).await;
    assert!(took <= Duration::from_secs(1), "{took:?}");
    other.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_is_ended_and_nothing_more_is_begun() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    outbox.commit(1, 2_500);
    stream.always(slow(300));
    let working = at_work(&outbox, &stream, 1);
    sleep(Duration::from_millis(100)).await;
    working.stopped().await;
    assert_eq!((stream.sends(), outbox.left(), outbox.holder()), (vec![1_000], 1_500, None));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_is_cut_off() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    outbox.commit(1, 1);
    stream.plan([slow(3_600_000)]);
    let working = at_work(&outbox, &stream, 1);
    sleep(Duration::from_millis(100)).await;
    let told = Instant::now();
    working.stopped().await;
    assert_eq!((told.elapsed(), outbox.left(), outbox.holder()), (Duration::from_secs(2), 1, None));
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_after_a_failure_stops_at_once() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    outbox.commit(1, 1);
    stream.always(Sending::Refused);
    let working = at_work(&outbox, &stream, 1);
    sleep(Duration::from_secs(4)).await;
    let told = Instant::now();
    working.stopped().await;
    assert_eq!((told.elapsed(), outbox.holder()), (Duration::ZERO, None));
}
