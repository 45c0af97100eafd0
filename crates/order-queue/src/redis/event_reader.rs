//! Reads the stream of events as any other service would: by place, waiting for what comes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use fred::error::{Error, ErrorKind};
use fred::interfaces::{ClientLike, StreamsInterface};
use fred::types::Value;
use fred::types::config::Options;
use tokio::time::timeout;

use super::event_stream::FIELD;
use super::link::{ANSWER, Connection, RedisLink, at_once, is_refusal};

/// Entries that are read at once.
const BATCH: u64 = 500;
/// How long a read waits for an entry.
const BLOCK: Duration = Duration::from_secs(1);
/// How long an answer may take beyond that.
const LATE: Duration = Duration::from_secs(2);

/// The place of an entry in the stream: the millisecond in which it was added, and its number in that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct EntryId {
    milliseconds: u64,
    number: u64,
}

impl EntryId {
    /// Before the first.
    pub const BEGINNING: Self = Self { milliseconds: 0, number: 0 };
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.milliseconds, self.number)
    }
}

/// A text is no place in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is the id of an entry, such as 1767272400000-0")]
pub struct InvalidEntryId;

impl FromStr for EntryId {
    type Err = InvalidEntryId;

    fn from_str(text: &str) -> Result<Self, InvalidEntryId> {
        let number = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten().ok_or(InvalidEntryId)
        };
        let (milliseconds, rest) = text.split_once('-').unwrap_or((text, "0"));
        Ok(Self { milliseconds: number(milliseconds)?, number: number(rest)? })
    }
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEntry {
    /// Its place.
    pub id: EntryId,
    /// Its document; `None`: it has none, and is not this service's.
    pub event: Option<String>,
}

/// Why nothing could be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Redis does not answer; it will be tried again.
    #[error("{0}")]
    Away(String),
    /// Redis refuses: the key is used for something else, or may not be read.
    #[error("{0}")]
    Refused(String),
}

/// Reads the stream from a place on.
pub struct EventReader {
    link: RedisLink,
    reads: Connection,
}

impl EventReader {
    /// A reader of the stream behind this link.
    pub fn new(link: &RedisLink) -> Self {
        Self { link: link.clone(), reads: link.another() }
    }

    /// The place of the oldest entry.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn oldest(&self) -> Result<Option<EntryId>, ReadError> {
        let commands = self.link.commands().with_options(&at_once(ANSWER));
        let answer = commands.xrange::<Value, _, _, _>(self.stream(), "-", "+", Some(1)).await;
        Ok(answer.map(entries).map_err(|error| self.explained(&error))?.first().map(|entry| entry.id))
    }

    /// The place of the newest entry: what comes later is new.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn newest(&self) -> Result<Option<EntryId>, ReadError> {
        let commands = self.link.commands().with_options(&at_once(ANSWER));
        let answer = commands.xrevrange::<Value, _, _, _>(self.stream(), "+", "-", Some(1)).await;
        Ok(answer.map(entries).map_err(|error| self.explained(&error))?.first().map(|entry| entry.id))
    }

    /// The next entries after a place. Waits a second for one, and gives none then.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn after(&self, place: EntryId) -> Result<Vec<StreamEntry>, ReadError> {
        // Without a limit of its own, which would be that of the wait.
        let client = self.reads.client.with_options(&Options { fail_fast: true, ..Options::default() });
        let read = async {
            client.wait_for_connect().await?;
            let block = u64::try_from(BLOCK.as_millis()).ok();
            client.xread::<Value, _, _>(Some(BATCH), block, self.stream(), place.to_string()).await
        };
        let answer = timeout(BLOCK + LATE, read).await;
        let answer = answer.unwrap_or_else(|_| Err(Error::new(ErrorKind::Timeout, "no answer to a read")));
        Ok(streams(answer.map_err(|error| self.explained(&error))?))
    }

    fn stream(&self) -> &str {
        &self.link.names().events
    }

    fn explained(&self, error: &Error) -> ReadError {
        let what = format!("{}: {}", self.stream(), error.details());
        if is_refusal(error) { ReadError::Refused(what) } else { ReadError::Away(what) }
    }
}

/// The entries of an answer about one stream: `[[name, entries]]`, or nothing when the wait was over.
fn streams(answer: Value) -> Vec<StreamEntry> {
    if answer.is_null() {
        return Vec::new();
    }
    answer
        .into_array()
        .into_iter()
        .filter_map(|stream| stream.into_array().into_iter().nth(1).map(entries))
        .flatten()
        .collect()
}

/// Entries: `[[id, [name, value, …]], …]`. What has no id is none.
fn entries(answer: Value) -> Vec<StreamEntry> {
    let entry = |entry: Value| {
        let mut parts = entry.into_array().into_iter();
        let id = parts.next()?.as_string()?.parse().ok()?;
        let fields = parts.next().unwrap_or(Value::Null).into_array();
        let mut pairs = fields.chunks_exact(2);
        let event =
            pairs.find(|pair| pair[0].as_bytes() == Some(FIELD.as_bytes())).and_then(|pair| pair[1].as_string());
        Some(StreamEntry { id, event })
    };
    answer.into_array().into_iter().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_redis_does() {
        let place = |text: &str| text.parse::<EntryId>();
        assert_eq!(place("1767272400000-7").unwrap().to_string(), "1767272400000-7");
        assert_eq!(place("5").unwrap().to_string(), "5-0");
        assert!(place("5-9").unwrap() < place("5-10").unwrap() && place("5-10").unwrap() < place("10-0").unwrap());
        for bad in ["", "-", "5-", "-5", "+5", "a-1", "1-1-1", "$", "99999999999999999999"] {
            assert_eq!(place(bad), Err(InvalidEntryId), "{bad}");
        }
    }
}
