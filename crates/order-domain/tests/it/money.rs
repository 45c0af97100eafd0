//! Charges and refunds: what an answer of the payment service does, and what follows when it comes late.

use std::collections::BTreeSet;

use order_domain::PaymentMethod;
use order_domain::order::{Actor, CancelCode, Command, Event, Inconsistent, Order, Rejection, Status};
use order_domain::payment::{Entry, EntryState, Ledger, Origin, PaymentStatus, Purpose, Step};
use order_domain::ports::TaskKind;
use order_domain::time::Duration;

use crate::support::{Life, admin, an_order, cancel, courier, customer, kinds, minutes, set_status, usd, words};

fn settled(n: u32) -> Command {
    Command::ChargeSettled { entry: n, transaction_id: "tx".into() }
}

fn refund_settled(n: u32) -> Command {
    Command::RefundSettled { entry: n, transaction_id: "tx".into() }
}

fn refund_declined(n: u32) -> Command {
    Command::RefundDeclined { entry: n, again_in: Duration::from_secs(8) }
}

/// Paid and cancelled: its refund is entry 2.
fn cancelled_after_payment() -> Life {
    let mut life = an_order().paid();
    life.when(&customer(), cancel());
    life
}

#[test]
fn a_settled_charge_confirms_the_order_and_clears_the_cart() {
    let mut life = an_order().sent(1);
    let change = life.charge_settles(1);
    assert_eq!(life.story(), ["placed by customer", "confirmed by system"]);
    assert_eq!(life.ledger(), ["charge order 10.98 online settled"]);
    assert_eq!((change.base, change.moves.as_slice()), (Some(1), [(1, EntryState::Sent)].as_slice()));
    assert_eq!((change.booked.as_slice(), change.events[0].amount), ([].as_slice(), Some(usd(1098))));
    let [task, told] = change.tasks.as_slice() else { panic!("two tasks: {:?}", change.tasks) };
    assert_eq!((task.kind, task.entry, task.seq, task.ordinal), (TaskKind::ClearCart, None, 2, 0));
    assert_eq!((told.kind, told.entry, told.seq, told.ordinal), (TaskKind::Notify, None, 2, 1));
    assert_eq!((life.payment_status(), life.entry(1).transaction_id.as_deref()), (PaymentStatus::Paid, Some("tx-1")));
    assert_eq!((life.entry(1).attempts, life.entry(1).first_tried_at), (1, Some(minutes(0))));
    assert_eq!((life.next_step(1), life.owed()), (Step::Finish, vec![]));
}

#[test]
fn a_declined_charge_cancels_the_order_and_leaves_the_cart() {
    let mut life = an_order().sent(1);
    let change = life.charge_is_declined(1);
    assert_eq!(life.story(), ["placed by customer", "cancelled by system"]);
    let cancellation = life.order.state().cancellation.clone().unwrap();
    assert_eq!((cancellation.code, cancellation.by), (CancelCode::PaymentDeclined, Actor::System));
    assert_eq!(life.ledger(), ["charge order 10.98 online declined"]);
    assert_eq!((kinds(&change), life.payment_status()), (vec![TaskKind::Notify], PaymentStatus::Declined));
}

#[test]
fn cancelling_before_the_charge_is_sent_withdraws_it() {
    let mut life = an_order();
    let change = life.when(&customer(), cancel());
    assert_eq!(life.ledger(), ["charge order 10.98 online withdrawn"]);
    assert_eq!((change.moves.as_slice(), change.booked.len()), ([(1, EntryState::Booked)].as_slice(), 0));
    assert_eq!(kinds(&change), [TaskKind::Notify]);
    assert_eq!((life.next_step(1), life.payment_status()), (Step::Finish, PaymentStatus::Unpaid));
}

