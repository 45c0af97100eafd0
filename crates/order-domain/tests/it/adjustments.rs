//! What a new price does to money that is paid: the difference, the adjustment that stays open until it is settled, and
//! the way back.

use order_domain::Coordinates;
use order_domain::order::{Actor, Command, DeliveryChange, Event, Patch, Rejection, Status};
use order_domain::payment::{EntryState, PaymentStatus, Step};
use order_domain::ports::TaskKind;
use order_domain::time::Duration;
use rust_decimal::Decimal;

use crate::support::{
    Life, a_near_order, admin, an_order, cancel, customer, edit, goodwill, kinds, minutes, moved_north, north, rules,
    seconds, set_status, timed_out, usd, words,
};

/// 10.98 paid; a third apple for 3.49 is wanted: entry 2.
fn with_more_to_pay() -> Life {
    an_order().paid().edited(&[(1, 3)], &[(1, 349)])
}

fn moves(tenths: i64) -> Command {
    Command::ChangeDelivery(moved_north(tenths))
}

fn tells(instructions: &str) -> Command {
    let instructions = Patch::Set(words(instructions));
    Command::ChangeDelivery(DeliveryChange { instructions, ..DeliveryChange::default() })
}

fn is_as_placed(life: &Life) {
    let placed = an_order();
    assert_eq!((life.lines(), life.amounts()), (placed.lines(), placed.amounts()));
    assert_eq!(life.order.state().adjustment, None);
}

#[test]
fn more_is_charged_and_blocks_the_next_edit_and_the_shop() {
    let mut life = with_more_to_pay();
    assert_eq!(life.ledger()[1..], ["charge edit 3.49 online booked"]);
    assert_eq!(life.order.state().adjustment.as_ref().map(|open| open.charge), Some(2));
    assert_eq!(life.entry(2).key(life.order.id()), "order-7-edit-2");
    assert_eq!((life.payment_status(), life.next_step(2)), (PaymentStatus::Processing, Step::Send));
    assert!(life.has_task(TaskKind::Charge, Some(2)));
    assert_eq!(life.is_refused(&customer(), edit(&[(1, 1)], &[])), Rejection::AdjustmentOpen);
    assert_eq!(life.is_refused(&admin(), set_status(Status::Preparing)), Rejection::AdjustmentOpen);
    life = life.sent(2);
    let change = life.charge_settles(2);
    assert_eq!(life.story()[2..], ["edited by customer", "edit_paid by system"]);
    assert_eq!((kinds(&change), change.events[0].amount, change.relined), (vec![], Some(usd(349)), false));
    assert_eq!((&life.order.state().adjustment, life.payment_status()), (&None, PaymentStatus::Paid));
    assert_eq!(life.amounts(), (947, 0, 500, 1_447));
    life.is_whole_and_owes_nothing();
    assert_eq!(life.preparing().status(), Status::Preparing);
}

#[test]
fn what_it_costs_to_deliver_elsewhere_waits_for_an_open_adjustment() {
    let life = a_near_order().paid().edited(&[(1, 3)], &[(1, 349)]);
    assert_eq!(life.is_refused(&customer(), moves(1)), Rejection::AdjustmentOpen);
    assert!(life.asks(&customer(), Command::ChangeDelivery(moved_north(0))).unwrap().is_empty());
    let near = Coordinates::new(Decimal::new(1, 3), 0.into()).unwrap();
    let near = DeliveryChange { coordinates: Patch::Set(near), ..DeliveryChange::default() };
    assert!(!life.asks(&customer(), Command::ChangeDelivery(near)).unwrap().is_empty(), "the fee is the same there");
}

#[test]
fn a_difference_that_is_declined_leaves_the_order_as_it_was() {
    let mut life = with_more_to_pay().sent(2);
    let change = life.charge_is_declined(2);
    assert_eq!(life.story()[2..], ["edited by customer", "edit_reverted by system"]);
    is_as_placed(&life);
    assert_eq!(life.ledger()[1..], ["charge edit 3.49 online declined"]);
    assert_eq!((kinds(&change), change.relined), (vec![TaskKind::Notify], true), "the customer is told");
    assert_eq!((life.status(), life.payment_status()), (Status::Confirmed, PaymentStatus::Paid));
    life.is_whole_and_owes_nothing();
    assert_eq!(life.edited(&[(1, 1)], &[]).ledger()[2..], ["refund edit 2.99 online booked"]);
}

