//! The table, printed and kept in `docs/benchmarks.md`.

use std::fmt;
use std::path::Path;

/// A line of the table.
pub(crate) struct Row {
    what: String,
    measured: String,
    bound: String,
    met: bool,
}

impl Row {
    pub(crate) fn of(what: &str, measured: String, bound: &str, met: bool) -> Self {
        Self { what: what.to_owned(), measured, bound: bound.to_owned(), met }
    }
}

/// The lines so far.
pub(crate) struct Table(Vec<Row>);

impl Table {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn add(&mut self, row: Row) {
        eprintln!("  {}: {}", row.what, row.measured);
        self.0.push(row);
    }

    /// Replaces the table in the document, between the two marks of `what` was measured.
    pub(crate) fn write(&self, path: &Path, what: &str) {
        let begin = format!("<!-- written by `make bench-{what}` from here -->\n");
        let end = format!("<!-- to here: {what} -->\n");
        let document = std::fs::read_to_string(path).expect("docs/benchmarks.md");
        let (before, rest) = document.split_once(&begin).expect("a mark where the table begins");
        let (_, after) = rest.split_once(&end).expect("a mark where the table ends");
        std::fs::write(path, format!("{before}{begin}\n{self}\n{end}{after}"))
            .expect("docs/benchmarks.md can be written");
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | measured | bound | |\n|---|---|---|---|")?;
        for Row { what, measured, bound, met } in &self.0 {
            let met = if *met { "met" } else { "**missed**" };
            writeln!(f, "| {what} | {measured} | {bound} | {met} |")?;
        }
        Ok(())
    }
}