#[test]
fn cancelling_while_the_charge_is_sent_follows_it_and_gives_back_what_it_took() {
    let mut life = an_order().sent(1);
    life.when(&customer(), cancel());
    assert_eq!(life.ledger(), ["charge order 10.98 online sent"]);
    assert_eq!((life.next_step(1), life.payment_status()), (Step::AskAgain, PaymentStatus::Processing));
    let change = life.charge_settles(1);
    assert_eq!(life.story().last().unwrap(), "charge_settled by system");
    assert_eq!(life.ledger(), ["charge order 10.98 online settled", "refund cancel 10.98 online booked"]);
    assert_eq!(life.entry(2).origin, Some(Origin { charge: 1, repeats: None, declines: 0 }));
    let [task] = change.tasks.as_slice() else { panic!("one task: {:?}", change.tasks) };
    assert_eq!((task.kind, task.entry, task.due), (TaskKind::Refund, Some(2), life.now));
    assert_eq!((life.status(), life.payment_status()), (Status::Cancelled, PaymentStatus::RefundPending));
    let mut life = life.sent(2);
    let change = life.refund_settles(2);
    assert_eq!((change.events[0].amount, life.payment_status()), (Some(usd(1098)), PaymentStatus::Refunded));
    assert_eq!(life.owed(), []);
}

#[test]
fn cancelling_while_the_charge_is_sent_keeps_nothing_if_it_was_declined() {
    let mut life = an_order().sent(1);
    life.when(&customer(), cancel());
    life.charge_is_declined(1);
    assert_eq!(life.story().last().unwrap(), "charge_declined by system");
    assert_eq!(life.ledger(), ["charge order 10.98 online declined"]);
    let code = life.order.state().cancellation.as_ref().map(|cancellation| cancellation.code);
    assert_eq!(code, Some(CancelCode::CustomerRequest), "who cancelled first stays");
    assert_eq!(life.payment_status(), PaymentStatus::Declined);
}

#[test]
fn a_cancellation_decides_again_when_the_charge_settled_meanwhile() {
    let life = cancelled_after_payment();
    assert_eq!(life.story(), ["placed by customer", "confirmed by system", "cancelled by customer"]);
    assert_eq!(life.ledger(), ["charge order 10.98 online settled", "refund cancel 10.98 online booked"]);
    assert_eq!(life.order.ledger().left().unwrap(), usd(0));
    assert_eq!(life.order.ledger().refund_held().unwrap(), usd(1098));
    assert!(life.has_task(TaskKind::Refund, Some(2)));
}

#[test]
fn cancelling_from_every_later_status_refunds_exactly_what_was_taken() {
    for life in [an_order().paid(), an_order().paid().preparing(), an_order().paid().on_its_way()] {
        let mut life = life;
        life.when(&admin(), Command::Cancel { code: CancelCode::OutOfStock, reason: Some(words("no apples")) });
        assert_eq!(life.ledger()[1..], ["refund cancel 10.98 online booked"]);
        assert_eq!(life.owed(), []);
    }
}

#[test]
fn a_declined_refund_is_booked_again_under_the_next_key_and_stays_held() {
    let mut life = cancelled_after_payment().sent(2);
    let change = life.refund_is_declined(2);
    assert_eq!(life.ledger()[1..], ["refund cancel 10.98 online declined", "refund cancel 10.98 online booked"]);
    assert_eq!(life.entry(3).origin, Some(Origin { charge: 1, repeats: Some(2), declines: 1 }));
    assert_eq!(life.entry(3).key(life.order.id()), "order-7-cancel-3");
    assert_eq!(life.order.ledger().refund_held().unwrap(), usd(1098));
    let [task] = change.tasks.as_slice() else { panic!("one task: {:?}", change.tasks) };
    let due = life.now + secs(8);
    assert_eq!((task.kind, task.entry, task.due), (TaskKind::Refund, Some(3), due), "after its backoff");
    assert_eq!(life.timeline.last().unwrap().event, Event::RefundDeclined { entry: 2, again_at: due, declines: 1 });
    assert_eq!((life.payment_status(), life.next_step(2)), (PaymentStatus::RefundPending, Step::Finish));
}

