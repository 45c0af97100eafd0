//! Guards: a cart is ordered once, until its order is cancelled or its cart has been cleared and ten seconds are over.

use order_domain::OrderId;
use order_domain::order::{Guard, LiveGuard};
use order_domain::ports::{CommitError, MAX_TRIES, TaskKind, WriteSet};
use order_domain::time::Duration;

use crate::builders::{Life, a_guard, a_key, a_receipt, user, write_set};

use super::Harness;
use super::support::{LEASE, a_new_order, claim, claim_all, eventually, failure, now, reloaded, try_commit};

const SECOND: Duration = Duration::from_secs(1);

async fn guarded(harness: &dyn Harness, life: &Life, guard: Guard) -> WriteSet {
    write_set(&*harness.ids(), life.last_change()).await.guarded(guard)
}

/// A new order of `ann`, which is not committed yet.
async fn placing(harness: &dyn Harness, guard: Guard) -> WriteSet {
    guarded(harness, &a_new_order(harness).await.placed(), guard).await
}

async fn live(harness: &dyn Harness) -> Vec<LiveGuard> {
    harness.store().placing(&user("ann"), None).await.unwrap().guards
}

async fn is_guarded(harness: &dyn Harness) -> bool {
    !live(harness).await.is_empty()
}

/// An order of `ann` that is paid in cash, so that its cart is to be cleared at once.
async fn with_a_cart_to_clear(harness: &dyn Harness) -> WriteSet {
    let life = a_new_order(harness).await.cash().placed();
    let set = guarded(harness, &life, a_guard(1)).await;
    harness.store().commit(vec![set.clone()]).await.unwrap();
    set
}

/// The cart of guard 1 can be ordered.
async fn is_free(harness: &dyn Harness) {
    assert_eq!(live(harness).await, []);
    let counts = harness.counts().await;
    let set = placing(harness, a_guard(1)).await;
    let order = set.order.id();
    harness.store().commit(vec![set]).await.unwrap();
    assert_eq!(live(harness).await.iter().map(|guard| guard.order).collect::<Vec<_>>(), [order]);
    let after = harness.counts().await;
    assert_eq!((after.orders, after.guards), (counts.orders + 1, counts.guards), "the old guard makes room");
}

/// Order, moment and cart are the order's own; another caller has no part in it.
pub async fn a_guard_is_found_as_it_was_written(harness: &dyn Harness) {
    assert_eq!(live(harness).await, []);
    let life = a_new_order(harness).await.lines(&[(5, 299, 2), (6, 150, 1)]).placed();
    let guard = Guard { placed_with: Some([7; 32]), ..a_guard(1) };
    let set = guarded(harness, &life, guard).await.with_receipt(Some((a_key(1), a_receipt(1))));
    harness.store().commit(vec![set]).await.unwrap();
    let state = life.order.state();
    let expected = LiveGuard {
        order: life.order.id(),
        fingerprint: a_guard(1).fingerprint,
        placed_with: Some([7; 32]),
        placed_at: state.created_at,
        cart: state.terms.cart_lines.clone(),
    };
    let other = harness.second().await;
    let found = other.store().placing(&user("ann"), Some(a_key(1))).await.unwrap();
    assert_eq!((found.guards, found.receipt.map(|stored| stored.receipt)), (vec![expected], Some(a_receipt(1))));
    assert_eq!(other.store().placing(&user("eve"), None).await.unwrap().guards, []);
}

/// A second order of the cart is refused, and nothing is left of it.
pub async fn a_guarded_cart_is_not_ordered_again(harness: &dyn Harness) {
    let first = placing(harness, a_guard(1)).await;
    let seen = vec![first.order.id()];
    harness.store().commit(vec![first]).await.unwrap();
    let counts = harness.counts().await;
    for key in [None, Some((a_key(1), a_receipt(1)))] {
        let second = placing(harness, Guard { seen: seen.clone(), ..a_guard(1) }).await.with_receipt(key);
        assert_eq!(harness.store().commit(vec![second]).await, Err(CommitError::Guarded));
        assert_eq!(harness.counts().await, counts);
    }
    assert_eq!(harness.store().receipt(a_key(1)).await.unwrap(), None, "the key is free");
}

