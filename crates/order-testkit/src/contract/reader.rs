//! Lists and timelines.

use order_domain::order::{CancelCode, Command, DeliveryChange, Order, Role, Status};
use order_domain::payment::PaymentStatus;
use order_domain::ports::{OrderFilter, Page, PageStart, TimelineItem};
use order_domain::time::{Duration, Timestamp, after};
use order_domain::{OrderId, Text};

use crate::builders::{Life, START, admin, an_order, customer, usd, user};

use super::Harness;
use super::support::{assert_same, keep, load, now};

const ALL: Page = Page { limit: 100, start: PageStart::Offset(0) };

async fn list(harness: &dyn Harness, filter: OrderFilter, page: Page) -> Vec<i64> {
    let page = harness.reader().list(&filter, page).await.unwrap();
    page.orders.iter().map(|order| order.id().get()).collect()
}

fn minute(n: u64) -> Timestamp {
    after(START, Duration::from_mins(n))
}

async fn keep_all(harness: &dyn Harness, lives: impl IntoIterator<Item = Life>) {
    for life in lives {
        keep(harness, &life).await;
    }
}

/// By the moment of placing, and at the same moment by number, the newest first; numbers alone say nothing.
pub async fn a_list_shows_the_newest_first(harness: &dyn Harness) {
    let placed = [(5, 1), (3, 2), (9, 2), (7, 2), (1, 3), (8, 0)];
    keep_all(harness, placed.map(|(id, n)| an_order().id(id).at(minute(n)).placed())).await;
    assert_eq!(list(harness, OrderFilter::default(), ALL).await, [1, 9, 7, 3, 5, 8]);
}

/// A list shows whole orders, as they are loaded.
pub async fn a_list_shows_whole_orders(harness: &dyn Harness) {
    let lives = [
        an_order().id(1).at(minute(0)).lines(&[(4, 100, 2), (2, 50, 1)]).coordinates("1.5", "-2.25").delivered(),
        an_order().id(2).at(minute(1)).paid().cancelled(),
        an_order().id(3).at(minute(2)).cash().instructions("ring").placed(),
    ];
    keep_all(harness, lives.clone()).await;
    let orders: Vec<Order> = harness.reader().list(&OrderFilter::default(), ALL).await.unwrap().orders;
    assert_eq!(orders.len(), 3);
    for (order, life) in orders.into_iter().rev().zip(&lives) {
        let loaded = load(harness, life.order.id()).await;
        assert_eq!(order, loaded.order);
        assert_same(&life.order, &loaded);
    }
}

/// Every criterion by itself, and together.
pub async fn a_list_shows_what_meets_every_criterion(harness: &dyn Harness) {
    keep_all(
        harness,
        [
            an_order().id(1).at(minute(1)).placed(),
            an_order().id(2).at(minute(2)).paid(),
            an_order().id(3).at(minute(3)).customer("eve").assigned_to("bob"),
            an_order().id(4).at(minute(4)).out_for_delivery(),
            an_order().id(5).at(minute(5)).customer("eve").delivered(),
            an_order().id(6).at(minute(6)).cancelled(),
        ],
    )
    .await;
    let all = OrderFilter::default;
    let of = |name: &str| OrderFilter { customer: Some(user(name)), ..all() };
    let by = |name: &str| OrderFilter { courier: Some(user(name)), ..all() };
    let in_statuses = |statuses: &[Status]| OrderFilter { statuses: statuses.to_vec(), ..all() };
    let placed = |from, to| OrderFilter { created_from: from, created_to: to, ..all() };
    let cases: [(OrderFilter, &[i64]); 14] = [
        (all(), &[6, 5, 4, 3, 2, 1]),
        (of("ann"), &[6, 4, 2, 1]),
        (of("eve"), &[5, 3]),
        (of("nobody"), &[]),
        (by("bob"), &[5, 4, 3]),
        (by("cat"), &[]),
        (in_statuses(&[Status::Confirmed]), &[3, 2]),
        (in_statuses(&[Status::Cancelled, Status::Pending]), &[6, 1]),
        (in_statuses(&[Status::Refunded]), &[]),
        (placed(Some(minute(3)), None), &[6, 5, 4, 3]),
        (placed(None, Some(minute(3))), &[3, 2, 1]),
        (placed(Some(minute(2)), Some(minute(4))), &[4, 3, 2]),
        (placed(Some(after(minute(2), Duration::from_micros(1))), Some(minute(4))), &[4, 3]),
        (OrderFilter { statuses: vec![Status::Confirmed], courier: Some(user("bob")), ..of("eve") }, &[3]),
    ];
    for (filter, expected) in cases {
        assert_eq!(list(harness, filter.clone(), ALL).await, expected, "{filter:?}");
    }
    let second_of_ann = Page { limit: 1, start: PageStart::Offset(1) };
    assert_eq!(list(harness, of("ann"), second_of_ann).await, [4], "a page is a page of what is shown");
}

