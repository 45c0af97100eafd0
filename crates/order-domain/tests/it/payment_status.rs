//! What a customer is told about the money: each value, the first that matches, and the rule once more, written down
//! independently, against random ledgers.

use order_domain::order::{OrderState, Status};
use order_domain::payment::{
    Entry, EntryKind, EntryState, Ledger, Origin, PaymentStatus, Purpose, next_step, payment_status,
};
use order_domain::{Currency, PaymentMethod};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{an_order, minutes, rules, usd};
use EntryKind::{Charge, Refund};
use EntryState::{Booked, Declined, Review, Sent, Settled, Withdrawn};
use PaymentMethod::{Cash, Online};

/// An entry that counts: (kind, purpose, amount, method, state, the charge it returns).
type Row = (EntryKind, Purpose, i64, PaymentMethod, EntryState, u32);

fn ledger(rows: &[Row]) -> Ledger {
    let entry = |(n, &(kind, purpose, amount, method, state, of)): (u32, &Row)| Entry {
        n,
        kind,
        purpose,
        amount: usd(amount),
        method,
        state,
        origin: (kind == Refund).then_some(Origin { charge: of, repeats: None, declines: 0 }),
        transaction_id: None,
        first_tried_at: None,
        attempts: 0,
        refusals: 0,
        refused_at: None,
        last_error: None,
        created_at: minutes(0),
        settled_at: None,
    };
    Ledger::restore(Currency::USD, (1..).zip(rows).map(entry).collect()).unwrap()
}

fn order(status: Status, method: PaymentMethod, total: i64) -> OrderState {
    let mut state = an_order().order.state().clone();
    (state.status, state.payment_method, state.total) = (status, method, usd(total));
    state
}

fn told(status: Status, method: PaymentMethod, total: i64, rows: &[Row]) -> PaymentStatus {
    payment_status(&order(status, method, total), &ledger(rows)).unwrap()
}

const fn charge(amount: i64, state: EntryState) -> Row {
    (Charge, Purpose::Order, amount, Online, state, 0)
}

const fn refund(purpose: Purpose, amount: i64, state: EntryState) -> Row {
    (Refund, purpose, amount, Online, state, 1)
}

#[test]
fn every_value_has_its_case() {
    use Purpose::{Cancel, Edit, Goodwill, Return};
    use Status::{Cancelled, Confirmed, Delivered, Pending};
    let paid = charge(10, Settled);
    let cases: [(PaymentStatus, Status, i64, &[Row]); 17] = [
        (PaymentStatus::Review, Pending, 10, &[charge(10, Review)]),
        (PaymentStatus::Review, Cancelled, 10, &[paid, refund(Cancel, 4, Sent), refund(Cancel, 6, Review)]),
        (PaymentStatus::Processing, Pending, 10, &[charge(10, Booked)]),
        (PaymentStatus::Processing, Pending, 10, &[charge(10, Sent)]),
        (PaymentStatus::Processing, Cancelled, 10, &[charge(10, Sent)]),
        (PaymentStatus::RefundPending, Cancelled, 10, &[paid, refund(Cancel, 10, Booked)]),
        (PaymentStatus::RefundPending, Delivered, 10, &[paid, refund(Goodwill, 1, Sent)]),
        (PaymentStatus::Refunded, Cancelled, 10, &[paid, refund(Cancel, 10, Settled)]),
        (PaymentStatus::Refunded, Delivered, 10, &[paid, refund(Goodwill, 4, Settled), refund(Return, 6, Settled)]),
        (PaymentStatus::PartiallyRefunded, Delivered, 10, &[paid, refund(Goodwill, 1, Settled)]),
        (PaymentStatus::PartiallyRefunded, Status::Refunded, 10, &[paid, refund(Return, 9, Settled)]),
        (PaymentStatus::Paid, Confirmed, 10, &[paid]),
        (PaymentStatus::Paid, Confirmed, 7, &[paid, refund(Edit, 3, Settled)]),
        (PaymentStatus::Paid, Confirmed, 0, &[]),
        (PaymentStatus::Declined, Cancelled, 10, &[charge(10, Declined)]),
        (PaymentStatus::Unpaid, Cancelled, 10, &[charge(10, Withdrawn)]),
        (PaymentStatus::Unpaid, Cancelled, 0, &[]),
    ];
    for (expected, status, total, rows) in cases {
        assert_eq!(told(status, Online, total, rows), expected, "{status:?} of {total} with {rows:?}");
    }
}

