//! Pages of lists: together they are the whole list, whatever happens between two of them.

use order_domain::OrderId;
use order_domain::order::{Order, Status};
use order_domain::payment::PaymentStatus;
use order_domain::ports::{ListPlace, OrderFilter, OrderPage, Page, PageStart};
use order_domain::time::{Duration, Timestamp, after};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any};
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::builders::{Life, START, an_order, user};

use super::Harness;
use super::support::keep;

fn minute(n: u64) -> Timestamp {
    after(START, Duration::from_mins(n))
}

async fn keep_all(harness: &dyn Harness, lives: impl IntoIterator<Item = Life>) {
    for life in lives {
        keep(harness, &life).await;
    }
}

fn numbers(orders: &[Order]) -> Vec<i64> {
    orders.iter().map(|order| order.id().get()).collect()
}

async fn page(harness: &dyn Harness, filter: &OrderFilter, limit: u32, start: PageStart) -> OrderPage {
    harness.reader().list(filter, Page { limit, start }).await.unwrap()
}

/// A whole list, read at once.
async fn whole(harness: &dyn Harness, filter: &OrderFilter) -> Vec<Order> {
    let page = page(harness, filter, 100, PageStart::Offset(0)).await;
    assert_eq!(page.next, None, "these lists are no longer than a page can be");
    page.orders
}

/// A whole list, read page by page.
async fn paged(harness: &dyn Harness, filter: &OrderFilter, limit: u32, start: PageStart) -> Vec<Order> {
    let (mut orders, mut start) = (Vec::new(), start);
    loop {
        let page = page(harness, filter, limit, start).await;
        assert!(page.orders.len() <= limit as usize);
        let last = page.orders.last().map(ListPlace::of);
        orders.extend(page.orders);
        assert!(orders.len() <= 100, "these lists have an end");
        match page.next {
            Some(next) => {
                assert_eq!(Some(next), last, "the next page begins where this one ends");
                start = PageStart::After(next);
            }
            None => return orders,
        }
    }
}

/// Pages follow each other without a gap and without showing anything twice, by place or by count.
pub async fn pages_follow_each_other(harness: &dyn Harness) {
    keep_all(harness, (1..=23).map(|id| an_order().id(id).at(minute(id.unsigned_abs() % 3)).placed())).await;
    let all = OrderFilter::default();
    let expected = whole(harness, &all).await;
    assert_eq!(expected.len(), 23);
    for limit in [1, 5, 22, 23, 24] {
        assert_eq!(paged(harness, &all, limit, PageStart::Offset(0)).await, expected, "{limit} by {limit}");
        let mut counted = Vec::new();
        for offset in (0..30).step_by(limit as usize) {
            counted.extend(page(harness, &all, limit, PageStart::Offset(offset)).await.orders);
        }
        assert_eq!(counted, expected, "{limit} by {limit}, by count");
    }
    let rest = paged(harness, &all, 4, PageStart::Offset(9)).await;
    assert_eq!(rest, expected[9..], "whoever has skipped some goes on by place");
    let beyond = page(harness, &all, 10, PageStart::Offset(10_000)).await;
    assert_eq!((beyond.orders, beyond.next), (Vec::new(), None));
}

/// A page that is full is not yet followed by another.
pub async fn a_page_says_whether_there_is_another(harness: &dyn Harness) {
    keep_all(harness, (1..=3).map(|id| an_order().id(id).at(minute(id.unsigned_abs())).placed())).await;
    let all = OrderFilter::default();
    let of = async |limit, start| {
        let page = page(harness, &all, limit, start).await;
        (numbers(&page.orders), page.next.map(|place| place.id.get()))
    };
    assert_eq!(of(2, PageStart::Offset(0)).await, (vec![3, 2], Some(2)));
    assert_eq!(of(3, PageStart::Offset(0)).await, (vec![3, 2, 1], None));
    assert_eq!(of(1, PageStart::Offset(1)).await, (vec![2], Some(2)));
    assert_eq!(of(2, PageStart::Offset(1)).await, (vec![2, 1], None));
    let last = ListPlace { created_at: minute(1), id: OrderId::new(1).unwrap() };
    assert_eq!(of(2, PageStart::After(last)).await, (vec![], None));
}