#[test]
fn a_difference_is_waited_for_as_long_as_an_order_from_the_edit_on() {
    let mut life = an_order().paid();
    life.now = minutes(100);
    let mut life = life.edited(&[(1, 3)], &[(1, 349)]);
    life.now = minutes(115) - Duration::from_secs(1);
    assert_eq!((life.next_step(2), life.is_refused(&Actor::System, timed_out(2))), (Step::Send, Rejection::NotOverdue));
    life.now = minutes(115);
    assert_eq!(life.next_step(2), Step::TimeOut);
    life.when(&Actor::System, timed_out(2));
    is_as_placed(&life);
    assert_eq!(life.ledger()[1..], ["charge edit 3.49 online withdrawn"]);
    assert_eq!((life.next_step(2), life.payment_status()), (Step::Finish, PaymentStatus::Paid));
    assert_eq!(life.is_refused(&Actor::System, timed_out(2)), Rejection::NotOverdue);
    life.is_whole_and_owes_nothing();
}

#[test]
fn what_a_late_charge_takes_for_an_edit_that_was_reverted_is_given_back_as_an_edits() {
    let mut life = with_more_to_pay().sent(2);
    life.now = minutes(15);
    life.when(&Actor::System, timed_out(2));
    is_as_placed(&life);
    assert_eq!((life.next_step(2), life.payment_status()), (Step::AskAgain, PaymentStatus::Paid));
    life.charge_settles(2);
    assert_eq!(life.story().last().unwrap(), "charge_settled by system");
    assert_eq!(life.ledger()[1..], ["charge edit 3.49 online settled", "refund edit 3.49 online booked"]);
    assert_eq!(life.entry(3).charge(), Some(2));
    life = life.sent(3);
    life.refund_settles(3);
    assert_eq!(life.payment_status(), PaymentStatus::Paid, "never charged, as far as the customer knows");
    life.is_whole_and_owes_nothing();
    // Nor does it count for the next edit.
    assert_eq!(life.edited(&[(1, 3)], &[(1, 349)]).ledger()[3..], ["charge edit 3.49 online booked"]);
}

#[test]
fn a_charge_of_a_reverted_edit_that_never_left_is_withdrawn() {
    let mut life = with_more_to_pay().sent(2);
    life.now = minutes(15);
    life.when(&Actor::System, timed_out(2));
    life.order.put_back(2, life.now).unwrap();
    assert_eq!(life.next_step(2), Step::Withdraw);
    life.when(&Actor::System, Command::WithdrawCharge { entry: 2 });
    life.is_whole_and_owes_nothing();
    assert_eq!(life.story().last().unwrap(), "charge_withdrawn by system");
}

#[test]
fn a_charge_for_a_reverted_edit_says_nothing_of_the_one_that_is_open_now() {
    let mut life = with_more_to_pay().sent(2);
    life.now = minutes(15);
    life.when(&Actor::System, timed_out(2));
    let mut life = life.edited(&[(1, 4)], &[(1, 100)]);
    assert_eq!(life.ledger()[2..], ["charge edit 2.00 online booked"]);
    life.charge_settles(2);
    assert_eq!(life.order.state().adjustment.as_ref().map(|open| open.charge), Some(3), "it is open still");
    assert_eq!(life.ledger()[3..], ["refund edit 3.49 online booked"]);
    let mut life = life.sent(3);
    life.charge_is_declined(3);
    is_as_placed(&life);
    life.is_whole_and_owes_nothing();
}

#[test]
fn cancelling_closes_an_adjustment_and_the_total_stays_as_edited() {
    let mut life = with_more_to_pay();
    life.when(&customer(), cancel());
    assert_eq!((&life.order.state().adjustment, life.amounts().3), (&None, 1_447));
    let booked = ["charge edit 3.49 online withdrawn", "refund cancel 10.98 online booked"];
    assert_eq!(life.ledger()[1..], booked);
    life.is_whole_and_owes_nothing();

    let mut life = with_more_to_pay().sent(2);
    life.when(&customer(), cancel());
    life.charge_settles(2);
    let given =
        ["charge edit 3.49 online settled", "refund cancel 10.98 online booked", "refund cancel 3.49 online booked"];
    assert_eq!(life.ledger()[1..], given);
    assert_eq!((life.entry(3).charge(), life.entry(4).charge()), (Some(1), Some(2)));
    life.is_whole_and_owes_nothing();

    let mut life = with_more_to_pay().sent(2);
    life.when(&admin(), cancel());
    life.charge_is_declined(2);
    assert_eq!(life.story().last().unwrap(), "charge_declined by system", "there is nothing to revert");
    assert_eq!(life.amounts().3, 1_447);
}