/// By payment status, which is that of the loaded order.
pub async fn a_list_is_filtered_by_payment_status(harness: &dyn Harness) {
    let strict = order_domain::Rules { refund_declines: 1, ..crate::builders::rules() };
    Box::pin(keep_all(
        harness,
        [
            an_order().id(1).placed(),
            an_order().id(2).paid(),
            an_order().id(3).paid().cancelled(),
            an_order().id(4).paid().cancelled().refund_settles(2),
            an_order().id(5).placed().charge_is_declined(1),
            an_order().id(6).cash().placed(),
            an_order().id(7).rules(strict).paid().cancelled().refund_is_declined(2),
            an_order().id(8).sent(),
            an_order().id(9).cancelled(),
        ],
    ))
    .await;
    let orders = harness.reader().list(&OrderFilter::default(), ALL).await.unwrap().orders;
    let mut shown = 0;
    for payment_status in PaymentStatus::ALL {
        let expected: Vec<_> =
            orders.iter().filter(|order| order.payment_status().unwrap() == payment_status).collect();
        let filter = OrderFilter { payment_status: Some(payment_status), ..OrderFilter::default() };
        let found = harness.reader().list(&filter, ALL).await.unwrap().orders;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{payment_status:?}");
        shown += found.len();
    }
    assert_eq!(shown, 9);
    let processing = OrderFilter { payment_status: Some(PaymentStatus::Processing), ..OrderFilter::default() };
    assert_eq!(list(harness, processing, ALL).await, [8, 1], "booked or sent");
}

/// What a courier may take: confirmed or being packed, and nobody's.
pub async fn a_list_shows_what_can_be_taken(harness: &dyn Harness) {
    keep_all(
        harness,
        [
            an_order().id(1).at(minute(1)).placed(),
            an_order().id(2).at(minute(2)).paid(),
            an_order().id(3).at(minute(3)).assigned_to("bob"),
            an_order().id(4).at(minute(4)).preparing(),
            an_order().id(5).at(minute(5)).cash().placed(),
            an_order().id(6).at(minute(6)).delivered(),
            an_order().id(7).at(minute(7)).paid().cancelled(),
        ],
    )
    .await;
    let available = OrderFilter { available: true, ..OrderFilter::default() };
    assert_eq!(list(harness, available.clone(), ALL).await, [5, 4, 2]);
    let packed = OrderFilter { statuses: vec![Status::Preparing], ..available };
    assert_eq!(list(harness, packed, ALL).await, [4]);
}

/// What its customer wants at a time of their own, or the rest.
pub async fn a_list_shows_what_is_scheduled(harness: &dyn Harness) {
    keep_all(
        harness,
        [
            an_order().id(1).at(minute(1)).placed().wanted_at(minute(200)),
            an_order().id(2).at(minute(2)).placed(),
            an_order().id(3).at(minute(3)).customer("eve").placed().wanted_at(minute(100)).paid(),
            an_order().id(4).at(minute(4)).paid().wanted_at(minute(300)),
            an_order().id(5).at(minute(5)).paid(),
        ],
    )
    .await;
    let scheduled = |scheduled| OrderFilter { scheduled: Some(scheduled), ..OrderFilter::default() };
    assert_eq!(list(harness, scheduled(true), ALL).await, [4, 3, 1]);
    assert_eq!(list(harness, scheduled(false), ALL).await, [5, 2]);
    let confirmed = OrderFilter { statuses: vec![Status::Confirmed, Status::Pending], ..scheduled(true) };
    assert_eq!(list(harness, OrderFilter { customer: Some(user("eve")), ..confirmed }, ALL).await, [3]);
    let wanted = load(harness, OrderId::new(4).unwrap()).await.order.state().scheduled_for;
    assert_eq!(wanted, Some(minute(300)), "a change names the time");
}

