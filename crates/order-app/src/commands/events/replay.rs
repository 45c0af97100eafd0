//! `order-app events replay`: what has happened, added to the stream once more. Progress and the summary go to stderr.

use chrono::SecondsFormat;
use indicatif::{ProgressBar, ProgressStyle};
use order_domain::OrderId;
use order_domain::ports::{EventStream, HistorySpan};
use order_domain::time::{Timestamp, until};
use order_queue::RedisEventStream;
use order_usecases::replay::{ReplayError, Replayed, replay};

use super::connected;
use crate::Failure;
use crate::commands::beside;
use crate::commands::edge::{Edge, edge};
use crate::commands::tasks::order;
use crate::settings::Given;

/// Arguments of `events replay`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What happened on this day (UTC) or later, or from this moment on (RFC 3339)
    #[arg(long, value_name = "DATE", value_parser = edge)]
    from: Edge,
    /// What happened on this day (UTC) or earlier, or before this moment (RFC 3339)
    #[arg(long, value_name = "DATE", value_parser = edge)]
    to: Edge,
    /// Only of this order
    #[arg(long, value_name = "ID", value_parser = order)]
    order: Option<OrderId>,
    /// Count, and add nothing; needs no Redis
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let span = HistorySpan { from: arguments.from.from(), to: arguments.to.until(), order: arguments.order };
    if span.from >= span.to {
        return Err(Failure::Usage("--from is after --to: nothing happened in between".into()));
    }
    let stream = if arguments.dry_run { None } else { Some(stream().await?) };
    let stores = beside::stores().await?;
    let now = stores.orders.now().await.map_err(Failure::other)?;
    let bar = progress(span.from, span.to.min(now));
    let mut done = Replayed::default();
    let replayed = replay(&*stores.history, stream.as_ref().map(|stream| stream as &dyn EventStream), span, |told| {
        done = told;
        if let Some(last) = told.last {
            bar.set_position(until(span.from, last.at).as_secs());
            bar.set_message(moment(last.at));
        }
    });
    let replayed = replayed.await;
    bar.finish_and_clear();
    match replayed {
        Ok(Replayed { events, .. }) if arguments.dry_run => eprintln!("{events} event(s) would be added to the stream"),
        Ok(Replayed { events, .. }) => eprintln!("{events} event(s) were added to the stream"),
        Err(error) => return Err(Failure::Other(so_far(&error, done, &arguments))),
    }
    Ok(())
}

async fn stream() -> Result<RedisEventStream, Failure> {
    let (url, keep) = Given::read().event_stream()?;
    Ok(RedisEventStream::new(&connected(&url).await?, keep))
}

/// What went wrong, and how to go on.
fn so_far(error: &ReplayError, done: Replayed, arguments: &Arguments) -> String {
    let verb = if arguments.dry_run { "counted" } else { "added" };
    match done.last {
        Some(last) => format!(
            "{error}; {} event(s) were {verb}, up to {}. Go on with --from {1}, which repeats a few",
            done.events,
            moment(last.at)
        ),
        None => format!("{error}; nothing was {verb}"),
    }
}

fn moment(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// By the time that is gone through, which nobody has to count. Only shown on a terminal.
fn progress(from: Timestamp, to: Timestamp) -> ProgressBar {
    let bar = ProgressBar::new(until(from, to).as_secs());
    let style = ProgressStyle::with_template("at {msg} [{bar:40}] {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
