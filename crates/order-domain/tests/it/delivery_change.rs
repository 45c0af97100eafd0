//! Changing where an order goes and what its courier should know.

use order_domain::order::{Actor, Change, Command, DeliveryChange, Event, Patch, Rejection, Status};
use order_domain::pricing::{FeePolicy, FeePrices, ServiceArea};
use order_domain::{Coordinates, Rules, Text};

use crate::support::{Life, admin, an_order, cancel, courier, customer, minutes, set_status, usd, user, words};

fn line(text: &str) -> Text<500> {
    Text::line(text).unwrap()
}

fn at(latitude: i64, longitude: i64) -> Coordinates {
    Coordinates::new(latitude.into(), longitude.into()).unwrap()
}

fn to(address: &str) -> DeliveryChange {
    DeliveryChange { address: Some(line(address)), ..DeliveryChange::default() }
}

fn note(instructions: Patch<Text<500>>) -> DeliveryChange {
    DeliveryChange { instructions, ..DeliveryChange::default() }
}

fn place(coordinates: Patch<Coordinates>) -> DeliveryChange {
    DeliveryChange { coordinates, ..DeliveryChange::default() }
}

fn change(life: &mut Life, change: DeliveryChange) -> Change {
    life.when(&customer(), Command::ChangeDelivery(change))
}

/// The instructions of these tests' order are `ring twice`, its address `1 Main St`, its coordinates unknown.
fn names(change: &Change) -> Vec<&'static str> {
    change.events.iter().map(|recorded| recorded.event.name()).collect()
}

#[test]
fn a_new_address_is_one_event_that_moves_no_money() {
    let mut life = an_order().paid();
    life.now = minutes(3);
    let change = change(&mut life, to("2 Main St"));
    assert_eq!(names(&change), ["address_changed"]);
    let state = life.order.state();
    assert_eq!((state.destination.address.as_str(), state.version, state.updated_at), ("2 Main St", 3, minutes(3)));
    assert_eq!((state.total, state.status), (usd(1098), Status::Confirmed));
    assert_eq!(state.instructions, Some(words("ring twice")), "what is not named stays");
    assert_eq!((change.moves.len(), change.booked.len(), change.tasks.len()), (0, 0, 0));
    assert_eq!((change.events[0].amount, life.owed()), (None, vec![]));
}

#[test]
fn address_and_instructions_at_once_are_two_events() {
    let mut life = an_order().paid();
    let both = DeliveryChange { instructions: Patch::Clear, ..to("2 Main St") };
    assert_eq!(names(&change(&mut life, both)), ["address_changed", "instructions_changed"]);
    assert_eq!((life.order.version(), life.order.state().instructions.clone()), (4, None));
}

#[test]
fn instructions_are_another_or_none_any_more() {
    let mut life = an_order();
    assert_eq!(names(&change(&mut life, note(Patch::Set(words("mind\nthe dog"))))), ["instructions_changed"]);
    assert_eq!(life.order.state().instructions, Some(words("mind\nthe dog")));
    assert_eq!(names(&change(&mut life, note(Patch::Clear))), ["instructions_changed"]);
    assert_eq!(life.order.state().instructions, None);
    assert_eq!(names(&change(&mut life, note(Patch::Clear))), [""; 0], "there were none");
}

#[test]
fn coordinates_are_another_place_or_none_any_more_and_stay_with_a_new_address() {
    let mut life = an_order();
    assert_eq!(names(&change(&mut life, place(Patch::Set(at(40, -74))))), ["address_changed"]);
    change(&mut life, to("2 Main St"));
    assert_eq!(life.order.state().destination.coordinates, Some(at(40, -74)));
    assert_eq!(names(&change(&mut life, place(Patch::Clear))), ["address_changed"]);
    assert_eq!(life.order.state().destination.coordinates, None);
}

