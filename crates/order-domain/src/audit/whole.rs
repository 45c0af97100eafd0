//! Everything that an order's own rows can show.

use std::time::Duration;

use crate::ports::{AuditedEvent, AuditedOrder, AuditedRows};
use crate::time::Timestamp;

use super::{Violation, at_rest, drained, followed, keys, owed, published, release, sums, timeline, unsent_charges};

/// What an audit takes for granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditTerms {
    /// Nothing is left to do: what holds at rest has to hold of every order. Otherwise it is asked of those that are.
    pub drained: bool,
    /// How long before its time a scheduled order may be released.
    pub lead: Duration,
}

/// Checks an order against every invariant that its rows can show: 1, 2, 3, 5, 6, 7; at rest also 9 and 10, drained also 4. One that can't
/// be read is as good as lost to whom it was promised, which is 1.
pub fn whole(order: &AuditedOrder, terms: AuditTerms, now: Timestamp) -> Vec<Violation> {
    let id = order.id;
    let mut found = Vec::new();
    if terms.drained {
        found.extend(published(id, &order.unpublished));
        found.extend(drained(id, &order.tasks, now));
    }
    found.extend(keys(&order.keys.iter().map(|key| (*key, id)).collect::<Vec<_>>()));
    let AuditedRows { state, ledger, sums: stored, events } = match &order.rows {
        Ok(rows) => rows,
        Err(what) => {
            found.push(Violation { invariant: 1, order: id, what: format!("can't be read: {what}") });
            return found;
        }
    };
    let in_sequence: Vec<_> = events.iter().map(|event: &AuditedEvent| (event.seq, event.status)).collect();
    found.extend(timeline(state, &in_sequence));
    let told: Vec<_> = events.iter().map(|event| (event.name.as_str(), event.at)).collect();
    found.extend(release(state, &told, terms.lead));
    match ledger {
        Err(what) => found.push(Violation { invariant: 3, order: id, what: what.clone() }),
        Ok(ledger) => {
            found.extend(sums(state, ledger, *stored));
            found.extend(followed(state, ledger, &order.tasks));
            if terms.drained || at_rest(&order.tasks) {
                found.extend(unsent_charges(state, ledger));
                found.extend(owed(state, ledger));
            }
        }
    }
    found
}
