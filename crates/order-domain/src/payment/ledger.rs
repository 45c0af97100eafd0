//! The list of an order's entries, its sums, and the only ways to add to it and to move what it holds.

use crate::ids::EntryNo;
use crate::money::{Currency, Money, MoneyError};
use crate::order::Inconsistent;
use crate::time::Timestamp;

use super::entry::{Entry, EntryKind, EntryState, Origin, PaymentMethod, Purpose};

/// An entry that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// Which way the money goes.
    pub kind: EntryKind,
    /// What it is for.
    pub purpose: Purpose,
    /// How much.
    pub amount: Money,
    /// How.
    pub method: PaymentMethod,
    /// `Booked`, or `Settled` for cash that has changed hands.
    pub state: EntryState,
    /// Of a refund: where it comes from.
    pub origin: Option<Origin>,
    /// When its task is due.
    pub due: Timestamp,
}

/// An order's entries, numbered 1, 2, 3 … without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    currency: Currency,
    entries: Vec<Entry>,
}

impl Ledger {
    /// An empty ledger.
    pub const fn new(currency: Currency) -> Self {
        Self { currency, entries: Vec::new() }
    }

    /// A ledger as it was stored.
    ///
    /// # Errors
    /// [`Inconsistent`] when numbers have a gap, a refund names no settled charge or exceeds it, or an amount is not
    /// above 0.
    pub fn restore(currency: Currency, entries: Vec<Entry>) -> Result<Self, Inconsistent> {
        let ledger = Self { currency, entries };
        for (expected, entry) in (1..).zip(&ledger.entries) {
            let n = entry.n;
            if n != expected {
                return Err(Inconsistent(format!("entry {expected} is missing")));
            }
            if entry.amount.currency() != currency || entry.amount.minor() <= 0 {
                return Err(Inconsistent(format!("entry {n} is of {} {}", entry.amount, entry.amount.currency())));
            }
            if (entry.kind == EntryKind::Refund) != entry.origin.is_some() {
                return Err(Inconsistent(format!("entry {n} is a {} of the wrong origin", entry.kind.name())));
            }
            if entry.uses_its_charge() {
                let charge = entry.charge().and_then(|charge| ledger.get(charge));
                if !charge.is_some_and(|charge| charge.kind == EntryKind::Charge && charge.state == EntryState::Settled)
                {
                    return Err(Inconsistent(format!("entry {n} returns no settled charge")));
                }
            }
        }
        for charge in ledger.entries.iter().filter(|entry| entry.kind == EntryKind::Charge) {
            if ledger.used_of(charge.n)?.minor() > charge.amount.minor() {
                return Err(Inconsistent(format!("more than entry {} took is returned", charge.n)));
            }
        }
        Ok(ledger)
    }

    /// All entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Entry `n`.
    pub fn get(&self, n: EntryNo) -> Option<&Entry> {
        self.entries.get(usize::try_from(n).ok()?.checked_sub(1)?)
    }

    /// Entry `n`, which must be there.
    ///
    /// # Errors
    /// [`Inconsistent`] when it is not.
    pub fn entry(&self, n: EntryNo) -> Result<&Entry, Inconsistent> {
        self.get(n).ok_or_else(|| Inconsistent(format!("there is no entry {n}")))
    }

    /// The number of the entry that is booked next.
    pub fn next_entry(&self) -> EntryNo {
        EntryNo::try_from(self.entries.len() + 1).unwrap_or(EntryNo::MAX)
    }

    /// What charges have taken.
    ///
    /// # Errors
    /// [`MoneyError`] when the sum does not fit.
    pub fn charged(&self) -> Result<Money, MoneyError> {
        self.sum(|entry| entry.kind == EntryKind::Charge && entry.state == EntryState::Settled)
    }

    /// What refunds have given back, those of edits too.
    ///
    /// # Errors
    /// [`MoneyError`] when the sum does not fit.
    pub fn refunded(&self) -> Result<Money, MoneyError> {
        self.sum(|entry| entry.kind == EntryKind::Refund && entry.state == EntryState::Settled)
    }

