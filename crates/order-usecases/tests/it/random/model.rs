//! A second opinion: order, ledger and what moves them, as small as can be, and written down without a look at how the
//! domain does it. It is told what has happened to an order and says what the ledger must be.

use order_domain::PaymentMethod::{self, Cash, Online};
use order_domain::order::{Event, Order, Recorded, Status};
use order_domain::payment::EntryKind::{self, Charge, Refund};
use order_domain::payment::{EntryState, Purpose};
use order_domain::{EntryNo, Money};

/// How far an entry has come, as far as events tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// To be asked for, or asked for already.
    Open,
    /// The same, and nobody wants it any more: perhaps taken back.
    Unwanted,
    Settled,
    Declined,
    Review,
    Withdrawn,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    kind: EntryKind,
    purpose: Purpose,
    amount: i64,
    method: PaymentMethod,
    state: State,
    of: Option<usize>,
}

impl Entry {
    /// A refund that holds or has given back its amount.
    fn gives(&self) -> bool {
        self.kind == Refund && matches!(self.state, State::Open | State::Review | State::Settled)
    }
}

/// An order and its ledger.
#[derive(Debug)]
pub(super) struct Model {
    status: Status,
    method: PaymentMethod,
    total: i64,
    /// The charge of the open adjustment, and what the order cost before it.
    adjustment: Option<(usize, i64)>,
    entries: Vec<Entry>,
}

fn index(n: EntryNo) -> usize {
    n as usize - 1
}

impl Model {
    /// The order after all that has happened to it.
    pub(super) fn after(events: &[Recorded]) -> Self {
        let mut model =
            Self { status: Status::Pending, method: Online, total: 0, adjustment: None, entries: Vec::new() };
        for recorded in events {
            model.happens(&recorded.event);
            model.holds(&recorded.event);
        }
        model
    }

    fn happens(&mut self, event: &Event) {
        match event {
            Event::Placed(placed) => {
                (self.method, self.total) = (placed.method, placed.total.minor());
                if self.method == Online && self.total > 0 {
                    self.charge(Purpose::Order, self.total);
                }
            }
            Event::Confirmed { paid, as_cash, .. } => {
                assert_eq!(self.status, Status::Pending);
                self.status = Status::Confirmed;
                if let Some((n, _)) = paid {
                    self.entries[index(*n)].state = State::Settled;
                } else if *as_cash {
                    self.method = Cash;
                } else {
                    assert!(self.total == 0 || self.method == Cash, "confirmed and not paid");
                }
                self.nobody_wants_charges();
            }
            Event::Edited(edit) => self.costs(edit.new.total),
            Event::AddressChanged { fee: Some((_, new)), .. } => self.costs(new.total),
            Event::EditPaid { entry, .. } => {
                assert_eq!(self.adjustment.map(|open| open.0), Some(index(*entry)));
                self.adjustment = None;
                self.entries[index(*entry)].state = State::Settled;
            }
            Event::EditReverted { declined, .. } => {
                let (charge, before) = self.adjustment.take().expect("an adjustment to revert");
                self.total = before;
                self.declined(*declined);
                assert!(declined.is_none_or(|n| index(n) == charge));
                self.nobody_wants_charges();
            }
            Event::Cancelled { declined, .. } => {
                (self.status, self.adjustment) = (Status::Cancelled, None);
                self.declined(*declined);
                self.nobody_wants_charges();
                self.give_back(self.left(), Purpose::Cancel, None);
            }
            Event::GoodwillGranted { amount, .. } => self.give_back(amount.minor(), Purpose::Goodwill, None),
            Event::ChargeSettled { entry, .. } => {
                let n = index(*entry);
                assert!(matches!(self.entries[n].state, State::Unwanted | State::Review));
                self.entries[n].state = State::Settled;
                let of_edit = self.entries[n].purpose == Purpose::Edit && self.status != Status::Cancelled;
                let purpose = if of_edit { Purpose::Edit } else { Purpose::Cancel };
                self.give_back(self.entries[n].amount, purpose, Some(n));
            }
            Event::ChargeDeclined { entry } => self.declined(Some(*entry)),
            Event::ChargeWithdrawn { entry } => {
                assert_eq!(self.entries[index(*entry)].state, State::Unwanted);
                self.entries[index(*entry)].state = State::Withdrawn;
            }
            Event::RefundSettled { entry, by_hand, .. } => {
                let entry = &mut self.entries[index(*entry)];
                entry.state = State::Settled;
                entry.method = if *by_hand { Cash } else { entry.method };
            }
            Event::RefundDeclined { entry, .. } => {
                self.declined(Some(*entry));
                let again = self.entries[index(*entry)].clone();
                self.entries.push(Entry { state: State::Open, ..again });
            }
            Event::ChargeInReview { entry } | Event::RefundInReview { entry } => {
                self.entries[index(*entry)].state = State::Review;
            }
            Event::Delivered => {
                self.status = Status::Delivered;
                if self.method == Cash && self.total > 0 {
                    let (kind, purpose, method, state) = (Charge, Purpose::Order, Cash, State::Settled);
                    self.entries.push(Entry { kind, purpose, amount: self.total, method, state, of: None });
                }
            }
            Event::PreparationStarted => {
                assert_eq!(self.adjustment, None, "nothing is packed before its price is paid");
                self.status = Status::Preparing;
            }
            Event::Dispatched => self.status = Status::OutForDelivery,
            Event::Released => assert_eq!((self.status, self.adjustment), (Status::Confirmed, None)),
            Event::Rescheduled { .. }
            | Event::AddressChanged { fee: None, .. }
            | Event::InstructionsChanged { .. }
            | Event::TaskRetried { .. }
            | Event::TaskDiscarded { .. }
            | Event::Assigned { .. }
            | Event::Unassigned { .. }
            | Event::Resolved { .. } => {}
        }
    }

