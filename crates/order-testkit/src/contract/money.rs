//! Edits with their adjustments, entries that a person saw to, and scheduled orders: what of them is kept, what is gone,
//! and that each takes whole or not at all.

use order_domain::order::{Actor, Command, DeliveryChange, EditMoney, Event, Outcome, Patch, Product, WantedLines};
use order_domain::payment::EntryState;
use order_domain::ports::{CommitError, TaskKind};
use order_domain::pricing::{FeeBand, FeePolicy, FeePrices, ServiceArea};
use order_domain::time::{Duration, Timestamp, after};
use order_domain::{Coordinates, PaymentMethod, ProductId, Quantity, Rules, Text};

use crate::builders::{Life, OrderBuilder, a_key, a_product, a_receipt, admin, customer, rules, usd, write_set};

use super::Harness;
use super::support::{
    LEASE, LONGER_THAN_ANY_LEASE, a_new_order, assert_same, claim, claim_all, keep, load, now, reloaded, try_commit,
};

/// Other lines, all their products sold as these.
fn lines(wanted: &[(Product, u32)]) -> Command {
    let line = |(product, units): &(Product, u32)| (product.id, Quantity::new(*units).unwrap());
    let offered = wanted.iter().map(|(product, _)| (product.id, product.clone())).collect();
    Command::ReplaceLines { lines: WantedLines::new(wanted.iter().map(line).collect()).unwrap(), offered }
}

/// Everything that a line can have.
fn a_rich_product(id: i64, price: i64) -> Product {
    Product {
        name: "Crème brûlée 🍮 \"à l'ancienne\" \\ 50 % עוגה".into(),
        description: Some("Line one\nline two\ttabbed; 'quoted' -- $1 {}".into()),
        mrp: Some(usd(price + 1)),
        category_id: Some((1 << 53) - 1),
        image_url: Some("https://example.test/ü?a=1&b=%20".into()),
        unit: Some("½ kg".into()),
        returnable: false,
        ..a_product(id, price)
    }
}

fn edited(life: Life, wanted: &[(Product, u32)]) -> Life {
    life.when(&customer("ann"), lines(wanted))
}

fn at(latitude: &str, longitude: &str) -> Coordinates {
    Coordinates::new(latitude.parse().unwrap(), longitude.parse().unwrap()).unwrap()
}

/// A shop in Berlin whose fee depends on the distance.
fn by_distance(order: OrderBuilder) -> OrderBuilder {
    let area = ServiceArea { fulfilment_points: vec![at("52.52", "13.405")], radius_km: 50.0 };
    let bands = vec![
        FeeBand { below_km: 1.0 / 3.0, amount: usd(0) },
        FeeBand { below_km: 7.25, amount: usd(300) },
        FeeBand { below_km: 50.0, amount: usd(1_200) },
    ];
    let fee = FeePolicy { prices: FeePrices { base: usd(500), bands }, area: Some(area) };
    order.rules(Rules { fee, ..rules() })
}

/// Paid: two units of everything that a line can have, 12.00 off, to a place with words.
async fn a_rich_paid_order(harness: &dyn Harness) -> Life {
    let products = vec![
        (a_rich_product(9, 1_000), Quantity::new(2).unwrap()),
        (a_product(3, 333), Quantity::new(1).unwrap()),
        (a_rich_product(9, 1_200), Quantity::new(1).unwrap()),
    ];
    let order = by_distance(a_new_order(harness).await).products(products).promo(1_201);
    let order = order.address("Straße 1, 東京 🏠").coordinates("52.5300001", "13.4100002");
    order.instructions("Ring twice\n\tthen wait — ok?").paid()
}

async fn survives(harness: &dyn Harness, life: &Life) {
    keep(harness, life).await;
    assert_same(&life.order, &load(harness, life.order.id()).await);
}

/// An adjustment with all that it keeps, while it is open; and it is gone once it has closed, however that was.
pub async fn an_adjustment_is_kept_as_long_as_it_is_open(harness: &dyn Harness) {
    let more = [(a_rich_product(9, 1_500), 4), (a_product(8, 77), 3)];
    for close in [
        None,
        Some(Command::ChargeSettled { entry: 2, transaction_id: "tx-2".into() }),
        Some(Command::ChargeDeclined { entry: 2 }),
    ] {
        let paid = a_rich_paid_order(harness).await;
        let mut life = edited(paid.clone(), &more).sent(2);
        assert!(life.order.state().adjustment.is_some());
        let reverts = matches!(close, Some(Command::ChargeDeclined { .. }));
        if let Some(close) = close {
            life = life.when(&Actor::System, close);
            assert!(life.order.state().adjustment.is_none());
        }
        assert_eq!(life.order.state().lines == paid.order.state().lines, reverts);
        survives(harness, &life).await;
    }
    let cancelled = edited(a_rich_paid_order(harness).await, &more).cancelled();
    assert!(cancelled.order.state().adjustment.is_none());
    survives(harness, &cancelled).await;
    let late = edited(a_rich_paid_order(harness).await, &more).after(rules().payment_timeout);
    survives(harness, &late.when(&Actor::System, Command::TimeOut { entry: 2 })).await;
}

