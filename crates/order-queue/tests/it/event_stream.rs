//! The event stream in a real Redis: all of it or an error that says why, in sequence, bounded, and read by place.

use std::collections::BTreeMap;
use std::time::Duration;

use order_domain::OrderId;
use order_domain::ports::{EventStream, StreamEvent};
use order_queue::events::document;
use order_queue::{EntryId, EventReader, LinkState, ReadError, RedisEventStream, RedisLink, RedisUrl, StreamEntry};
use order_testkit::contract::eventually;
use order_testkit::event_documents::EventDocuments;
use order_testkit::events::{one_of_each, stream_event};
use order_testkit::redis_server::{RedisServer, a_prefix, shared_server};
use serde_json::Value;
use tokio::time::Instant;

use crate::support::{linked, until};
use crate::told::{event, placed};

/// A link to the server of all tests, for names of this test's own.
async fn a_link() -> RedisLink {
    let link = RedisLink::connect_under(&RedisUrl::parse(&shared_server()).unwrap(), &a_prefix());
    until(&link, LinkState::Up).await;
    link
}

/// Events of an order, `from` this one on.
fn of_order(order: i64, seqs: std::ops::RangeInclusive<i64>) -> Vec<StreamEvent> {
    let one = |seq| StreamEvent { order: OrderId::new(order).unwrap(), seq, ..event("placed", placed()) };
    seqs.map(one).collect()
}

/// All entries of the stream.
async fn all(reader: &EventReader) -> Vec<StreamEntry> {
    let (mut found, mut place) = (Vec::new(), EntryId::BEGINNING);
    loop {
        let entries = reader.after(place).await.unwrap();
        let Some(last) = entries.last() else { return found };
        place = last.id;
        found.extend(entries);
    }
}

/// The `id`s of the events of the stream.
async fn ids(reader: &EventReader) -> Vec<String> {
    let id = |entry: StreamEntry| {
        let event: Value = serde_json::from_str(&entry.event.unwrap()).unwrap();
        event["id"].as_str().unwrap().to_owned()
    };
    all(reader).await.into_iter().map(id).collect()
}

