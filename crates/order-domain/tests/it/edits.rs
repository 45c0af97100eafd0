//! Other lines: what they cost, who may ask for them and until when, and what they do to money that is not paid yet.

use std::collections::BTreeMap;

use order_domain::order::{
    Actor, Command, DeliveryChange, Event, Implausible, InvalidLines, Patch, Rejection, Status, WantedLines,
};
use order_domain::payment::{PaymentStatus, Step};
use order_domain::ports::TaskKind;
use order_domain::pricing::{FeePolicy, FeePrices, MAX_UNIT_PRICE, Shortage, ShortageReason};
use order_domain::{Currency, Money, MoneyError, PaymentMethod, ProductId, Quantity, Rules};

use crate::support::{
    Life, a_cash_order, a_near_order, admin, an_order, cancel, cart, courier, customer, edit, kinds, minutes,
    moved_north, new_order, rules, set_status, timed_out, usd, user,
};

/// An order of (price, units), its products numbered from 1, delivered for 5.00: pending.
fn of(lines: &[(i64, u32)], discount: i64) -> Life {
    Life::place(new_order(cart(lines, discount), PaymentMethod::Online), rules())
}

/// The same for nothing.
fn delivered_free(lines: &[(i64, u32)], discount: i64) -> Life {
    let fee = FeePolicy { prices: FeePrices::flat(usd(0)), area: None };
    Life::place(new_order(cart(lines, discount), PaymentMethod::Online), Rules { fee, ..rules() })
}

#[test]
fn units_that_stay_keep_their_price_and_what_is_added_costs_what_it_costs_today() {
    let life = an_order().paid().edited(&[(1, 3)], &[(1, 349)]);
    assert_eq!(life.lines(), [(1, 1, 2, 299, 598), (2, 1, 1, 349, 349)]);
    assert_eq!(life.amounts(), (947, 0, 500, 1_447));
    let life = life.paid_up().edited(&[(1, 5)], &[(1, 349)]);
    assert_eq!(life.lines(), [(1, 1, 2, 299, 598), (2, 1, 3, 349, 1_047)], "at the same price a line grows");
    assert_eq!(an_order().edited(&[(1, 5)], &[(1, 299)]).lines(), [(1, 1, 5, 299, 1_495)]);
}

#[test]
fn of_a_product_the_units_that_were_added_last_go_first() {
    let life = an_order().paid().edited(&[(1, 3)], &[(1, 349)]).paid_up();
    // It has become cheap again since.
    let life = life.edited(&[(1, 5)], &[(1, 299)]).paid_up();
    assert_eq!(life.lines(), [(1, 1, 2, 299, 598), (2, 1, 1, 349, 349), (3, 1, 2, 299, 598)]);
    let left = |units| life.clone().edited(&[(1, units)], &[]).lines();
    assert_eq!(left(4), [(1, 1, 2, 299, 598), (2, 1, 1, 349, 349), (3, 1, 1, 299, 299)]);
    assert_eq!(left(3), [(1, 1, 2, 299, 598), (2, 1, 1, 349, 349)]);
    assert_eq!(left(2), [(1, 1, 2, 299, 598)]);
    assert_eq!(left(1), [(1, 1, 1, 299, 299)]);
}

#[test]
fn lines_keep_their_number_and_their_sequence_and_new_ones_follow() {
    let life = of(&[(100, 1), (200, 1), (300, 1)], 0).paid();
    let life = life.edited(&[(9, 1), (3, 1), (8, 2), (1, 1)], &[(8, 80), (9, 90)]);
    assert_eq!(life.lines(), [(1, 1, 1, 100, 100), (3, 3, 1, 300, 300), (4, 9, 1, 90, 90), (5, 8, 2, 80, 160)]);
    let gone = of(&[(100, 1), (200, 1)], 0).edited(&[(1, 1), (9, 1)], &[(9, 90)]);
    assert_eq!(gone.lines(), [(1, 1, 1, 100, 100), (3, 9, 1, 90, 90)], "no number stands for two in one edit");
}

