//! Goodwill: money that an admin gives back, never more than is left.

use order_domain::order::{Actor, Change, Command, Order, Rejection, Status};
use order_domain::payment::{EntryState, Ledger, Origin, PaymentStatus, Purpose};
use order_domain::ports::TaskKind;
use order_domain::{EntryNo, PaymentMethod};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{
    Life, a_cash_order, admin, an_order, cancel, courier, customer, kinds, minutes, set_status, usd, words,
};

fn goodwill(minor: i64) -> Command {
    Command::GrantGoodwill { amount: usd(minor), reason: words("they waited long") }
}

fn grant(life: &mut Life, minor: i64) -> Change {
    life.when(&admin(), goodwill(minor))
}

fn exceeds(left: i64) -> Rejection {
    Rejection::RefundExceedsCharge { refundable: usd(left) }
}

#[test]
fn a_goodwill_is_booked_with_its_task_and_says_why() {
    let mut life = an_order().paid().delivered();
    life.now = minutes(90);
    let change = grant(&mut life, 250);
    assert_eq!(life.story().last().unwrap(), "goodwill_granted by admin");
    assert_eq!(life.ledger(), ["charge order 10.98 online settled", "refund goodwill 2.50 online booked"]);
    assert_eq!(life.entry(2).key(life.order.id()), "order-7-goodwill-2");
    assert_eq!(life.entry(2).origin, Some(Origin { charge: 1, repeats: None, declines: 0 }));
    let [task] = change.tasks.as_slice() else { panic!("one task: {:?}", change.tasks) };
    assert_eq!((task.kind, task.entry, task.due), (TaskKind::Refund, Some(2), minutes(90)));
    let [recorded] = change.events.as_slice() else { panic!("one event: {:?}", change.events) };
    assert_eq!(recorded.event.note(), Some(&words("they waited long")));
    assert_eq!((recorded.amount, recorded.status), (None, Status::Delivered), "no money has moved yet");
    assert_eq!((life.payment_status(), life.owed()), (PaymentStatus::RefundPending, vec![]));

    let mut life = life.sent(2);
    assert_eq!(life.refund_settles(2).events[0].amount, Some(usd(250)));
    assert_eq!((life.payment_status(), life.owed()), (PaymentStatus::PartiallyRefunded, vec![]));
}

#[test]
fn no_more_is_given_than_is_left_and_what_is_held_is_not_left() {
    let mut life = an_order().paid();
    assert_eq!(life.is_refused(&admin(), goodwill(1099)), exceeds(1098));
    grant(&mut life, 1000);
    assert_eq!(life.is_refused(&admin(), goodwill(99)), exceeds(98));
    grant(&mut life, 98);
    assert_eq!(life.is_refused(&admin(), goodwill(1)), exceeds(0));
    let mut life = life.sent(2).sent(3);
    life.refund_settles(2);
    life.refund_settles(3);
    assert_eq!((life.payment_status(), life.is_refused(&admin(), goodwill(1))), (PaymentStatus::Refunded, exceeds(0)));
}

#[test]
fn an_amount_that_is_not_above_0_is_none() {
    let life = an_order().paid();
    for minor in [0, -1, i64::MIN] {
        assert_eq!(life.is_refused(&admin(), goodwill(minor)), Rejection::AmountNotPositive, "{minor}");
    }
    assert_eq!(life.is_refused(&admin(), goodwill(i64::MAX)), exceeds(1098));
}

#[test]
fn only_what_was_charged_can_be_given_back() {
    for life in [an_order(), an_order().sent(1), a_cash_order(), a_cash_order().on_its_way()] {
        assert_eq!(life.is_refused(&admin(), goodwill(1)), exceeds(0));
    }
    let mut life = an_order().paid();
    life.when(&customer(), cancel());
    assert_eq!(life.is_refused(&admin(), goodwill(1)), exceeds(0), "all of it is on its way back");
}

#[test]
fn the_status_does_not_matter() {
    for status in Status::ALL.into_iter().filter(|status| *status != Status::Cancelled) {
        let mut life = an_order().paid().but(|state| state.status = status);
        grant(&mut life, 1098);
        assert_eq!(life.status(), status);
    }
}

#[test]
fn only_an_admin_is_kind() {
    let life = an_order().paid().given_to("bob");
    for who in [customer(), courier(), Actor::System] {
        assert_eq!(life.is_refused(&who, goodwill(1)), Rejection::NotYours);
    }
}

#[test]
fn what_goes_back_in_cash_stays_booked_without_a_task() {
    let mut life = a_cash_order().delivered();
    let change = grant(&mut life, 300);
    assert_eq!(life.ledger(), ["charge order 10.98 cash settled", "refund goodwill 3.00 cash booked"]);
    assert_eq!((kinds(&change), life.order.ledger().refund_held().unwrap()), (vec![], usd(300)));
    assert_eq!(
        (life.payment_status(), life.is_refused(&admin(), goodwill(799))),
        (PaymentStatus::RefundPending, exceeds(798))
    );
}

#[test]
fn a_cancellation_gives_back_what_kindness_has_left() {
    let mut life = an_order().paid();
    grant(&mut life, 298);
    life.when(&customer(), cancel());
    let ledger =
        ["charge order 10.98 online settled", "refund goodwill 2.98 online booked", "refund cancel 8.00 online booked"];
    assert_eq!(life.ledger(), ledger);
    assert_eq!((life.audit(), life.owed()), (vec![], vec![]));
}

