//! The audits find what was broken on purpose, and name it.

use order_domain::OrderId;
use order_domain::audit::{self, Violation};
use order_domain::order::{Command, OrderState, Status, Version};
use order_domain::payment::{Entry, EntryKind, EntryState, Ledger};

use crate::support::{Life, admin, an_order, cancel, customer, set_status, sums_of, usd};

fn events(life: &Life) -> Vec<(Version, Status)> {
    life.timeline.iter().map(|recorded| (recorded.seq, recorded.status)).collect()
}

fn named(found: &[Violation]) -> Vec<(u8, &str)> {
    found.iter().map(|violation| (violation.invariant, violation.what.as_str())).collect()
}

fn with(life: &Life, break_it: impl FnOnce(&mut OrderState)) -> OrderState {
    let mut state = life.order.state().clone();
    break_it(&mut state);
    state
}

/// The ledger with an entry as a tampered row would have it.
fn tampered(life: &Life, break_it: impl FnOnce(&mut Vec<Entry>)) -> Result<Ledger, String> {
    let mut entries = life.order.ledger().entries().to_vec();
    break_it(&mut entries);
    Ledger::restore(life.order.state().currency, entries).map_err(|error| error.0)
}

#[test]
fn an_order_as_it_should_be_is_clean() {
    for life in [an_order(), an_order().paid().delivered(), crate::support::a_cash_order().delivered()] {
        assert_eq!((life.audit(), life.owed()), (vec![], vec![]));
    }
}

#[test]
fn a_gap_in_the_timeline_is_named() {
    let life = an_order().paid().preparing();
    let mut events = events(&life);
    events[2].0 = 4;
    assert_eq!(named(&audit::timeline(life.order.state(), &events)), [(1, "event 3 is 4")]);
}

#[test]
fn a_version_that_is_not_the_number_of_events_is_named() {
    let life = an_order().paid();
    let ahead = with(&life, |state| state.version = 3);
    assert_eq!(named(&audit::timeline(&ahead, &events(&life))), [(1, "version 3 with 2 events")]);
    let lost = audit::timeline(life.order.state(), &events(&life)[..1]);
    assert_eq!(
        named(&lost),
        [(1, "version 2 with 1 events"), (6, "the order is Confirmed, its last event says Some(Pending)")]
    );
    assert!(lost.iter().all(|violation| violation.order == life.order.id()));
}

#[test]
fn a_step_that_is_no_row_of_the_table_is_named() {
    let life = an_order().paid();
    let delivered = with(&life, |state| state.status = Status::Delivered);
    let mut leapt = events(&life);
    leapt[1].1 = Status::Delivered;
    assert_eq!(named(&audit::timeline(&delivered, &leapt)), [(6, "Some(Pending) was followed by Delivered")]);
    let mut begun = events(&life);
    begun[0].1 = Status::Confirmed;
    assert_eq!(named(&audit::timeline(life.order.state(), &begun)), [(6, "None was followed by Confirmed")]);
}

#[test]
fn a_key_that_stands_for_two_orders_is_named_and_so_is_an_order_under_two_keys() {
    let id = |n| OrderId::new(n).unwrap();
    assert_eq!(audit::keys(&[([1; 32], id(1)), ([2; 32], id(2)), ([1; 32], id(1))]), []);
    let what = "a key stands for two orders, or two keys for one";
    let twice = audit::keys(&[([1; 32], id(1)), ([1; 32], id(2))]);
    assert_eq!((named(&twice), twice[0].order), (vec![(2, what)], id(2)));
    assert_eq!(named(&audit::keys(&[([1; 32], id(1)), ([2; 32], id(1))])), [(2, what)]);
}

#[test]
fn sums_of_the_order_that_do_not_add_up_are_named() {
    let life = an_order().paid();
    let stored = life.stored_sums();
    let found = |break_it: &dyn Fn(&mut OrderState)| {
        let state = with(&life, break_it);
        audit::sums(&state, life.order.ledger(), stored).into_iter().map(|v| (v.invariant, v.what)).collect::<Vec<_>>()
    };
    let wrong = |what: &str| vec![(3, format!("order 7: {what}"))];
    assert_eq!(found(&|state| state.subtotal = usd(599)), wrong("the lines do not add up to the subtotal"));
    assert_eq!(found(&|state| state.lines[0].net = usd(597)), wrong("the nets do not add up to subtotal - discount"));
    assert_eq!(found(&|state| state.discount = usd(1)), wrong("the nets do not add up to subtotal - discount"));
    assert_eq!(found(&|state| state.total = usd(1097)), wrong("total is not subtotal - discount + fee"));
    assert_eq!(found(&|state| state.lines.clear()), wrong("no lines"));
    assert_eq!(found(&|state| state.status = Status::Cancelled), wrong("the status and the cancellation disagree"));
    let below_nothing = |state: &mut OrderState| {
        (state.discount, state.lines[0].net, state.total) = (usd(600), usd(-2), usd(498));
    };
    assert_eq!(found(&below_nothing), wrong("the discount is above the subtotal"));
    let negative_fee = |state: &mut OrderState| (state.delivery_fee, state.total) = (usd(-1), usd(597));
    assert_eq!(found(&negative_fee), wrong("total is not subtotal - discount + fee"));
}