/// Another cart of the same caller is ordered only by who has seen what is guarded: it may be what clearing has left.
pub async fn a_guard_that_was_not_seen_is_in_the_way(harness: &dyn Harness) {
    let first = placing(harness, a_guard(1)).await;
    let order = first.order.id();
    harness.store().commit(vec![first]).await.unwrap();
    let counts = harness.counts().await;
    let unseen = placing(harness, a_guard(2)).await;
    assert_eq!(harness.store().commit(vec![unseen.clone()]).await, Err(CommitError::Guarded));
    assert_eq!(harness.counts().await, counts);
    let eve = guarded(harness, &a_new_order(harness).await.customer("eve").placed(), a_guard(3)).await;
    harness.store().commit(vec![eve]).await.unwrap();
    harness.store().commit(vec![unseen.guarded(Guard { seen: vec![order], ..a_guard(2) })]).await.unwrap();
    assert_eq!(live(harness).await.len(), 2);
}

/// A key that is used undoes the guard, a guard that holds undoes the receipt; alone and in a longer commit.
pub async fn guard_and_receipt_take_together_or_not_at_all(harness: &dyn Harness) {
    let answer = |n| Some((a_key(n), a_receipt(n)));
    let first = placing(harness, a_guard(1)).await.with_receipt(answer(1));
    let seen = vec![first.order.id()];
    harness.store().commit(vec![first]).await.unwrap();
    let counts = harness.counts().await;
    let of = |n| Guard { seen: seen.clone(), ..a_guard(n) };
    for alone in [true, false] {
        for (guard, key, expected) in
            [(of(2), answer(1), CommitError::KeyUsed), (of(1), answer(2), CommitError::Guarded)]
        {
            let mut sets = vec![placing(harness, guard).await.with_receipt(key)];
            if !alone {
                let other = a_new_order(harness).await.customer("eve").placed();
                sets.push(write_set(&*harness.ids(), other.last_change()).await);
            }
            assert_eq!(harness.store().commit(sets).await, Err(expected), "alone: {alone}");
            assert_eq!(harness.counts().await, counts);
        }
    }
    assert_eq!((live(harness).await.len(), harness.store().receipt(a_key(2)).await.unwrap()), (1, None));
    harness.store().commit(vec![placing(harness, of(2)).await.with_receipt(answer(2))]).await.unwrap();
}

/// However long it takes, an order that waits for its payment is guarded.
pub async fn an_order_that_waits_is_guarded(harness: &dyn Harness) {
    let set = placing(harness, a_guard(1)).await;
    let seen = vec![set.order.id()];
    harness.store().commit(vec![set]).await.unwrap();
    harness.let_pass(Duration::from_hours(2)).await;
    assert!(is_guarded(harness).await);
    let again = placing(harness, Guard { seen, ..a_guard(1) }).await;
    assert_eq!(harness.store().commit(vec![again]).await, Err(CommitError::Guarded));
}

/// At once, without any wait.
pub async fn a_cancellation_ends_a_guard(harness: &dyn Harness) {
    for cleared in [false, true] {
        let life = a_new_order(harness).await.cash().placed();
        let set = guarded(harness, &life, a_guard(1)).await;
        harness.store().commit(vec![set.clone()]).await.unwrap();
        if cleared {
            let task = claim(harness, &set.tasks[0]).await;
            harness.tasks().finish(&task).await.unwrap();
        }
        assert!(is_guarded(harness).await);
        let cancelled = reloaded(harness, &life).await.cancelled();
        try_commit(harness, cancelled.last_change()).await.unwrap();
        assert!(!is_guarded(harness).await, "cleared: {cleared}");
    }
    is_free(harness).await;
}

/// What else happens to an order ends nothing.
pub async fn a_change_that_is_no_cancellation_ends_no_guard(harness: &dyn Harness) {
    let life = a_new_order(harness).await.cash().placed();
    let set = guarded(harness, &life, a_guard(1)).await;
    harness.store().commit(vec![set]).await.unwrap();
    try_commit(harness, life.preparing().last_change()).await.unwrap();
    harness.let_pass(Duration::from_mins(1)).await;
    assert!(is_guarded(harness).await);
}

