//! Placing: what a cart costs, when it becomes an order, and what is booked with it.

use std::collections::BTreeMap;

use order_domain::order::{
    self, Actor, CancelCode, Change, Command, DomainError, Event, Implausible, NewOrder, Rejection, Status,
};
use order_domain::payment::{EntryKind, EntryState, PaymentStatus, Purpose};
use order_domain::ports::TaskKind;
use order_domain::pricing::{FeePolicy, FeePrices, ServiceArea, Shortage, ShortageReason, StockedProduct, shortages};
use order_domain::{
    Coordinates, Currency, Destination, LineId, Money, MoneyError, PaymentMethod, ProductId, Quantity, Rules,
};

use crate::support::{Life, a_cash_order, an_order, cart, customer, minutes, new_order, product, rules, usd};

fn place(new: NewOrder, rules: &Rules) -> Result<Change, DomainError> {
    order::place(new, rules, minutes(0))
}

fn online(lines: &[(i64, u32)], promo_discount: i64) -> NewOrder {
    new_order(cart(lines, promo_discount), PaymentMethod::Online)
}

fn refused(new: NewOrder, rules: &Rules) -> Rejection {
    match place(new, rules) {
        Err(DomainError::Rejected(rejection)) => rejection,
        other => panic!("{other:?}"),
    }
}

fn nets(change: &Change) -> Vec<i64> {
    change.order.state().lines.iter().map(|line| line.net.minor()).collect()
}

fn free_delivery() -> Rules {
    let nothing = FeePolicy { prices: FeePrices::flat(usd(0)), area: None };
    Rules { fee: nothing, ..rules() }
}

fn degrees(latitude: &str, longitude: &str) -> Coordinates {
    Coordinates::new(latitude.parse().unwrap(), longitude.parse().unwrap()).unwrap()
}

fn going_to(place: Option<Coordinates>) -> NewOrder {
    NewOrder { destination: Destination::new("1 Main St", place).unwrap(), ..online(&[(299, 2)], 0) }
}

#[test]
fn an_order_costs_its_lines_less_the_discount_and_the_fee() {
    let placed = place(online(&[(299, 2), (150, 3)], 100), &rules()).unwrap();
    let state = placed.order.state();
    assert_eq!((state.subtotal, state.discount, state.delivery_fee), (usd(1048), usd(100), usd(500)));
    assert_eq!(state.total, usd(1448));
    assert_eq!(nets(&placed), [598 - 57, 450 - 43], "100 split 598 : 450");
    assert_eq!(state.lines.iter().map(|line| line.id).collect::<Vec<_>>(), [1, 2].map(|n| LineId::new(n).unwrap()));
    assert_eq!((state.terms.placed_subtotal, state.terms.granted_discount), (usd(1048), usd(100)));
}

#[test]
fn the_cent_that_is_over_goes_to_the_largest_remainder_and_among_equals_to_the_first() {
    assert_eq!(nets(&place(online(&[(100, 1), (100, 1), (100, 1)], 100), &rules()).unwrap()), [66, 67, 67]);
    // 10 over 199 : 250 : 551 is 1.99, 2.5, 5.51: one cent each to the first and, at .51 before .50, to the third.
    assert_eq!(nets(&place(online(&[(199, 1), (250, 1), (551, 1)], 10), &rules()).unwrap()), [197, 248, 545]);
}

#[test]
fn a_discount_takes_off_no_more_than_the_goods_cost() {
    let placed = place(online(&[(299, 2)], 10_000), &rules()).unwrap();
    assert_eq!((placed.order.state().discount, placed.order.state().total), (usd(598), usd(500)));
    assert_eq!(nets(&placed), [0]);
    assert_eq!(placed.order.status(), Status::Pending, "the fee is still to be paid");
}

#[test]
fn delivery_costs_five_everywhere_unless_the_shop_says_otherwise() {
    let yen = Currency::from_code("JPY").unwrap();
    assert_eq!(Rules::new(yen).fee, FeePolicy { prices: FeePrices::flat(Money::from_minor(5, yen)), area: None });
    assert_eq!(place(going_to(Some(degrees("-90", "0"))), &rules()).unwrap().order.state().delivery_fee, usd(500));
}

