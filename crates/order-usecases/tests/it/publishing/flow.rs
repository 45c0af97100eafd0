//! When all is well: soon, in batches, and quiet while there is nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use order_domain::ports::Publisher as PublisherId;
use order_domain::time::Duration;
use order_testkit::services::RecordingStream;
use order_usecases::publisher::PublisherConfig;
use tokio::time::sleep;

use super::faults::slow;
use super::{FakeOutbox, at_work, at_work_with, until};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn every_event_is_published_once_in_its_orders_sequence() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    for order in 1..=50 {
        outbox.commit(order, 1 + order % 7);
    }
    let working = at_work_with(&outbox, &stream, 1, PublisherConfig { batch: 7, ..PublisherConfig::default() });
    until("nothing left", || outbox.left() == 0).await;
    assert_eq!(stream.as_read(), outbox.truth());
    assert_eq!(i64::try_from(stream.taken().len()), Ok(outbox.truth().values().sum()), "nothing twice");
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn word_of_a_change_wakes_it_and_a_burst_is_one_batch() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    let working = at_work(&outbox, &stream, 1);
    sleep(Duration::from_millis(2_500)).await;
    for order in 1..=5 {
        outbox.commit(order, 1);
        working.say().await;
        sleep(Duration::from_millis(2)).await;
    }
    let waited = until("published", || outbox.left() == 0).await;
    assert!(waited <= Duration::from_millis(20), "{waited:?}");
    assert_eq!(stream.sends(), [5]);
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_said_while_it_published_is_not_forgotten() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    stream.plan([slow(50)]);
    outbox.commit(1, 1);
    let working = at_work(&outbox, &stream, 1);
    sleep(Duration::from_millis(25)).await;
    outbox.commit(2, 1);
    working.say().await;
    let waited = until("published", || outbox.left() == 0).await;
    assert!(waited <= Duration::from_millis(45), "{waited:?}");
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_of_which_no_word_came_is_found_within_a_second() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    let working = at_work(&outbox, &stream, 1);
    sleep(Duration::from_millis(3_300)).await;
    outbox.commit(1, 3);
    let waited = until("published", || outbox.left() == 0).await;
    assert!(waited <= SECOND, "{waited:?}");
    // While there is something to do it looks more often.
    outbox.commit(1, 3);
    let waited = until("published", || outbox.left() == 0).await;
    assert!(waited <= Duration::from_millis(101), "{waited:?}");
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_worked_off_without_a_pause() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    for order in 1..=9 {
        outbox.commit(order, 500);
    }
    let working = at_work(&outbox, &stream, 1);
    let took = until("nothing left", || outbox.left() == 0).await;
    assert!(took <= Duration::from_millis(10), "{took:?}");
    assert_eq!(stream.sends(), [1_000, 1_000, 1_000, 1_000, 500]);
    assert_eq!(stream.as_read(), outbox.truth());
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn who_has_nothing_to_do_or_waits_for_the_lease_asks_once_a_second() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    outbox.commit(1, 1);
    let holder = at_work(&outbox, &stream, 1);
    sleep(Duration::from_millis(1)).await;
    let waiting = at_work(&outbox, &stream, 2);
    sleep(Duration::from_mins(1)).await;
    assert_eq!(outbox.holder(), Some(PublisherId(1)));
    for publisher in [1, 2] {
        let looks = outbox.looks(publisher).len();
        assert!((59..=63).contains(&looks), "{publisher}: {looks}");
    }
    assert_eq!(*outbox.removals.lock().unwrap(), 1, "what is removed is removed once");
    // What its instance does is for the one that has the lease to publish.
    let before = outbox.looks(2).len();
    for _ in 0..50 {
        waiting.say().await;
        sleep(Duration::from_millis(1)).await;
    }
    assert!(outbox.looks(2).len() <= before + 1);
    holder.stopped().await;
    waiting.stopped().await;
}

#[tokio::test]
async fn what_is_published_is_counted_with_how_late_it_is() {
    tokio::time::pause();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    outbox.commit(1, 3);
    sleep(Duration::from_secs(4)).await;
    stream.plan([slow(500)]);
    let working = at_work(&outbox, &stream, 1);
    until("nothing left", || outbox.left() == 0).await;
    working.stopped().await;
    let seen: BTreeMap<_, _> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| (key.key().name().to_owned(), value))
        .collect();
    assert_eq!(seen["events_published_total"], DebugValue::Counter(3));
    let DebugValue::Histogram(lags) = &seen["event_publish_lag_seconds"] else { panic!("{seen:?}") };
    assert_eq!(lags.len(), 3);
    assert!(lags.iter().all(|lag| (4.5..4.6).contains(&lag.into_inner())), "{lags:?}");
}
