//! Couriers: who has an order, and when that may change.

use order_domain::order::{Actor, Command, Event, Rejection, Status};

use crate::support::{Life, admin, an_order, another_courier, courier, set_status, user};

fn assign(name: &str) -> Command {
    Command::Assign { courier: user(name) }
}

fn holder(life: &Life) -> Option<&str> {
    life.order.state().courier.as_ref().map(order_domain::UserId::as_str)
}

fn standing(at: Status) -> Life {
    let cancelled = || {
        let mut life = an_order().paid();
        life.when(&admin(), crate::support::cancel());
        life.order.state().cancellation.clone()
    };
    an_order().paid().but(|state| {
        state.status = at;
        state.cancellation = (at == Status::Cancelled).then(cancelled).flatten();
    })
}

const ASSIGNABLE: [Status; 5] =
    [Status::Pending, Status::Confirmed, Status::Preparing, Status::OutForDelivery, Status::ReturnApproved];

/// Where an order may not be without a courier that has one.
const NEEDS_ONE: [Status; 2] = [Status::OutForDelivery, Status::ReturnApproved];

#[test]
fn an_admin_assigns_and_reassigns_while_somebody_has_to_carry_it() {
    for status in Status::ALL {
        let refused = Rejection::NotAssignable { current: status };
        let life = standing(status);
        let held = life.clone().but(|state| state.courier = Some(user("bob")));
        if !ASSIGNABLE.contains(&status) {
            assert_eq!(life.is_refused(&admin(), assign("bob")), refused);
            assert_eq!(held.is_refused(&admin(), assign("cat")), refused);
            continue;
        }
        let mut life = life;
        life.when(&admin(), assign("bob"));
        let change = life.when(&admin(), assign("cat"));
        assert_eq!((life.status(), holder(&life)), (status, Some("cat")), "the status does not change by it");
        let reassigned = Event::Assigned { courier: user("cat"), previous: Some(user("bob")) };
        assert_eq!((&change.events[0].event, change.tasks.len()), (&reassigned, 0));
    }
}

#[test]
fn assigning_whom_it_has_changes_nothing() {
    for status in Status::ALL {
        let life = standing(status).but(|state| state.courier = Some(user("bob")));
        assert!(life.asks(&admin(), assign("bob")).unwrap().is_empty());
    }
}

#[test]
fn an_admin_takes_it_from_its_courier_unless_it_is_under_way() {
    for status in Status::ALL {
        let mut life = standing(status).but(|state| state.courier = Some(user("bob")));
        if NEEDS_ONE.contains(&status) {
            assert_eq!(life.is_refused(&admin(), Command::Unassign), Rejection::CourierRequired);
        } else if ASSIGNABLE.contains(&status) {
            let change = life.when(&admin(), Command::Unassign);
            assert_eq!(change.events[0].event, Event::Unassigned { previous: user("bob") });
            assert_eq!((life.status(), holder(&life)), (status, None));
        } else {
            assert_eq!(life.is_refused(&admin(), Command::Unassign), Rejection::NotAssignable { current: status });
        }
    }
    assert!(standing(Status::Confirmed).asks(&admin(), Command::Unassign).unwrap().is_empty(), "nobody has it");
}

#[test]
fn a_courier_takes_what_is_confirmed_or_preparing_and_free() {
    for status in Status::ALL {
        let mut life = standing(status);
        if matches!(status, Status::Confirmed | Status::Preparing) {
            let change = life.when(&courier(), Command::Take);
            assert_eq!(change.events[0].event, Event::Assigned { courier: user("bob"), previous: None });
            assert_eq!(holder(&life), Some("bob"));
        } else {
            assert_eq!(life.is_refused(&courier(), Command::Take), Rejection::NotAssignable { current: status });
        }
    }
}

#[test]
fn of_two_couriers_who_take_it_the_second_is_told_so() {
    let mut life = an_order().paid();
    life.when(&courier(), Command::Take);
    assert_eq!(life.is_refused(&another_courier(), Command::Take), Rejection::AlreadyTaken);
    assert!(life.asks(&courier(), Command::Take).unwrap().is_empty(), "taking it twice is taking it once");
}

#[test]
fn nobody_but_a_courier_takes() {
    for who in [admin(), crate::support::customer(), Actor::System] {
        assert_eq!(an_order().paid().is_refused(&who, Command::Take), Rejection::NotYours);
    }
}

#[test]
fn what_is_not_released_is_not_taken() {
    let life = an_order().paid().but(|state| state.released_at = None);
    assert_eq!(life.is_refused(&courier(), Command::Take), Rejection::NotAssignable { current: Status::Confirmed });
}

#[test]
fn a_courier_gives_their_own_back_before_dispatch() {
    for status in [Status::Confirmed, Status::Preparing] {
        let mut life = standing(status);
        life.when(&courier(), Command::Take);
        assert_eq!(life.is_refused(&another_courier(), Command::GiveBack), Rejection::NotYours);
        life.when(&courier(), Command::GiveBack);
        assert_eq!(holder(&life), None);
        life.when(&another_courier(), Command::Take);
        assert_eq!(holder(&life), Some("cat"));
    }
    let life = an_order().paid().on_its_way();
    assert_eq!(life.is_refused(&courier(), Command::GiveBack), Rejection::CourierRequired);
    let life = life.moved_to(Status::Delivered);
    assert_eq!(life.is_refused(&courier(), Command::GiveBack), Rejection::NotAssignable { current: Status::Delivered });
    assert_eq!(an_order().paid().is_refused(&courier(), Command::GiveBack), Rejection::NotYours, "nobody has it");
}

#[test]
fn an_order_keeps_its_courier_to_the_end() {
    let life = an_order().given_to("bob").paid().preparing();
    assert_eq!(holder(&life), Some("bob"), "assigned while pending");
    let life = life.moved_to(Status::OutForDelivery).given_to("cat").moved_to(Status::Delivered);
    assert_eq!(holder(&life), Some("cat"));
    assert!(life.asks(&admin(), set_status(Status::Delivered)).unwrap().is_empty());
}