/// Places are as far apart as moments can be, and at one moment as numbers are.
pub async fn a_place_is_exact_to_the_microsecond(harness: &dyn Harness) {
    let micros = [(1, 0), (9, 1), (2, 1), (5, 1), (7, 2), (3, 999_999), (4, 1_000_000), (8, 1_000_001)];
    let at = |micros| after(minute(5), Duration::from_micros(micros));
    Box::pin(keep_all(harness, micros.map(|(id, n)| an_order().id(id).at(at(n)).placed()))).await;
    let all = OrderFilter::default();
    assert_eq!(numbers(&paged(harness, &all, 1, PageStart::Offset(0)).await), [8, 4, 3, 7, 9, 5, 2, 1]);
    // A place need not be an order's.
    let between = ListPlace { created_at: at(1), id: OrderId::new(6).unwrap() };
    assert_eq!(numbers(&page(harness, &all, 9, PageStart::After(between)).await.orders), [5, 2, 1]);
}

/// Whoever turns a page sees what was there when they began, once, however many orders are placed meanwhile.
pub async fn what_is_placed_meanwhile_moves_no_page(harness: &dyn Harness) {
    keep_all(harness, (1..=6).map(|id| an_order().id(id).at(minute(id.unsigned_abs() / 3)).placed())).await;
    let all = OrderFilter::default();
    let first = page(harness, &all, 2, PageStart::Offset(0)).await;
    assert_eq!(numbers(&first.orders), [6, 5]);
    keep_all(harness, (11..=15).map(|id| an_order().id(id).at(minute(id.unsigned_abs())).placed())).await;
    // At the same moment as the last one shown, under a higher number: it would have stood before it.
    keep_all(harness, [an_order().id(7).at(minute(1)).placed()]).await;
    let rest = paged(harness, &all, 2, PageStart::After(first.next.unwrap())).await;
    assert_eq!(numbers(&rest), [4, 3, 2, 1]);
    let shifted = page(harness, &all, 2, PageStart::Offset(2)).await;
    assert_eq!(numbers(&shifted.orders), [13, 12], "what skipping can't promise");
}

/// A page begins after a place, whatever has become of the order that had it.
pub async fn a_place_outlives_its_orders_reasons_to_be_shown(harness: &dyn Harness) {
    let lives = [1, 2, 3, 4].map(|id| an_order().id(id).at(minute(id.unsigned_abs())).placed());
    keep_all(harness, lives.clone()).await;
    let pending = OrderFilter { statuses: vec![Status::Pending], ..OrderFilter::default() };
    let first = page(harness, &pending, 2, PageStart::Offset(0)).await;
    assert_eq!(numbers(&first.orders), [4, 3]);
    for id in [3, 4] {
        let loaded = harness.store().load(OrderId::new(id).unwrap()).await.unwrap().unwrap();
        let life = Life::of(loaded.order, crate::builders::rules(), loaded.now).cancelled();
        keep(harness, &life).await;
    }
    let rest = page(harness, &pending, 2, PageStart::After(first.next.unwrap())).await;
    assert_eq!(numbers(&rest.orders), [2, 1]);
    let skipped = page(harness, &pending, 2, PageStart::Offset(2)).await;
    assert_eq!(numbers(&skipped.orders), [0_i64; 0], "what skipping can't promise");
}

/// Several statuses make one list, in one order; whoever names one twice sees nothing twice.
pub async fn orders_in_several_statuses_are_one_list(harness: &dyn Harness) {
    let life = |id: i64| {
        let order = an_order().id(id).at(minute(id.unsigned_abs() % 4));
        match id % 3 {
            0 => order.placed(),
            1 => order.paid(),
            _ => order.cancelled(),
        }
    };
    keep_all(harness, (1..=18).map(life)).await;
    let in_statuses = |statuses: &[Status]| OrderFilter { statuses: statuses.to_vec(), ..OrderFilter::default() };
    for (names, every) in [
        (&[Status::Pending, Status::Confirmed][..], 12),
        (&[Status::Cancelled, Status::Refunded, Status::Pending], 12),
        (&[Status::Pending, Status::Pending], 6),
        (&[Status::Delivered, Status::Refunded], 0),
        (&Status::ALL, 18),
    ] {
        let filter = in_statuses(names);
        let mut expected = whole(harness, &OrderFilter::default()).await;
        expected.retain(|order| names.contains(&order.status()));
        assert_eq!((numbers(&whole(harness, &filter).await), expected.len()), (numbers(&expected), every), "{names:?}");
        assert_eq!(paged(harness, &filter, 5, PageStart::Offset(0)).await, expected, "{names:?}");
        for offset in [1, 7, 11] {
            let skipped = page(harness, &filter, 3, PageStart::Offset(offset)).await.orders;
            let wanted: Vec<_> = expected.iter().skip(offset as usize).take(3).cloned().collect();
            assert_eq!(numbers(&skipped), numbers(&wanted), "{names:?} from {offset}");
        }
    }
}

