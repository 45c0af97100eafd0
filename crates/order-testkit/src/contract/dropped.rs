//! Requests that nobody waits for any more: a client hung up, a time limit passed. Whatever was under way is done or not
//! done, and the store goes on.

use std::sync::Arc;

use order_domain::OrderId;
use order_domain::ports::{CommitError, TaskKind};
use tokio::task::yield_now;

use crate::builders::{Life, a_guard, a_key, a_receipt, user, write_set};

use super::Harness;
use super::support::{a_charge, a_new_order, assert_same, claim, claim_all, eventually, keep, load, now, try_commit};

const ROUNDS: usize = 60;

/// Runs `work` by itself, lets it get `steps` turns ahead, and drops it where it is then.
async fn drop_after<T: Send + 'static>(steps: usize, work: impl Future<Output = T> + Send + 'static) {
    let running = tokio::spawn(work);
    for _ in 0..steps {
        yield_now().await;
    }
    running.abort();
    let _ = running.await;
}

/// The store still takes and gives, on every connection it may have.
async fn goes_on(harness: &dyn Harness) {
    let work = (0..16).map(|_| async {
        let life = a_new_order(harness).await.placed();
        try_commit(harness, life.last_change()).await.unwrap();
        assert_same(&life.order, &load(harness, life.order.id()).await);
    });
    futures_util::future::join_all(work).await;
}

/// A new order whose request was dropped is there with all that belongs to it, or not at all.
pub async fn a_dropped_placing_is_whole_or_not_at_all(harness: &dyn Harness) {
    let mut lives: Vec<Life> = Vec::new();
    for round in 0..ROUNDS {
        let life = a_new_order(harness).await.customer(&format!("c{round}")).placed();
        let set = write_set(&*harness.ids(), life.last_change()).await;
        let n = u8::try_from(round).expect("few rounds");
        let set = set.guarded(a_guard(n)).with_receipt(Some((a_key(n), a_receipt(n))));
        let store = harness.store();
        drop_after(round, async move { store.commit(vec![set]).await }).await;
        lives.push(life);
    }
    goes_on(harness).await;
    // What was still under way when it was dropped comes to its end.
    eventually("every order is whole", || async {
        let counts = harness.counts().await;
        let of_placings = counts.orders - 16;
        [counts.receipts, counts.guards] == [of_placings; 2]
            && [counts.lines, counts.events, counts.outbox, counts.entries, counts.tasks] == [counts.orders; 5]
    })
    .await;
    for (n, life) in (0..).zip(&lives) {
        let found = harness.store().placing(&life.order.state().customer, Some(a_key(n))).await.unwrap();
        let guarded: Vec<_> = found.guards.iter().map(|guard| guard.order).collect();
        match harness.store().load(life.order.id()).await.unwrap() {
            Some(loaded) => {
                assert_same(&life.order, &loaded);
                assert!(found.receipt.is_some() && guarded == [life.order.id()]);
            }
            None => assert_eq!((found.receipt, guarded), (None, vec![])),
        }
    }
}

/// A change whose request was dropped has happened or not; the next one finds out and goes on.
pub async fn a_dropped_change_has_happened_or_not(harness: &dyn Harness) {
    for round in 0..ROUNDS {
        let life = a_new_order(harness).await.paid();
        keep(harness, &life).await;
        let packed = life.clone().preparing();
        let set = write_set(&*harness.ids(), packed.last_change()).await;
        let store = harness.store();
        drop_after(round, async move { store.commit(vec![set]).await }).await;
        match try_commit(harness, packed.last_change()).await {
            Ok(_) | Err(CommitError::Conflict) => {}
            Err(error) => panic!("neither done nor undone: {error:?}"),
        }
        assert_same(&packed.order, &load(harness, life.order.id()).await);
    }
    goes_on(harness).await;
}

/// Reads that are dropped leave the store usable.
pub async fn dropped_reads_leave_the_store_usable(harness: &dyn Harness) {
    let life = a_new_order(harness).await.delivered();
    keep(harness, &life).await;
    let id: OrderId = life.order.id();
    for round in 0..ROUNDS {
        let (store, reader) = (harness.store(), harness.reader());
        drop_after(round % 12, async move { store.load(id).await }).await;
        drop_after(round % 12, async move { reader.timeline(id, 0).await }).await;
        let reader = harness.reader();
        let page = order_domain::ports::Page { limit: 10, start: order_domain::ports::PageStart::Offset(0) };
        drop_after(round % 12, async move { reader.list(&order_domain::ports::OrderFilter::default(), page).await })
            .await;
        let store = harness.store();
        drop_after(round % 12, async move { store.placing(&user("ann"), Some(a_key(1))).await }).await;
    }
    goes_on(harness).await;
    assert_same(&life.order, &load(harness, id).await);
}

/// A claim that is dropped loses no task: it is claimed by the next, or when its lease has run out.
pub async fn a_dropped_claim_loses_no_task(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    for round in 0..ROUNDS {
        let tasks = harness.tasks();
        let claim = order_domain::ports::Claim {
            slots: vec![(TaskKind::Charge, 1)],
            chores: Vec::new(),
            only: None,
            lease: super::support::LEASE,
        };
        drop_after(round % 20, async move { tasks.claim(&claim).await }).await;
    }
    eventually("the task is claimed", || async {
        harness.let_pass(super::support::LONGER_THAN_ANY_LEASE).await;
        claim_all(harness, TaskKind::Charge).await.iter().any(|claimed| claimed.id == task.id)
    })
    .await;
    assert_same(&life.order, &load(harness, life.order.id()).await);
}

/// A mark that is dropped has happened or not, and its entry is followed on either way.
pub async fn a_dropped_mark_has_happened_or_not(harness: &dyn Harness) {
    for round in 0..ROUNDS / 2 {
        let (life, task) = a_charge(harness, now(harness).await).await;
        let claimed = claim(harness, &task).await;
        let (store, held) = (harness.store(), claimed.clone());
        drop_after(round, async move { store.mark_sent(&held, 1, 1).await }).await;
        let marked_now = harness.store().mark_sent(&claimed, 1, 1).await.unwrap();
        let order = load(harness, life.order.id()).await.order;
        let entry = order.ledger().entry(1).unwrap();
        assert_eq!((entry.state, entry.attempts), (order_domain::payment::EntryState::Sent, 1), "{marked_now}");
        let settled = super::support::reloaded(harness, &life).await.charge_settles(1);
        let set = write_set(&*harness.ids(), settled.last_change()).await.finishing(&claimed);
        Arc::clone(&harness.store()).commit(vec![set]).await.unwrap();
    }
    goes_on(harness).await;
}