#[test]
fn less_is_given_back_and_blocks_nothing() {
    let life = an_order().paid().edited(&[(1, 1)], &[]);
    assert_eq!(life.ledger()[1..], ["refund edit 2.99 online booked"]);
    let Event::Edited(edited) = &life.timeline.last().unwrap().event else { panic!("an edit") };
    assert_eq!((edited.new.difference, &life.order.state().adjustment), (usd(-299), &None));
    assert_eq!(life.payment_status(), PaymentStatus::RefundPending);
    // What is on its way back was never paid, as far as the next edit knows.
    let again = life.clone().sent(2).edited(&[(1, 2)], &[(1, 299)]);
    assert_eq!(again.ledger()[2..], ["charge edit 2.99 online booked"]);
    let mut life = life.preparing().sent(2);
    life.refund_settles(2);
    assert_eq!(life.payment_status(), PaymentStatus::Paid);
    life.is_whole_and_owes_nothing();
}

#[test]
fn what_costs_the_same_moves_nothing() {
    let mut life = an_order().paid();
    let change = life.when(&customer(), edit(&[(2, 2)], &[(2, 299)]));
    assert_eq!((change.booked.len(), change.tasks.len(), change.relined), (0, 0, true));
    assert_eq!((&life.order.state().adjustment, life.payment_status()), (&None, PaymentStatus::Paid));
}

/// 10.98 charged, 2.00 of it given back out of kindness: the kindness is no price.
#[test]
fn goodwill_is_no_part_of_the_price() {
    let mut life = an_order().paid();
    life.when(&admin(), goodwill(200));
    let life = life.edited(&[(1, 1)], &[]);
    assert_eq!(life.ledger()[2..], ["refund edit 2.99 online booked"], "all of the difference");
    let life = life.edited(&[(1, 3)], &[(1, 299)]);
    assert_eq!(life.ledger()[3..], ["charge edit 5.98 online booked"], "13.97 - (10.98 - 2.99)");
}

/// 10.98 charged, 9.00 given back out of kindness: of a difference of 2.99, 1.98 is left.
#[test]
fn what_was_given_back_is_not_given_back_again() {
    let mut life = an_order().paid();
    life.when(&admin(), goodwill(900));
    let life = life.edited(&[(1, 1)], &[]);
    assert_eq!(life.ledger()[2..], ["refund edit 1.98 online booked"]);
    let Event::Edited(edited) = &life.timeline.last().unwrap().event else { panic!("an edit") };
    assert_eq!(edited.new.difference, usd(-198), "what the customer gets back");
    life.is_whole_and_owes_nothing();
    let up = life.clone().edited(&[(1, 2)], &[(1, 299)]);
    assert_eq!(up.ledger()[3..], ["charge edit 1.98 online booked"], "10.98 - (10.98 - 1.98)");
    let mut nothing = an_order().paid();
    nothing.when(&admin(), goodwill(1_098));
    let change = nothing.when(&customer(), edit(&[(1, 1)], &[]));
    assert_eq!(change.booked, [0; 0], "a refund of nothing is not booked");
}

#[test]
fn the_charge_that_was_taken_last_is_given_back_first() {
    let life = with_more_to_pay().paid_up().edited(&[(1, 1)], &[]);
    assert_eq!(life.ledger()[2..], ["refund edit 3.49 online booked", "refund edit 2.99 online booked"]);
    assert_eq!((life.entry(3).charge(), life.entry(4).charge()), (Some(2), Some(1)));
}

#[test]
fn a_declined_refund_of_an_edit_is_repeated_as_an_edits_and_counts_once() {
    let mut life = an_order().paid().edited(&[(1, 1)], &[]).sent(2);
    life.refund_is_declined(2);
    assert_eq!(life.ledger()[1..], ["refund edit 2.99 online declined", "refund edit 2.99 online booked"]);
    assert_eq!(life.edited(&[(1, 2)], &[(1, 299)]).ledger()[3..], ["charge edit 2.99 online booked"]);
}

