//! What is committed is loaded equal.

use order_domain::order::{CancelCode, Command, DeliveryChange, Patch, Product};
use order_domain::ports::EntryFailure;
use order_domain::pricing::{FeePolicy, ServiceArea};
use order_domain::time::{Duration, after};
use order_domain::{Coordinates, OrderId, Quantity, Rules, Text};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::builders::{Life, a_product, admin, an_order, customer, rules, usd};
use crate::strategies::{deeds, orders};

use super::Harness;
use super::support::{a_charge, a_new_order, assert_same, claim, failure, keep, load, now};

async fn survives(harness: &dyn Harness, life: Life) {
    keep(harness, &life).await;
    assert_same(&life.order, &load(harness, life.order.id()).await);
}

/// An order that has nothing it need not have.
pub async fn a_bare_order_is_loaded_as_it_was_placed(harness: &dyn Harness) {
    survives(harness, a_new_order(harness).await.placed()).await;
}

/// An order that has everything, in many scripts.
pub async fn an_order_with_everything_is_loaded_as_it_was_placed(harness: &dyn Harness) {
    let rich = Product {
        name: "Crème brûlée 🍮 \"à l'ancienne\" \\ 50 % עוגה".into(),
        description: Some("Line one\nline two\ttabbed; 'quoted' -- $1 {}".into()),
        mrp: Some(usd(499)),
        category_id: Some((1 << 53) - 1),
        image_url: Some("https://example.test/ü?a=1&b=%20".into()),
        unit: Some("½ kg".into()),
        returnable: false,
        ..a_product((1 << 53) - 1, 333)
    };
    let lines = vec![(rich, Quantity::new(999).unwrap()), (a_product(3, 1), Quantity::new(1).unwrap())];
    let home = Coordinates::new("52.5200066".parse().unwrap(), "13.404954".parse().unwrap()).unwrap();
    let area = ServiceArea { fulfilment_points: vec![home], radius_km: 50.0 };
    let fee = FeePolicy { area: Some(area), ..FeePolicy::flat_five(usd(0).currency()) };
    let order = a_new_order(harness).await.customer("zoë@example.test/ñ").products(lines).promo(10_001);
    let order = order.rules(Rules { fee, ..rules() }).address("Straße 1, 東京 🏠");
    let life = order.coordinates("52.4812345", "13.1234567").instructions("Ring twice\n\tthen wait — ok?").placed();
    assert!(life.order.state().terms.fee.distance_km.is_some(), "a number that is no decimal fraction");
    let wanted_at = after(life.now, Duration::from_micros(3_600_000_001));
    survives(harness, life.wanted_at(wanted_at)).await;
}

/// Coordinates keep their sign and their seven decimals.
pub async fn coordinates_are_loaded_to_the_last_digit(harness: &dyn Harness) {
    for (latitude, longitude) in [("-0.0000001", "0"), ("90", "-180"), ("-89.9999999", "179.9999999"), ("1.5", "2.50")]
    {
        survives(harness, a_new_order(harness).await.coordinates(latitude, longitude).placed()).await;
    }
}

/// The largest order that the rules allow.
pub async fn the_largest_order_is_loaded_as_it_was_placed(harness: &dyn Harness) {
    let lines: Vec<_> = (1..=100).map(|n| (n, 100_000_000, 999)).collect();
    survives(harness, a_new_order(harness).await.lines(&lines).promo(7).placed()).await;
}

/// One product on two lines, and a line that the discount leaves nothing of.
pub async fn lines_are_loaded_in_their_sequence(harness: &dyn Harness) {
    let lines = [(9, 100, 1), (2, 300, 2), (9, 100, 3), (1, 1, 1)];
    survives(harness, a_new_order(harness).await.lines(&lines).promo(1_001).placed()).await;
}

/// An order of which nothing is to be paid is confirmed at once.
pub async fn an_order_for_nothing_is_loaded_as_it_was_placed(harness: &dyn Harness) {
    survives(harness, a_new_order(harness).await.promo(1_000_000).fee(0).placed()).await;
}

/// Charge settled, confirmed.
pub async fn a_paid_order_is_loaded_as_it_was_committed(harness: &dyn Harness) {
    survives(harness, a_new_order(harness).await.paid()).await;
}