#[test]
fn an_area_is_served_around_its_nearest_fulfilment_point() {
    let area = ServiceArea { fulfilment_points: vec![degrees("40", "-74"), degrees("50", "0")], radius_km: 50.0 };
    let rules = Rules { fee: FeePolicy { prices: FeePrices::flat(usd(500)), area: Some(area.clone()) }, ..rules() };
    // A degree of latitude is 111.2 km.
    let near = place(going_to(Some(degrees("50.44", "0"))), &rules).unwrap();
    assert!((near.order.state().terms.fee.distance_km.unwrap() - 48.9).abs() < 0.1, "kept for a later edit");
    assert_eq!(refused(going_to(Some(degrees("50.46", "0"))), &rules), Rejection::NotServiceable);
    let unknown = place(going_to(None), &rules).unwrap();
    assert_eq!(unknown.order.state().terms.fee.distance_km, None);
    let nowhere = ServiceArea { fulfilment_points: Vec::new(), ..area };
    let rules = Rules { fee: FeePolicy { prices: FeePrices::flat(usd(500)), area: Some(nowhere) }, ..rules };
    assert!(place(going_to(Some(degrees("50.46", "0"))), &rules).is_ok(), "no point configured: everywhere");
}

#[test]
fn an_online_order_is_pending_until_its_charge_has_settled() {
    let life = an_order();
    assert_eq!(life.story(), ["placed by customer"]);
    assert_eq!(life.status(), Status::Pending);
    assert_eq!(life.payment_status(), PaymentStatus::Processing);
    assert_eq!(life.order.amount_to_collect(), usd(0), "the courier takes nothing");
    assert_eq!(life.ledger(), ["charge order 10.98 online booked"]);
    assert_eq!(life.entry(1).key(life.order.id()), "order-7-order-1");
    let [task] = life.tasks.as_slice() else { panic!("one task: {:?}", life.tasks) };
    assert_eq!((task.kind, task.entry, task.seq, task.ordinal), (TaskKind::Charge, Some(1), 1, 0));
    assert_eq!((task.order, task.due), (life.order.id(), minutes(0)), "due at once");
}

#[test]
fn a_placed_order_remembers_what_it_was_placed_with() {
    let change = place(online(&[(299, 2), (150, 3)], 0), &rules()).unwrap();
    let state = change.order.state();
    assert_eq!(change.base, None);
    assert_eq!((state.created_at, state.updated_at, state.version), (minutes(0), minutes(0), 1));
    assert_eq!(state.instructions.as_ref().map(order_domain::Text::as_str), Some("ring twice"));
    assert_eq!(state.terms.cart_lines, cart(&[(299, 2), (150, 3)], 0).cart_lines, "what clearing may remove");
    assert_eq!(
        (state.released_at, state.delivered_at, &state.cancellation, &state.courier),
        (None, None, &None, &None)
    );
}

#[test]
fn an_order_with_nothing_to_pay_is_confirmed_at_once_by_the_system() {
    let life = Life::place(online(&[(299, 2)], 598), free_delivery());
    assert_eq!(life.story(), ["placed by customer", "confirmed by system"]);
    assert_eq!((life.status(), life.payment_status()), (Status::Confirmed, PaymentStatus::Paid));
    assert_eq!(life.ledger(), [""; 0]);
    assert_eq!(life.order.state().released_at, Some(minutes(0)));
    assert_eq!(life.order.state().payment_method, PaymentMethod::Online);
    let [task, told] = life.tasks.as_slice() else { panic!("two tasks: {:?}", life.tasks) };
    assert_eq!((task.kind, task.entry, task.seq), (TaskKind::ClearCart, None, 2));
    assert_eq!((told.kind, told.seq), (TaskKind::Notify, 2));
}

#[test]
fn a_cash_order_is_confirmed_at_once_and_paid_at_the_door() {
    let mut life = a_cash_order();
    assert_eq!(life.story(), ["placed by customer", "confirmed by system"]);
    assert_eq!(life.payment_status(), PaymentStatus::Unpaid);
    assert_eq!((life.ledger(), life.order.amount_to_collect()), (Vec::new(), usd(1098)));
    assert!(life.has_task(TaskKind::ClearCart, None));
    life = life.on_its_way();
    assert_eq!((life.payment_status(), life.order.amount_to_collect()), (PaymentStatus::Unpaid, usd(1098)));
    life = life.moved_to(Status::Delivered);
    assert_eq!(life.ledger(), ["charge order 10.98 cash settled"]);
    assert_eq!((life.payment_status(), life.order.amount_to_collect()), (PaymentStatus::Paid, usd(0)));
    let delivered = life.timeline.last().unwrap();
    assert_eq!((&delivered.event, delivered.amount), (&Event::Delivered, Some(usd(1098))));
    let charge = life.entry(1);
    assert_eq!((charge.kind, charge.purpose, charge.state), (EntryKind::Charge, Purpose::Order, EntryState::Settled));
    assert_eq!((charge.settled_at, life.order.state().delivered_at), (Some(life.now), Some(life.now)));
    assert!(life.tasks.iter().all(|task| task.entry.is_none()), "cash needs no task");
}

