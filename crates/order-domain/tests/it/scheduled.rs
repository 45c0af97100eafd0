//! Orders for a time that their customer names: which times can be promised, and when the shop sees them.

use order_domain::order::{
    Actor, CancelCode, Command, DeliveryChange, Event, NewOrder, Patch, Rejection, Status, place, release_due,
};
use order_domain::payment::PaymentStatus;
use order_domain::ports::TaskKind;
use order_domain::time::{Duration, Timestamp};
use order_domain::{PaymentMethod, Rules};

use crate::support::{
    Life, a_cash_order, a_near_order, admin, an_order, by_distance, cancel, cart, courier, customer, edit, minutes,
    moved_north, new_order, north, rules, seconds, set_status, timed_out, usd,
};

const DAY: i64 = 24 * 60;

fn wish(at: Timestamp, method: PaymentMethod) -> NewOrder {
    NewOrder { scheduled_for: Some(at), ..new_order(cart(&[(299, 2)], 0), method) }
}

/// 10.98 to pay online, wanted so many minutes after it was placed.
fn wanted_in(minute: i64) -> Life {
    Life::place(wish(minutes(minute), PaymentMethod::Online), rules())
}

fn at(moment: Option<Timestamp>) -> Command {
    let scheduled_for = moment.map_or(Patch::Clear, Patch::Set);
    Command::ChangeDelivery(DeliveryChange { scheduled_for, ..DeliveryChange::default() })
}

fn release() -> Command {
    Command::Release { gone: false }
}

#[test]
fn a_time_is_half_an_hour_to_thirty_days_ahead() {
    let (earliest, latest) = (minutes(30), minutes(30 * DAY));
    let said = |at| place(wish(at, PaymentMethod::Online), &rules(), minutes(0)).map(|_| ());
    assert_eq!(said(seconds(-1)), Err(Rejection::ScheduledInThePast.into()));
    for near in [minutes(0), minutes(30) - Duration::from_secs(1)] {
        assert_eq!(said(near), Err(Rejection::ScheduledTooSoon { earliest }.into()));
    }
    assert_eq!(said(latest + Duration::from_secs(1)), Err(Rejection::ScheduledTooLate { latest }.into()));
    assert_eq!((said(earliest), said(latest)), (Ok(()), Ok(())));
}

#[test]
fn it_is_charged_at_once_and_released_a_lead_before_its_time() {
    let life = wanted_in(180);
    assert_eq!(life.ledger(), ["charge order 10.98 online booked"]);
    assert_eq!(
        life.tasks.iter().map(|task| (task.kind, task.due)).collect::<Vec<_>>(),
        [(TaskKind::Charge, minutes(0))]
    );
    let life = life.paid();
    assert_eq!(
        (life.status(), life.order.state().released_at, life.releases()),
        (Status::Confirmed, None, vec![minutes(135)])
    );
    let Event::Confirmed { release_at, .. } = life.timeline[1].event else { panic!("{:?}", life.timeline) };
    assert_eq!(release_at, Some(minutes(135)));
}

#[test]
fn an_order_for_no_time_is_released_with_its_confirmation() {
    let mut life = an_order();
    life.now = minutes(3);
    for life in [life.paid(), a_cash_order()] {
        assert_eq!((life.order.state().released_at, life.releases()), (Some(life.now), vec![]));
    }
}

#[test]
fn one_that_is_confirmed_when_its_time_is_near_is_to_be_released_at_once() {
    let mut life = wanted_in(40);
    life.now = minutes(2);
    let mut life = life.paid();
    assert_eq!((life.order.state().released_at, life.releases()), (None, vec![minutes(2)]));
    life.when(&Actor::System, release());
    assert_eq!(life.order.state().released_at, Some(minutes(2)), "its stock is looked at first all the same");
    // Not before its confirmation: paid long after its time.
    let mut late = wanted_in(40);
    late.now = minutes(2);
    late.when(&admin(), set_status(Status::Confirmed));
    assert_eq!(late.releases(), [minutes(2)]);
}

#[test]
fn it_is_released_once_and_never_early() {
    let mut life = wanted_in(180);
    life.now = minutes(135);
    assert_eq!(life.is_refused(&Actor::System, release()), Rejection::NotDue, "not paid");
    let mut life = wanted_in(180).paid();
    life.now = minutes(135) - Duration::from_micros(1);
    assert_eq!(life.is_refused(&Actor::System, release()), Rejection::NotDue);
    assert_eq!(life.is_refused(&Actor::System, Command::Release { gone: true }), Rejection::NotDue);
    life.now = minutes(135);
    let change = life.when(&Actor::System, release());
    assert_eq!((life.order.state().released_at, change.tasks.len()), (Some(minutes(135)), 0));
    assert_eq!(life.is_refused(&Actor::System, release()), Rejection::NotDue, "it has been released");
    for who in [customer(), admin(), courier()] {
        assert_eq!(wanted_in(40).paid().is_refused(&who, release()), Rejection::NotYours);
    }
}