#[test]
fn the_fifth_decline_in_a_row_puts_a_refund_in_review() {
    let mut life = cancelled_after_payment();
    for n in 2..=5 {
        life = life.sent(n);
        life.refund_is_declined(n);
    }
    let mut life = life.sent(6);
    let change = life.refund_is_declined(6);
    assert_eq!((change.booked.len(), change.tasks.len()), (0, 0));
    assert_eq!(life.story().last().unwrap(), "refund_in_review by system");
    assert_eq!(life.entry(6).state, EntryState::Review);
    assert_eq!((life.payment_status(), life.next_step(6)), (PaymentStatus::Review, Step::Finish));
    assert_eq!(life.order.ledger().refund_held().unwrap(), usd(1098), "what is owed stays held");
    assert_eq!((life.audit(), life.owed()), (vec![], vec![]));
}

#[test]
fn a_late_or_repeated_answer_moves_nothing() {
    let moved = |entry, state| Rejection::EntryMoved { entry, state };
    let mut life = an_order();
    assert_eq!(life.is_refused(&Actor::System, settled(1)), moved(1, EntryState::Booked));
    life = life.paid();
    for late in [settled(1), Command::ChargeDeclined { entry: 1 }] {
        assert_eq!(life.is_refused(&Actor::System, late), moved(1, EntryState::Settled));
    }
    life.when(&customer(), cancel());
    assert_eq!(life.is_refused(&Actor::System, refund_settled(2)), moved(2, EntryState::Booked));
    life = life.sent(2);
    life.refund_is_declined(2);
    for late in [refund_settled(2), refund_declined(2)] {
        assert_eq!(life.is_refused(&Actor::System, late), moved(2, EntryState::Declined));
    }
    life = life.sent(3);
    life.refund_settles(3);
    for late in [refund_settled(3), refund_declined(3)] {
        assert_eq!(life.is_refused(&Actor::System, late), moved(3, EntryState::Settled));
    }
}

#[test]
fn an_answer_to_a_refund_says_nothing_of_a_charge() {
    let charge_sent = an_order().sent(1);
    let refund_sent = cancelled_after_payment().sent(2);
    let overdue = Life { now: minutes(60), ..an_order().paid() };
    let mut refund_of_live = overdue.clone();
    refund_of_live.when(&customer(), cancel());
    let mixed_up = [
        (&charge_sent, refund_settled(1), "entry 1 is no refund"),
        (&charge_sent, refund_declined(1), "entry 1 is no refund"),
        (&refund_sent, settled(2), "entry 2 is no charge"),
        (&refund_sent, Command::ChargeDeclined { entry: 2 }, "entry 2 is no charge"),
        (&refund_sent, Command::WithdrawCharge { entry: 2 }, "entry 2 is no charge"),
        (&refund_of_live, Command::TimeOut { entry: 2 }, "entry 2 is no charge"),
        (&charge_sent, settled(9), "there is no entry 9"),
    ];
    for (life, command, why) in mixed_up {
        assert_eq!(life.asks(&Actor::System, command), Err(Inconsistent(why.into()).into()));
    }
}

#[test]
fn an_unpaid_order_is_cancelled_when_its_time_is_over() {
    let overdue = Command::TimeOut { entry: 1 };
    let mut life = an_order();
    life.now = minutes(15) - secs(1);
    assert_eq!(
        (life.next_step(1), life.is_refused(&Actor::System, overdue.clone())),
        (Step::Send, Rejection::NotOverdue)
    );
    life.now = minutes(15);
    assert_eq!(life.next_step(1), Step::TimeOut);
    life.when(&Actor::System, overdue.clone());
    let cancellation = life.order.state().cancellation.clone().unwrap();
    assert_eq!((cancellation.code, cancellation.at), (CancelCode::PaymentTimeout, minutes(15)));
    assert_eq!(life.ledger(), ["charge order 10.98 online withdrawn"]);
    assert_eq!(life.is_refused(&Actor::System, overdue), Rejection::NotOverdue);
}