#[test]
fn a_cash_order_of_nothing_books_nothing_at_the_door() {
    let new = new_order(cart(&[(299, 2)], 598), PaymentMethod::Cash);
    let life = Life::place(new, free_delivery()).delivered();
    assert_eq!((life.ledger(), life.payment_status()), (Vec::new(), PaymentStatus::Paid));
}

#[test]
fn a_cash_order_that_is_cancelled_has_nothing_to_give_back() {
    let mut life = a_cash_order();
    life.when(&customer(), Command::Cancel { code: CancelCode::CustomerRequest, reason: None });
    assert_eq!((life.ledger(), life.payment_status()), (Vec::new(), PaymentStatus::Unpaid));
    assert_eq!(life.order.amount_to_collect(), usd(0));
}

#[test]
fn cash_is_taken_only_where_the_shop_offers_it() {
    let rules = Rules::new(Currency::USD);
    assert_eq!(refused(new_order(cart(&[(299, 2)], 0), PaymentMethod::Cash), &rules), Rejection::CashNotAccepted);
    assert!(place(online(&[(299, 2)], 0), &rules).is_ok());
}

#[test]
fn an_empty_cart_becomes_no_order() {
    assert_eq!(refused(online(&[], 0), &rules()), Rejection::CartEmpty);
}

#[test]
fn a_cart_that_can_not_be_true_is_refused() {
    let implausible = |new| match refused(new, &rules()) {
        Rejection::Implausible(why) => why,
        other => panic!("{other:?}"),
    };
    assert!(place(online(&[(1, 1); 100], 0), &rules()).is_ok());
    assert_eq!(implausible(online(&[(1, 1); 101], 0)), Implausible::TooManyLines);
    for impossible in [0, -1, 100_000_001, i64::MAX, i64::MIN] {
        let product = ProductId::new(2).unwrap();
        assert_eq!(implausible(online(&[(1, 1), (impossible, 1)], 0)), Implausible::Price(product));
    }
    assert_eq!(implausible(online(&[(299, 1)], -1)), Implausible::Discount);
}

#[test]
fn the_dearest_cart_still_fits() {
    let placed = place(online(&[(100_000_000, 999); 100], 1), &rules()).unwrap();
    assert_eq!(placed.order.state().total, usd(9_990_000_000_000 - 1 + 500));
    assert!(placed.order.state().total.minor() < 1 << 53, "exact in JSON");
}

#[test]
fn amounts_of_another_currency_are_refused() {
    let mismatch = Rejection::Implausible(Implausible::Amount(MoneyError::CurrencyMismatch));
    let eur = Currency::from_code("EUR").unwrap();
    let mut new = online(&[(299, 2)], 0);
    new.basket.lines[0].0.price = Money::from_minor(299, eur);
    assert_eq!(refused(new, &rules()), mismatch);
    let mut new = online(&[(299, 2)], 0);
    new.basket.promo_discount = Money::zero(eur);
    assert_eq!(refused(new, &rules()), mismatch);
}

#[test]
fn a_line_holds_1_to_999_units() {
    assert!(Quantity::new(1).is_ok() && Quantity::new(999).is_ok());
    assert!(Quantity::new(0).is_err() && Quantity::new(1000).is_err());
}

#[test]
fn every_product_that_can_not_be_had_is_named_at_once() {
    let id = |n| ProductId::new(n).unwrap();
    let stocked = |n, active, stock| Some(StockedProduct { product: product(n, 100), active, stock });
    let found = BTreeMap::from([
        (id(1), stocked(1, true, 5)),
        (id(2), stocked(2, false, 9)),
        (id(3), stocked(3, true, 5)),
        (id(4), None),
    ]);
    let wanted =
        [(5, 1), (3, 3), (1, 5), (2, 1), (3, 3), (4, 2)].map(|(n, units)| (id(n), Quantity::new(units).unwrap()));
    let short = |n, requested, available, reason| Shortage { product: id(n), requested, available, reason };
    assert_eq!(
        shortages(wanted, &found),
        [
            short(2, 1, 0, ShortageReason::Inactive),
            short(3, 6, 5, ShortageReason::Short), // over both of its lines
            short(4, 2, 0, ShortageReason::Unknown),
            short(5, 1, 0, ShortageReason::Unknown),
        ]
    );
}

#[test]
fn a_cart_without_lines_of_its_own_leaves_nothing_to_clear() {
    let mut new = online(&[(299, 2)], 0);
    new.basket.cart_lines.clear();
    let life = Life::place(new, rules()).paid();
    assert!(!life.has_task(TaskKind::ClearCart, None));
    assert_eq!(life.timeline.last().unwrap().actor, Actor::System);
}
