//! Our ledger against an export of the payment service: by key and amount.

use rust_decimal::Decimal;

use crate::ids::{EntryNo, OrderId};
use crate::payment::{EntryKind, EntryState, PaymentMethod, Purpose};
use crate::ports::LedgerLine;

/// What the payment service says became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The money moved.
    Settled,
    /// It said no.
    Declined,
}

impl Outcome {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Declined => "declined",
        }
    }
}

/// A line of the export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportLine {
    /// Its number in the file, the heading being the first.
    pub number: u64,
    /// The idempotency key.
    pub key: String,
    /// Taken or given back, if the export says so.
    pub kind: Option<EntryKind>,
    /// How much, in the currency's units.
    pub amount: Decimal,
    /// What became of it.
    pub outcome: Outcome,
}

/// How the two differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// It settled here, and the export does not have it.
    Missing,
    /// The export has it, and the ledger does not.
    Extra,
    /// Both have it, and say different things.
    Different,
}

impl DifferenceKind {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Different => "different",
        }
    }
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// How they differ.
    pub difference: DifferenceKind,
    /// The key.
    pub key: String,
    /// What the ledger has.
    pub ours: Option<LedgerLine>,
    /// What the export has.
    pub theirs: Option<ExportLine>,
    /// In words.
    pub what: String,
}

impl LedgerLine {
    /// The key under which the payment service knows it.
    pub fn key(&self) -> String {
        format!("order-{}-{}-{}", self.order, self.purpose.name(), self.n)
    }
}

/// The entry that a key stands for, if it is one of ours: `order-{id}-{purpose}-{n}`, in its one spelling.
pub fn parse_key(key: &str) -> Option<(OrderId, Purpose, EntryNo)> {
    let mut parts = key.strip_prefix("order-")?.splitn(3, '-');
    let order = OrderId::new(parts.next()?.parse().ok()?).ok()?;
    let purpose = Purpose::from_name(parts.next()?)?;
    let n: EntryNo = parts.next()?.parse().ok()?;
    (n > 0 && format!("order-{order}-{}-{n}", purpose.name()) == key).then_some((order, purpose, n))
}

/// What is wrong with a line of the export, `ours` being the entry that its key stands for.
pub fn compare(theirs: &ExportLine, ours: Option<&LedgerLine>) -> Option<Difference> {
    let difference = |difference, what| {
        let (key, ours, theirs) = (theirs.key.clone(), ours.cloned(), Some(theirs.clone()));
        Some(Difference { difference, key, ours, theirs, what })
    };
    let Some(entry) = ours.filter(|entry| entry.key() == theirs.key) else {
        return difference(DifferenceKind::Extra, "the ledger has no such entry".into());
    };
    let different = |what| difference(DifferenceKind::Different, what);
    if entry.method == PaymentMethod::Cash {
        return different("settled by hand here".into());
    }
    if let Some(kind) = theirs.kind.filter(|kind| *kind != entry.kind) {
        return different(format!("a {} there, a {} here", kind.name(), entry.kind.name()));
    }
    if theirs.amount != entry.amount.to_decimal() {
        return different(format!("{} there, {} here", theirs.amount, entry.amount.to_decimal()));
    }
    let agree = match theirs.outcome {
        Outcome::Settled => entry.state == EntryState::Settled,
        // In review a person looks already; to a sent entry the answer has not come yet. No money is in doubt.
        Outcome::Declined => matches!(entry.state, EntryState::Declined | EntryState::Review | EntryState::Sent),
    };
    if agree { None } else { different(format!("{} there, {} here", theirs.outcome.name(), entry.state.name())) }
}

/// An entry that the export should have.
pub fn missing(ours: LedgerLine) -> Difference {
    let (key, what) = (ours.key(), "the export does not have it".into());
    Difference { difference: DifferenceKind::Missing, key, ours: Some(ours), theirs: None, what }
}

/// A key that the export has as settled more than once.
pub fn twice(theirs: ExportLine, ours: LedgerLine) -> Difference {
    let key = theirs.key.clone();
    let what = "settled before in the same export".into();
    Difference { difference: DifferenceKind::Extra, key, ours: Some(ours), theirs: Some(theirs), what }
}