#[test]
fn what_is_added_is_what_has_to_be_asked_for() {
    let life = of(&[(100, 2), (200, 1)], 0);
    let Command::ReplaceLines { lines, .. } = edit(&[(1, 5), (2, 1), (7, 2)], &[]) else { panic!("an edit") };
    let added: Vec<_> = lines.added_to(&life.order).iter().map(|(id, units)| (id.get(), units.get())).collect();
    assert_eq!(added, [(1, 3), (7, 2)]);
    let Command::ReplaceLines { lines, .. } = edit(&[(1, 1), (2, 1)], &[]) else { panic!("an edit") };
    assert_eq!(lines.added_to(&life.order), []);
}

/// Granted: 3.00 off 10.00.
#[test]
fn the_discount_falls_in_proportion_and_never_rises_above_what_was_granted() {
    let life = of(&[(100, 10)], 300).paid();
    assert_eq!(life.amounts(), (1_000, 300, 500, 1_200));
    let half = life.clone().edited(&[(1, 5)], &[]);
    assert_eq!(half.amounts(), (500, 150, 500, 850));
    assert_eq!(life.edited(&[(1, 20)], &[(1, 100)]).amounts(), (2_000, 300, 500, 2_200));
    // From what was granted, not from what the last edit left of it.
    assert_eq!(half.clone().edited(&[(1, 10)], &[(1, 100)]).amounts(), (1_000, 300, 500, 1_200));
    assert_eq!(half.edited(&[(1, 7)], &[(1, 100)]).amounts(), (700, 210, 500, 990));
}

#[test]
fn a_discount_is_rounded_half_up() {
    let off = |placed: &[(i64, u32)], granted, units| of(placed, granted).edited(&[(1, units)], &[]).amounts().1;
    assert_eq!(off(&[(100, 3)], 50, 1), 17, "16.67");
    assert_eq!(off(&[(100, 3)], 50, 2), 33, "33.33");
    assert_eq!(off(&[(100, 4)], 25, 2), 13, "12.5");
}

#[test]
fn nets_are_recomputed_by_largest_remainder() {
    let life = of(&[(100, 1), (100, 1), (100, 1)], 100);
    assert_eq!(life.lines(), [(1, 1, 1, 100, 66), (2, 2, 1, 100, 67), (3, 3, 1, 100, 67)]);
    let life = life.edited(&[(2, 1), (3, 1)], &[]);
    assert_eq!((life.lines(), life.amounts().1), (vec![(2, 2, 1, 100, 66), (3, 3, 1, 100, 67)], 67));
    life.is_whole_and_owes_nothing();
}

#[test]
fn the_fee_is_that_of_its_own_day_at_its_own_place() {
    let mut life = a_near_order();
    life.when(&customer(), Command::ChangeDelivery(moved_north(1)));
    assert_eq!(life.amounts(), (598, 0, 700, 1_298));
    life.rules.fee.prices = FeePrices::flat(usd(900));
    assert_eq!(life.edited(&[(1, 1)], &[]).amounts(), (299, 0, 700, 999), "11.1 km as when it was placed");
}

