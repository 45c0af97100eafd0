//! Payments of which nothing is heard: until when they are asked for again, and when a person looks.
//!
//! The payment service keeps a key for `PAYMENT_KEY_TTL`, 24 h from the first call: no call is made in the last hour of
//! it, and a person looks when it is over. Nor is one made after eight answers that are neither yes nor no: a person
//! looks an hour after the last of them.

use order_domain::order::{Actor, Command, Order, Rejection, Status};
use order_domain::payment::{Entry, EntryState, Ledger, Step};
use order_domain::time::{Duration, Timestamp};
use order_domain::{EntryNo, Rules};

use crate::support::{Life, admin, an_order, cancel, customer, goodwill, minutes, rules, seconds, timed_out};

const HOUR: i64 = 60;

/// Cancelled while its charge was sent at noon: nobody waits for it.
fn cancelled_while_sent() -> Life {
    let mut life = an_order().sent(1);
    life.when(&customer(), cancel());
    life
}

fn step_at(life: &Life, n: EntryNo, now: Timestamp) -> Step {
    Life { now, ..life.clone() }.next_step(n)
}

/// With what tries have left on entry `n`.
fn with(mut life: Life, n: EntryNo, refusals: u32, refused_at: Option<Timestamp>) -> Life {
    let mut entries: Vec<Entry> = life.order.ledger().entries().to_vec();
    let entry = &mut entries[n as usize - 1];
    (entry.refusals, entry.refused_at) = (refusals, refused_at);
    let ledger = Ledger::restore(life.order.state().currency, entries).unwrap();
    life.order = Order::restore(life.order.state().clone(), ledger).unwrap();
    life
}

#[test]
fn no_call_is_made_in_the_last_hour_of_a_key_and_a_person_looks_when_that_is_over() {
    let life = cancelled_while_sent();
    let just = Duration::from_micros(1);
    assert_eq!(step_at(&life, 1, minutes(0)), Step::AskAgain);
    assert_eq!(step_at(&life, 1, minutes(23 * HOUR) - just), Step::AskAgain);
    for quiet in [minutes(23 * HOUR), minutes(24 * HOUR) - just] {
        assert_eq!(step_at(&life, 1, quiet), Step::WaitUntil(minutes(24 * HOUR)));
    }
    assert_eq!(step_at(&life, 1, minutes(24 * HOUR)), Step::Review);
    assert_eq!(step_at(&life, 1, minutes(1_000 * HOUR)), Step::Review);
}

#[test]
fn a_key_lives_from_its_first_call_on() {
    let mut life = an_order();
    life.now = minutes(5);
    let mut life = life.sent(1);
    life.when(&customer(), cancel());
    assert_eq!(step_at(&life, 1, minutes(23 * HOUR + 4)), Step::AskAgain);
    assert_eq!(step_at(&life, 1, minutes(23 * HOUR + 5)), Step::WaitUntil(minutes(24 * HOUR + 5)));
    // A call that never arrived is none: its key is new.
    let mut life = an_order().sent(1);
    life.order.put_back(1, minutes(3)).unwrap();
    life.now = minutes(7);
    let mut life = life.sent(1);
    life.when(&customer(), cancel());
    assert_eq!(step_at(&life, 1, minutes(23 * HOUR + 6)), Step::AskAgain);
    assert_eq!(step_at(&life, 1, minutes(24 * HOUR + 7)), Step::Review);
}

#[test]
fn eight_refusals_are_enough_and_a_person_looks_an_hour_after_the_last() {
    let at = minutes(20);
    let life = cancelled_while_sent();
    assert_eq!(step_at(&with(life.clone(), 1, 7, Some(at)), 1, minutes(22 * HOUR)), Step::AskAgain);
    for refusals in [8, 9] {
        let refused = with(life.clone(), 1, refusals, Some(at));
        assert_eq!(step_at(&refused, 1, at), Step::WaitUntil(minutes(20 + HOUR)));
        assert_eq!(step_at(&refused, 1, minutes(20 + HOUR)), Step::Review);
    }
    // Whichever of the two ends the calls first.
    let late = with(life, 1, 8, Some(minutes(23 * HOUR + 30)));
    assert_eq!(step_at(&late, 1, minutes(23 * HOUR + 30)), Step::WaitUntil(minutes(24 * HOUR)));
}