/// Cash, from placing to the settled charge of the delivery.
pub async fn a_delivered_cash_order_is_loaded_as_it_was_committed(harness: &dyn Harness) {
    survives(harness, a_new_order(harness).await.cash().delivered()).await;
}

/// Paid online, all the way, given from one courier to another.
pub async fn a_delivered_order_is_loaded_as_it_was_committed(harness: &dyn Harness) {
    let life = a_new_order(harness).await.assigned_to("cat").after(Duration::from_micros(1_000_001)).assigned_to("bob");
    survives(harness, life.delivered()).await;
}

/// Cancelled by an admin, with words, its refund booked; and by its customer, without, its charge withdrawn.
pub async fn a_cancelled_order_is_loaded_as_it_was_committed(harness: &dyn Harness) {
    let packed = a_new_order(harness).await.preparing();
    survives(harness, packed.cancelled_by_admin(CancelCode::OutOfStock, "Die Äpfel sind\nausverkauft 🍎")).await;
    survives(harness, a_new_order(harness).await.cancelled()).await;
}

/// A declined charge ends its order.
pub async fn a_declined_order_is_loaded_as_it_was_committed(harness: &dyn Harness) {
    survives(harness, a_new_order(harness).await.placed().charge_is_declined(1)).await;
}

/// A refund that is settled, and one that was declined and is booked again.
pub async fn refunds_are_loaded_as_they_were_committed(harness: &dyn Harness) {
    survives(harness, a_new_order(harness).await.paid().cancelled().refund_settles(2)).await;
    survives(harness, a_new_order(harness).await.paid().cancelled().refund_is_declined(2)).await;
}

/// A refund in review.
pub async fn a_refund_in_review_is_loaded_as_it_was_committed(harness: &dyn Harness) {
    let strict = Rules { refund_declines: 1, ..rules() };
    survives(harness, a_new_order(harness).await.rules(strict).paid().cancelled().refund_is_declined(2)).await;
}

/// A charge that settles when its order is cancelled already is given back.
pub async fn a_late_charge_is_loaded_as_it_was_committed(harness: &dyn Harness) {
    survives(harness, a_new_order(harness).await.sent().cancelled().charge_settles(1)).await;
}

/// The address, the coordinates and the distance that comes with them, and the instructions: another one, and none.
pub async fn a_changed_delivery_is_loaded_as_it_was_committed(harness: &dyn Harness) {
    let at = |latitude: &str, longitude: &str| {
        Coordinates::new(latitude.parse().unwrap(), longitude.parse().unwrap()).unwrap()
    };
    let area = ServiceArea { fulfilment_points: vec![at("52.52", "13.405")], radius_km: 50.0 };
    let fee = FeePolicy { area: Some(area), ..FeePolicy::flat_five(usd(0).currency()) };
    let order = a_new_order(harness).await.rules(Rules { fee, ..rules() }).instructions("Ring twice");
    let moved = DeliveryChange {
        scheduled_for: Patch::Keep,
        address: Some(Text::line("Straße 1, 東京 🏠").unwrap()),
        coordinates: Patch::Set(at("52.4812345", "13.1234567")),
        instructions: Patch::Set(Text::lines("The blue door\n\tthen wait — ok?").unwrap()),
    };
    let changed = order.paid().when(&customer("ann"), Command::ChangeDelivery(moved));
    assert!(changed.order.state().terms.fee.distance_km.is_some(), "a number that is no decimal fraction");
    survives(harness, changed).await;

    let id = harness.ids().order_id().await.unwrap();
    let order = an_order().numbered(id).at(now(harness).await).coordinates("1", "2").instructions("Ring twice");
    let none = DeliveryChange { coordinates: Patch::Clear, instructions: Patch::Clear, ..DeliveryChange::default() };
    let bare = order.paid().when(&admin(), Command::ChangeDelivery(none));
    assert_eq!((bare.order.state().destination.coordinates, bare.order.state().instructions.clone()), (None, None));
    survives(harness, bare).await;
}