#[test]
fn before_it_is_paid_the_charge_is_withdrawn_and_one_of_the_new_amount_is_booked() {
    let mut life = an_order();
    life.now = minutes(10);
    let change = life.when(&customer(), edit(&[(1, 1)], &[]));
    assert_eq!(life.ledger(), ["charge order 10.98 online withdrawn", "charge order 7.99 online booked"]);
    assert_eq!((change.booked, change.relined, change.moves.len()), (vec![2], true, 1));
    assert_eq!(life.entry(2).key(life.order.id()), "order-7-order-2", "a key keeps its amount for ever");
    let [task] = change.tasks.as_slice() else { panic!("one task: {:?}", change.tasks) };
    assert_eq!((task.kind, task.entry, task.due), (TaskKind::Charge, Some(2), minutes(10)));
    let Event::Edited(edit) = &change.events[0].event else { panic!("{:?}", change.events) };
    assert_eq!((edit.new.total, edit.new.difference, &life.order.state().adjustment), (usd(799), usd(-299), &None));
    assert_eq!((life.next_step(1), life.next_step(2)), (Step::Finish, Step::Send));
    life.now = minutes(15);
    assert_eq!(life.next_step(2), Step::TimeOut, "its time still runs from placing");
    life.when(&Actor::System, timed_out(2));
    assert_eq!((life.ledger()[1].as_str(), life.status()), ("charge order 7.99 online withdrawn", Status::Cancelled));
}

#[test]
fn while_its_charge_may_take_the_old_amount_nothing_is_edited() {
    let wish = || edit(&[(1, 1)], &[]);
    let mut life = an_order().sent(1);
    assert_eq!(life.is_refused(&customer(), wish()), Rejection::PaymentInProgress);
    assert_eq!(life.clone().in_review(1).is_refused(&admin(), wish()), Rejection::PaymentInProgress);
    life.order.put_back(1, life.now).unwrap();
    assert_eq!(life.edited(&[(1, 1)], &[]).ledger()[1..], ["charge order 7.99 online booked"]);
}

/// 9.99 off 10.00: what costs 0.01 instead has 0.01 off (0.00999), and nothing is left to pay.
#[test]
fn a_pending_order_that_costs_nothing_any_more_is_confirmed_at_once() {
    let mut life = delivered_free(&[(1_000, 1)], 999);
    let change = life.when(&customer(), edit(&[(2, 1)], &[(2, 1)]));
    assert_eq!(life.amounts(), (1, 1, 0, 0));
    assert_eq!(life.story(), ["placed by customer", "edited by customer", "confirmed by system"]);
    assert_eq!(life.ledger(), ["charge order 0.01 online withdrawn"]);
    assert_eq!(
        (kinds(&change), life.payment_status()),
        (vec![TaskKind::ClearCart, TaskKind::Notify], PaymentStatus::Paid)
    );
    life.is_whole_and_owes_nothing();
    let sent = delivered_free(&[(1_000, 1)], 999).sent(1);
    assert_eq!(sent.is_refused(&customer(), edit(&[(2, 1)], &[(2, 1)])), Rejection::PaymentInProgress);
}

#[test]
fn a_paid_order_that_costs_nothing_any_more_is_given_back_whole_and_is_paid() {
    let mut life = delivered_free(&[(1_000, 1)], 999).paid().edited(&[(2, 1)], &[(2, 1)]);
    assert_eq!(life.ledger()[1..], ["refund edit 0.01 online booked"]);
    assert_eq!((life.status(), life.payment_status()), (Status::Confirmed, PaymentStatus::RefundPending));
    life = life.sent(2);
    life.refund_settles(2);
    assert_eq!(life.payment_status(), PaymentStatus::Paid, "nothing to pay");
    life.is_whole_and_owes_nothing();
    life.when(&customer(), cancel());
    assert_eq!((life.ledger().len(), life.payment_status()), (2, PaymentStatus::Refunded));
}

#[test]
fn an_edit_of_a_cash_order_moves_no_money_and_the_courier_takes_the_new_total() {
    let mut life = a_cash_order();
    let change = life.when(&customer(), edit(&[(1, 3)], &[(1, 300)]));
    let Event::Edited(edited) = &change.events[0].event else { panic!("{:?}", change.events) };
    assert_eq!((edited.new.difference, life.order.amount_to_collect()), (usd(300), usd(1_398)));
    assert_eq!((change.booked.len(), change.tasks.len(), &life.order.state().adjustment), (0, 0, &None));
    assert_eq!(life.payment_status(), PaymentStatus::Unpaid);
    let life = life.edited(&[(1, 1)], &[]).delivered();
    assert_eq!(
        (life.ledger(), life.payment_status()),
        (vec!["charge order 7.99 cash settled".into()], PaymentStatus::Paid)
    );
}