    /// What refunds hold that are booked, sent or in review.
    ///
    /// # Errors
    /// [`MoneyError`] when the sum does not fit.
    pub fn refund_held(&self) -> Result<Money, MoneyError> {
        self.sum(|entry| entry.kind == EntryKind::Refund && entry.state.is_open())
    }

    /// What could still be refunded: charged − refunded − held.
    ///
    /// # Errors
    /// [`MoneyError`] when a sum does not fit.
    pub fn left(&self) -> Result<Money, MoneyError> {
        self.charged()?.minus(self.refunded()?)?.minus(self.refund_held()?)
    }

    /// The refunds of edits, settled or on their way: to a customer, they were never charged.
    ///
    /// # Errors
    /// [`MoneyError`] when the sum does not fit.
    pub fn edit_refunds(&self) -> Result<Money, MoneyError> {
        self.sum(|entry| entry.uses_its_charge() && entry.purpose == Purpose::Edit)
    }

    /// Shares out a refund of `amount` over the charges: online ones first, the latest first, none beyond what it took.
    ///
    /// # Errors
    /// [`Inconsistent`] when more is to be refunded than is left.
    pub fn share_out(&self, amount: Money) -> Result<Vec<(EntryNo, PaymentMethod, Money)>, Inconsistent> {
        let settled = |entry: &&Entry| entry.kind == EntryKind::Charge && entry.state == EntryState::Settled;
        let mut charges: Vec<&Entry> = self.entries.iter().filter(settled).collect();
        charges.sort_by_key(|charge| (charge.method != PaymentMethod::Online, std::cmp::Reverse(charge.n)));
        let mut rest = amount;
        let mut parts = Vec::new();
        for charge in charges {
            let part = rest.min(charge.amount.minus(self.used_of(charge.n)?)?)?;
            if part.minor() > 0 {
                parts.push((charge.n, charge.method, part));
                rest = rest.minus(part)?;
            }
        }
        if rest.is_zero() {
            Ok(parts)
        } else {
            Err(Inconsistent(format!("{rest} more is to be refunded than is left")))
        }
    }

    /// Adds an entry under the next number.
    ///
    /// # Errors
    /// [`Inconsistent`] for an amount that is not above 0 or not in the ledger's currency.
    pub(crate) fn book(&mut self, booking: &Booking, at: Timestamp) -> Result<EntryNo, Inconsistent> {
        let n = EntryNo::try_from(self.entries.len() + 1).map_err(|_| Inconsistent("too many entries".into()))?;
        if booking.amount.minor() <= 0 || booking.amount.currency() != self.currency {
            return Err(Inconsistent(format!("an entry of {} can't be booked", booking.amount)));
        }
        self.entries.push(Entry {
            n,
            kind: booking.kind,
            purpose: booking.purpose,
            amount: booking.amount,
            method: booking.method,
            state: booking.state,
            origin: booking.origin,
            transaction_id: None,
            first_tried_at: None,
            attempts: 0,
            refusals: 0,
            refused_at: None,
            last_error: None,
            created_at: at,
            settled_at: (booking.state == EntryState::Settled).then_some(at),
        });
        Ok(n)
    }

    /// Moves entry `n` on.
    ///
    /// # Errors
    /// [`Inconsistent`] when there is no such entry or no such move.
    pub(crate) fn shift(&mut self, n: EntryNo, to: EntryState, at: Timestamp) -> Result<&mut Entry, Inconsistent> {
        let state = self.entry(n)?.state;
        if !state.may_become(to) {
            return Err(Inconsistent(format!("entry {n} can't go from {} to {}", state.name(), to.name())));
        }
        let index = n as usize - 1;
        let entry = &mut self.entries[index];
        entry.state = to;
        if to == EntryState::Settled {
            entry.settled_at = Some(at);
        }
        Ok(entry)
    }

    fn used_of(&self, charge: EntryNo) -> Result<Money, MoneyError> {
        self.sum(|entry| entry.uses_its_charge() && entry.charge() == Some(charge))
    }

    fn sum(&self, which: impl Fn(&Entry) -> bool) -> Result<Money, MoneyError> {
        Money::sum(self.currency, self.entries.iter().filter(|entry| which(entry)).map(|entry| entry.amount))
    }
}
