//! The invariants, as pure checks over what a reader hands in. A broken one is a bug or a tampered row, and is named
//! with its order. The numbers are those of the list of invariants in the documentation.

mod published;
mod reconcile;
mod release;
mod tasks;
mod whole;

use std::collections::BTreeMap;

use crate::ids::OrderId;
use crate::money::{Money, MoneyError};
use crate::order::{Order, OrderState, Status, Version, transitions};
use crate::payment::{EntryKind, EntryState, Ledger, PaymentMethod};

pub use published::published;
pub use reconcile::{Difference, DifferenceKind, ExportLine, Outcome, compare, missing, parse_key, twice};
pub use release::{RELEASE_LEAD, release};
pub use tasks::{at_rest, drained, followed, unsent_charges};
pub use whole::{AuditTerms, whole};

/// A broken invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its number in the list of invariants.
    pub invariant: u8,
    /// The order.
    pub order: OrderId,
    /// What is wrong.
    pub what: String,
}

/// The columns that repeat what the ledger says, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredSums {
    /// Settled charges.
    pub charged: Money,
    /// Settled refunds.
    pub refunded: Money,
    /// Refunds booked, sent or in review.
    pub refund_held: Money,
}

/// 1 and 6: every event is one entry of the timeline, without a gap, as many as the version says; and consecutive
/// statuses are rows of the table. `events` are (seq, status after it), in the sequence of `seq`.
pub fn timeline(order: &OrderState, events: &[(Version, Status)]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut broken = |invariant, what| found.extend([Violation { invariant, order: order.id, what }]);
    let mut before = None;
    for (expected, (seq, status)) in (1..).zip(events) {
        if *seq != expected {
            broken(1, format!("event {expected} is {seq}"));
        }
        if before != Some(*status) && !transitions::is_row(before, *status) {
            broken(6, format!("{before:?} was followed by {status:?}"));
        }
        before = Some(*status);
    }
    if i64::try_from(events.len()) != Ok(order.version) {
        broken(1, format!("version {} with {} events", order.version, events.len()));
    }
    if before != Some(order.status) {
        broken(6, format!("the order is {:?}, its last event says {before:?}", order.status));
    }
    found
}

/// 2: at most one order per key, and one key per order. `receipts` are (hash of the key, order placed under it).
pub fn keys(receipts: &[([u8; 32], OrderId)]) -> Vec<Violation> {
    let mut by_key: BTreeMap<&[u8; 32], OrderId> = BTreeMap::new();
    let mut by_order: BTreeMap<OrderId, &[u8; 32]> = BTreeMap::new();
    let mut found = Vec::new();
    for (key, order) in receipts {
        let twice = by_key.insert(key, *order).is_some_and(|other| other != *order)
            | by_order.insert(*order, key).is_some_and(|other| other != key);
        if twice {
            found.push(Violation {
                invariant: 2,
                order: *order,
                what: "a key stands for two orders, or two keys for one".into(),
            });
        }
    }
    found
}

/// 3: the sums of the order add up, and the columns equal the ledger's sums.
pub fn sums(order: &OrderState, ledger: &Ledger, stored: StoredSums) -> Vec<Violation> {
    let broken = |what: String| vec![Violation { invariant: 3, order: order.id, what }];
    if let Err(error) = Order::restore(order.clone(), ledger.clone()) {
        return broken(error.0);
    }
    match ledger_sums(ledger) {
        Err(error) => broken(error.to_string()),
        Ok(sums) if sums != stored => broken(format!(
            "columns say charged {}, refunded {}, held {}; the ledger {}, {}, {}",
            stored.charged, stored.refunded, stored.refund_held, sums.charged, sums.refunded, sums.refund_held
        )),
        Ok(_) => Vec::new(),
    }
}

fn ledger_sums(ledger: &Ledger) -> Result<StoredSums, MoneyError> {
    Ok(StoredSums { charged: ledger.charged()?, refunded: ledger.refunded()?, refund_held: ledger.refund_held()? })
}

/// 10: what is owed is on its way. Holds at rest, when no task is under way.
pub fn owed(order: &OrderState, ledger: &Ledger) -> Vec<Violation> {
    let check = || -> Result<Option<String>, MoneyError> {
        let sums = ledger_sums(ledger)?;
        let under_way = |entry: &&crate::payment::Entry| matches!(entry.state, EntryState::Booked | EntryState::Sent);
        if order.status == Status::Cancelled {
            let in_review = ledger.entries().iter().any(|entry| entry.state == EntryState::Review);
            if !in_review && sums.charged != sums.refunded.plus(sums.refund_held)? {
                return Ok(Some(format!("cancelled with {} still kept", ledger.left()?)));
            }
            let unsent = ledger.entries().iter().filter(under_way).find(|entry| entry.kind == EntryKind::Charge);
            return Ok(unsent.map(|entry| format!("cancelled with charge {} {}", entry.n, entry.state.name())));
        }
        let settled = order.status != Status::Pending && order.adjustment.is_none();
        if settled && order.payment_method == PaymentMethod::Online {
            let paid = sums.charged.minus(ledger.edit_refunds()?)?;
            let nothing_left = ledger.left()?.is_zero();
            if paid != order.total && !(nothing_left && paid.minor() > order.total.minor()) {
                return Ok(Some(format!("{} with {paid} paid of {}", order.status.name(), order.total)));
            }
        }
        Ok(None)
    };
    let what = check().unwrap_or_else(|error| Some(error.to_string()));
    what.into_iter().map(|what| Violation { invariant: 10, order: order.id, what }).collect()
}