/// Late, when the cart is cleared late.
pub async fn a_guard_ends_when_its_cart_is_cleared(harness: &dyn Harness) {
    let set = with_a_cart_to_clear(harness).await;
    harness.let_pass(Duration::from_mins(5)).await;
    assert!(is_guarded(harness).await);
    let task = claim(harness, &set.tasks[0]).await;
    assert!(is_guarded(harness).await, "while it is being cleared");
    harness.tasks().finish(&task).await.unwrap();
    is_free(harness).await;
}

/// Ten seconds after the placing, when the cart is cleared early.
pub async fn a_guard_holds_for_ten_seconds(harness: &dyn Harness) {
    let set = with_a_cart_to_clear(harness).await;
    let task = claim(harness, &set.tasks[0]).await;
    harness.tasks().finish(&task).await.unwrap();
    harness.let_pass(7 * SECOND).await;
    let again = placing(harness, Guard { seen: vec![set.order.id()], ..a_guard(1) }).await;
    assert_eq!(harness.store().commit(vec![again]).await, Err(CommitError::Guarded));
    assert!(is_guarded(harness).await);
    harness.let_pass(3 * SECOND).await;
    is_free(harness).await;
}

/// The end of another task of the order is nothing to its guard; a clearing that ends with a commit is its end, too.
pub async fn a_commit_that_ends_the_clearing_ends_the_guard(harness: &dyn Harness) {
    let life = a_new_order(harness).await.placed();
    let set = guarded(harness, &life, a_guard(1)).await;
    harness.store().commit(vec![set.clone()]).await.unwrap();
    let charge = claim(harness, &set.tasks[0]).await;
    assert!(harness.store().mark_sent(&charge, 1, 1).await.unwrap());
    let paid = reloaded(harness, &life).await.charge_settles(1);
    let settled = write_set(&*harness.ids(), paid.last_change()).await.finishing(&charge);
    let clear = settled.tasks[0].clone();
    harness.store().commit(vec![settled]).await.unwrap();
    harness.let_pass(11 * SECOND).await;
    assert!(is_guarded(harness).await);

    let clear = claim(harness, &clear).await;
    let packed = reloaded(harness, &life).await.preparing();
    let set = write_set(&*harness.ids(), packed.last_change()).await.finishing(&clear);
    harness.store().commit(vec![set]).await.unwrap();
    is_free(harness).await;
}

/// Nobody clears the cart any more: the clearing has failed too often, or has killed its process too often.
pub async fn a_guard_ends_when_clearing_its_cart_is_dead(harness: &dyn Harness) {
    for fails in [true, false] {
        let set = with_a_cart_to_clear(harness).await;
        harness.let_pass(11 * SECOND).await;
        for _ in 0..MAX_TRIES {
            assert!(is_guarded(harness).await);
            let task = claim(harness, &set.tasks[0]).await;
            if fails {
                harness.tasks().fail(&task, &failure(Duration::ZERO)).await.unwrap();
            } else {
                harness.let_pass(LEASE).await;
            }
        }
        assert_eq!(claim_all(harness, TaskKind::ClearCart).await, []);
        is_free(harness).await;
        harness.store().commit(vec![cancellation(harness, live(harness).await[0].order).await]).await.unwrap();
    }
}

async fn cancellation(harness: &dyn Harness, order: OrderId) -> WriteSet {
    let loaded = super::support::load(harness, order).await;
    let life = Life::of(loaded.order, crate::builders::rules(), loaded.now).cancelled();
    write_set(&*harness.ids(), life.last_change()).await
}

/// What was ordered from no cart can't be cleared away: its guard just holds for its ten seconds.
pub async fn an_order_of_no_cart_is_guarded_for_ten_seconds(harness: &dyn Harness) {
    let life = a_new_order(harness).await.of_no_cart().placed();
    let set = guarded(harness, &life, a_guard(1)).await;
    harness.store().commit(vec![set]).await.unwrap();
    harness.let_pass(7 * SECOND).await;
    assert!(is_guarded(harness).await);
    harness.let_pass(3 * SECOND).await;
    is_free(harness).await;
}

