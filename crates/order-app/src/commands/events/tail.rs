//! `order-app events tail`: the stream of events as it grows, as NDJSON on stdout. What is said about it goes to stderr.

use std::io::{self, Write};
use std::time::Duration;

use order_domain::OrderId;
use order_queue::{EntryId, EventReader, ReadError, StreamEntry};
use serde_json::Value;

use super::connected;
use crate::Failure;
use crate::commands::tasks::order;
use crate::settings::Given;

/// Before another try while Redis is away.
const PAUSE: Duration = Duration::from_millis(500);

/// Arguments of `events tail`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Begin with the oldest event that the stream has, not with the next one
    #[arg(long, conflicts_with = "after")]
    from_start: bool,
    /// Begin after this entry of the stream, as an earlier run named it at its end
    #[arg(long, value_name = "ID")]
    after: Option<EntryId>,
    /// Only of this order
    #[arg(long, value_name = "ID", value_parser = order)]
    order: Option<OrderId>,
    /// Only of this type, such as placed
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
}

impl Arguments {
    fn wants(&self, event: &Value) -> bool {
        self.order.is_none_or(|order| event["order_id"] == order.get())
            && self.kind.as_ref().is_none_or(|kind| event["type"] == kind.as_str())
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let (url, _) = Given::read().event_stream()?;
    let link = connected(&url).await?;
    let reader = EventReader::new(&link);
    let mut place = beginning(&reader, &arguments).await?;
    let mut out = io::stdout().lock();
    let mut away = false;
    let stop = tokio::signal::ctrl_c();
    tokio::pin!(stop);
    loop {
        let read = tokio::select! {
            biased;
            _ = &mut stop => break,
            read = reader.after(place) => read,
        };
        match read {
            Ok(entries) => {
                if std::mem::take(&mut away) {
                    eprintln!("Redis answers again");
                }
                for entry in entries {
                    place = entry.id;
                    match print(&mut out, &arguments, &entry) {
                        Ok(()) => {}
                        // Whoever read along has seen enough.
                        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                        Err(error) => return Err(Failure::other(error)),
                    }
                }
            }
            // That does not pass by itself.
            Err(error @ ReadError::Refused(_)) => return Err(Failure::other(error)),
            Err(error @ ReadError::Away(_)) => {
                if !std::mem::replace(&mut away, true) {
                    eprintln!("{error}; waiting for it");
                }
                tokio::select! {
                    _ = &mut stop => break,
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        }
    }
    eprintln!("the last entry was {place}; go on with --after {place}");
    Ok(())
}

/// Where it begins. Says so when the stream has lost what comes after the place that was named.
async fn beginning(reader: &EventReader, arguments: &Arguments) -> Result<EntryId, Failure> {
    if arguments.from_start {
        return Ok(EntryId::BEGINNING);
    }
    if let Some(after) = arguments.after {
        let oldest = reader.oldest().await.map_err(Failure::other)?;
        if let Some(oldest) = oldest.filter(|oldest| *oldest > after) {
            eprintln!(
                "the stream begins with {oldest}: what came before it is only to be had by `order-app events replay`"
            );
        }
        return Ok(after);
    }
    Ok(reader.newest().await.map_err(Failure::other)?.unwrap_or(EntryId::BEGINNING))
}

fn print(out: &mut impl Write, arguments: &Arguments, entry: &StreamEntry) -> io::Result<()> {
    let parsed = entry.event.as_deref().and_then(|text| Some((text, serde_json::from_str::<Value>(text).ok()?)));
    let Some((document, event)) = parsed.filter(|(_, event)| event.is_object()) else {
        eprintln!("entry {} is no event of this service; it is passed over", entry.id);
        return Ok(());
    };
    if arguments.wants(&event) {
        writeln!(out, "{document}")?;
        out.flush()?;
    }
    Ok(())
}
