//! An admin says what has become of a payment: every kind of entry, every outcome, and what follows as if the payment
//! service had said it.

use order_domain::order::Outcome::{ByHand, NotSettled, Settled};
use order_domain::order::{Actor, CancelCode, Command, Outcome, Rejection, Status};
use order_domain::payment::{EntryState, Origin, PaymentStatus, Purpose, Step};
use order_domain::ports::TaskKind;
use order_domain::{PaymentMethod, Text};

use crate::support::{
    Life, a_cash_order, admin, an_order, cancel, courier, customer, goodwill, kinds, minutes, resolve, set_status,
    timed_out, usd,
};

fn says(life: &Life, n: u32, outcome: Outcome) -> Life {
    let mut life = life.clone();
    life.when(&admin(), resolve(n, outcome));
    life.is_whole_and_owes_nothing();
    life
}

/// Paid, and 4.00 of goodwill whose refund, entry 2, is in review.
fn a_refund_in_review() -> Life {
    let mut life = an_order().paid();
    life.when(&admin(), goodwill(400));
    life.in_review(2)
}

#[test]
fn the_charge_that_a_pending_order_waits_for_confirms_or_cancels_it() {
    let life = an_order().in_review(1);
    let paid = says(&life, 1, Settled);
    assert_eq!(paid.story()[1..], ["charge_in_review by system", "resolved by admin", "confirmed by system"]);
    assert_eq!((paid.payment_status(), paid.entry(1).transaction_id.clone()), (PaymentStatus::Paid, None));
    assert_eq!(paid.task_kinds()[1..], [TaskKind::ClearCart, TaskKind::Notify]);
    let words = paid.timeline[2].event.note().map(Text::as_str);
    assert_eq!(
        (words, paid.timeline[2].amount, paid.timeline[3].amount),
        (Some("the payment service shows it"), None, Some(usd(1_098)))
    );

    let declined = says(&life, 1, NotSettled);
    assert_eq!(declined.story()[2..], ["resolved by admin", "cancelled by system"]);
    let code = declined.order.state().cancellation.as_ref().map(|cancelled| cancelled.code);
    assert_eq!((code, declined.payment_status()), (Some(CancelCode::PaymentDeclined), PaymentStatus::Declined));
    assert_eq!(declined.ledger(), ["charge order 10.98 online declined"]);
}

#[test]
fn the_charge_of_an_open_adjustment_closes_it() {
    let life = an_order().paid().edited(&[(1, 3)], &[(1, 349)]).in_review(2);
    let paid = says(&life, 2, Settled);
    assert_eq!(paid.events()[3..], ["charge_in_review", "resolved", "edit_paid"]);
    assert_eq!((paid.amounts().3, paid.payment_status()), (1_447, PaymentStatus::Paid));
    let reverted = says(&life, 2, NotSettled);
    assert_eq!(reverted.events()[3..], ["charge_in_review", "resolved", "edit_reverted"]);
    assert_eq!((reverted.amounts().3, reverted.entry(2).state), (1_098, EntryState::Declined));
}

#[test]
fn a_charge_that_nobody_waits_for_any_more_is_given_back_or_was_nothing() {
    let mut cancelled = an_order().in_review(1);
    cancelled.when(&customer(), cancel());
    assert_eq!(cancelled.ledger(), ["charge order 10.98 online review"], "a cancellation waits for nobody");
    let mut overdue = an_order().in_review(1);
    overdue.now = minutes(15);
    overdue.when(&Actor::System, timed_out(1));
    for life in [cancelled, overdue] {
        let back = says(&life, 1, Settled);
        assert_eq!(back.ledger()[1..], ["refund cancel 10.98 online booked"]);
        assert_eq!((back.entry(2).charge(), back.events().last()), (Some(1), Some(&"charge_settled")));
        let nothing = says(&life, 1, NotSettled);
        assert_eq!((nothing.ledger().len(), nothing.payment_status()), (1, PaymentStatus::Declined));
    }
    let mut reverted = an_order().paid().edited(&[(1, 3)], &[(1, 349)]).in_review(2);
    reverted.now = minutes(15);
    reverted.when(&Actor::System, timed_out(2));
    assert_eq!(says(&reverted, 2, Settled).ledger()[2..], ["refund edit 3.49 online booked"]);
    let mut as_cash = an_order().in_review(1);
    as_cash.when(&admin(), set_status(Status::Confirmed));
    let back = says(&as_cash, 1, Settled);
    assert_eq!(back.ledger()[1..], ["refund cancel 10.98 online booked"]);
    assert_eq!((back.payment_status(), back.order.amount_to_collect()), (PaymentStatus::Unpaid, usd(1_098)));
}

#[test]
fn a_refund_has_settled_was_paid_by_hand_or_is_tried_anew() {
    let life = a_refund_in_review();
    assert_eq!((life.next_step(2), life.payment_status()), (Step::Finish, PaymentStatus::Review));
    let settled = says(&life, 2, Settled);
    assert_eq!(settled.events()[3..], ["refund_in_review", "resolved", "refund_settled"]);
    assert_eq!(settled.ledger()[1..], ["refund goodwill 4.00 online settled"]);
    let by_hand = says(&life, 2, ByHand);
    assert_eq!(by_hand.ledger()[1..], ["refund goodwill 4.00 cash settled"], "whatever was meant");
    for life in [settled, by_hand] {
        assert_eq!(
            (life.payment_status(), life.order.ledger().left()),
            (PaymentStatus::PartiallyRefunded, Ok(usd(698)))
        );
    }
    let mut life = life;
    life.now = minutes(50);
    let change = life.when(&admin(), resolve(2, NotSettled));
    assert_eq!(life.ledger()[1..], ["refund goodwill 4.00 online declined", "refund goodwill 4.00 online booked"]);
    assert_eq!(life.entry(3).origin, Some(Origin { charge: 1, repeats: Some(2), declines: 0 }));
    let [task] = change.tasks.as_slice() else { panic!("one task: {:?}", change.tasks) };
    assert_eq!((task.kind, task.entry, task.due), (TaskKind::Refund, Some(3), minutes(50)));
    assert_eq!(life.order.ledger().refund_held(), Ok(usd(400)), "what is owed stays held");
}