#[test]
fn a_goodwill_that_is_declined_is_booked_again_as_one() {
    let mut life = an_order().paid();
    grant(&mut life, 298);
    let mut life = life.sent(2);
    life.refund_is_declined(2);
    assert_eq!(life.ledger()[1..], ["refund goodwill 2.98 online declined", "refund goodwill 2.98 online booked"]);
    assert_eq!((life.entry(3).purpose, life.is_refused(&admin(), goodwill(801))), (Purpose::Goodwill, exceeds(800)));
}

/// An order of 13.98 that was charged in parts: (method, amount), each with what of it has been given back.
fn charged(parts: &[(PaymentMethod, i64, i64)]) -> Life {
    let life = an_order().paid().delivered();
    let charge = life.entry(1).clone();
    let mut entries = Vec::new();
    for (n, &(method, minor, _)) in (1..).zip(parts) {
        entries.push(order_domain::payment::Entry { n, method, amount: usd(minor), ..charge.clone() });
    }
    let count = EntryNo::try_from(parts.len()).unwrap();
    let back = (1..).zip(parts).filter(|(_, (_, _, back))| *back > 0);
    for (n, (charge_n, &(method, _, back))) in (count + 1..).zip(back) {
        let origin = Some(Origin { charge: charge_n, repeats: None, declines: 0 });
        let (kind, purpose) = (order_domain::payment::EntryKind::Refund, Purpose::Return);
        let amount = usd(back);
        entries.push(order_domain::payment::Entry { n, kind, purpose, amount, method, origin, ..charge.clone() });
    }
    let ledger = Ledger::restore(life.order.state().currency, entries).unwrap();
    Life { order: Order::restore(life.order.state().clone(), ledger).unwrap(), ..life }
}

/// What a goodwill books: the charge that each part returns, its amount, its method.
fn booked(life: &Life, change: &Change) -> Vec<(EntryNo, i64, PaymentMethod)> {
    let entry = |n: &EntryNo| {
        let entry = life.entry(*n);
        (entry.charge().unwrap(), entry.amount.minor(), entry.method)
    };
    change.booked.iter().map(entry).collect()
}

#[test]
fn the_example_of_the_rule_is_right() {
    use PaymentMethod::Online;
    let mut life = charged(&[(Online, 1098, 100), (Online, 300, 0)]);
    let change = grant(&mut life, 450);
    assert_eq!(change.booked, [4, 5]);
    assert_eq!(booked(&life, &change), [(2, 300, Online), (1, 150, Online)]);
    assert_eq!(life.is_refused(&admin(), goodwill(849)), exceeds(848));
    assert_eq!(kinds(&change), [TaskKind::Refund, TaskKind::Refund]);
}

#[test]
fn online_charges_are_used_up_before_cash_the_latest_first() {
    use PaymentMethod::{Cash, Online};
    let mut life = charged(&[(Online, 500, 0), (Cash, 400, 0), (Online, 300, 200), (Cash, 200, 0)]);
    let change = grant(&mut life, 750);
    assert_eq!(booked(&life, &change), [(3, 100, Online), (1, 500, Online), (4, 150, Cash)]);
    assert_eq!(kinds(&change), [TaskKind::Refund, TaskKind::Refund], "cash has none");
    let change = grant(&mut life, 450);
    assert_eq!(booked(&life, &change), [(4, 50, Cash), (2, 400, Cash)]);
}

#[test]
fn a_paid_order_moves_on_whatever_was_given() {
    let mut life = an_order().paid();
    grant(&mut life, 1098);
    let life = life.delivered();
    assert_eq!((life.status(), life.audit(), life.owed()), (Status::Delivered, vec![], vec![]));
    assert!(life.asks(&admin(), set_status(Status::Delivered)).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn kindness_never_gives_more_than_was_charged(
        parts in vec((any::<bool>(), 1..2_000_i64, 0..2_000_i64), 1..5),
        wishes in vec(1..1_500_i64, 0..12),
    ) {
        let method = |online| if online { PaymentMethod::Online } else { PaymentMethod::Cash };
        let parts: Vec<_> = parts.iter().map(|&(online, took, back)| (method(online), took, back.min(took))).collect();
        let mut left: i64 = parts.iter().map(|(_, took, back)| took - back).sum();
        let mut life = charged(&parts);
        for wish in wishes {
            if wish > left {
                prop_assert_eq!(life.is_refused(&admin(), goodwill(wish)), exceeds(left));
                continue;
            }
            let change = grant(&mut life, wish);
            left -= wish;
            let booked: i64 = booked(&life, &change).iter().map(|(_, amount, _)| amount).sum();
            prop_assert_eq!((booked, life.order.ledger().left().unwrap()), (wish, usd(left)));
            prop_assert!(change.booked.iter().all(|n| life.entry(*n).state == EntryState::Booked));
            let restored = Ledger::restore(life.order.state().currency, life.order.ledger().entries().to_vec());
            prop_assert_eq!(restored.as_ref(), Ok(life.order.ledger()), "no charge gives back more than it took");
        }
    }
}