#[test]
fn a_charge_that_is_under_way_for_nobody_does_not_stand_in_the_way() {
    let mut life = an_order().sent(1);
    life.when(&admin(), set_status(Status::Confirmed));
    let mut life = life.edited(&[(1, 1)], &[]);
    life.charge_settles(1);
    assert_eq!(life.ledger()[1..], ["refund cancel 10.98 online booked"], "what it took is not for this order");
    assert_eq!(life.order.amount_to_collect(), usd(799));
}

#[test]
fn what_is_so_already_changes_nothing_whenever_it_is_said() {
    let two = of(&[(100, 2), (200, 1)], 0);
    let open = two.clone().paid().edited(&[(1, 3), (2, 1)], &[(1, 150)]);
    let same = edit(&[(2, 1), (1, 3)], &[(1, 999), (2, 999)]);
    assert!(open.asks(&customer(), same).unwrap().is_empty(), "units on two lines, an adjustment open");
    for life in [two.clone(), two.clone().sent(1), two.paid().delivered()] {
        let change = life.asks(&customer(), edit(&[(2, 1), (1, 2)], &[])).unwrap();
        assert!(change.is_empty());
        assert_eq!((change.order, change.relined), (life.order, false));
    }
}

#[test]
fn lines_can_be_replaced_until_the_order_is_packed() {
    for status in Status::ALL {
        let mut life = an_order().paid();
        if status == Status::Cancelled {
            life.when(&customer(), cancel());
        } else {
            life = life.but(|state| state.status = status);
        }
        let asked = life.asks(&admin(), edit(&[(1, 1)], &[]));
        if matches!(status, Status::Pending | Status::Confirmed) {
            assert!(asked.is_ok() && life.order.may_edit().is_ok(), "{status:?}");
        } else {
            assert_eq!(asked, Err(Rejection::NotChangeable { current: status }.into()));
            assert_eq!(life.order.may_edit(), Err(Rejection::NotChangeable { current: status }));
        }
    }
}

#[test]
fn its_customer_and_admins_may_replace_lines_and_nobody_else() {
    let life = an_order().paid().given_to("bob");
    for who in [customer(), admin()] {
        assert_eq!(life.asks(&who, edit(&[(1, 1)], &[])).unwrap().events[0].actor, who);
    }
    for who in [Actor::Customer(user("eve")), courier(), Actor::System] {
        assert_eq!(life.is_refused(&who, edit(&[(1, 1)], &[])), Rejection::NotYours, "{who:?}");
    }
}

#[test]
fn what_can_not_be_wanted_is_said() {
    let wanted = |lines: Vec<(i64, u32)>| {
        let line = |(product, units)| (ProductId::new(product).unwrap(), Quantity::new(units).unwrap());
        WantedLines::new(lines.into_iter().map(line).collect())
    };
    assert_eq!(wanted(Vec::new()), Err(InvalidLines::Empty), "that is a cancellation");
    assert_eq!(wanted((1..=101).map(|product| (product, 1)).collect()), Err(InvalidLines::TooMany));
    assert!(wanted((1..=100).map(|product| (product, 1)).collect()).is_ok());
    assert_eq!(wanted(vec![(5, 999), (5, 1)]), Err(InvalidLines::TooManyUnits(ProductId::new(5).unwrap())));
    assert_eq!(wanted(vec![(5, 1), (6, 1), (5, 2)]), wanted(vec![(5, 3), (6, 1)]), "what is named twice adds up");
}

