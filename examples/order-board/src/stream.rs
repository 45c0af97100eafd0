//! The stream, read by place: this service alone decides where it stands.

use std::time::Duration;

use fred::error::Error;
use fred::interfaces::{ClientLike, StreamsInterface};
use fred::prelude::{Builder, Client, Config, ReconnectPolicy};
use fred::types::Value;
use fred::types::config::TcpConfig;

const STREAM: &str = "orders.events";
/// Entries that are read at once.
const BATCH: u64 = 500;
/// How long a read waits for an entry, in milliseconds.
const BLOCK: u64 = 1_000;

/// An entry: its place, and its document, if it has one.
pub(crate) type Entry = (String, Option<String>);

pub(crate) struct Stream {
    client: Client,
}

impl Stream {
    /// Connects. What breaks later is connected again by itself.
    pub(crate) async fn open(url: &str) -> Result<Self, Error> {
        let client = Builder::from_config(Config::from_url(url)?)
            .set_policy(ReconnectPolicy::new_exponential(0, 100, 2_000, 2))
            .with_connection_config(|config| {
                config.connection_timeout = Duration::from_secs(5);
                config.tcp = TcpConfig { nodelay: Some(true), ..TcpConfig::default() };
            })
            .build()?;
        client.init().await?;
        Ok(Self { client })
    }

    /// The next entries after a place; none after a while.
    pub(crate) async fn after(&self, place: &str) -> Result<Vec<Entry>, Error> {
        let answer: Value = self.client.xread(Some(BATCH), Some(BLOCK), STREAM, place).await?;
        if answer.is_null() {
            return Ok(Vec::new());
        }
        // [[name, [[place, [field, value, …]], …]]]
        let streams = answer.into_array().into_iter();
        let entries = streams.filter_map(|stream| stream.into_array().into_iter().nth(1)).flat_map(Value::into_array);
        Ok(entries.filter_map(entry).collect())
    }
}

fn entry(entry: Value) -> Option<Entry> {
    let mut parts = entry.into_array().into_iter();
    let place = parts.next()?.into_string()?;
    let fields = parts.next()?.into_array();
    let mut pairs = fields.chunks_exact(2);
    let event = pairs.find(|pair| pair[0].as_str().as_deref() == Some("event")).and_then(|pair| pair[1].as_string());
    Some((place, event))
}
