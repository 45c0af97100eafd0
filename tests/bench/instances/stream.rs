//! A reader of the event stream, as another service is one.

use std::time::{Duration, UNIX_EPOCH};

use order_domain::time::Timestamp;
use order_queue::{EntryId, EventReader, RedisLink, RedisUrl};

/// Reads so many events, those that come from now on: how long after each had happened it was read.
pub(crate) async fn behind(redis: &str, events: usize) -> Vec<Duration> {
    let link = RedisLink::connect(&RedisUrl::parse(redis).expect("a URL of Redis"));
    link.until_up().await;
    let reader = EventReader::new(&link);
    let mut place = reader.newest().await.expect("Redis answers").unwrap_or(EntryId::BEGINNING);
    let mut behind = Vec::new();
    while behind.len() < events {
        let read = reader.after(place).await.expect("Redis answers");
        let now = UNIX_EPOCH.elapsed().expect("after 1970");
        for entry in read {
            place = entry.id;
            let event: serde_json::Value = serde_json::from_str(&entry.event.expect("one of ours")).expect("JSON");
            let at: Timestamp = event["occurred_at"].as_str().and_then(|at| at.parse().ok()).expect("a moment");
            behind.push(now.saturating_sub(Duration::from_micros(at.timestamp_micros().unsigned_abs())));
        }
    }
    behind
}