fn why(failed: Result<(), order_domain::ports::StreamError>) -> String {
    failed.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_there_in_sequence_as_documents() {
    let link = a_link().await;
    let (stream, reader) = (RedisEventStream::new(&link, RedisEventStream::KEEP), EventReader::new(&link));
    let events = [of_order(1, 1..=300), of_order(2, 1..=301)].concat();
    stream.send(&events).await.unwrap();
    stream.send(&[]).await.unwrap();
    let expected: Vec<_> = events.iter().map(|event| Some(document(event).unwrap())).collect();
    let entries = all(&reader).await;
    assert!(entries.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert_eq!(
        (reader.oldest().await.unwrap(), reader.newest().await.unwrap()),
        (Some(entries[0].id), entries.last().map(|entry| entry.id))
    );
    assert_eq!(entries.into_iter().map(|entry| entry.event).collect::<Vec<_>>(), expected);
}

/// As stores tell them, of every kind.
#[tokio::test(flavor = "multi_thread")]
async fn every_event_that_a_store_tells_is_a_document_of_its_schema() {
    let link = a_link().await;
    let (stream, reader) = (RedisEventStream::new(&link, RedisEventStream::KEEP), EventReader::new(&link));
    let placed = order_testkit::builders::an_order().placed();
    let (state, first) = (placed.order.state(), placed.timeline().remove(0));
    let each = one_of_each().into_iter().zip(1..);
    let each =
        each.map(|(event, seq)| stream_event(state, &order_domain::order::Recorded { event, seq, ..first.clone() }));
    let each: Vec<_> = each.collect();
    stream.send(&each).await.unwrap();
    let (schemas, mut seen) = (EventDocuments::read(), BTreeMap::new());
    for entry in all(&reader).await {
        let text = entry.event.unwrap();
        assert_eq!(schemas.mistakes(&text), [""; 0], "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        *seen.entry(value["type"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        assert_eq!(value["version"], 1, "{text}");
    }
    assert!(seen.keys().map(String::as_str).eq(schemas.types()), "{seen:?}");
    assert_eq!(seen.values().sum::<usize>(), each.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_keeps_about_as_many_as_it_should() {
    let link = a_link().await;
    let (stream, reader) = (RedisEventStream::new(&link, 1_000), EventReader::new(&link));
    for order in 1..=20 {
        stream.send(&of_order(order, 1..=250)).await.unwrap();
    }
    let left = ids(&reader).await;
    assert!((1_000..1_500).contains(&left.len()), "{}", left.len());
    assert_eq!(left.last().unwrap(), "20-250", "the oldest go");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_what_comes_after_its_place_and_waits_for_it() {
    let link = a_link().await;
    let (stream, reader) = (RedisEventStream::new(&link, RedisEventStream::KEEP), EventReader::new(&link));
    assert_eq!((reader.oldest().await.unwrap(), reader.newest().await.unwrap()), (None, None));
    assert_eq!(reader.after(EntryId::BEGINNING).await.unwrap(), []);
    stream.send(&of_order(1, 1..=3)).await.unwrap();
    let place = reader.newest().await.unwrap().unwrap();
    let begun = Instant::now();
    let (read, ()) = tokio::join!(reader.after(place), async {
        tokio::task::yield_now().await;
        stream.send(&of_order(1, 4..=4)).await.unwrap();
    });
    let read = read.unwrap();
    assert_eq!((read.len(), begun.elapsed() < Duration::from_millis(900)), (1, true));
    assert!(read[0].event.as_ref().unwrap().contains(r#""id":"1-4""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_not_ours_has_a_place_and_no_event() {
    let server = RedisServer::start();
    let reader = EventReader::new(&linked(&server.url()).await);
    server.cli(&["XADD", "orders.events", "5-1", "mail", "hello"]);
    server.cli(&["XADD", "orders.events", "6-0", "more", "1", "event", "{}"]);
    let entry =
        |id: &str, event: Option<&str>| StreamEntry { id: id.parse().unwrap(), event: event.map(str::to_owned) };
    assert_eq!(all(&reader).await, [entry("5-1", None), entry("6-0", Some("{}"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_kind_is_named_and_left_as_it_is() {
    let server = RedisServer::start();
    server.cli(&["SET", "orders.events", "the cellar"]);
    let link = linked(&server.url()).await;
    let failed = why(RedisEventStream::new(&link, RedisEventStream::KEEP).send(&of_order(1, 1..=2)).await);
    assert!(failed.contains("orders.events: WRONGTYPE") && failed.contains("used for something else"), "{failed}");
    let refused = EventReader::new(&link).after(EntryId::BEGINNING).await.unwrap_err();
    assert!(matches!(&refused, ReadError::Refused(what) if what.contains("WRONGTYPE")), "{refused:?}");
    assert_eq!(server.cli(&["GET", "orders.events"]).trim(), "the cellar");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_full_takes_none_of_them_and_all_when_there_is_room() {
    let server = RedisServer::start();
    let link = linked(&server.url()).await;
    let (stream, reader) = (RedisEventStream::new(&link, RedisEventStream::KEEP), EventReader::new(&link));
    stream.send(&of_order(1, 1..=2)).await.unwrap();
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let failed = why(stream.send(&of_order(1, 3..=500)).await);
    assert!(failed.contains("OOM") && failed.contains("EVENTS_KEEP"), "{failed}");
    assert_eq!(ids(&reader).await, ["1-1", "1-2"]);
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    stream.send(&of_order(1, 3..=500)).await.unwrap();
    assert_eq!(ids(&reader).await.len(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_not_write_there_is_told_what_is_missing() {
    let server = RedisServer::start();
    server.cli(&["ACL", "SETUSER", "reader", "on", ">secret", "~*", "&*", "+@all", "-eval"]);
    let link = linked(&format!("redis://reader:secret@127.0.0.1:{}", server.port())).await;
    let failed = why(RedisEventStream::new(&link, RedisEventStream::KEEP).send(&of_order(1, 1..=1)).await);
    assert!(failed.contains("NOPERM") && failed.contains("EVAL and XADD") && !failed.contains("secret"), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_away_or_hangs_is_an_error_soon_and_events_go_on_when_it_is_back() {
    let mut server = RedisServer::start();
    let link = linked(&server.url()).await;
    let (stream, reader) = (RedisEventStream::new(&link, RedisEventStream::KEEP), EventReader::new(&link));
    server.freeze(true);
    let begun = Instant::now();
    let failed = why(stream.send(&of_order(1, 1..=900)).await);
    assert!(begun.elapsed() < Duration::from_secs(5), "{failed} after {:?}", begun.elapsed());
    until(&link, LinkState::Down).await;
    let begun = Instant::now();
    let failed = why(stream.send(&of_order(1, 1..=900)).await);
    assert!(begun.elapsed() < Duration::from_millis(100) && failed.contains("does not answer"), "{failed}");
    server.freeze(false);
    until(&link, LinkState::Up).await;
    server.kill();
    eventually("it fails", || async { stream.send(&of_order(1, 1..=1)).await.is_err() }).await;
    let away = reader.after(EntryId::BEGINNING).await.unwrap_err();
    assert!(matches!(away, ReadError::Away(_)), "{away:?}");
    server.start_again();
    until(&link, LinkState::Up).await;
    eventually("it is taken", || async { stream.send(&of_order(1, 1..=2)).await.is_ok() }).await;
    let read = ids(&reader).await;
    assert_eq!(read[read.len() - 2..], ["1-1", "1-2"], "{read:?}");
}

/// Whatever is cut off midway: the first time that an event is there, all before it of its order were there.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_off_cost_repeats_and_no_sequence() {
    let server = RedisServer::start();
    let link = linked(&server.url()).await;
    let (stream, reader) = (RedisEventStream::new(&link, RedisEventStream::KEEP), EventReader::new(&link));
    for batch in 0..60 {
        let seqs = batch * 300 + 1..=(batch + 1) * 300;
        let events = [of_order(1, seqs.clone()), of_order(2, seqs)].concat();
        let cut = async {
            if batch % 5 == 0 {
                tokio::task::yield_now().await;
                tokio::task::block_in_place(|| server.cli(&["CLIENT", "KILL", "TYPE", "normal"]));
            }
        };
        let (taken, ()) = tokio::join!(stream.send(&events), cut);
        if taken.is_err() {
            eventually("it is taken", || async { stream.send(&events).await.is_ok() }).await;
        }
    }
    let mut last = BTreeMap::from([("1".to_owned(), 0), ("2".to_owned(), 0)]);
    for id in ids(&reader).await {
        let (order, seq) = id.split_once('-').unwrap();
        let (seen, seq) = (last.get_mut(order).unwrap(), seq.parse::<i64>().unwrap());
        assert!(seq <= *seen + 1, "{id} after {seen}");
        *seen = seq.max(*seen);
    }
    assert!(last.values().all(|seq| *seq == 18_000), "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_thousand_events_a_second_are_little() {
    let link = a_link().await;
    let stream = RedisEventStream::new(&link, RedisEventStream::KEEP);
    let begun = Instant::now();
    for batch in 0..10 {
        stream.send(&of_order(1, batch * 1_000 + 1..=(batch + 1) * 1_000)).await.unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}