#[test]
fn a_charge_that_nobody_wants_is_processed_only_of_a_cancelled_order() {
    let rows = [charge(10, Settled), (Charge, Purpose::Edit, 2, Online, Sent, 0)];
    assert_eq!(told(Status::Confirmed, Online, 10, &rows), PaymentStatus::Paid);
    assert_eq!(told(Status::Cancelled, Online, 10, &rows), PaymentStatus::Processing);
}

#[test]
fn an_edit_that_gave_all_back_reads_as_never_charged_unless_it_is_cancelled() {
    let rows = [charge(10, Settled), refund(Purpose::Edit, 10, Settled)];
    assert_eq!(told(Status::Confirmed, Online, 0, &rows), PaymentStatus::Paid);
    assert_eq!(told(Status::Cancelled, Online, 0, &rows), PaymentStatus::Refunded);
}

#[test]
fn on_a_cash_order_only_cash_counts_until_it_is_cancelled() {
    let stray = [charge(10, Settled), refund(Purpose::Cancel, 10, Sent)];
    assert_eq!(told(Status::Confirmed, Cash, 10, &stray), PaymentStatus::Unpaid);
    assert_eq!(told(Status::Cancelled, Cash, 10, &stray), PaymentStatus::RefundPending);
    assert_eq!(told(Status::Confirmed, Cash, 10, &[charge(10, Declined)]), PaymentStatus::Unpaid);
    assert_eq!(told(Status::Confirmed, Cash, 10, &[charge(10, Review)]), PaymentStatus::Review, "every entry");
    let cash = (Charge, Purpose::Order, 10, Cash, Settled, 0);
    let back = |state| [cash, (Refund, Purpose::Return, 4, Cash, state, 1)];
    assert_eq!(told(Status::Delivered, Cash, 10, &[cash]), PaymentStatus::Paid);
    assert_eq!(told(Status::PickedUp, Cash, 10, &back(Booked)), PaymentStatus::RefundPending);
    assert_eq!(told(Status::Refunded, Cash, 10, &back(Settled)), PaymentStatus::PartiallyRefunded);
}

#[test]
fn a_refund_uses_up_online_charges_first_and_the_latest_first() {
    let edit = |amount, method, state| (Charge, Purpose::Edit, amount, method, state, 0);
    let ledger = ledger(&[
        charge(10, Settled),
        edit(4, Online, Settled),
        edit(5, Cash, Settled),
        edit(9, Online, Declined),
        (Refund, Purpose::Goodwill, 1, Online, Settled, 2),
        (Refund, Purpose::Goodwill, 2, Online, Review, 1),
        (Refund, Purpose::Goodwill, 3, Online, Declined, 1),
    ]);
    let shared = |amount| {
        let parts = ledger.share_out(usd(amount)).unwrap();
        parts.into_iter().map(|(n, method, part)| (n, method, part.minor())).collect::<Vec<_>>()
    };
    assert_eq!(shared(0), []);
    assert_eq!(shared(3), [(2, Online, 3)]);
    assert_eq!(shared(10), [(2, Online, 3), (1, Online, 7)]);
    assert_eq!(shared(16), [(2, Online, 3), (1, Online, 8), (3, Cash, 5)]);
    assert_eq!(ledger.left().unwrap(), usd(16));
    assert!(ledger.share_out(usd(17)).is_err(), "never more than is left");
}