#[test]
fn an_order_has_at_most_a_hundred_lines_whatever_its_prices() {
    let life = of(&[(100, 1); 100], 0);
    let all = |first| (1..=100).map(|id| (id, if id == 1 { first } else { 1 })).collect::<Vec<_>>();
    assert_eq!(life.is_refused(&customer(), edit(&all(2), &[(1, 120)])), Rejection::TooManyLines);
    assert_eq!(life.edited(&all(2), &[(1, 100)]).lines().len(), 100);
}

#[test]
fn what_is_added_is_offered_at_a_price_that_can_be() {
    let life = an_order();
    let short = |requested| {
        let (product, reason) = (ProductId::new(2).unwrap(), ShortageReason::Unknown);
        Rejection::OutOfStock(vec![Shortage { product, requested, available: 0, reason }])
    };
    assert_eq!(life.is_refused(&customer(), edit(&[(1, 2), (2, 4)], &[(1, 299)])), short(4));
    for price in [0, -1, MAX_UNIT_PRICE + 1] {
        let implausible = Implausible::Price(ProductId::new(2).unwrap());
        assert_eq!(life.is_refused(&customer(), edit(&[(2, 1)], &[(2, price)])), Rejection::Implausible(implausible));
    }
    assert!(life.asks(&customer(), edit(&[(2, 1)], &[(2, MAX_UNIT_PRICE)])).is_ok());
    let mut product = crate::support::product(2, 1);
    product.price = Money::from_minor(100, Currency::from_code("EUR").unwrap());
    let Command::ReplaceLines { lines, .. } = edit(&[(2, 1)], &[]) else { panic!("an edit") };
    let offered = BTreeMap::from([(product.id, product)]);
    let foreign = life.is_refused(&customer(), Command::ReplaceLines { lines, offered });
    assert_eq!(foreign, Rejection::Implausible(Implausible::Amount(MoneyError::CurrencyMismatch)));
}

#[test]
fn a_place_where_delivery_costs_something_else_is_charged_anew_before_it_is_paid() {
    let mut life = a_near_order();
    let change = life.when(&customer(), Command::ChangeDelivery(moved_north(1)));
    assert_eq!(life.ledger(), ["charge order 8.98 online withdrawn", "charge order 12.98 online booked"]);
    assert_eq!((life.amounts(), change.relined), ((598, 0, 700, 1_298), false));
    let distance = life.order.state().terms.fee.distance_km.unwrap();
    assert!((distance - 11.1).abs() < 0.1, "{distance}");
    life.when(&customer(), Command::ChangeDelivery(DeliveryChange { coordinates: Patch::Clear, ..Default::default() }));
    assert_eq!(life.amounts(), (598, 0, 500, 1_098), "where the place is not known, the base fee");
    let sent = a_near_order().sent(1);
    let moves = |tenths| Command::ChangeDelivery(moved_north(tenths));
    assert_eq!(sent.is_refused(&customer(), moves(1)), Rejection::PaymentInProgress);
    assert_eq!(sent.is_refused(&customer(), moves(4)), Rejection::NotServiceable, "44 km: beyond the last band");
    assert_eq!(sent.is_refused(&customer(), moves(5)), Rejection::NotServiceable, "55 km: beyond the area");
}

/// All of its lines is off, and only delivery is left to pay.
#[test]
fn a_pending_order_that_goes_where_delivery_is_free_is_confirmed_at_once() {
    let mut new = new_order(cart(&[(299, 2)], 598), PaymentMethod::Online);
    new.destination.coordinates = Some(crate::support::north(1));
    let mut shop = crate::support::by_distance();
    shop.fee.prices.bands[0].amount = usd(0);
    let mut life = Life::place(new, shop);
    assert_eq!(life.amounts(), (598, 598, 700, 700));
    life.when(&customer(), Command::ChangeDelivery(moved_north(0)));
    assert_eq!(life.story()[1..], ["address_changed by customer", "confirmed by system"]);
    assert_eq!((life.ledger(), life.amounts().3), (vec!["charge order 7.00 online withdrawn".into()], 0));
    life.is_whole_and_owes_nothing();
}
