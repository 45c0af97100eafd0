//! A reader of the event stream, as another service is one.

use std::time::{Duration, UNIX_EPOCH};

use order_domain::time::Timestamp;
use order_queue::{EntryId, EventReader, RedisLink, RedisUrl};

/// A reader at its place in the stream.
pub(crate) struct Reading {
    reader: EventReader,
    place: EntryId,
}

impl Reading {
    /// One that reads what comes from now on.
    pub(crate) async fn from_now(redis: &str) -> Self {
        let link = RedisLink::connect(&RedisUrl::parse(redis).expect("a URL of Redis"));
        link.until_up().await;
        let reader = EventReader::new(&link);
        let place = reader.newest().await.expect("Redis answers").unwrap_or(EntryId::BEGINNING);
        Self { reader, place }
    }

    /// Reads so many events: how long after each had happened it was read.
    pub(crate) async fn behind(mut self, events: usize) -> Vec<Duration> {
        let mut behind = Vec::new();
        while behind.len() < events {
            let read = self.reader.after(self.place).await.expect("Redis answers");
            let now = UNIX_EPOCH.elapsed().expect("after 1970");
            for entry in read {
                self.place = entry.id;
                let event: serde_json::Value = serde_json::from_str(&entry.event.expect("one of ours")).expect("JSON");
                let at: Timestamp = event["occurred_at"].as_str().and_then(|at| at.parse().ok()).expect("a moment");
                behind.push(now.saturating_sub(Duration::from_micros(at.timestamp_micros().unsigned_abs())));
            }
        }
        behind
    }
}