#[test]
fn the_shop_and_its_couriers_wait_for_the_release() {
    let mut life = wanted_in(180).paid();
    let refused = life.is_refused(&admin(), set_status(Status::Preparing));
    let allowed = vec![Status::Cancelled];
    let (current, asked) = (Status::Confirmed, Status::Preparing);
    assert_eq!(refused, Rejection::IllegalTransition { current, asked, allowed });
    assert_eq!(life.is_refused(&courier(), Command::Take), Rejection::NotAssignable { current });
    life.now = minutes(135);
    life.when(&Actor::System, release());
    assert!(life.asks(&courier(), Command::Take).is_ok());
    assert_eq!(life.preparing().status(), Status::Preparing);
}

#[test]
fn what_is_gone_by_then_is_cancelled_given_back_and_told() {
    let mut life = wanted_in(180).paid();
    life.now = minutes(135);
    let change = life.when(&Actor::System, Command::Release { gone: true });
    let cancellation = life.order.state().cancellation.clone().unwrap();
    assert_eq!((cancellation.code, cancellation.by), (CancelCode::OutOfStock, Actor::System));
    assert_eq!(life.ledger()[1..], ["refund cancel 10.98 online booked"]);
    assert_eq!(crate::support::kinds(&change), [TaskKind::Refund, TaskKind::Notify]);
    life.is_whole_and_owes_nothing();
}

#[test]
fn its_time_is_moved_or_dropped_until_its_release() {
    let mut life = wanted_in(180).paid();
    life.when(&customer(), at(Some(minutes(240))));
    life.when(&admin(), at(Some(minutes(90))));
    assert_eq!(life.releases()[1..], [minutes(195), minutes(45)]);
    let mut dropped = life.clone();
    dropped.now = minutes(5);
    let change = dropped.when(&customer(), at(None));
    assert_eq!((dropped.order.state().scheduled_for, dropped.releases().last()), (None, Some(&minutes(5))));
    assert_eq!(change.tasks.len(), 1);
    assert_eq!(dropped.order.state().released_at, None, "its stock is looked at first");
    dropped.when(&Actor::System, release());
    assert_eq!(dropped.order.state().released_at, Some(minutes(5)));
    assert_eq!(dropped.is_refused(&customer(), at(Some(minutes(300)))), Rejection::AlreadyReleased);

    life.now = minutes(45);
    assert_eq!(
        life.is_refused(&customer(), at(Some(minutes(50)))),
        Rejection::ScheduledTooSoon { earliest: minutes(75) }
    );
    life.when(&Actor::System, release());
    for moment in [None, Some(minutes(300))] {
        assert_eq!(life.is_refused(&customer(), at(moment)), Rejection::AlreadyReleased);
    }
    assert!(life.asks(&customer(), at(Some(minutes(90)))).unwrap().is_empty(), "it is wanted then already");
    let packed = life.preparing();
    let current = Status::Preparing;
    assert_eq!(packed.is_refused(&customer(), at(None)), Rejection::NotChangeable { current });
    let past = at(Some(minutes(-1)));
    assert_eq!(packed.is_refused(&customer(), past), Rejection::ScheduledInThePast, "no time for any order");
}

#[test]
fn the_release_of_a_moved_order_is_due_at_its_new_time_alone() {
    let mut life = wanted_in(180).paid();
    life.when(&customer(), at(Some(minutes(240))));
    life.now = minutes(135);
    assert_eq!(life.is_refused(&Actor::System, release()), Rejection::NotDue, "the old time");
    assert_eq!(release_due(life.order.state(), &life.rules, life.now), minutes(195));
}

#[test]
fn before_it_is_paid_nothing_waits_for_a_release_and_the_confirmation_knows_the_new_time() {
    let mut life = wanted_in(180);
    life.when(&customer(), at(Some(minutes(240))));
    assert!(life.releases().is_empty());
    assert_eq!(life.clone().paid().releases(), [minutes(195)]);
    life.when(&customer(), at(None));
    let life = life.paid();
    assert_eq!((life.order.state().released_at, life.releases()), (Some(minutes(0)), vec![]));
    // One without a time is given one while it is pending; once it is confirmed, it has been released.
    let mut life = an_order();
    life.when(&customer(), at(Some(minutes(180))));
    assert_eq!(life.paid().releases(), [minutes(135)]);
    assert_eq!(an_order().paid().is_refused(&customer(), at(Some(minutes(180)))), Rejection::AlreadyReleased);
}

#[test]
fn its_lines_are_replaced_until_its_release_and_its_address_until_it_is_packed() {
    let mut life = wanted_in(180).paid().edited(&[(1, 1)], &[]);
    life.now = minutes(135);
    life.when(&Actor::System, release());
    assert_eq!(life.is_refused(&customer(), edit(&[(1, 2)], &[(1, 299)])), Rejection::AlreadyReleased);
    assert_eq!(life.order.may_edit(), Err(Rejection::AlreadyReleased));
    assert!(life.asks(&customer(), Command::ChangeDelivery(moved_north(1))).is_ok());
}

