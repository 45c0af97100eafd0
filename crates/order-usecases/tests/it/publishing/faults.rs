//! When the stream or the database fails, or two publish at once: nothing is lost, and every sequence is kept.

use std::sync::Arc;

use order_domain::ports::Publisher as PublisherId;
use order_domain::time::Duration;
use order_testkit::services::{RecordingStream, Sending};
use order_usecases::publisher::PublisherConfig;
use proptest::prelude::*;
use tokio::time::sleep;

use super::{FakeOutbox, at_work, at_work_with, until};

pub(super) fn slow(milliseconds: u64) -> Sending {
    Sending::Slow(Duration::from_millis(milliseconds))
}

#[tokio::test(start_paused = true)]
async fn what_the_stream_refuses_stays_and_is_tried_again_after_waits_that_grow() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    outbox.commit(1, 2);
    stream.always(Sending::Refused);
    let working = at_work(&outbox, &stream, 1);
    sleep(Duration::from_secs(13)).await;
    let looks = outbox.looks(1);
    let waits: Vec<_> = looks.windows(2).map(|looks| (looks[1] - looks[0]) / 10 * 10).collect();
    assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_000, 3_000, 3_000]);
    assert_eq!((outbox.left(), stream.taken().len()), (2, 0));
    stream.always(Sending::Taken);
    until("nothing left", || outbox.left() == 0).await;
    assert_eq!(stream.as_read(), outbox.truth());
    // The next failure begins with a short wait again.
    stream.plan([Sending::Refused]);
    outbox.commit(1, 1);
    working.say().await;
    let took = until("nothing left", || outbox.left() == 0).await;
    assert!(took <= Duration::from_millis(120), "{took:?}");
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_a_repeat_and_no_loss() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    outbox.commit(1, 3);
    stream.plan([Sending::AnswerLost]);
    let working = at_work(&outbox, &stream, 1);
    until("nothing left", || outbox.left() == 0).await;
    let sequence: Vec<_> = stream.taken().iter().map(|event| event.seq).collect();
    assert_eq!(sequence, [1, 2, 3, 1, 2, 3]);
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_broken_off_is_sent_again_from_its_beginning() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    outbox.commit(1, 3);
    stream.plan([Sending::Broken(2)]);
    let working = at_work(&outbox, &stream, 1);
    until("nothing left", || outbox.left() == 0).await;
    let sequence: Vec<_> = stream.taken().iter().map(|event| event.seq).collect();
    assert_eq!(sequence, [1, 2, 1, 2, 3]);
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_is_not_sent_again_because_the_database_was_away_for_a_moment() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    outbox.commit(1, 3);
    outbox.unremoved.lock().unwrap().extend([(); 3]);
    let working = at_work(&outbox, &stream, 1);
    until("nothing left", || outbox.left() == 0).await;
    assert_eq!((stream.sends(), stream.as_read()), (vec![3], outbox.truth()));
    outbox.away.lock().unwrap().extend([(); 3]);
    outbox.commit(1, 1);
    working.say().await;
    until("nothing left", || outbox.left() == 0).await;
    assert_eq!((stream.sends(), stream.as_read()), (vec![3, 1], outbox.truth()));
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_like_any_other() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    outbox.commit(1, 3);
    stream.plan([Sending::Panic]);
    let working = at_work(&outbox, &stream, 1);
    until("nothing left", || outbox.left() == 0).await;
    assert_eq!(stream.as_read(), outbox.truth());
    working.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn who_can_not_reach_the_stream_leaves_it_to_another() {
    let outbox = FakeOutbox::new();
    let [deaf, well] = [(); 2].map(|()| Arc::new(RecordingStream::new()));
    deaf.always(Sending::Refused);
    let one = at_work(&outbox, &deaf, 1);
    sleep(Duration::from_millis(1)).await;
    let other = at_work(&outbox, &well, 2);
    sleep(Duration::from_secs(1)).await;
    outbox.commit(1, 2);
    let took = until("nothing left", || outbox.left() == 0).await;
    assert!(took <= Duration::from_secs(3), "{took:?}");
    assert_eq!((well.as_read(), outbox.holder()), (outbox.truth(), Some(PublisherId(2))));
    one.stopped().await;
    other.stopped().await;
}

/// It sends for longer than its lease; another one begins meanwhile, and both go on.
#[tokio::test(start_paused = true)]
async fn a_lease_that_is_lost_midway_costs_repeats_and_nothing_else() {
    let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
    outbox.commit(1, 3);
    stream.plan([slow(8_000)]);
    let one = at_work(&outbox, &stream, 1);
    sleep(Duration::from_millis(1)).await;
    let other = at_work(&outbox, &stream, 2);
    sleep(Duration::from_secs(3)).await;
    outbox.commit(1, 2);
    until("the second has sent", || stream.taken().len() == 5).await;
    sleep(Duration::from_secs(5)).await;
    outbox.commit(1, 1);
    until("nothing left", || outbox.left() == 0).await;
    let sequence: Vec<_> = stream.taken().iter().map(|event| event.seq).collect();
    assert_eq!(sequence, [1, 2, 3, 4, 5, 1, 2, 3, 6]);
    assert_eq!(stream.as_read(), outbox.truth());
    one.stopped().await;
    other.stopped().await;
}

fn sendings() -> impl Strategy<Value = Sending> {
    prop_oneof![
        4 => Just(Sending::Taken),
        2 => Just(Sending::Refused),
        2 => (0_usize..6).prop_map(Sending::Broken),
        2 => Just(Sending::AnswerLost),
        2 => (1_u64..12_000).prop_map(slow),
        1 => Just(Sending::Panic),
    ]
}

/// Commits, and how long nothing happens then.
fn commits() -> impl Strategy<Value = Vec<(i64, i64, u64)>> {
    proptest::collection::vec((1_i64..5, 1_i64..4, 0_u64..3_000), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever fails, and whoever is stopped and begins: a reader who passes over repeats has every event in sequence.
    #[test]
    fn two_publishers_and_a_bad_stream_lose_nothing_and_keep_every_sequence(
        commits in commits(),
        plan in proptest::collection::vec(sendings(), 0..20),
        fails in proptest::collection::vec(any::<bool>(), 0..8),
        batch in 1_u32..6,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (outbox, stream) = (FakeOutbox::new(), Arc::new(RecordingStream::new()));
            stream.plan(plan);
            for fails in fails {
                let calls = if fails { &outbox.unremoved } else { &outbox.away };
                calls.lock().unwrap().push_back(());
            }
            let config = PublisherConfig { batch, ..PublisherConfig::default() };
            let begin = |id| at_work_with(&outbox, &stream, id, config.clone());
            let mut working = vec![begin(1), begin(2)];
            for (n, (order, events, pause)) in commits.into_iter().enumerate() {
                outbox.commit(order, events);
                working[0].say().await;
                sleep(Duration::from_millis(pause)).await;
                if n % 7 == 6 {
                    working.remove(0).stopped().await;
                    working.push(begin(3 + i64::try_from(n).unwrap()));
                }
            }
            until("nothing left", || outbox.left() == 0).await;
            // What is under way still may come late, and is a repeat then.
            sleep(Duration::from_secs(20)).await;
            assert_eq!(stream.as_read(), outbox.truth());
            for working in working {
                working.stopped().await;
            }
        });
    }
}
