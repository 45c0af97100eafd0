//! The table: printed, and kept in `docs/benchmarks.md` with the machine that it was measured on.

use std::fmt::Write;
use std::path::Path;

use order_testkit::pg::TestDatabase;

use crate::{Plan, Rate};

/// A line of the table.
pub(crate) struct Row {
    what: String,
    ours: String,
    against: String,
    bound: String,
    met: Option<bool>,
    per_second: f64,
}

impl Row {
    /// So many a second.
    pub(crate) fn new(what: &str, ours: Rate) -> Self {
        let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
        let figure = format!("{:.0}/s (p50 {:.1} ms, p99 {:.1} ms)", ours.per_second, ms(ours.p50), ms(ours.p99));
        let (against, bound, met) = (String::new(), String::new(), None);
        Self { what: what.into(), ours: figure, against, bound, met, per_second: ours.per_second }
    }

    /// A size that must not exceed `most`.
    pub(crate) fn measured(what: &str, figure: f64, unit: &str, most: f64) -> Self {
        Self {
            what: what.into(),
            ours: format!("{figure:.0} {unit}"),
            against: String::new(),
            bound: format!("≤ {most:.0} {unit}"),
            met: Some(figure <= most),
            per_second: 0.0,
        }
    }

    /// Beside what `pgbench` did.
    pub(crate) fn against(self, what: &str, theirs: Rate, at_least: f64) -> Self {
        self.beside(&format!("pgbench with {what}"), theirs, at_least)
    }

    /// Beside something else.
    pub(crate) fn beside(mut self, what: &str, theirs: Rate, at_least: f64) -> Self {
        let ratio = self.per_second / theirs.per_second;
        let _ = write!(self.against, "{ratio:.2} of {what} ({:.0}/s)", theirs.per_second);
        let _ = write!(self.bound, "≥ {at_least}");
        self.met = Some(self.met.unwrap_or(true) && ratio >= at_least);
        self
    }

    /// Beside the predecessor, which did `before` a second on two cores: so many times that.
    pub(crate) fn replacing(mut self, before: u32, times: u32) -> Self {
        let ratio = self.per_second / f64::from(before);
        let comma = if self.against.is_empty() { "" } else { "; " };
        let _ = write!(self.against, "{comma}{ratio:.0} × the predecessor ({before}/s)");
        let comma = if self.bound.is_empty() { "" } else { "; " };
        let _ = write!(self.bound, "{comma}{times} ×");
        self.met = Some(self.met.unwrap_or(true) && ratio >= f64::from(times));
        self
    }
}

/// The rows so far, and where they come from.
pub(crate) struct Report {
    machine: String,
    rows: Vec<Row>,
}

impl Report {
    pub(crate) async fn of(plan: &Plan, database: &TestDatabase) -> Self {
        let client = database.connect().await;
        let show = async |what: &str| -> String {
            client.query_one(&format!("SHOW {what}"), &[]).await.expect("a setting of PostgreSQL").get(0)
        };
        let (version, fsync) = (show("server_version").await, show("fsync").await);
        let cores = std::thread::available_parallelism().map_or(0, Into::into);
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
        let machine = format!(
            "{cores} cores ({}), PostgreSQL {version} (fsync {fsync}), service, database and load on the same machine; {} \
             connections, {} rounds of {} s each, the median counts; {} orders in the database.",
            model.unwrap_or("unknown"),
            plan.connections,
            plan.rounds,
            plan.round.as_secs(),
            plan.orders,
        );
        Self { machine, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, row: Row) {
        eprintln!("  {}: {} {}", row.what, row.ours, row.against);
        self.rows.push(row);
    }

    pub(crate) fn add_all(&mut self, rows: Vec<Row>) {
        for row in rows {
            self.add(row);
        }
    }

    /// The table, as Markdown.
    pub(crate) fn table(&self) -> String {
        let mut table = String::from("| what | measured | beside | at least | |\n|---|---|---|---|---|\n");
        for Row { what, ours, against, bound, met, .. } in &self.rows {
            let met = met.map_or("", |met| if met { "met" } else { "**missed**" });
            let _ = writeln!(table, "| {what} | {ours} | {against} | {bound} | {met} |");
        }
        table
    }

    /// Replaces the table in the document, between its two marks.
    pub(crate) fn write(&self, path: &Path) {
        const BEGIN: &str = "<!-- written by `make bench` from here -->\n";
        const END: &str = "<!-- to here -->\n";
        let document = std::fs::read_to_string(path).expect("docs/benchmarks.md");
        let (before, rest) = document.split_once(BEGIN).expect("a mark where the table begins");
        let (_, after) = rest.split_once(END).expect("a mark where the table ends");
        let document = format!("{before}{BEGIN}\n{}\n\n{}\n{END}{after}", self.machine, self.table());
        std::fs::write(path, document).expect("docs/benchmarks.md can be written");
    }
}
