//! `order-app reconcile`: our ledger of online entries against an export of the payment service, by key and amount. Each
//! difference is a row of CSV on stdout; the summary goes to stderr.

use std::io::Write;
use std::path::PathBuf;

use csv::Writer;
use order_domain::audit::Difference;
use order_usecases::audits::{Period, ReconcileError, Reconciled, reconcile};

use super::beside;
use super::edge::{Edge, edge};
use super::export::ExportFile;
use crate::Failure;

/// Entries that are looked for in one reading of the file: some 25 MB.
const AT_ONCE: usize = 500_000;

const HEADING: [&str; 10] = [
    "difference",
    "key",
    "order",
    "kind",
    "ledger_amount",
    "ledger_state",
    "export_amount",
    "export_status",
    "line",
    "what",
];

/// Arguments of `reconcile`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Entries that settled on this day (UTC) or later, or from this moment on (RFC 3339)
    #[arg(long, value_name = "DATE", value_parser = edge)]
    from: Edge,
    /// Entries that settled on this day (UTC) or earlier, or before this moment (RFC 3339)
    #[arg(long, value_name = "DATE", value_parser = edge)]
    to: Edge,
    /// The export: CSV with a heading; columns key and amount, and, if there are, kind and status
    #[arg(long, value_name = "FILE")]
    payments: PathBuf,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let period = Period { from: arguments.from.from(), until: arguments.to.until(), at_once: AT_ONCE };
    if period.from >= period.until {
        return Err(Failure::Usage("--from is after --to: nothing settled in between".into()));
    }
    let reader = beside::stores().await?.audit;
    let export = ExportFile::at(&arguments.payments);
    let mut rows = Writer::from_writer(std::io::stdout());
    rows.write_record(HEADING).map_err(Failure::other)?;
    let mut unwritten = Ok(());
    let done = reconcile(&*reader, &export, period, |difference| {
        let written = row(&mut rows, &difference);
        unwritten = std::mem::replace(&mut unwritten, Ok(())).and(written);
    });
    let done = done.await;
    unwritten.and_then(|()| rows.flush().map_err(csv::Error::from)).map_err(Failure::other)?;
    let Reconciled { lines, entries, differences } = done.map_err(|error| match error {
        ReconcileError::Export(error) => Failure::Usage(error.to_string()),
        ReconcileError::Store(error) => Failure::other(error),
    })?;
    eprintln!(
        "compared {lines} line(s) of the export with the ledger, and {entries} entries of the period with the export"
    );
    match differences {
        0 => Ok(()),
        1 => Err(Failure::Other("there is one difference".into())),
        differences => Err(Failure::Other(format!("there are {differences} differences"))),
    }
}

fn row(rows: &mut Writer<impl Write>, difference: &Difference) -> csv::Result<()> {
    let Difference { difference, key, ours, theirs, what } = difference;
    let text = |text: Option<String>| text.unwrap_or_default();
    let kind = ours.as_ref().map(|line| line.kind).or(theirs.as_ref().and_then(|line| line.kind));
    rows.write_record([
        difference.name().to_owned(),
        harmless(key),
        text(ours.as_ref().map(|line| line.order.to_string())),
        text(kind.map(|kind| kind.name().to_owned())),
        text(ours.as_ref().map(|line| line.amount.to_decimal().to_string())),
        text(ours.as_ref().map(|line| line.state.name().to_owned())),
        text(theirs.as_ref().map(|line| line.amount.to_string())),
        text(theirs.as_ref().map(|line| line.outcome.name().to_owned())),
        text(theirs.as_ref().map(|line| line.number.to_string())),
        what.clone(),
    ])
}

/// A key of somebody else's that a spreadsheet would take for a formula is marked as the text that it is.
fn harmless(key: &str) -> String {
    if key.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{key}") } else { key.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_no_formula() {
        assert_eq!(harmless("=1+1"), "'=1+1");
        assert_eq!(harmless("order-1-order-1"), "order-1-order-1");
    }
}
