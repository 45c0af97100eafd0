//! Audits over a database of any size, in constant memory: the invariants of every order, and our ledger against an
//! export of the payment service.

use std::collections::HashMap;

use order_domain::audit::{
    AuditTerms, Difference, ExportLine, Outcome, Violation, at_rest, compare, missing, parse_key, twice, whole,
};
use order_domain::payment::Purpose;
use order_domain::ports::{AuditReader, LedgerLine, SettledPlace, StoreError};
use order_domain::time::Timestamp;
use order_domain::{EntryNo, OrderId};

/// Orders, entries or lines that are in hand at once.
const BATCH: u32 = 200;

/// What an audit of all orders tells while it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audited {
    /// All orders up to this number are checked.
    UpTo(OrderId),
    /// An invariant is broken.
    Broken(Violation),
}

/// What an audit of all orders found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Orders that were checked.
    pub orders: u64,
    /// Those of them that had something to be done, so that what holds at rest was not asked of them.
    pub busy: u64,
    /// Those of them that break an invariant.
    pub broken: u64,
    /// How often an invariant is broken.
    pub violations: u64,
}

/// Checks every order that there is when it begins, and tells what is broken as it is found.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database goes away.
pub async fn verify(
    reader: &dyn AuditReader,
    terms: AuditTerms,
    mut tell: impl FnMut(Audited) + Send,
) -> Result<Verdict, StoreError> {
    let mut verdict = Verdict::default();
    let Some(end) = reader.last_order().await? else { return Ok(verdict) };
    let mut last = None;
    while last.is_none_or(|last| last < end) {
        let batch = reader.orders_after(last, BATCH).await?;
        let Some(order) = batch.orders.last() else { break };
        last = Some(order.id);
        for order in &batch.orders {
            let found = whole(order, terms, batch.now);
            verdict.orders += 1;
            verdict.busy += u64::from(!terms.drained && !at_rest(&order.tasks));
            verdict.broken += u64::from(!found.is_empty());
            verdict.violations += found.len() as u64;
            for violation in found {
                tell(Audited::Broken(violation));
            }
        }
        if let Some(last) = last {
            tell(Audited::UpTo(last));
        }
    }
    Ok(verdict)
}

/// An export of the payment service, which can be read as often as it takes.
pub trait Export: Sync {
    /// Why it can't be read.
    type Error;

    /// Its lines from the first on.
    ///
    /// # Errors
    /// When it can't be opened.
    fn lines(&self) -> Result<impl Iterator<Item = Result<ExportLine, Self::Error>> + Send, Self::Error>;
}

/// Which of our entries an export has to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Those that settled then or later …
    pub from: Timestamp,
    /// … and before this.
    pub until: Timestamp,
    /// How many entries are looked for in one reading of the export: some 50 bytes of memory each.
    pub at_once: usize,
}

/// What a reconciliation found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reconciled {
    /// Lines of the export.
    pub lines: u64,
    /// Entries that settled in the period.
    pub entries: u64,
    /// Differences.
    pub differences: u64,
}

/// Why a reconciliation came to no end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReconcileError<E> {
    /// The export can't be read.
    #[error("{0}")]
    Export(E),
    /// The database went away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Compares the ledger with an export, and tells differences as they are found.
///
/// Every line of the export is looked up by its key, whatever its time: so an export may reach beyond the period, and
/// should, since the two sides write down different moments. Every online entry that settled in the period has to be in the
/// export, and to have settled there once.
///
/// # Errors
/// [`ReconcileError`]; what was told before holds all the same.
pub async fn reconcile<X: Export>(
    reader: &dyn AuditReader,
    export: &X,
    period: Period,
    mut tell: impl FnMut(Difference) + Send,
) -> Result<Reconciled, ReconcileError<X::Error>>
where
    X::Error: Send,
{
    let mut found = Reconciled::default();
    let mut told = |difference| {
        found.differences += 1;
        tell(difference);
    };
    let (mut batch, mut lines) = (Vec::new(), 0);
    for line in export.lines().map_err(ReconcileError::Export)? {
        batch.push(line.map_err(ReconcileError::Export)?);
        lines += 1;
        if batch.len() >= BATCH as usize {
            look_up(reader, &std::mem::take(&mut batch), &mut told).await?;
        }
    }
    look_up(reader, &batch, &mut told).await?;
    let (mut place, mut entries) = (None, 0);
    loop {
        let mut part = part(reader, period, &mut place).await?;
        if part.is_empty() {
            break;
        }
        entries += part.len() as u64;
        for line in export.lines().map_err(ReconcileError::Export)? {
            let line = line.map_err(ReconcileError::Export)?;
            let Some((order, purpose, n)) = parse_key(&line.key) else { continue };
            let Some((_, seen)) = part.get_mut(&(order, n)).filter(|(ours, _)| *ours == purpose) else { continue };
            let again = line.outcome == Outcome::Settled && *seen == Seen::Settled;
            *seen = if line.outcome == Outcome::Settled { Seen::Settled } else { (*seen).max(Seen::Declined) };
            if again && let Some(ours) = reader.entries(&[(order, n)]).await?.pop() {
                told(twice(line, ours));
            }
        }
        let unseen = part.into_iter().filter(|(_, (_, seen))| *seen == Seen::Never);
        let mut unseen: Vec<_> = unseen.map(|(entry, _)| entry).collect();
        unseen.sort_unstable();
        for keys in unseen.chunks(BATCH as usize) {
            let mut ours = reader.entries(keys).await?;
            ours.sort_by_key(|line| (line.order, line.n));
            ours.into_iter().map(missing).for_each(&mut told);
        }
    }
    Ok(Reconciled { lines, entries, ..found })
}

/// How an entry has been seen in the export so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    Never,
    Declined,
    Settled,
}

/// Compares lines with the entries that their keys stand for.
async fn look_up(
    reader: &dyn AuditReader,
    lines: &[ExportLine],
    told: &mut (impl FnMut(Difference) + Send),
) -> Result<(), StoreError> {
    let keys: Vec<_> = lines.iter().filter_map(|line| parse_key(&line.key)).map(|(order, _, n)| (order, n)).collect();
    let ours: HashMap<_, _> = reader.entries(&keys).await?.into_iter().map(|line| (line.key(), line)).collect();
    lines.iter().filter_map(|line| compare(line, ours.get(&line.key))).for_each(told);
    Ok(())
}

/// The next entries that settled in the period, as many as are looked for at once.
async fn part(
    reader: &dyn AuditReader,
    period: Period,
    place: &mut Option<SettledPlace>,
) -> Result<HashMap<(OrderId, EntryNo), (Purpose, Seen)>, StoreError> {
    let mut part = HashMap::new();
    while part.len() < period.at_once {
        let left = u32::try_from(period.at_once - part.len()).unwrap_or(u32::MAX);
        let page = reader.settled(period.from, period.until, *place, left.min(BATCH)).await?;
        let Some(last) = page.last().and_then(settled) else { break };
        *place = Some(last);
        part.extend(page.iter().map(|line| ((line.order, line.n), (line.purpose, Seen::Never))));
    }
    Ok(part)
}

fn settled(line: &LedgerLine) -> Option<SettledPlace> {
    line.settled_at.map(|at| SettledPlace { at, order: line.order, n: line.n })
}