/// A place where delivery costs something else, with what is kept for the way back; and the way back.
pub async fn a_change_of_place_with_its_fee_is_loaded_as_it_was_committed(harness: &dyn Harness) {
    let farther = DeliveryChange {
        address: Some(Text::line("Weit weg 7").unwrap()),
        coordinates: Patch::Set(at("52.3906", "13.0645")),
        instructions: Patch::Clear,
        scheduled_for: Patch::Keep,
    };
    let paid = a_rich_paid_order(harness).await;
    let life = paid.clone().when(&customer("ann"), Command::ChangeDelivery(farther.clone()));
    let open = life.order.state().adjustment.clone().expect("more to pay");
    assert_eq!(open.before.destination, paid.order.state().destination);
    assert!(open.before.distance_km.is_some(), "a number that is no decimal fraction");
    survives(harness, &life).await;
    let again = a_rich_paid_order(harness).await.when(&customer("ann"), Command::ChangeDelivery(farther.clone()));
    survives(harness, &again.charge_is_declined(2)).await;
    // Before it is paid, its charge is booked anew.
    let pending = by_distance(a_new_order(harness).await).coordinates("52.53", "13.41").placed();
    survives(harness, &pending.when(&admin(), Command::ChangeDelivery(farther))).await;
}

/// The lines of an order are those it has now, and no others; no other order's go with them.
pub async fn the_lines_of_an_edit_take_the_place_of_those_before(harness: &dyn Harness) {
    let other = a_new_order(harness).await.lines(&[(5, 299, 2), (6, 100, 1)]).placed();
    keep(harness, &other).await;
    let mut life = a_new_order(harness).await.lines(&[(5, 299, 2), (6, 100, 1), (7, 50, 9)]).placed();
    keep(harness, &life).await;
    for wanted in [
        vec![(a_product(7, 50), 2)],
        vec![(a_product(7, 60), 3), (a_product(1, 10), 1), (a_product(2, 20), 2), (a_product(5, 5), 1)],
        vec![(a_product(5, 5), 999)],
    ] {
        let others = harness.counts().await.lines - life.order.state().lines.len();
        life = edited(Life { steps: Vec::new(), ..life }, &wanted);
        survives(harness, &life).await;
        assert_eq!(harness.counts().await.lines, others + life.order.state().lines.len());
    }
    assert_same(&other.order, &load(harness, other.order.id()).await);
}

/// Lines, amounts, adjustment, entry, task, event and answer of an edit take together or not at all.
pub async fn an_edit_takes_whole_or_not_at_all(harness: &dyn Harness) {
    let used = a_new_order(harness).await.placed();
    let set = write_set(&*harness.ids(), used.last_change()).await.with_receipt(Some((a_key(1), a_receipt(1))));
    harness.store().commit(vec![set]).await.unwrap();
    let life = a_rich_paid_order(harness).await;
    keep(harness, &life).await;
    let edit = edited(life.clone(), &[(a_product(8, 7_700), 3)]).last_change();
    assert!(
        edit.relined
            && matches!(&edit.events[0].event, Event::Edited(edit) if matches!(edit.new.money, EditMoney::Charged(_)))
    );
    let set = async || write_set(&*harness.ids(), edit.clone()).await;
    let answered = set().await.with_receipt(Some((a_key(1), a_receipt(2))));
    let mut of_older = set().await;
    of_older.base = Some(1);
    let mut moved = set().await;
    moved.moves = vec![(1, EntryState::Sent)];
    let other = write_set(&*harness.ids(), a_new_order(harness).await.placed().last_change()).await;
    let mut twice = set().await;
    twice.tasks[0].id = other.tasks[0].id;
    harness.store().commit(vec![other]).await.unwrap();
    let counts = harness.counts().await;
    for (set, error) in [
        (answered, Some(CommitError::KeyUsed)),
        (of_older, Some(CommitError::Conflict)),
        (moved, Some(CommitError::Conflict)),
        (twice, None),
    ] {
        let refused = harness.store().commit(vec![set]).await.expect_err("a commit that can't take");
        assert!(error.is_none_or(|error| error == refused), "{refused:?}");
        assert_eq!(harness.counts().await, counts);
        assert_same(&life.order, &load(harness, life.order.id()).await);
    }
    let answered = set().await.with_receipt(Some((a_key(2), a_receipt(2))));
    harness.store().commit(vec![answered]).await.unwrap();
    assert_same(&edit.order, &load(harness, life.order.id()).await);
    assert_eq!(harness.counts().await.receipts, counts.receipts + 1);
}