/// Eight refusals within a minute: the order is cancelled in time all the same, and the entry followed on.
#[test]
fn an_order_does_not_wait_for_the_quiet_hour_longer_than_for_its_money() {
    let refused = with(an_order().sent(1), 1, 8, Some(minutes(1)));
    assert_eq!(step_at(&refused, 1, minutes(1)), Step::WaitUntil(minutes(15)));
    let mut overdue = Life { now: minutes(15), ..refused };
    assert_eq!(overdue.next_step(1), Step::TimeOut);
    overdue.when(&Actor::System, timed_out(1));
    assert_eq!(overdue.next_step(1), Step::WaitUntil(minutes(1 + HOUR)));

    let edited = with(an_order().paid().edited(&[(1, 3)], &[(1, 349)]).sent(2), 2, 8, Some(minutes(1)));
    assert_eq!(step_at(&edited, 2, minutes(1)), Step::WaitUntil(minutes(15)));
}

#[test]
fn windows_are_shares_of_what_the_payment_service_promises() {
    let mut life = cancelled_while_sent();
    life.rules = Rules { payment_key_ttl: Duration::from_mins(48), payment_refusals: 2, ..rules() };
    assert_eq!(step_at(&life, 1, minutes(45)), Step::AskAgain);
    assert_eq!(step_at(&life, 1, minutes(46)), Step::WaitUntil(minutes(48)));
    assert_eq!(step_at(&life, 1, minutes(48)), Step::Review);
    let refused = with(life, 1, 2, Some(minutes(1)));
    assert_eq!(step_at(&refused, 1, minutes(2)), Step::WaitUntil(minutes(3)));
}

#[test]
fn a_refund_is_followed_in_the_same_way_and_waits_for_no_order() {
    let mut life = an_order().paid();
    life.when(&admin(), goodwill(400));
    let life = life.sent(2);
    assert_eq!(step_at(&life, 2, minutes(22 * HOUR)), Step::AskAgain, "a refund is never overdue");
    assert_eq!(step_at(&life, 2, minutes(23 * HOUR)), Step::WaitUntil(minutes(24 * HOUR)));
    let mut life = Life { now: minutes(24 * HOUR), ..life };
    assert_eq!(life.next_step(2), Step::Review);
    life.when(&Actor::System, Command::PutInReview { entry: 2 });
    assert_eq!((life.events().last(), life.next_step(2)), (Some(&"refund_in_review"), Step::Finish));
    assert_eq!(life.order.ledger().refund_held(), Ok(crate::support::usd(400)));
    life.is_whole_and_owes_nothing();
}

/// With a short promise of the payment service, a charge that an order waits for is in review before its time is over.
#[test]
fn a_charge_in_review_keeps_its_task_as_the_timer_of_what_waits_for_it() {
    let mut life = an_order().sent(1);
    life.rules = Rules { payment_key_ttl: Duration::from_mins(12), ..rules() };
    life.now = minutes(12);
    assert_eq!(life.next_step(1), Step::Review);
    life.when(&Actor::System, Command::PutInReview { entry: 1 });
    assert_eq!((life.status(), life.next_step(1)), (Status::Pending, Step::WaitUntil(minutes(15))));
    assert_eq!(life.is_refused(&Actor::System, timed_out(1)), Rejection::NotOverdue);
    life.now = minutes(15);
    assert_eq!(life.next_step(1), Step::TimeOut);
    life.when(&Actor::System, timed_out(1));
    assert_eq!((life.status(), life.next_step(1)), (Status::Cancelled, Step::Finish));
    assert_eq!(life.entry(1).state, EntryState::Review);
    life.is_whole_and_owes_nothing();
}

#[test]
fn only_what_was_sent_is_put_in_review() {
    let put = |n| Command::PutInReview { entry: n };
    let moved = |entry, state| Rejection::EntryMoved { entry, state };
    assert_eq!(an_order().is_refused(&Actor::System, put(1)), moved(1, EntryState::Booked));
    assert_eq!(an_order().paid().is_refused(&Actor::System, put(1)), moved(1, EntryState::Settled));
    assert_eq!(an_order().in_review(1).is_refused(&Actor::System, put(1)), moved(1, EntryState::Review));
    assert_eq!(an_order().sent(1).is_refused(&admin(), put(1)), Rejection::NotYours);
}

#[test]
fn a_charge_that_is_booked_waits_for_no_promise() {
    let mut life = an_order().paid();
    life.when(&admin(), goodwill(400));
    life.now = seconds(90 * 24 * 3_600);
    assert_eq!(life.next_step(2), Step::Send, "however long it has been booked: its key is not known yet");
}