#[test]
fn a_sent_charge_is_followed_beyond_the_timeout() {
    let mut life = an_order().sent(1);
    life.now = minutes(15);
    assert_eq!(life.next_step(1), Step::TimeOut);
    life.when(&Actor::System, Command::TimeOut { entry: 1 });
    assert_eq!((life.status(), life.next_step(1)), (Status::Cancelled, Step::AskAgain));
    life.charge_settles(1);
    assert_eq!(life.ledger(), ["charge order 10.98 online settled", "refund cancel 10.98 online booked"]);
}

#[test]
fn a_paid_order_is_never_overdue() {
    let life = Life { now: minutes(1000), ..an_order().paid() };
    assert_eq!(life.next_step(1), Step::Finish);
    assert_eq!(life.is_refused(&Actor::System, Command::TimeOut { entry: 1 }), Rejection::NotOverdue);
}

#[test]
fn confirming_as_cash_withdraws_a_booked_charge() {
    let mut life = an_order();
    let change = life.when(&admin(), set_status(Status::Confirmed));
    assert_eq!(life.story(), ["placed by customer", "confirmed by admin"]);
    assert_eq!(life.ledger(), ["charge order 10.98 online withdrawn"]);
    assert_eq!(life.order.state().payment_method, PaymentMethod::Cash);
    assert_eq!((life.payment_status(), life.order.amount_to_collect()), (PaymentStatus::Unpaid, usd(1098)));
    assert_eq!(kinds(&change), [TaskKind::ClearCart, TaskKind::Notify]);
}

#[test]
fn confirming_as_cash_while_the_charge_is_sent_gives_its_money_back() {
    let mut life = an_order().sent(1);
    life.when(&admin(), set_status(Status::Confirmed));
    assert_eq!((life.next_step(1), life.payment_status()), (Step::AskAgain, PaymentStatus::Unpaid));
    life.charge_settles(1);
    assert_eq!(life.ledger(), ["charge order 10.98 online settled", "refund cancel 10.98 online booked"]);
    assert_eq!((life.status(), life.payment_status()), (Status::Confirmed, PaymentStatus::Unpaid), "cash only counts");
    life = life.sent(2);
    life.refund_settles(2);
    life = life.on_its_way().moved_to(Status::Delivered);
    assert_eq!(life.ledger()[2..], ["charge order 10.98 cash settled"]);
    assert_eq!((life.payment_status(), life.audit(), life.owed()), (PaymentStatus::Paid, vec![], vec![]));
}

#[test]
fn a_cash_order_that_is_cancelled_gives_a_stray_charge_back_once() {
    let mut life = an_order().sent(1);
    life.when(&admin(), set_status(Status::Confirmed));
    life.charge_settles(1);
    life.when(&customer(), cancel());
    assert_eq!(life.ledger().len(), 2, "what is held already is not refunded again");
    assert_eq!((life.payment_status(), life.owed()), (PaymentStatus::RefundPending, vec![]));
}

#[test]
fn what_a_stray_charge_of_an_edit_took_is_given_back_as_an_edit_unless_the_order_is_cancelled() {
    let given_back = |cancelled: bool| {
        let mut life = an_order().paid();
        let mut entries = life.order.ledger().entries().to_vec();
        let of_edit =
            Entry { n: 2, purpose: Purpose::Edit, amount: usd(200), state: EntryState::Sent, ..entries[0].clone() };
        entries.push(of_edit);
        let ledger = Ledger::restore(life.order.state().currency, entries).unwrap();
        life.order = Order::restore(life.order.state().clone(), ledger).unwrap();
        if cancelled {
            life.when(&customer(), cancel());
        }
        life.charge_settles(2);
        let last = life.ledger().last().cloned().unwrap();
        (last, life.order.ledger().entries().last().and_then(Entry::charge))
    };
    assert_eq!(given_back(false), ("refund edit 2.00 online booked".into(), Some(2)));
    assert_eq!(given_back(true), ("refund cancel 2.00 online booked".into(), Some(2)));
}