    /// The order costs something else.
    fn costs(&mut self, total: Money) {
        let (before, total) = (self.total, total.minor());
        self.total = total;
        assert!(matches!(self.status, Status::Pending | Status::Confirmed), "an edit of what is packed");
        if self.method == Cash {
            return;
        }
        assert_eq!(self.adjustment, None, "one edit at a time");
        if self.status == Status::Pending {
            assert!(self.entries.iter().all(|entry| entry.state != State::Review), "an edit beside a review");
            let open = self.entries.iter_mut().filter(|entry| entry.state == State::Open);
            open.for_each(|entry| entry.state = State::Withdrawn);
            if total > 0 {
                self.charge(Purpose::Order, total);
            }
            return;
        }
        let edits = self.sum(|entry| entry.gives() && entry.purpose == Purpose::Edit);
        let due = total - (self.charged() - edits);
        if due > 0 {
            self.adjustment = Some((self.entries.len(), before));
            self.charge(Purpose::Edit, due);
        } else {
            self.give_back((-due).min(self.left()), Purpose::Edit, None);
        }
    }

    fn charge(&mut self, purpose: Purpose, amount: i64) {
        self.entries.push(Entry { kind: Charge, purpose, amount, method: Online, state: State::Open, of: None });
    }

    /// Online charges first, the latest first.
    fn give_back(&mut self, mut amount: i64, purpose: Purpose, only: Option<usize>) {
        for method in [Online, Cash] {
            for n in (0..self.entries.len()).rev() {
                let charge = &self.entries[n];
                let of_this = only.is_none_or(|only| only == n);
                if charge.kind != Charge || charge.state != State::Settled || charge.method != method || !of_this {
                    continue;
                }
                let used = self.sum(|entry| entry.gives() && entry.of == Some(n));
                let part = amount.min(self.entries[n].amount - used);
                if part > 0 {
                    let (kind, state) = (Refund, State::Open);
                    self.entries.push(Entry { kind, purpose, amount: part, method, state, of: Some(n) });
                    amount -= part;
                }
            }
        }
        assert_eq!(amount, 0, "more is given back than is left");
    }