/// Who did what, when, and what it made of the order.
pub async fn a_timeline_tells_what_has_happened(harness: &dyn Harness) {
    let life = an_order().id(1).at(minute(0)).placed().after(Duration::from_micros(61_000_001)).paid();
    let redirected = DeliveryChange { address: Some(Text::line("2 Main St").unwrap()), ..DeliveryChange::default() };
    let life = life.when(&customer("ann"), Command::ChangeDelivery(redirected));
    let sorry = Command::GrantGoodwill { amount: usd(100), reason: Text::line("Entschuldigung 🍎").unwrap() };
    let life = life.when(&admin(), sorry);
    let life = life.after(Duration::from_mins(5)).preparing().assigned_to("bob");
    let life = life.after(Duration::from_mins(1)).cancelled_by_admin(CancelCode::OutOfStock, "Äpfel\nfehlen 🍎");
    let life = life.refund_settles(3);
    keep(harness, &life).await;
    let told = harness.reader().timeline(OrderId::new(1).unwrap(), 0).await.unwrap().unwrap().entries;
    let expected: Vec<_> = life.timeline().iter().map(item).collect();
    assert_eq!(told, expected);
    let story: Vec<_> = told.iter().map(|item| (item.seq, item.kind.as_str(), item.role)).collect();
    assert_eq!(
        story,
        [
            (1, "placed", Role::Customer),
            (2, "confirmed", Role::System),
            (3, "address_changed", Role::Customer),
            (4, "goodwill_granted", Role::Admin),
            (5, "preparing", Role::Admin),
            (6, "assigned", Role::Admin),
            (7, "cancelled", Role::Admin),
            (8, "refund_settled", Role::System),
        ]
    );
    assert_eq!(told[0].actor, Some(user("ann")));
    assert_eq!((told[1].actor.clone(), told[1].amount), (None, Some(usd(1_098))));
    assert_eq!((told[2].amount, told[2].reason.as_deref()), (None, None), "where to is nobody's to read here");
    assert_eq!(told[3].reason.as_deref(), Some("Entschuldigung 🍎"));
    assert_eq!(told[6].reason.as_deref(), Some("Äpfel\nfehlen 🍎"));
}

fn item(event: &order_domain::order::Recorded) -> TimelineItem {
    TimelineItem {
        seq: event.seq,
        kind: event.event.name().into(),
        at: event.at,
        role: event.actor.role(),
        actor: event.actor.id().cloned(),
        status: event.status,
        amount: event.amount,
        reason: event.event.note().map(|note| note.as_str().to_owned()),
    }
}

/// A timeline belongs to one order, and says whose that is; of an order that is not there, there is none.
pub async fn a_timeline_is_that_of_its_order(harness: &dyn Harness) {
    keep_all(
        harness,
        [an_order().id(1).at(minute(0)).delivered(), an_order().id(2).at(minute(1)).customer("eve").cash().placed()],
    )
    .await;
    let timeline = |id| async move { harness.reader().timeline(OrderId::new(id).unwrap(), 0).await.unwrap() };
    assert_eq!(timeline(3).await, None);
    let delivered = timeline(1).await.unwrap();
    assert_eq!((delivered.customer, delivered.courier), (user("ann"), Some(user("bob"))));
    assert_eq!(delivered.entries.iter().map(|item| item.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    let placed = timeline(2).await.unwrap();
    assert_eq!((placed.customer, placed.courier, placed.entries.len()), (user("eve"), None, 2));
}

/// Only what happened after an event that the reader knows; after the last, nothing.
pub async fn a_timeline_goes_on_after_an_event(harness: &dyn Harness) {
    keep_all(harness, [an_order().id(1).delivered(), an_order().id(2).cash().placed()]).await;
    for (after, expected) in [(0, 6), (1, 5), (4, 2), (5, 1), (6, 0), (7, 0), (i64::MAX, 0)] {
        let timeline = harness.reader().timeline(OrderId::new(1).unwrap(), after).await.unwrap().unwrap();
        let told: Vec<_> = timeline.entries.iter().map(|item| item.seq).collect();
        assert_eq!(told, (after.min(6) + 1..=6).collect::<Vec<_>>(), "after {after}");
        assert_eq!(told.len(), expected);
    }
}

/// The versions of those that are there, whoever else is asked about.
pub async fn versions_are_told_of_the_orders_that_are_there(harness: &dyn Harness) {
    keep_all(harness, [an_order().id(1).delivered(), an_order().id(2).cash().placed(), an_order().id(3).placed()])
        .await;
    let versions = async |ids: &[i64]| {
        let ids: Vec<_> = ids.iter().map(|id| OrderId::new(*id).unwrap()).collect();
        let mut found = harness.reader().versions(&ids).await.unwrap();
        found.sort_unstable();
        found.into_iter().map(|(id, version)| (id.get(), version)).collect::<Vec<_>>()
    };
    assert_eq!(versions(&[3, 1, 9, 2]).await, [(1, 6), (2, 2), (3, 1)]);
    assert_eq!(versions(&[]).await, []);
    let many: Vec<_> = (1..=1_000).collect();
    assert_eq!(versions(&many).await.len(), 3);
}

/// The database is there.
pub async fn a_database_that_is_there_answers(harness: &dyn Harness) {
    assert_eq!(harness.reader().ping().await, Ok(()));
    assert!(now(harness).await >= START);
}