#[test]
fn a_booked_charge_is_withdrawn_only_when_nobody_wants_it() {
    let refused = Rejection::EntryMoved { entry: 1, state: EntryState::Booked };
    assert_eq!(an_order().is_refused(&Actor::System, Command::WithdrawCharge { entry: 1 }), refused);
    // Cancelled while it was sent; the call was then refused before it connected.
    let mut life = an_order().sent(1);
    life.when(&customer(), cancel());
    let sent = Rejection::EntryMoved { entry: 1, state: EntryState::Sent };
    assert_eq!(life.is_refused(&Actor::System, Command::WithdrawCharge { entry: 1 }), sent);
    life.order.put_back(1, life.now).unwrap();
    assert_eq!(life.next_step(1), Step::Withdraw);
    life.when(&Actor::System, Command::WithdrawCharge { entry: 1 });
    assert_eq!(life.story().last().unwrap(), "charge_withdrawn by system");
    assert_eq!((life.ledger(), life.owed()), (vec!["charge order 10.98 online withdrawn".into()], vec![]));
}

#[test]
fn marking_sent_and_putting_back_are_no_events() {
    let mut life = an_order().sent(1);
    assert!(life.order.mark_sent(1, life.now).is_err(), "only from booked");
    life.order.put_back(1, life.now).unwrap();
    assert!(life.order.put_back(1, life.now).is_err(), "only from sent");
    assert_eq!((life.order.version(), life.entry(1).attempts), (1, 1));
    life.now = minutes(1);
    let life = life.sent(1);
    assert_eq!((life.entry(1).first_tried_at, life.entry(1).attempts), (Some(minutes(1)), 2), "nothing arrived before");
}

#[test]
fn an_entry_moves_only_along_its_states() {
    use EntryState::{Booked, Declined, Review, Sent, Settled, Withdrawn};
    let moves = [
        (Booked, Sent),
        (Sent, Settled),
        (Sent, Declined),
        (Sent, Review),
        (Review, Settled),
        (Review, Declined),
        (Booked, Withdrawn),
        (Sent, Booked),
        (Booked, Settled),
    ];
    for (from, to) in EntryState::ALL.into_iter().flat_map(|from| EntryState::ALL.map(|to| (from, to))) {
        assert_eq!(from.may_become(to), moves.contains(&(from, to)), "{from:?} -> {to:?}");
    }
}

#[test]
fn no_key_is_used_for_two_entries() {
    let mut life = cancelled_after_payment();
    for n in 2..=4 {
        life = life.sent(n);
        life.refund_is_declined(n);
    }
    let keys: Vec<_> = life.order.ledger().entries().iter().map(|entry| entry.key(life.order.id())).collect();
    let expected = ["order-1", "cancel-2", "cancel-3", "cancel-4", "cancel-5"].map(|end| format!("order-7-{end}"));
    assert_eq!(keys, expected);
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
}

#[test]
fn time_in_a_timeline_never_runs_backwards() {
    let mut life = an_order().paid();
    life.now = minutes(30);
    life.when(&courier(), Command::Take);
    life.now = minutes(10);
    life.when(&customer(), cancel());
    let times: Vec<_> = life.timeline.iter().map(|recorded| recorded.at).collect();
    assert_eq!(times, [minutes(0), minutes(0), minutes(30), minutes(30)]);
    let refund = life.tasks.iter().find(|task| task.kind == TaskKind::Refund).unwrap();
    assert_eq!(refund.due, minutes(30));
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