fn filters() -> impl Strategy<Value = OrderFilter> {
    let moments = || option::of((0..5_u64).prop_map(minute));
    let who = option::of(select(vec!["ann", "eve", "zoe"]));
    let courier = option::weighted(0.2, select(vec!["bob", "cat"]));
    let statuses = subsequence(Status::ALL.to_vec(), 0..=4);
    let payment = option::weighted(0.3, select(PaymentStatus::ALL.to_vec()));
    let scheduled = option::weighted(0.3, any::<bool>());
    (who, courier, statuses, payment, moments(), moments(), (option::weighted(0.1, any::<bool>()), scheduled)).prop_map(
        |(who, courier, statuses, payment_status, created_from, created_to, (available, scheduled))| OrderFilter {
            customer: who.map(user),
            courier: courier.map(user),
            statuses,
            payment_status,
            created_from,
            created_to,
            available: available == Some(true),
            scheduled,
        },
    )
}

/// Does an order meet a filter? Said once more, apart from any store.
fn meets(order: &Order, filter: &OrderFilter) -> bool {
    let state = order.state();
    let open = [Status::Confirmed, Status::Preparing].contains(&state.status);
    filter.customer.as_ref().is_none_or(|customer| *customer == state.customer)
        && filter.courier.as_ref().is_none_or(|courier| Some(courier) == state.courier.as_ref())
        && (filter.statuses.is_empty() || filter.statuses.contains(&state.status))
        && filter.payment_status.is_none_or(|status| status == order.payment_status().unwrap())
        && filter.created_from.is_none_or(|from| from <= state.created_at)
        && filter.created_to.is_none_or(|to| state.created_at <= to)
        && filter.scheduled.is_none_or(|scheduled| scheduled == state.scheduled_for.is_some())
        && (!filter.available || (open && state.released_at.is_some() && state.courier.is_none()))
}

/// For any orders and any filter: the pages are the whole list, which is what meets the filter, the newest first.
pub async fn whatever_a_list_shows_its_pages_make_the_whole(harness: &dyn Harness) {
    let mut runner = TestRunner::deterministic();
    let some = (select(vec!["ann", "eve", "zoe"]), 0..4_u64, 0..3_u64, 0..7_u8, any::<bool>());
    let some = vec(some, 60).new_tree(&mut runner).unwrap().current();
    for (id, (who, n, micros, fate, scheduled)) in (1..).zip(some) {
        let at = after(minute(n), Duration::from_micros(micros));
        let order = an_order().id(id).customer(who).at(at);
        let life = match fate {
            0 => order.placed(),
            1 => order.paid(),
            2 => order.preparing(),
            3 => order.assigned_to("cat"),
            4 => order.out_for_delivery(),
            5 => order.delivered(),
            _ => order.paid().cancelled(),
        };
        keep(harness, &if scheduled { life.wanted_at(minute(100)) } else { life }).await;
    }
    let every = whole(harness, &OrderFilter::default()).await;
    assert_eq!(every.len(), 60);
    assert!(every.is_sorted_by_key(|order| std::cmp::Reverse(ListPlace::of(order))));
    for _ in 0..150 {
        let (filter, limit) = (filters(), 1..=9_u32).new_tree(&mut runner).unwrap().current();
        let expected: Vec<_> = every.iter().filter(|order| meets(order, &filter)).cloned().collect();
        let found = paged(harness, &filter, limit, PageStart::Offset(0)).await;
        assert_eq!(numbers(&found), numbers(&expected), "{limit} by {limit}: {filter:?}");
        assert_eq!(found, expected);
    }
}
