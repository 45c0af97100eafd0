//! What audits read: everything as it was committed, in batches.

use order_domain::OrderId;
use order_domain::audit::{AuditTerms, RELEASE_LEAD, whole};
use order_domain::payment::{EntryKind, EntryState, PaymentMethod, Purpose};
use order_domain::ports::{AuditBatch, AuditedOrder, LedgerLine, MAX_TRIES, Receipt, SettledPlace, TaskState};
use order_domain::time::{Duration, Timestamp, after};

use crate::builders::{Life, a_key, a_receipt, write_set};

use super::Harness;
use super::support::{LONGER_THAN_ANY_LEASE, a_charge, a_lane, a_new_order, claim, failure, keep, load, now};

const HOUR: Duration = Duration::from_hours(1);

async fn batch(harness: &dyn Harness, after: Option<OrderId>, limit: u32) -> AuditBatch {
    harness.audit().orders_after(after, limit).await.unwrap()
}

async fn audited(harness: &dyn Harness, id: OrderId) -> AuditedOrder {
    let orders = batch(harness, None, 100).await.orders;
    orders.into_iter().find(|order| order.id == id).expect("an order of this number")
}

/// Nothing is wrong with it; its rows are its own, its events in their sequence.
pub async fn an_order_is_audited_as_it_was_committed(harness: &dyn Harness) {
    let lives: Vec<Life> = vec![
        a_new_order(harness).await.delivered(),
        a_new_order(harness).await.lines(&[(5, 299, 2), (6, 150, 1)]).paid().cancelled().refund_settles(2),
        a_new_order(harness).await.cash().delivered(),
        a_new_order(harness).await.placed(),
    ];
    for life in &lives {
        keep(harness, life).await;
    }
    for life in lives {
        let id = life.order.id();
        let found = audited(harness, id).await;
        let rows = found.rows.clone().unwrap();
        let loaded = load(harness, id).await.order;
        assert_eq!((&rows.state, rows.ledger.as_ref()), (loaded.state(), Ok(loaded.ledger())));
        let told: Vec<_> = rows.events.iter().map(|event| (event.seq, event.name.as_str(), event.at)).collect();
        let timeline = life.timeline();
        let expected = timeline.iter().map(|event| (event.seq, event.event.name(), event.at));
        assert_eq!(told, expected.collect::<Vec<_>>());
        let now = now(harness).await;
        let terms = AuditTerms { drained: false, lead: RELEASE_LEAD };
        assert_eq!(whole(&found, terms, now), [], "order {id}");
    }
}

/// Each once, the next batch after the last of the one before.
pub async fn orders_are_audited_by_their_numbers(harness: &dyn Harness) {
    assert_eq!(harness.audit().last_order().await.unwrap(), None);
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.push(keep(harness, &a_new_order(harness).await.placed()).await.tasks[0].order);
    }
    expected.sort_unstable();
    assert_eq!(harness.audit().last_order().await.unwrap(), expected.last().copied());
    for limit in [1, 2, 5, 100] {
        let (mut found, mut last) = (Vec::new(), None);
        loop {
            let orders = batch(harness, last, limit).await.orders;
            assert!(orders.len() <= limit as usize);
            let Some(order) = orders.last() else { break };
            last = Some(order.id);
            found.extend(orders.iter().map(|order| order.id));
        }
        assert_eq!(found, expected, "{limit} at once");
    }
}

/// The dead ones too; and whether somebody has let a lease run out.
pub async fn tasks_are_audited_as_they_stand(harness: &dyn Harness) {
    let start = now(harness).await;
    let dead = a_lane(harness, 1, start).await.remove(0);
    for _ in 0..MAX_TRIES {
        let claimed = claim(harness, &dead).await;
        harness.tasks().fail(&claimed, &failure(Duration::ZERO)).await.unwrap();
    }
    let (life, held) = a_charge(harness, start).await;
    claim(harness, &held).await;
    let (later, _) = a_charge(harness, after(start, HOUR)).await;
    let tasks = |order: OrderId| async move {
        let tasks = audited(harness, order).await.tasks.into_iter();
        tasks.map(|audited| (audited.task.state, audited.lease_expired)).collect::<Vec<_>>()
    };
    assert_eq!(tasks(dead.order).await, [(TaskState::Dead, false)]);
    assert_eq!(tasks(life.order.id()).await, [(TaskState::Running, false)]);
    assert_eq!(tasks(later.order.id()).await, [(TaskState::Waiting, false)]);
    harness.let_pass(LONGER_THAN_ANY_LEASE).await;
    assert_eq!(tasks(life.order.id()).await, [(TaskState::Waiting, true)]);
    assert_eq!(audited(harness, life.order.id()).await.tasks[0].task, {
        harness.desk().task(held.id).await.unwrap().unwrap()
    });
}