#[test]
fn columns_that_differ_from_the_ledger_are_named() {
    let mut life = an_order().paid();
    life.when(&customer(), cancel());
    let right = life.stored_sums();
    for stored in [
        audit::StoredSums { charged: usd(1), ..right },
        audit::StoredSums { refunded: usd(1), ..right },
        audit::StoredSums { refund_held: usd(1), ..right },
    ] {
        let found = audit::sums(life.order.state(), life.order.ledger(), stored);
        let [Violation { invariant: 3, what, .. }] = found.as_slice() else { panic!("{found:?}") };
        assert!(what.starts_with("columns say charged") && what.ends_with("the ledger 10.98, 0.00, 10.98"), "{what}");
    }
}

#[test]
fn a_cancelled_order_that_keeps_money_is_named() {
    let mut life = an_order().paid();
    life.when(&customer(), cancel());
    let forgotten = tampered(&life, |entries| entries.truncate(1)).unwrap();
    assert_eq!(named(&audit::owed(life.order.state(), &forgotten)), [(10, "cancelled with 10.98 still kept")]);
    let declined = tampered(&life, |entries| entries[1].state = EntryState::Declined).unwrap();
    assert_eq!(named(&audit::owed(life.order.state(), &declined)), [(10, "cancelled with 10.98 still kept")]);
    let in_review = tampered(&life, |entries| entries[1].state = EntryState::Review).unwrap();
    assert_eq!(audit::owed(life.order.state(), &in_review), []);
    let part =
        tampered(&life, |entries| (entries[1].amount, entries[1].state) = (usd(500), EntryState::Review)).unwrap();
    assert_eq!(audit::owed(life.order.state(), &part), [], "a person looks at it");
}

#[test]
fn a_cancelled_order_with_a_charge_under_way_is_named() {
    let mut life = an_order().sent(1);
    life.when(&customer(), cancel());
    assert_eq!(named(&life.owed()), [(10, "cancelled with charge 1 sent")]);
    life.order.put_back(1, life.now).unwrap();
    assert_eq!(named(&life.owed()), [(10, "cancelled with charge 1 booked")]);
}

#[test]
fn an_unpaid_order_that_is_confirmed_is_named() {
    let life = an_order().paid();
    let unpaid = tampered(&life, |entries| entries[0].state = EntryState::Declined).unwrap();
    assert_eq!(named(&audit::owed(life.order.state(), &unpaid)), [(10, "confirmed with 0.00 paid of 10.98")]);
    let in_review = tampered(&life, |entries| entries[0].state = EntryState::Review).unwrap();
    let found = audit::owed(life.order.state(), &in_review);
    assert_eq!(named(&found), [(10, "confirmed with 0.00 paid of 10.98")], "a review excuses a cancelled order only");
    let mut cash = an_order();
    cash.when(&admin(), set_status(Status::Confirmed));
    assert_eq!(cash.owed(), [], "cash is paid at the door");
}

#[test]
fn a_ledger_that_can_not_be_true_is_no_ledger() {
    let mut life = an_order().paid();
    life.when(&customer(), cancel());
    let broken = |break_it: &dyn Fn(&mut Vec<Entry>)| tampered(&life, break_it).unwrap_err();
    assert_eq!(broken(&|entries| entries[1].n = 3), "entry 2 is missing");
    assert_eq!(broken(&|entries| entries[1].amount = usd(0)), "entry 2 is of 0.00 USD");
    assert_eq!(broken(&|entries| entries[1].amount = usd(1099)), "more than entry 1 took is returned");
    assert_eq!(broken(&|entries| entries[1].origin = None), "entry 2 is a refund of the wrong origin");
    assert_eq!(broken(&|entries| entries[0].state = EntryState::Sent), "entry 2 returns no settled charge");
    assert_eq!(broken(&|entries| entries[1].kind = EntryKind::Charge), "entry 2 is a charge of the wrong origin");
    let twice = |entries: &mut Vec<Entry>| {
        let again = Entry { n: 3, ..entries[1].clone() };
        entries.push(again);
    };
    assert_eq!(broken(&twice), "more than entry 1 took is returned");
}

#[test]
fn a_refund_is_never_more_than_what_is_left() {
    let mut life = an_order().paid();
    assert_eq!(life.order.ledger().share_out(usd(1098)).unwrap().len(), 1);
    assert!(life.order.ledger().share_out(usd(1099)).is_err());
    life.when(&customer(), cancel());
    assert!(life.order.ledger().share_out(usd(1)).is_err(), "all of it is held");
    assert_eq!(sums_of(life.order.ledger()).refund_held, usd(1098));
    assert!(life.asks(&customer(), Command::Take).is_err());
}
