//! The chores: there from the start, one row each.

use std::collections::BTreeMap;

use order_domain::TaskId;
use order_domain::ports::{Chore, ChoreFigures, Claim, ClaimedChore, Rest, Token, backoff_ceiling};
use order_domain::time::{Timestamp, after};

/// A chore, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChore {
    /// What is to be done.
    pub chore: Chore,
    /// When it is due; while it is held, when the lease runs out.
    pub run_at: Timestamp,
    /// Claims since it last succeeded.
    pub attempts: u32,
    /// The token of the last claim.
    pub token: Token,
    /// What went wrong last, if it did.
    pub last_error: Option<String>,
}

#[derive(Clone)]
pub(super) struct Chores(BTreeMap<Chore, StoredChore>);

impl Chores {
    /// All of them, due at `now`.
    pub(super) fn due(now: Timestamp) -> Self {
        let stored = |chore| StoredChore { chore, run_at: now, attempts: 0, token: Token(0), last_error: None };
        Self(Chore::ALL.into_iter().map(|chore| (chore, stored(chore))).collect())
    }

    pub(super) fn all(&self) -> Vec<StoredChore> {
        self.0.values().cloned().collect()
    }

    pub(super) fn claim(&mut self, claim: &Claim, now: Timestamp) -> Vec<ClaimedChore> {
        let wanted = |row: &&mut StoredChore| claim.only.is_none() && claim.chores.contains(&row.chore);
        let due = self.0.values_mut().filter(wanted).filter(|row| row.run_at <= now);
        due.map(|row| {
            row.attempts += 1;
            row.token.0 += 1;
            row.run_at = after(now, claim.lease.max(backoff_ceiling(row.attempts)));
            ClaimedChore { id: id(row.chore), chore: row.chore, attempts: row.attempts, token: row.token }
        })
        .collect()
    }

    pub(super) fn figures(&self, now: Timestamp) -> BTreeMap<Chore, ChoreFigures> {
        let of = |row: &StoredChore| ChoreFigures {
            due_since: Some(row.run_at).filter(|at| *at <= now),
            tries: row.attempts,
        };
        self.0.iter().map(|(chore, row)| (*chore, of(row))).collect()
    }

    /// When the next one becomes due that is not due yet.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.values().map(|row| row.run_at).filter(|at| *at > now).min()
    }

    pub(super) fn rest(&mut self, chore: &ClaimedChore, rest: &Rest, now: Timestamp) -> bool {
        let Some(row) = self.held(chore) else { return false };
        row.run_at = after(now, rest.wait);
        row.token.0 += 1;
        row.attempts = if rest.error.is_some() { row.attempts } else { 0 };
        row.last_error.clone_from(&rest.error);
        true
    }

    pub(super) fn hand_back(&mut self, chore: &ClaimedChore, now: Timestamp) {
        if let Some(row) = self.held(chore) {
            row.run_at = now;
            row.token.0 += 1;
            row.attempts -= 1;
        }
    }

    fn held(&mut self, chore: &ClaimedChore) -> Option<&mut StoredChore> {
        self.0.get_mut(&chore.chore).filter(|row| row.token == chore.token)
    }
}

/// Numbers that no generator gives.
fn id(chore: Chore) -> TaskId {
    let place = (0..).zip(Chore::ALL).find_map(|(place, other)| (other == chore).then_some(place));
    TaskId::new((1 << 52) + place.expect("one of all")).expect("a number within range")
}