#[test]
fn what_is_so_already_changes_nothing_whenever_it_is_said() {
    for life in [an_order(), an_order().paid().delivered()] {
        for same in [
            DeliveryChange::default(),
            to("1 Main St"),
            note(Patch::Set(words("ring twice"))),
            place(Patch::Clear),
            DeliveryChange { instructions: Patch::Set(words("ring twice")), ..to("1 Main St") },
        ] {
            let change = life.asks(&customer(), Command::ChangeDelivery(same)).unwrap();
            assert!(change.is_empty());
            assert_eq!(change.order, life.order);
        }
    }
}

#[test]
fn an_order_can_be_changed_until_it_is_packed() {
    for status in Status::ALL {
        let mut life = an_order().paid();
        if status == Status::Cancelled {
            life.when(&customer(), cancel());
        } else {
            life = life.but(|state| state.status = status);
        }
        for wish in [to("2 Main St"), note(Patch::Clear)] {
            let asked = life.asks(&admin(), Command::ChangeDelivery(wish));
            if matches!(status, Status::Pending | Status::Confirmed) {
                assert!(asked.is_ok(), "{status:?}");
            } else {
                assert_eq!(asked, Err(Rejection::NotChangeable { current: status }.into()));
            }
        }
    }
}

#[test]
fn its_customer_and_admins_may_change_it_and_nobody_else() {
    let life = an_order().paid().given_to("bob");
    let wish = || Command::ChangeDelivery(to("2 Main St"));
    for who in [customer(), admin()] {
        assert_eq!(life.asks(&who, wish()).unwrap().events[0].actor, who);
    }
    for who in [Actor::Customer(user("eve")), courier(), Actor::System] {
        assert_eq!(life.is_refused(&who, wish()), Rejection::NotYours, "{who:?}");
    }
}

/// A shop that delivers within 100 km of (0, 0), for an amount that has changed since the order was placed.
fn a_shop_with_an_area(mut life: Life) -> Life {
    let area = ServiceArea { fulfilment_points: vec![at(0, 0), at(50, 50)], radius_km: 100.0 };
    life.rules = Rules { fee: FeePolicy { prices: FeePrices::flat(usd(900)), area: Some(area) }, ..life.rules };
    life
}

#[test]
fn a_place_that_the_shop_does_not_deliver_to_is_refused_with_all_that_came_along() {
    let life = a_shop_with_an_area(an_order().paid());
    let far = DeliveryChange { instructions: Patch::Clear, ..place(Patch::Set(at(1, 0))) };
    assert_eq!(life.is_refused(&customer(), Command::ChangeDelivery(far)), Rejection::NotServiceable);
}

#[test]
fn the_distance_is_that_of_the_new_place_and_the_fee_is_the_one_that_was_charged() {
    let mut life = a_shop_with_an_area(an_order().paid());
    let near = Coordinates::new("0.5".parse().unwrap(), 0.into()).unwrap();
    let change = change(&mut life, place(Patch::Set(near)));
    let distance = life.order.state().terms.fee.distance_km.unwrap();
    assert!((distance - 55.6).abs() < 0.1, "{distance}");
    let Event::AddressChanged { distance_km, .. } = &change.events[0].event else { panic!("{:?}", change.events) };
    assert_eq!(*distance_km, Some(distance));
    assert_eq!((life.order.state().delivery_fee, life.order.state().total), (usd(500), usd(1098)));
    life.when(&customer(), Command::ChangeDelivery(place(Patch::Clear)));
    assert_eq!(life.order.state().terms.fee.distance_km, None);
    assert_eq!((life.audit(), life.owed()), (vec![], vec![]));
}

#[test]
fn a_charge_that_is_under_way_does_not_stand_in_the_way() {
    let mut life = an_order().sent(1);
    change(&mut life, to("2 Main St"));
    life.charge_settles(1);
    let story = ["placed by customer", "address_changed by customer", "confirmed by system"];
    assert_eq!((life.story(), life.owed()), (story.map(str::to_owned).into(), vec![]));
    assert!(life.asks(&admin(), set_status(Status::Preparing)).is_ok());
}