/// Two edits at once: the order has the lines of one of them, and none of the other.
pub async fn of_two_edits_at_once_one_wins(harness: &dyn Harness) {
    let second = harness.second().await;
    for _ in 0..10 {
        let life = a_new_order(harness).await.paid();
        keep(harness, &life).await;
        let one = edited(life.clone(), &[(a_product(8, 77), 3), (a_product(9, 5), 1)]);
        let other = edited(life, &[(a_product(5, 299), 1)]);
        let results = tokio::join!(try_commit(harness, one.last_change()), try_commit(&*second, other.last_change()));
        let winner = match results {
            (Ok(_), Err(CommitError::Conflict)) => one,
            (Err(CommitError::Conflict), Ok(_)) => other,
            both => panic!("one should have won: {both:?}"),
        };
        assert_same(&winner.order, &load(harness, winner.order.id()).await);
    }
}

/// An edit and the release of the order at once: whichever is first, the other is decided again.
pub async fn of_an_edit_and_a_release_at_once_one_wins(harness: &dyn Harness) {
    let second = harness.second().await;
    for _ in 0..10 {
        let soon = after(now(harness).await, Duration::from_mins(40));
        let life = a_new_order(harness).await.scheduled_for(soon).paid();
        let kept = keep(harness, &life).await;
        let task = claim(harness, kept.task(TaskKind::Release)).await;
        let released = life.clone().when(&Actor::System, Command::Release { gone: false });
        let set = write_set(&*harness.ids(), released.last_change()).await.finishing(&task);
        let edit = edited(life, &[(a_product(8, 77), 3)]);
        let store = harness.store();
        let results = tokio::join!(store.commit(vec![set]), try_commit(&*second, edit.last_change()));
        let winner = match results {
            (Ok(_), Err(CommitError::Conflict)) => released,
            (Err(CommitError::Conflict), Ok(_)) => edit,
            both => panic!("one should have won: {both:?}"),
        };
        assert_same(&winner.order, &load(harness, winner.order.id()).await);
    }
}

fn resolve(entry: u32, outcome: Outcome) -> Command {
    Command::Resolve { entry, outcome, reason: Text::lines("Ünter dem Tresen\nausgezahlt 🍎").unwrap() }
}

/// A refund that was paid by hand is one in cash from then on; one that was not settled is booked again; and what an
/// admin said stands in the timeline.
pub async fn what_a_person_saw_to_is_loaded_as_it_was_committed(harness: &dyn Harness) {
    let in_review = |life: Life, n| life.sent(n).when(&Actor::System, Command::PutInReview { entry: n });
    let refund = async || in_review(a_new_order(harness).await.paid().cancelled(), 2);
    survives(harness, &refund().await).await;
    for (outcome, method) in [
        (Outcome::ByHand, PaymentMethod::Cash),
        (Outcome::Settled, PaymentMethod::Online),
        (Outcome::NotSettled, PaymentMethod::Online),
    ] {
        let life = refund().await.when(&admin(), resolve(2, outcome));
        assert_eq!(life.order.ledger().entry(2).unwrap().method, method);
        survives(harness, &life).await;
        let timeline = harness.reader().timeline(life.order.id(), 0).await.unwrap().unwrap().entries;
        let said = timeline.iter().find(|entry| entry.kind == "resolved").expect("an admin's word");
        assert_eq!(said.reason.as_deref(), Some("Ünter dem Tresen\nausgezahlt 🍎"));
        assert_eq!((said.actor.as_ref(), said.amount), (admin().id(), None));
    }
    for outcome in [Outcome::Settled, Outcome::NotSettled] {
        let charge = in_review(a_new_order(harness).await.placed(), 1);
        survives(harness, &charge.when(&admin(), resolve(1, outcome))).await;
    }
    let reason = Text::line("they waited long").unwrap();
    let goodwill = Command::GrantGoodwill { amount: usd(300), reason };
    let cash = a_new_order(harness).await.cash().delivered().when(&admin(), goodwill);
    survives(harness, &cash.when(&admin(), resolve(2, Outcome::ByHand))).await;
}