    fn declined(&mut self, entry: Option<EntryNo>) {
        if let Some(n) = entry {
            self.entries[index(n)].state = State::Declined;
        }
    }

    fn nobody_wants_charges(&mut self) {
        let open = self.entries.iter_mut().filter(|entry| entry.kind == Charge && entry.state == State::Open);
        open.for_each(|entry| entry.state = State::Unwanted);
    }

    fn sum(&self, which: impl Fn(&Entry) -> bool) -> i64 {
        self.entries.iter().filter(|entry| which(entry)).map(|entry| entry.amount).sum()
    }

    fn charged(&self) -> i64 {
        self.sum(|entry| entry.kind == Charge && entry.state == State::Settled)
    }

    fn left(&self) -> i64 {
        self.charged() - self.sum(Entry::gives)
    }

    /// What holds after every event.
    fn holds(&self, event: &Event) {
        assert!(self.left() >= 0, "{}: {self:#?}", event.name());
        let edits = self.sum(|entry| entry.gives() && entry.purpose == Purpose::Edit);
        let open = self.adjustment.map_or(0, |(charge, _)| self.entries[charge].amount);
        let (paid, live) =
            (self.charged() - edits + open, self.status != Status::Pending && self.status != Status::Cancelled);
        if live && self.method == Online {
            let all_given_back = self.left() == 0 && paid > self.total;
            assert!(paid == self.total || all_given_back, "{}: {paid} paid of {}: {self:#?}", event.name(), self.total);
        }
    }

    /// Is the order as it is stored the one that the model has come to?
    pub(super) fn assert_is(&self, order: &Order) {
        let state = order.state();
        assert_eq!((state.status, state.payment_method), (self.status, self.method), "{order:#?}");
        assert_eq!(state.total.minor(), self.total, "{order:#?}");
        let open = state.adjustment.as_ref().map(|open| (index(open.charge), open.before.total.minor()));
        assert_eq!(open, self.adjustment, "{order:#?}");
        let ledger = order.ledger();
        let sums = [ledger.charged(), ledger.refunded(), ledger.left()].map(|sum| sum.unwrap().minor());
        let refunded = self.sum(|entry| entry.kind == Refund && entry.state == State::Settled);
        assert_eq!(sums, [self.charged(), refunded, self.left()], "{order:#?}");
        assert_eq!(ledger.entries().len(), self.entries.len(), "{order:#?}");
        for (entry, expected) in ledger.entries().iter().zip(&self.entries) {
            let of = entry.charge().map(index);
            let is = (entry.kind, entry.purpose, entry.amount.minor(), entry.method, of);
            let should = (expected.kind, expected.purpose, expected.amount, expected.method, expected.of);
            assert_eq!(is, should, "entry {}: {order:#?}", entry.n);
            let fits = match entry.state {
                EntryState::Booked | EntryState::Sent => matches!(expected.state, State::Open | State::Unwanted),
                EntryState::Withdrawn => matches!(expected.state, State::Unwanted | State::Withdrawn),
                EntryState::Settled => expected.state == State::Settled,
                EntryState::Declined => expected.state == State::Declined,
                EntryState::Review => expected.state == State::Review,
            };
            assert!(fits, "entry {} is {:?}, not {:?}: {order:#?}", entry.n, entry.state, expected.state);
        }
    }

    /// What the shop should hold of the customer's money when nothing is under way and nobody has to look at anything: the
    /// price less what was given out of kindness, of which an edit gives back at most what is left; nothing of an order
    /// that ended, nor of one that is to be paid in cash.
    pub(super) fn purse(&self) -> i64 {
        let given = self.sum(|entry| entry.gives() && entry.purpose == Purpose::Goodwill);
        match (self.status, self.method) {
            (Status::Cancelled, _) => 0,
            (status, Cash) if status != Status::Delivered => 0,
            _ => (self.total - given).max(0),
        }
    }

    /// What has moved by the model: charges less refunds.
    pub(super) fn moved(&self) -> i64 {
        let refunded = self.sum(|entry| entry.kind == Refund && entry.state == State::Settled);
        self.charged() - refunded
    }
}