/// Goodwill that is booked, that has arrived, and that goes back in cash.
pub async fn a_goodwill_is_loaded_as_it_was_committed(harness: &dyn Harness) {
    let goodwill = |minor| {
        let reason = Text::line("Es tut uns leid 🍎").unwrap();
        Command::GrantGoodwill { amount: usd(minor), reason }
    };
    let online = a_new_order(harness).await.paid().when(&admin(), goodwill(300)).refund_settles(2);
    survives(harness, online.when(&admin(), goodwill(798))).await;
    survives(harness, a_new_order(harness).await.cash().delivered().when(&admin(), goodwill(1_098))).await;
}

/// Random lives: whatever the rules allow to happen.
pub async fn whatever_happens_to_an_order_is_loaded_as_it_was_committed(harness: &dyn Harness) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..40 {
        let id = harness.ids().order_id().await.unwrap();
        let (order, deeds) = (orders(), deeds(24)).new_tree(&mut runner).unwrap().current();
        survives(harness, order.numbered(id).placed().lives_through(deeds)).await;
    }
}

/// What went wrong is found on the entry, for an operator.
pub async fn what_a_try_left_on_an_entry_is_loaded(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    let id = life.order.id();
    let tell = |refusal, again, error: &str| {
        let entry = Some(EntryFailure { entry: 1, refusal, again });
        order_domain::ports::Failure { error: error.to_owned(), entry, ..failure(Duration::ZERO) }
    };
    let mut refused_at = None;
    for (tell, refusals, attempts, error) in [
        (tell(false, false, "timeout"), 0, 1, "timeout"),
        (tell(true, true, "422 „nein“"), 1, 2, "422 „nein“"),
        (tell(true, true, "409"), 2, 3, "409"),
        (tell(false, true, "timeout"), 2, 4, "timeout"),
    ] {
        let (refused_now, before) = (refusals > 0 && error != "timeout", now(harness).await);
        let claimed = claim(harness, &task).await;
        if attempts == 1 {
            assert!(harness.store().mark_sent(&claimed, 1, 1).await.unwrap());
        }
        assert!(harness.tasks().fail(&claimed, &tell).await.unwrap());
        let order = load(harness, id).await.order;
        let entry = order.ledger().entry(1).unwrap();
        assert_eq!((entry.refusals, entry.attempts, entry.last_error.as_deref()), (refusals, attempts, Some(error)));
        assert_eq!(order.version(), 1, "that is no event");
        if refused_now {
            let at = entry.refused_at.expect("when it was refused last");
            assert!(before <= at && at <= now(harness).await, "{at} by the database's clock");
            refused_at = Some(at);
        }
        assert_eq!(entry.refused_at, refused_at, "kept when something else goes wrong");
    }
}

/// Nothing is found under a number that nobody used.
pub async fn an_order_that_is_not_there_is_none(harness: &dyn Harness) {
    assert_eq!(harness.store().load(OrderId::new(4_711).unwrap()).await, Ok(None));
}

/// The database's now comes with the order.
pub async fn the_databases_now_comes_with_an_order(harness: &dyn Harness) {
    let life = a_new_order(harness).await.placed();
    keep(harness, &life).await;
    let before = now(harness).await;
    let loaded = load(harness, life.order.id()).await;
    assert!(before <= loaded.now && loaded.now <= now(harness).await);
    assert_eq!(loaded.now.timestamp_subsec_nanos() % 1_000, 0, "to the microsecond");
}

/// Numbers are never given twice, to whichever instance.
pub async fn numbers_are_given_once(harness: &dyn Harness) {
    let second = harness.second().await;
    let mut orders = Vec::new();
    let mut tasks = Vec::new();
    for _ in 0..120 {
        let (one, other) = (harness.ids(), second.ids());
        let (a, b) = tokio::join!(one.order_id(), other.order_id());
        orders.extend([a.unwrap(), b.unwrap()]);
        let (a, b) = tokio::join!(one.task_ids(3), other.task_ids(130));
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_eq!((a.len(), b.len()), (3, 130));
        tasks.extend(a.into_iter().chain(b));
    }
    assert_eq!(harness.ids().task_ids(0).await, Ok(Vec::new()));
    let (given, asked) = (orders.len() + tasks.len(), 240 + 120 * 133);
    assert_eq!(given, asked);
    orders.sort_unstable();
    orders.dedup();
    tasks.sort_unstable();
    tasks.dedup();
    assert_eq!(orders.len() + tasks.len(), given);
}