/// A charge in review that is waited for: its task goes on, as the timer of what waits for it.
pub async fn the_task_of_a_charge_in_review_goes_on(harness: &dyn Harness) {
    let life = a_new_order(harness).await.sent();
    let kept = keep(harness, &life).await;
    let review = reloaded(harness, &life).await.when(&Actor::System, Command::PutInReview { entry: 1 });
    let set = write_set(&*harness.ids(), review.last_change()).await.held_by(kept.held(1));
    harness.store().commit(vec![set]).await.unwrap();
    let loaded = harness.store().load_for(kept.held(1)).await.unwrap().expect("the task goes on");
    assert_same(&review.order, &loaded);
}

fn wanted_at(moment: Option<Timestamp>) -> Command {
    let scheduled_for = moment.map_or(Patch::Clear, Patch::Set);
    Command::ChangeDelivery(DeliveryChange { scheduled_for, ..DeliveryChange::default() })
}

/// The release of a scheduled order is due a lead before its time, to the microsecond, and claimed no earlier.
pub async fn a_release_is_claimed_when_it_is_due(harness: &dyn Harness) {
    let begins = now(harness).await;
    let in_an_hour = after(begins, Duration::from_micros(3_600_000_001));
    let life = a_new_order(harness).await.scheduled_for(in_an_hour).paid();
    let kept = keep(harness, &life).await;
    let release = kept.task(TaskKind::Release);
    assert_eq!(release.due, after(begins, Duration::from_micros(900_000_001)));
    assert_same(&life.order, &load(harness, life.order.id()).await);
    assert_eq!(claim_all(harness, TaskKind::Release).await, []);
    let margin = Duration::from_mins(10);
    harness.let_pass(margin).await;
    assert_eq!(claim_all(harness, TaskKind::Release).await, []);
    harness.let_pass(LONGER_THAN_ANY_LEASE).await;
    let claimed = claim_all(harness, TaskKind::Release).await;
    let told: Vec<_> = claimed.iter().map(|task| (task.id, task.order, task.entry)).collect();
    assert_eq!(told, [(release.id, life.order.id(), None)]);
    harness.let_pass(LEASE + Duration::from_secs(1)).await;
    assert_eq!(claim_all(harness, TaskKind::Release).await.len(), 1, "it never dies and is claimed again");
}

/// Moved, dropped and released.
pub async fn a_scheduled_order_is_loaded_as_it_was_committed(harness: &dyn Harness) {
    let begins = now(harness).await;
    let hours = |hours| after(begins, Duration::from_hours(hours));
    let scheduled = async || a_new_order(harness).await.scheduled_for(hours(3)).paid();
    survives(harness, &scheduled().await.when(&customer("ann"), wanted_at(Some(hours(5))))).await;
    let dropped = scheduled().await.when(&customer("ann"), wanted_at(None));
    assert_eq!(dropped.order.state().scheduled_for, None);
    survives(harness, &dropped).await;
    let released =
        scheduled().await.after(Duration::from_hours(3)).when(&Actor::System, Command::Release { gone: false });
    assert!(released.order.state().released_at.is_some());
    survives(harness, &released).await;
    let gone = scheduled().await.after(Duration::from_hours(3)).when(&Actor::System, Command::Release { gone: true });
    survives(harness, &gone).await;
    let more = edited(scheduled().await, &[(a_product(8, 7_700), 3)]);
    let paid = more.charge_settles(2);
    assert_eq!(paid.last_change().tasks.iter().map(|task| task.kind).collect::<Vec<_>>(), [TaskKind::Release]);
    survives(harness, &paid).await;
}

/// What an order's fee depended on when it was placed is what its next edit is priced by.
pub async fn the_bands_of_a_fee_are_loaded_to_the_last_digit(harness: &dyn Harness) {
    let life = by_distance(a_new_order(harness).await).coordinates("52.53", "13.41").placed();
    assert_eq!(life.order.state().delivery_fee, usd(300));
    survives(harness, &life).await;
    let edit = edited(reloaded(harness, &life).await, &[(a_product(8, 77), 3)]);
    assert_eq!((edit.order.state().delivery_fee, edit.order.state().total), (usd(300), usd(531)));
    let id = ProductId::new(8).unwrap();
    assert!(edit.order.state().lines.iter().all(|line| line.product.id == id));
}
