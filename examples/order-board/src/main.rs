//! An example of another service that follows the orders: a board of how many stand where, and for how much.
//!
//! It knows nothing of the order service but its stream of events ([`docs/events`](../../../docs/events/README.md)), and
//! keeps its board right whatever is repeated, told again, or cut off by `kill -9`: see [`board`].
//!
//! ```sh
//! cargo run -p order-board -- follow --redis redis://localhost --board board.db
//! cargo run -p order-board -- show --board board.db
//! ```

mod board;
mod event;
mod stream;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use board::{Board, News};
use event::Event;
use stream::Stream;

#[derive(Debug, Parser)]
enum Command {
    /// Keep the board up to date, until Ctrl-C
    Follow {
        /// Where the stream is
        #[arg(long, env = "REDIS_URL")]
        redis: String,
        /// The file of the board
        #[arg(long, default_value = "board.db")]
        board: String,
    },
    /// Print the board
    Show {
        /// The file of the board
        #[arg(long, default_value = "board.db")]
        board: String,
        /// Each order, not only how many there are
        #[arg(long)]
        orders: bool,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Follow { redis, board } => follow(&redis, &board).await,
        Command::Show { board, orders } => show(&board, orders),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("order-board: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn follow(redis: &str, board: &str) -> Result<(), Box<dyn Error>> {
    let mut board = Board::open(board)?;
    let stream = Stream::open(redis).await?;
    loop {
        let place = board.place()?;
        let entries = tokio::select! {
            stop = tokio::signal::ctrl_c() => return Ok(stop?),
            entries = stream.after(&place) => entries?,
        };
        let Some(place) = entries.last().map(|(place, _)| place.clone()) else { continue };
        // What can't be read is nobody's business here; the entry counts as seen.
        let events: Vec<_> = entries.iter().filter_map(|(_, text)| Event::parse(text.as_deref()?)).collect();
        for news in board.take(&events, &place)? {
            match news {
                News::Gap { order, last, seen } => eprintln!(
                    "order {order}: event {seen} came after {last}; it is set aside until what is between is told again: \
                     order-app events replay --order {order} --from … --to …"
                ),
                News::Whole { order } => eprintln!("order {order}: whole again"),
            }
        }
    }
}

fn show(board: &str, orders: bool) -> Result<(), Box<dyn Error>> {
    let mut board = Board::open(board)?;
    if orders {
        for order in board.orders()? {
            println!("{} {} {} {} {}", order.id, order.seq, order.status, order.total, order.currency);
        }
        return Ok(());
    }
    for ((status, currency), (count, total)) in board.by_status()? {
        println!("{status:<18} {count:>6}  {total:>12} {currency}");
    }
    match board.set_aside()? {
        0 => {}
        some => println!("{some} order(s) lack events and are shown as they were before"),
    }
    Ok(())
}