/// The rule as the model of the money protocol has it, over plain rows.
fn as_the_model_says(status: Status, method: PaymentMethod, total: i64, rows: &[Row]) -> PaymentStatus {
    let live = status != Status::Cancelled;
    if rows.iter().any(|row| row.4 == Review) {
        return PaymentStatus::Review;
    }
    let wanted = |row: &Row| status == Status::Pending && method == Online && row.1 == Purpose::Order;
    let mut counted: Vec<(usize, Row)> = rows.iter().copied().enumerate().collect();
    if live {
        counted.retain(|(_, row)| !(row.0 == Charge && matches!(row.4, Booked | Sent) && !wanted(row)));
    }
    if live && method == Cash {
        let cash: Vec<usize> =
            counted.iter().filter(|(_, row)| row.0 == Charge && row.3 == Cash).map(|(i, _)| *i).collect();
        counted.retain(|(i, row)| cash.contains(i) || row.0 == Refund && cash.contains(&(row.5 as usize - 1)));
    }
    let has = |kind, states: &[EntryState]| counted.iter().any(|(_, row)| row.0 == kind && states.contains(&row.4));
    if has(Charge, &[Booked, Sent]) {
        return PaymentStatus::Processing;
    }
    if has(Refund, &[Booked, Sent]) {
        return PaymentStatus::RefundPending;
    }
    let settled = |which: &dyn Fn(&Row) -> bool| -> i64 {
        counted.iter().filter(|(_, row)| row.4 == Settled && which(row)).map(|(_, row)| row.2).sum()
    };
    let charged = settled(&|row| row.0 == Charge);
    let refunded = settled(&|row| row.0 == Refund);
    let edits = settled(&|row| row.0 == Refund && row.1 == Purpose::Edit);
    let given = settled(&|row| row.0 == Refund && matches!(row.1, Purpose::Goodwill | Purpose::Return));
    if charged > 0 && charged == refunded && !(live && edits == charged) {
        PaymentStatus::Refunded
    } else if given > 0 {
        PaymentStatus::PartiallyRefunded
    } else if total == 0 && live || charged - edits > 0 && charged - edits >= total {
        PaymentStatus::Paid
    } else if has(Charge, &[Declined]) {
        PaymentStatus::Declined
    } else {
        PaymentStatus::Unpaid
    }
}

/// Charges, then refunds of the settled ones, none beyond what its charge took.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    use prop::sample::select;
    let methods = || select(vec![Online, Online, Cash]);
    // A review ends the computation at once, so it is rare here.
    let states =
        || select(vec![Settled, Settled, Settled, Settled, Booked, Sent, Declined, Withdrawn, Settled, Review]);
    let charges = vec((select(vec![Purpose::Order, Purpose::Edit]), 1..4_i64, methods(), states()), 0..4);
    let purposes = select(vec![Purpose::Edit, Purpose::Cancel, Purpose::Return, Purpose::Goodwill]);
    let refunds = vec((purposes, 1..4_i64, states(), 0..4_usize), 0..5);
    (charges, refunds).prop_map(|(charges, refunds)| {
        let mut rows: Vec<Row> = charges
            .into_iter()
            .map(|(purpose, amount, method, state)| (Charge, purpose, amount, method, state, 0))
            .collect();
        let mut left: Vec<i64> = rows.iter().map(|row| if row.4 == Settled { row.2 } else { 0 }).collect();
        for (purpose, amount, state, of) in refunds {
            let Some(of) = (!left.is_empty()).then(|| of % left.len()) else { continue };
            let uses = !matches!(state, Declined | Withdrawn);
            let amount = if uses { amount.min(left[of]) } else { amount };
            if amount > 0 {
                left[of] -= if uses { amount } else { 0 };
                rows.push((Refund, purpose, amount, rows[of].3, state, u32::try_from(of + 1).unwrap()));
            }
        }
        rows
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_told_is_what_the_model_says(
        status in prop::sample::select(Status::ALL.to_vec()),
        method in prop::sample::select(vec![Online, Cash]),
        total in 0..6_i64,
        rows in rows(),
    ) {
        let expected = as_the_model_says(status, method, total, &rows);
        prop_assert_eq!(told(status, method, total, &rows), expected);
    }

    #[test]
    fn every_open_online_entry_has_a_next_step(
        status in prop::sample::select(Status::ALL.to_vec()),
        method in prop::sample::select(vec![Online, Cash]),
        rows in rows(),
        after in -10..30_i64,
    ) {
        use order_domain::payment::{Step, is_wanted};
        let (state, ledger) = (order(status, method, 5), ledger(&rows));
        for entry in ledger.entries().iter().filter(|entry| entry.method == Online) {
            let step = next_step(&state, &ledger, entry.n, &rules(), minutes(after)).unwrap();
            // The task of a charge in review that is waited for goes on as the timer of that.
            let timer = entry.state == Review && entry.kind == Charge && is_wanted(&state, entry);
            prop_assert_eq!(step != Step::Finish, matches!(entry.state, Booked | Sent) || timer);
            prop_assert!(entry.state == Booked || !matches!(step, Step::Withdraw | Step::Send));
        }
    }
}
