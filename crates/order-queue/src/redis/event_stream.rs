//! The stream of events for other services, `orders.events`.
//!
//! Events are added by a script, some hundred at a time: Redis runs it as a whole, so what is refused midway (no memory, a
//! key of another kind) is refused from there on, and no later event of an order gets in before an earlier one.

use std::time::Duration;

use async_trait::async_trait;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike;
use fred::types::{ClusterHash, CustomCommand, Value};
use order_domain::ports::{EventStream, StreamError, StreamEvent};
use tokio::time::Instant;

use super::link::{LinkState, RedisLink, at_once};
use crate::events::document;

/// The one field of an entry.
pub(super) const FIELD: &str = "event";
/// Entries that are added at once: Redis does nothing else meanwhile, for about a millisecond.
const AT_ONCE: usize = 250;
/// How long all of it may take.
const WITHIN: Duration = Duration::from_secs(3);
/// Adds what it is given, in sequence, and lets the stream grow to about so many entries.
const ADD: &str = "for i = 2, #ARGV do \
     redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'event', ARGV[i]) \
     end return #ARGV - 1";

/// The stream in Redis.
#[derive(Debug, Clone)]
pub struct RedisEventStream {
    link: RedisLink,
    keep: u64,
}

impl RedisEventStream {
    /// How many entries are kept by default.
    pub const KEEP: u64 = 250_000;

    /// The stream behind this link. It keeps so many entries, and some more: Redis drops whole nodes of it.
    pub fn new(link: &RedisLink, keep: u64) -> Self {
        Self { link: link.clone(), keep }
    }

    async fn add(&self, documents: Vec<String>, until: Instant) -> Result<(), Error> {
        let within = until.saturating_duration_since(Instant::now());
        if within.is_zero() {
            return Err(Error::new(ErrorKind::Timeout, format!("not all was taken within {WITHIN:?}")));
        }
        let expected = documents.len() as u64;
        let eval = CustomCommand::new_static("EVAL", ClusterHash::Offset(2), false);
        let head = [ADD.to_owned(), "1".to_owned(), self.link.names().events.clone(), self.keep.to_string()];
        let arguments: Vec<Value> = head.into_iter().chain(documents).map(Value::from).collect();
        let added: u64 = self.link.commands().with_options(&at_once(within)).custom(eval, arguments).await?;
        if added == expected {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Protocol, format!("{added} of {expected} events were taken")))
        }
    }
}

#[async_trait]
impl EventStream for RedisEventStream {
    async fn send(&self, events: &[StreamEvent]) -> Result<(), StreamError> {
        let until = Instant::now() + WITHIN;
        if !events.is_empty() && self.link.state() == LinkState::Down {
            return Err(StreamError("Redis does not answer".to_owned()));
        }
        for events in events.chunks(AT_ONCE) {
            let documents = events.iter().map(document).collect::<Result<_, _>>();
            let documents = documents.map_err(|error| StreamError(error.to_string()))?;
            self.add(documents, until).await.map_err(|error| self.explained(&error))?;
        }
        Ok(())
    }
}

impl RedisEventStream {
    /// What is wrong, with the name of the stream.
    fn explained(&self, error: &Error) -> StreamError {
        let (stream, details) = (&self.link.names().events, error.details());
        let advice = match details.split_whitespace().next() {
            Some("WRONGTYPE") => "; the key is used for something else",
            Some("OOM") => "; Redis is full: raise its maxmemory, or lower EVENTS_KEEP",
            Some("NOPERM") => "; let its user run EVAL and XADD",
            _ => "",
        };
        StreamError(format!("{stream}: {details}{advice}"))
    }
}