/// Of placings alone: a change has a key of its own.
pub async fn keys_of_placings_are_audited(harness: &dyn Harness) {
    let life = a_new_order(harness).await.placed();
    let created = Receipt { status: 201, ..a_receipt(1) };
    let set = write_set(&*harness.ids(), life.last_change()).await.with_receipt(Some((a_key(1), created)));
    harness.store().commit(vec![set]).await.unwrap();
    let changed = life.clone().cancelled();
    let receipt = Receipt { status: 200, ..a_receipt(2) };
    let set = write_set(&*harness.ids(), changed.last_change()).await.with_receipt(Some((a_key(2), receipt)));
    harness.store().commit(vec![set]).await.unwrap();
    assert_eq!(audited(harness, life.order.id()).await.keys, [a_key(1).hash]);
}

/// Exactly those that were asked for.
pub async fn an_entry_is_found_by_its_order_and_number(harness: &dyn Harness) {
    let refunded = a_new_order(harness).await.paid().cancelled();
    let other = a_new_order(harness).await.paid();
    keep(harness, &refunded).await;
    keep(harness, &other).await;
    let (one, two) = (refunded.order.id(), other.order.id());
    let missing = OrderId::new(4_711_000).unwrap();
    let wanted = [(one, 2), (two, 1), (two, 2), (missing, 1), (one, u32::MAX)];
    let mut found = harness.audit().entries(&wanted).await.unwrap();
    found.sort_by_key(|line| (line.order, line.n));
    assert_eq!(found.iter().map(|line| (line.order, line.n)).collect::<Vec<_>>(), [(one, 2), (two, 1)]);
    let refund = &found[0];
    assert_eq!(
        (refund.kind, refund.purpose, refund.method),
        (EntryKind::Refund, Purpose::Cancel, PaymentMethod::Online)
    );
    assert_eq!((refund.state, refund.settled_at, refund.amount.minor()), (EntryState::Booked, None, 1_098));
    let charge = other.order.ledger().entry(1).unwrap();
    assert_eq!(
        (found[1].state, found[1].settled_at, found[1].amount),
        (charge.state, charge.settled_at, charge.amount)
    );
    assert_eq!(found[1].key(), charge.key(two));
    assert_eq!(harness.audit().entries(&[]).await.unwrap(), []);
}

async fn settled(harness: &dyn Harness, from: Timestamp, until: Timestamp) -> Vec<OrderId> {
    let found = harness.audit().settled(from, until, None, 100).await.unwrap();
    assert!(found.iter().all(|line| line.method == PaymentMethod::Online && line.state == EntryState::Settled));
    found.into_iter().map(|line| line.order).collect()
}

/// From the first moment on, before the last; online, and settled.
pub async fn what_settled_in_a_period_is_found(harness: &dyn Harness) {
    let life = a_new_order(harness).await.paid();
    keep(harness, &life).await;
    keep(harness, &a_new_order(harness).await.placed()).await;
    keep(harness, &a_new_order(harness).await.cash().delivered()).await;
    let at = life.order.ledger().entry(1).unwrap().settled_at.unwrap();
    let moment = Duration::from_micros(1);
    let id = life.order.id();
    assert_eq!(settled(harness, at, after(at, moment)).await, [id]);
    assert_eq!(settled(harness, at - HOUR, after(at, HOUR)).await, [id]);
    assert_eq!(settled(harness, at - HOUR, at).await, []);
    assert_eq!(settled(harness, after(at, moment), after(at, HOUR)).await, []);
}

/// Whatever moment they share.
pub async fn pages_of_what_settled_follow_each_other(harness: &dyn Harness) {
    let start = now(harness).await;
    for _ in 0..5 {
        let id = harness.ids().order_id().await.unwrap();
        keep(harness, &crate::builders::an_order().numbered(id).at(start).paid()).await;
    }
    let place = |line: &LedgerLine| SettledPlace { at: line.settled_at.unwrap(), order: line.order, n: line.n };
    let (from, until) = (start - HOUR, after(start, HOUR));
    let all: Vec<_> = harness.audit().settled(from, until, None, 100).await.unwrap().iter().map(place).collect();
    assert_eq!(all.len(), 5);
    assert!(all.is_sorted());
    for limit in [1, 2, 5] {
        let (mut found, mut last) = (Vec::new(), None);
        loop {
            let page = harness.audit().settled(from, until, last, limit).await.unwrap();
            assert!(page.len() <= limit as usize);
            let Some(line) = page.last() else { break };
            last = Some(place(line));
            found.extend(page.iter().map(place));
        }
        assert_eq!(found, all, "{limit} a page");
    }
}

/// Those that wait in the outbox, of each order its own.
pub async fn events_that_are_not_published_are_audited(harness: &dyn Harness) {
    let (one, other) = (a_new_order(harness).await.delivered(), a_new_order(harness).await.cash().placed());
    keep(harness, &one).await;
    keep(harness, &other).await;
    let (one, other) = (one.order.id(), other.order.id());
    assert_eq!(audited(harness, one).await.unpublished, [1, 2, 3, 4, 5, 6]);
    harness.outbox().published(&[(one, 1), (one, 2), (one, 3), (one, 4), (other, 1)]).await.unwrap();
    assert_eq!(audited(harness, one).await.unpublished, [5, 6]);
    assert_eq!(audited(harness, other).await.unpublished, [2]);
    harness.outbox().published(&[(one, 5), (one, 6)]).await.unwrap();
    assert_eq!(audited(harness, one).await.unpublished, Vec::<i64>::new());
}
