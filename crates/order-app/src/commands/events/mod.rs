//! `order-app events`: the stream of events for other services, at the command line.

mod replay;
mod tail;

use std::time::Duration;

use clap::Subcommand;
use order_queue::{RedisLink, RedisUrl};
use tokio::time::timeout;

use crate::Failure;

/// How long Redis may take to answer for the first time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Arguments of `events`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the events of the stream as they come, one JSON document a line, until Ctrl-C
    Tail(tail::Arguments),
    /// Add what has happened to the stream once more, from the database; whoever reads it passes over what they have seen
    Replay(replay::Arguments),
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Tail(arguments) => tail::run(arguments).await,
        Command::Replay(arguments) => replay::run(arguments).await,
    }
}

/// Redis, which has to be there.
async fn connected(url: &RedisUrl) -> Result<RedisLink, Failure> {
    let link = RedisLink::connect(url);
    if timeout(PATIENCE, link.until_up()).await.is_ok() {
        return Ok(link);
    }
    let why = order_queue::check(url).await.err();
    Err(Failure::Other(why.unwrap_or_else(|| format!("{url} does not answer; look at REDIS_URL"))))
}
