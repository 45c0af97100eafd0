//! `order-app migrate`: brings the database up to date.

use crate::Failure;
use crate::settings::Given;

/// Arguments of `migrate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only say what is missing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let url = Given::read().database()?;
    let report = order_persistence::migrate(&url, !arguments.dry_run).await.map_err(Failure::other)?;
    let word = if arguments.dry_run { "missing" } else { "applied" };
    for name in &report.pending {
        println!("{word} {name}");
    }
    if report.pending.is_empty() {
        println!("up to date");
    }
    Ok(())
}