#[test]
fn an_open_adjustment_puts_the_release_off_until_it_is_settled() {
    for late in [false, true] {
        let settled_at = minutes(if late { 140 } else { 130 });
        let open = || {
            let mut life = wanted_in(180).paid();
            life.now = minutes(126);
            let mut life = life.edited(&[(1, 3)], &[(1, 349)]).sent(2);
            life.now = minutes(135);
            assert_eq!(life.is_refused(&Actor::System, release()), Rejection::NotDue, "waits for its money");
            life.now = settled_at;
            life
        };
        let due = if late { settled_at } else { minutes(135) };
        let (mut paid, mut declined, mut cancelled) = (open(), open(), open());
        paid.charge_settles(2);
        assert_eq!(paid.releases(), [minutes(135), due]);
        paid.now = due;
        paid.when(&Actor::System, release());
        assert_eq!(paid.order.state().released_at, Some(due));
        declined.charge_is_declined(2);
        assert_eq!(declined.releases(), [minutes(135), due]);
        cancelled.when(&customer(), cancel());
        assert_eq!(cancelled.releases(), [minutes(135)], "nothing is left to be released");
    }
    let mut timed = wanted_in(180).paid().edited(&[(1, 3)], &[(1, 349)]);
    timed.now = minutes(15);
    timed.when(&Actor::System, timed_out(2));
    assert_eq!(timed.releases(), [minutes(135), minutes(135)]);
}

#[test]
fn an_adjustment_of_an_order_that_has_been_released_releases_nothing_again() {
    let mut life = a_near_order().paid();
    life.when(&customer(), Command::ChangeDelivery(moved_north(1)));
    let mut life = life.sent(2);
    life.charge_settles(2);
    assert!(life.releases().is_empty());
}

#[test]
fn a_time_that_is_moved_beside_an_open_adjustment_counts_when_that_closes() {
    let mut life = wanted_in(180).paid().edited(&[(1, 3)], &[(1, 349)]).sent(2);
    life.when(&customer(), at(Some(minutes(240))));
    assert_eq!(life.releases(), [minutes(135)]);
    let mut reverted = life.clone();
    reverted.charge_is_declined(2);
    life.charge_settles(2);
    for life in [life, reverted] {
        assert_eq!(life.releases()[1..], [minutes(195)]);
        assert_eq!(life.order.state().scheduled_for, Some(minutes(240)), "it is no part of the adjustment");
    }
}

#[test]
fn a_farther_place_and_another_time_at_once_wait_for_the_money() {
    let mut new = wish(minutes(180), PaymentMethod::Online);
    new.destination.coordinates = Some(north(0));
    let mut life = Life::place(new, by_distance()).paid();
    let both = DeliveryChange { scheduled_for: Patch::Set(minutes(240)), ..moved_north(1) };
    let change = life.when(&customer(), Command::ChangeDelivery(both));
    let Event::Rescheduled { release_at, .. } = change.events[1].event else { panic!("{:?}", change.events) };
    assert_eq!((release_at, crate::support::kinds(&change)), (None, vec![TaskKind::Charge]));
    assert_eq!(life.paid_up().releases(), [minutes(135), minutes(195)]);
}

#[test]
fn one_that_costs_nothing_any_more_is_confirmed_and_waits_for_its_time() {
    let mut new = wish(minutes(180), PaymentMethod::Online);
    (new.basket.promo_discount, new.destination.coordinates) = (usd(598), Some(north(1)));
    let mut shop = by_distance();
    shop.fee.prices.bands[0].amount = usd(0);
    let mut life = Life::place(new, shop);
    let free = DeliveryChange { scheduled_for: Patch::Set(minutes(240)), ..moved_north(0) };
    life.when(&customer(), Command::ChangeDelivery(free));
    assert_eq!(life.events(), ["placed", "address_changed", "rescheduled", "confirmed"]);
    assert_eq!((life.status(), life.releases()), (Status::Confirmed, vec![minutes(195)]));
    assert_eq!(life.order.state().released_at, None);
}

#[test]
fn one_that_is_paid_in_cash_waits_for_its_time_too() {
    let cash = Life::place(wish(minutes(180), PaymentMethod::Cash), rules());
    assert_eq!(
        (cash.status(), cash.releases(), cash.order.state().released_at),
        (Status::Confirmed, vec![minutes(135)], None)
    );
    let mut as_cash = wanted_in(180);
    as_cash.when(&admin(), set_status(Status::Confirmed));
    assert_eq!((as_cash.releases(), as_cash.payment_status()), (vec![minutes(135)], PaymentStatus::Unpaid));
}

#[test]
fn bounds_and_lead_are_the_deployments() {
    let rules = Rules {
        schedule_at_least: Duration::from_mins(5),
        schedule_at_most: Duration::from_hours(1),
        release_lead: Duration::from_mins(10),
        ..rules()
    };
    let life = Life::place(wish(minutes(60), PaymentMethod::Cash), rules.clone());
    assert_eq!(life.releases(), [minutes(50)]);
    assert!(place(wish(minutes(5), PaymentMethod::Cash), &rules, minutes(0)).is_ok());
    assert!(place(wish(minutes(61), PaymentMethod::Cash), &rules, minutes(0)).is_err());
}