/// Who decided before a guard ended has not seen it end, and what they have read of the cart may be older than that.
pub async fn a_guard_that_has_ended_since_is_still_in_the_way(harness: &dyn Harness) {
    let first = placing(harness, a_guard(1)).await;
    let order = first.order.id();
    harness.store().commit(vec![first]).await.unwrap();
    let late = placing(harness, Guard { seen: vec![order], ..a_guard(1) }).await;
    harness.let_pass(SECOND).await;
    eventually("time goes on", || async { now(harness).await > late.order.state().created_at }).await;
    harness.store().commit(vec![cancellation(harness, order).await]).await.unwrap();
    assert_eq!(harness.store().commit(vec![late]).await, Err(CommitError::Guarded));
    is_free(harness).await;
}

/// Two clicks at two instances at once: one order, with and without a key.
pub async fn of_two_placings_of_a_cart_at_once_one_takes(harness: &dyn Harness) {
    let second = harness.second().await;
    for round in 0..20_u8 {
        let name = format!("c{round}");
        let mut sets = Vec::new();
        for n in 0..2 {
            let life = a_new_order(harness).await.customer(&name).placed();
            let key = (round % 2 == 0).then(|| (a_key(2 * round + n), a_receipt(n)));
            sets.push(guarded(harness, &life, a_guard(round)).await.with_receipt(key));
        }
        let before = harness.counts().await;
        let (here, there) = (harness.store(), second.store());
        let (other, one) = (sets.pop().unwrap(), sets.pop().unwrap());
        let (a, b) = tokio::join!(here.commit(vec![one]), there.commit(vec![other]));
        assert!(
            matches!((&a, &b), (Ok(_), Err(CommitError::Guarded)) | (Err(CommitError::Guarded), Ok(_))),
            "one should have taken: {a:?} {b:?}"
        );
        let after = harness.counts().await;
        assert_eq!((after.orders, after.tasks), (before.orders + 1, before.tasks + 1));
        assert_eq!((after.guards, after.receipts), (before.guards + 1, before.receipts + usize::from(round % 2 == 0)));
    }
}

/// Receipts that are over a day old, guards that have ended; each a minute later.
pub async fn only_what_has_ended_is_forgotten(harness: &dyn Harness) {
    let forget = || async { harness.store().forget(100).await.unwrap() };
    let minute = Duration::from_mins(1);
    let cancelled = placing(harness, a_guard(1)).await.with_receipt(Some((a_key(1), a_receipt(1))));
    let order = cancelled.order.id();
    harness.store().commit(vec![cancelled]).await.unwrap();
    harness.let_pass(Duration::from_hours(23)).await;
    let pending = placing(harness, Guard { seen: vec![order], ..a_guard(2) }).await;
    harness.store().commit(vec![pending]).await.unwrap();
    assert_eq!(forget().await, 0, "nothing has ended");
    harness.store().commit(vec![cancellation(harness, order).await]).await.unwrap();
    assert_eq!(forget().await, 0, "who decided before it ended must find it");
    harness.let_pass(minute).await;
    assert_eq!(forget().await, 1);
    assert!(harness.store().receipt(a_key(1)).await.unwrap().is_some());
    harness.let_pass(Duration::from_hours(1) + minute).await;
    assert_eq!((forget().await, forget().await), (1, 0), "twice is once");
    let counts = harness.counts().await;
    assert_eq!((counts.receipts, counts.guards, counts.orders), (0, 1, 2));
    assert_eq!(live(harness).await.len(), 1);
}

/// A batch is as large as it may be, and the longest ended goes first.
pub async fn forgetting_goes_in_batches(harness: &dyn Harness) {
    for n in 0..5 {
        let life = a_new_order(harness).await.placed();
        let set = write_set(&*harness.ids(), life.last_change()).await;
        harness.store().commit(vec![set.with_receipt(Some((a_key(n), a_receipt(n))))]).await.unwrap();
        harness.let_pass(SECOND).await;
    }
    harness.let_pass(Duration::from_hours(25)).await;
    assert_eq!(harness.store().forget(0).await.unwrap(), 0);
    for (expected, left) in [(2, 3), (2, 1), (1, 0), (0, 0)] {
        assert_eq!(harness.store().forget(2).await.unwrap(), expected);
        assert_eq!(harness.counts().await.receipts, left);
    }
}