/// Five more, not one more.
#[test]
fn a_refund_that_is_tried_anew_counts_its_declines_anew() {
    let mut life = an_order().paid();
    life.when(&admin(), goodwill(400));
    for first in [2, 7] {
        for n in first..first + 5 {
            assert_eq!(life.entry(n).origin.map(|origin| origin.declines), Some(n - first));
            life = life.sent(n);
            life.refund_is_declined(n);
            let fifth = n == first + 4;
            assert_eq!(life.entry(n).state, if fifth { EntryState::Review } else { EntryState::Declined });
        }
        life.when(&admin(), resolve(first + 4, NotSettled));
    }
    assert!(life.order.ledger().entries()[1..].iter().all(|entry| entry.purpose == Purpose::Goodwill));
    life.is_whole_and_owes_nothing();
}

#[test]
fn a_refund_in_cash_stays_booked_until_an_admin_says_that_it_was_handed_over() {
    let mut life = a_cash_order().delivered();
    let change = life.when(&admin(), goodwill(300));
    assert_eq!((life.ledger()[1].as_str(), kinds(&change)), ("refund goodwill 3.00 cash booked", vec![]));
    assert_eq!((life.next_step(2), life.payment_status()), (Step::Finish, PaymentStatus::RefundPending));
    assert_eq!(
        life.is_refused(&admin(), resolve(2, NotSettled)),
        Rejection::OutcomeNotPossible { outcome: NotSettled }
    );
    for outcome in [Settled, ByHand] {
        let given = says(&life, 2, outcome);
        assert_eq!(
            (given.ledger()[1].as_str(), given.events().last()),
            ("refund goodwill 3.00 cash settled", Some(&"refund_settled"))
        );
        assert_eq!(given.payment_status(), PaymentStatus::PartiallyRefunded);
        assert_eq!(given.entry(2).method, PaymentMethod::Cash);
    }
}

#[test]
fn nobodys_word_is_needed_for_what_is_not_in_review() {
    let not_in_review = |entry, state| Rejection::NotInReview { entry, state };
    let refused = |life: &Life, n| {
        let [first, second, third] = Outcome::ALL.map(|outcome| life.is_refused(&admin(), resolve(n, outcome)));
        assert!(first == second && second == third);
        first
    };
    let mut life = an_order();
    assert_eq!(refused(&life, 1), not_in_review(1, EntryState::Booked));
    life = life.sent(1);
    assert_eq!(refused(&life, 1), not_in_review(1, EntryState::Sent), "a call may be under way");
    let mut declined = life.clone();
    declined.charge_is_declined(1);
    assert_eq!(refused(&declined, 1), not_in_review(1, EntryState::Declined));
    life.charge_settles(1);
    assert_eq!(refused(&life, 1), not_in_review(1, EntryState::Settled));
    life.when(&admin(), goodwill(400));
    assert_eq!(refused(&life, 2), not_in_review(2, EntryState::Booked), "an online refund has a task");
    assert_eq!(refused(&an_order().moved_to(Status::Confirmed), 1), not_in_review(1, EntryState::Withdrawn));
    for n in [0, 3] {
        assert_eq!(refused(&life, n), Rejection::NoSuchEntry { entry: n });
    }
    let once = says(&a_refund_in_review(), 2, ByHand);
    assert_eq!(refused(&once, 2), not_in_review(2, EntryState::Settled), "the first word counts");
}

#[test]
fn a_charge_is_never_paid_by_hand() {
    let refused = an_order().in_review(1).is_refused(&admin(), resolve(1, ByHand));
    assert_eq!(refused, Rejection::OutcomeNotPossible { outcome: ByHand });
}

#[test]
fn only_admins_say_what_has_become_of_a_payment() {
    let life = an_order().given_to("bob").in_review(1);
    for who in [customer(), courier(), Actor::System] {
        assert_eq!(life.is_refused(&who, resolve(1, Settled)), Rejection::NotYours, "{who:?}");
    }
}

#[test]
fn a_late_answer_changes_nothing_of_what_a_person_looks_at_or_has_said() {
    let answers = |n| {
        let transaction_id = "tx".to_owned();
        [Command::ChargeSettled { entry: n, transaction_id }, Command::ChargeDeclined { entry: n }]
    };
    let review = an_order().in_review(1);
    let said = says(&review, 1, Settled);
    for (life, state) in [(review, EntryState::Review), (said, EntryState::Settled)] {
        for late in answers(1) {
            assert_eq!(life.is_refused(&Actor::System, late), Rejection::EntryMoved { entry: 1, state });
        }
    }
}

#[test]
fn outcomes_have_names() {
    for outcome in Outcome::ALL {
        assert_eq!(Outcome::from_name(outcome.name()), Some(outcome));
    }
    assert_eq!(Outcome::ALL.map(Outcome::name), ["settled", "by_hand", "not_settled"]);
    assert_eq!(Outcome::from_name("Settled"), None);
}
