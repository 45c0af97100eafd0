//! What a run has come to.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use order_domain::order::Status;

use super::events::Events;
use super::stage::Stage;
use super::told::{Counts, Violation};
use super::without::Without;
use crate::support::audit::Lived;
use crate::support::clock::libfaketime;

/// So many violations are shown, and so many orders in full.
const VIOLATIONS: usize = 60;
const SHOWN: usize = 5;

/// The summary.
pub struct Report {
    seed: u64,
    length: Duration,
    without: Option<Without>,
    injected: BTreeMap<String, u32>,
    counts: Counts,
    orders: usize,
    /// How many of them ended up in each status.
    statuses: BTreeMap<&'static str, usize>,
    payments: usize,
    /// How many events there were of each type.
    events: BTreeMap<String, usize>,
    entries: usize,
    replays: usize,
    lags: [(u64, u64); 2],
    /// How long it took until nothing was left to do.
    pub drained: Duration,
    pub violations: Vec<Violation>,
    /// The rows of the first orders that something is wrong with.
    rows: Vec<String>,
    /// Where the logs of the instances are.
    pub logs: Option<PathBuf>,
}

impl Report {
    pub fn of(
        stage: &Stage,
        lived: &[Lived],
        events: &Events,
        (seed, length, without): (u64, Duration, Option<Without>),
        injected: BTreeMap<String, u32>,
        violations: Vec<Violation>,
    ) -> Self {
        let mut statuses = BTreeMap::new();
        for status in lived.iter().map(|one| one.order.state().status).map(Status::name) {
            *statuses.entry(status).or_default() += 1;
        }
        let mut happened = BTreeMap::new();
        for entry in lived.iter().flat_map(|one| &one.timeline) {
            *happened.entry(entry.kind.clone()).or_default() += 1;
        }
        Self {
            seed,
            length,
            without,
            injected,
            counts: stage.world.told.counts(),
            orders: lived.len(),
            statuses,
            payments: stage.world.sandbox.payments().len(),
            events: happened,
            entries: events.count(),
            replays: stage.fate.lock().unwrap().replays.len(),
            lags: events.lags(),
            drained: Duration::ZERO,
            violations,
            rows: Vec::new(),
            logs: None,
        }
    }

    /// Adds everything that is known of the first orders that something is wrong with.
    pub async fn tell_more(&mut self, stage: &Stage) {
        let mut orders: Vec<_> = self.violations.iter().filter_map(|violation| violation.order).collect();
        orders.dedup();
        for order in orders.into_iter().take(SHOWN) {
            let mut rows = format!("order {order}:\n");
            for (table, key, by) in [
                ("orders", "id", "id"),
                ("order_events", "order_id", "seq"),
                ("payment_entries", "order_id", "n"),
                ("tasks", "order_id", "id"),
                ("outbox", "order_id", "seq"),
            ] {
                let all = format!(
                    "SELECT coalesce(string_agg('  {table} ' || row_to_json(t)::text, E'\\n' ORDER BY {by}) || E'\\n', '')
                     FROM {table} t WHERE {key} = {order}"
                );
                rows.push_str(&stage.engine.text(&all).await);
            }
            for payment in stage.world.sandbox.payments().iter().filter(|one| one.order_id == order.to_string()) {
                writeln!(rows, "  payment service {payment:?}").unwrap();
            }
            self.rows.push(rows);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, counts, .. } = self;
        let minutes = self.length.as_secs() / 60;
        let without = self.without.map(|without| format!(" WITHOUT={}", without.name())).unwrap_or_default();
        writeln!(f, "chaos: make chaos MINUTES={minutes} SEED={seed}{without}")?;
        let faults: u32 = self.injected.values().sum();
        writeln!(f, "faults: {faults}")?;
        for (kind, times) in &self.injected {
            writeln!(f, "  {times:>4} × {kind}")?;
        }
        if libfaketime().is_none() {
            writeln!(f, "  left out: clocks that are wrong (libfaketime is not installed)")?;
        }
        writeln!(
            f,
            "requests: {}, of which {} were sent again; {} answers were asked for again",
            counts.requests, counts.retries, counts.replays
        )?;
        let statuses: Vec<_> = self.statuses.iter().map(|(status, orders)| format!("{orders} {status}")).collect();
        writeln!(f, "orders placed: {} ({}), payments asked for: {}", self.orders, statuses.join(", "), self.payments)?;
        let [(added, late), (read, late_read)] = self.lags;
        let events: usize = self.events.values().sum();
        let kinds: Vec<_> = self.events.iter().map(|(kind, times)| format!("{times} {kind}")).collect();
        writeln!(f, "events: {events} ({})", kinds.join(", "))?;
        writeln!(
            f,
            "read: {} entries of the stream with repeats, {} replays; published {added} ms after they happened (p99 {late} ms) and read after {read} ms (p99 {late_read} ms), outages included",
            self.entries, self.replays
        )?;
        writeln!(f, "nothing was left to do {:.1} s after the last fault", self.drained.as_secs_f64())?;
        writeln!(f, "violations: {}", self.violations.len())?;
        self.violations.iter().take(VIOLATIONS).try_for_each(|violation| writeln!(f, "  {violation}"))?;
        if let Some(more) = self.violations.len().checked_sub(VIOLATIONS).filter(|more| *more > 0) {
            writeln!(f, "  and {more} more")?;
        }
        self.rows.iter().try_for_each(|rows| write!(f, "{rows}"))?;
        if let Some(logs) = &self.logs {
            writeln!(f, "logs of the instances: {}", logs.display())?;
        }
        Ok(())
    }
}
