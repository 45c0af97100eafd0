//! What a customer is told of: the confirmation, each status after it, and each refund that has reached them.

use order_domain::PaymentMethod;
use order_domain::order::{Command, DeliveryChange, Patch, Status};
use order_domain::ports::{Lane, TaskKind};

use crate::support::{
    Life, admin, an_order, cancel, cart, customer, kinds, new_order, rules, set_status, usd, user, words,
};

/// The events that are told of, by their place in the timeline.
fn told(life: &Life) -> Vec<(i64, u32)> {
    let told = life.tasks.iter().filter(|task| task.kind == TaskKind::Notify);
    told.map(|task| (task.seq, task.ordinal)).collect()
}

#[test]
fn every_status_after_the_placing_is_told_of() {
    let life = an_order();
    assert_eq!(told(&life), []);
    let life = life.paid();
    assert_eq!(told(&life), [(2, 1)], "after the cart");
    let life = life.preparing().given_to("bob").moved_to(Status::OutForDelivery).moved_to(Status::Delivered);
    assert_eq!(told(&life), [(2, 1), (3, 0), (5, 0), (6, 0)], "not that a courier has it");
    assert!(life.tasks.iter().all(|task| task.kind != TaskKind::Notify || task.entry.is_none()));
}

#[test]
fn an_end_is_told_of_and_each_refund_when_it_has_arrived() {
    let mut life = an_order().paid();
    let change = life.when(&customer(), cancel());
    assert_eq!(kinds(&change), [TaskKind::Refund, TaskKind::Notify]);
    let mut life = life.sent(2);
    life.refund_is_declined(2);
    let mut life = life.sent(3);
    let change = life.refund_settles(3);
    assert_eq!(kinds(&change), [TaskKind::Notify]);
    assert_eq!(told(&life), [(2, 1), (3, 1), (5, 0)], "not of the refund that was declined");
}

#[test]
fn what_ends_or_confirms_an_order_by_itself_is_told_of() {
    let mut life = an_order().sent(1);
    assert_eq!(kinds(&life.charge_is_declined(1)), [TaskKind::Notify]);
    let mut life = an_order();
    assert_eq!(kinds(&life.when(&admin(), set_status(Status::Confirmed))), [TaskKind::ClearCart, TaskKind::Notify]);
    let cash = Life::place(new_order(cart(&[(299, 1)], 0), PaymentMethod::Cash), rules());
    assert_eq!(cash.task_kinds(), [TaskKind::ClearCart, TaskKind::Notify]);
}

#[test]
fn what_changes_nothing_for_the_customer_is_not_told_of() {
    let mut life = an_order().paid();
    let before = told(&life);
    life.when(&admin(), Command::Assign { courier: user("bob") });
    life.when(&admin(), Command::Unassign);
    let change = DeliveryChange { instructions: Patch::Clear, ..DeliveryChange::default() };
    life.when(&customer(), Command::ChangeDelivery(change));
    life.when(&admin(), Command::GrantGoodwill { amount: usd(100), reason: words("sorry") });
    assert_eq!(told(&life), before);
    // A charge that came too late is given back: they are told when that has arrived.
    let mut late = an_order().sent(1);
    late.when(&customer(), cancel());
    assert_eq!(kinds(&late.charge_settles(1)), [TaskKind::Refund]);
}

#[test]
fn messages_have_a_lane_of_their_own_and_may_die() {
    assert_eq!((TaskKind::Notify.lane(), TaskKind::ClearCart.lane()), (Some(Lane::Notify), Some(Lane::Cart)));
    assert!(TaskKind::Notify.may_die());
    assert_eq!(TaskKind::from_name("notify"), Some(TaskKind::Notify));
    let names: Vec<_> = TaskKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names, ["charge", "refund", "clear_cart", "notify", "release"]);
}