#[test]
fn a_farther_place_is_charged_and_if_that_fails_the_order_goes_where_it_went() {
    let mut life = a_near_order().paid();
    let before = life.order.state().clone();
    let wish = DeliveryChange {
        address: Some(words("9 Far St")),
        instructions: Patch::Set(words("the red gate")),
        ..moved_north(1)
    };
    let change = life.when(&customer(), Command::ChangeDelivery(wish));
    assert_eq!(life.story()[2..], ["address_changed by customer", "instructions_changed by customer"]);
    assert_eq!((life.ledger()[1].as_str(), life.amounts()), ("charge edit 4.00 online booked", (598, 0, 700, 1_298)));
    assert_eq!((change.events[0].amount, life.payment_status()), (None, PaymentStatus::Processing));
    let there = life.order.state();
    assert_eq!((there.destination.address.as_str(), there.destination.coordinates), ("9 Far St", Some(north(1))));
    let mut paid = life.clone().sent(2);
    paid.charge_settles(2);
    assert_eq!(paid.order.state().destination.address.as_str(), "9 Far St");
    paid.is_whole_and_owes_nothing();

    let mut life = life.sent(2);
    life.charge_is_declined(2);
    let after = life.order.state();
    assert_eq!(after.destination, before.destination);
    assert_eq!(after.terms.fee.distance_km, before.terms.fee.distance_km);
    assert_eq!(after.instructions, before.instructions, "they were for the other place");
    assert_eq!(life.amounts(), (598, 0, 300, 898));
    life.is_whole_and_owes_nothing();
    // The next edit is priced for where it goes again.
    assert_eq!(life.edited(&[(1, 1)], &[]).amounts(), (299, 0, 300, 599));
}

#[test]
fn a_nearer_place_is_given_back() {
    let mut life = a_near_order();
    life.when(&customer(), moves(1));
    let mut life = life.paid_up();
    life.when(&admin(), moves(0));
    assert_eq!(life.ledger()[2..], ["refund edit 4.00 online booked"]);
    assert_eq!((life.amounts(), &life.order.state().adjustment), ((598, 0, 300, 898), &None));
    life.is_whole_and_owes_nothing();
}

/// Only what an adjustment changed goes with it.
#[test]
fn what_was_changed_beside_an_open_adjustment_stays_when_that_is_reverted() {
    let mut life = with_more_to_pay();
    let elsewhere = DeliveryChange { address: Some(words("2 Main St")), ..DeliveryChange::default() };
    life.when(&customer(), Command::ChangeDelivery(elsewhere));
    life.when(&customer(), tells("mind the dog"));
    life.when(&admin(), Command::Assign { courier: crate::support::user("bob") });
    let mut life = life.sent(2);
    life.charge_is_declined(2);
    is_as_placed(&life);
    let state = life.order.state();
    assert_eq!((state.destination.address.as_str(), &state.instructions), ("2 Main St", &Some(words("mind the dog"))));
    assert!(state.courier.is_some());

    let mut life = a_near_order().paid();
    life.when(&customer(), moves(1));
    life.when(&customer(), tells("mind the dog"));
    life.when(&customer(), moves_a_little());
    let mut life = life.sent(2);
    life.charge_is_declined(2);
    assert_eq!(life.order.state().destination.coordinates, Some(north(0)), "the place it was paid for");
    assert_eq!(life.order.state().instructions, Some(words("mind the dog")));
}

/// From 11.1 km to 12.2 km: the same band.
fn moves_a_little() -> Command {
    let place = Coordinates::new(Decimal::new(11, 2), 0.into()).unwrap();
    Command::ChangeDelivery(DeliveryChange { coordinates: Patch::Set(place), ..DeliveryChange::default() })
}

#[test]
fn an_adjustment_whose_charge_is_in_review_waits_for_its_time_and_no_longer() {
    let mut life = with_more_to_pay().in_review(2);
    assert_eq!(life.payment_status(), PaymentStatus::Review);
    assert_eq!(life.next_step(2), Step::WaitUntil(minutes(15)), "its task goes on as the timer");
    life.now = minutes(15);
    assert_eq!(life.next_step(2), Step::TimeOut);
    life.when(&Actor::System, timed_out(2));
    is_as_placed(&life);
    assert_eq!(
        (life.entry(2).state, life.next_step(2)),
        (EntryState::Review, Step::Finish),
        "a person looks all the same"
    );
    assert_eq!(life.payment_status(), PaymentStatus::Review);
}

#[test]
fn an_edit_happens_no_earlier_than_what_was_before_and_waits_from_then() {
    let mut life = an_order().paid();
    life.now = seconds(600);
    life.when(&admin(), goodwill(1));
    life.now = seconds(-60);
    let life = life.edited(&[(1, 3)], &[(1, 349)]);
    assert_eq!(life.entry(3).created_at, seconds(600));
    assert_eq!(order_domain::payment::overdue_at(life.order.state(), life.entry(3), &rules()), seconds(1_500));
}
