//! Versions: a change holds only on the order that it was decided on.

use order_domain::order::{Command, Status};
use order_domain::payment::EntryState;
use order_domain::ports::CommitError;

use crate::builders::{admin, courier, user, write_set};

use super::Harness;
use super::support::{a_charge, a_new_order, assert_same, claim, keep, load, now, reloaded, try_commit};

/// Decided on an older version: refused, and nothing changed.
pub async fn a_change_of_an_older_version_conflicts(harness: &dyn Harness) {
    let old = a_new_order(harness).await.paid();
    keep(harness, &old).await;
    let newer = old.clone().preparing();
    try_commit(harness, newer.last_change()).await.unwrap();
    let late = old.clone().cancelled().last_change();
    assert_eq!(try_commit(harness, late).await, Err(CommitError::Conflict));
    assert_same(&newer.order, &load(harness, old.order.id()).await);
    // The same change once more is stale, too.
    assert_eq!(try_commit(harness, newer.last_change()).await, Err(CommitError::Conflict));
}

/// Two instances decide on the same version at once: one wins, and the other's change leaves nothing.
pub async fn of_two_writers_at_once_one_wins(harness: &dyn Harness) {
    let second = harness.second().await;
    for round in 0..20 {
        let life = a_new_order(harness).await.paid();
        keep(harness, &life).await;
        let (packed, cancelled) = (life.clone().preparing(), life.clone().cancelled());
        let before = harness.counts().await;
        let pack = try_commit(harness, packed.last_change());
        let cancel = try_commit(&*second, cancelled.last_change());
        let (pack, cancel) = if round % 2 == 0 {
            tokio::join!(pack, cancel)
        } else {
            let (cancel, pack) = tokio::join!(cancel, pack);
            (pack, cancel)
        };
        let winner = match (&pack, &cancel) {
            (Ok(_), Err(CommitError::Conflict)) => &packed,
            (Err(CommitError::Conflict), Ok(_)) => &cancelled,
            both => panic!("one should have won, the other met a conflict: {both:?}"),
        };
        assert_same(&winner.order, &load(&*second, life.order.id()).await);
        assert_eq!(harness.counts().await.events, before.events + 1);
    }
}

/// Of two couriers who take an order at once, one has it.
pub async fn of_two_couriers_at_once_one_has_the_order(harness: &dyn Harness) {
    let second = harness.second().await;
    for _ in 0..20 {
        let life = a_new_order(harness).await.paid();
        keep(harness, &life).await;
        let takes = |name| life.clone().when(&courier(name), Command::Take).last_change();
        let (bob, cat) = tokio::join!(try_commit(harness, takes("bob")), try_commit(&*second, takes("cat")));
        let holder = if bob.is_ok() { "bob" } else { "cat" };
        assert!(bob.is_ok() != cat.is_ok(), "{bob:?} {cat:?}");
        assert_eq!(load(harness, life.order.id()).await.order.state().courier, Some(user(holder)));
    }
}

/// A change that moves no entry leaves every entry as it is in the database, whatever it was when the change was decided.
pub async fn a_change_leaves_entries_that_it_does_not_move(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    let decided_before = life.clone().assigned_to("bob");
    let claimed = claim(harness, &task).await;
    assert!(harness.store().mark_sent(&claimed, 1, 1).await.unwrap());
    try_commit(harness, decided_before.last_change()).await.unwrap();

    let order = load(harness, life.order.id()).await.order;
    assert_eq!((order.version(), order.state().courier.clone()), (2, Some(user("bob"))));
    let entry = order.ledger().entry(1).unwrap();
    assert_eq!((entry.state, entry.attempts, entry.first_tried_at.is_some()), (EntryState::Sent, 1, true));
}

/// A change that moves an entry keeps what tries have left on it since the change was decided.
pub async fn a_change_keeps_what_tries_left_on_its_entries(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    let decided_before = life.clone().cancelled();
    let claimed = claim(harness, &task).await;
    assert!(harness.store().mark_sent(&claimed, 1, 1).await.unwrap());
    assert!(harness.store().put_back(&claimed, 1, 1).await.unwrap());
    try_commit(harness, decided_before.last_change()).await.unwrap();

    let order = load(harness, life.order.id()).await.order;
    let entry = order.ledger().entry(1).unwrap();
    assert_eq!((entry.state, entry.attempts), (EntryState::Withdrawn, 1));
}

/// A right version does not excuse a wrong state of an entry.
pub async fn a_move_from_a_state_that_is_no_longer_so_conflicts(harness: &dyn Harness) {
    let (life, task) = a_charge(harness, now(harness).await).await;
    let withdraws = life.clone().cancelled().last_change();
    assert_eq!(withdraws.moves, [(1, EntryState::Booked)]);
    let claimed = claim(harness, &task).await;
    assert!(harness.store().mark_sent(&claimed, 1, 1).await.unwrap());
    let counts = harness.counts().await;
    assert_eq!(try_commit(harness, withdraws).await, Err(CommitError::Conflict));
    assert_eq!(harness.counts().await, counts);

    let decided_again = reloaded(harness, &life).await.cancelled();
    try_commit(harness, decided_again.last_change()).await.unwrap();
    let order = load(harness, life.order.id()).await.order;
    assert_eq!((order.status(), order.ledger().entry(1).unwrap().state), (Status::Cancelled, EntryState::Sent));
}

/// An answer to a request that asked for what is already so: a receipt, and no event.
pub async fn a_receipt_without_an_event_changes_no_version(harness: &dyn Harness) {
    let life = a_new_order(harness).await.preparing();
    keep(harness, &life).await;
    let nothing = life.asks(&admin(), Command::SetStatus { to: Status::Preparing, reason: None }).unwrap();
    assert!(nothing.is_empty());
    let (key, receipt) = (crate::builders::a_key(3), crate::builders::a_receipt(3));
    let set = write_set(&*harness.ids(), nothing).await.with_receipt(Some((key, receipt.clone())));
    let counts = harness.counts().await;
    harness.store().commit(vec![set]).await.unwrap();
    assert_same(&life.order, &load(harness, life.order.id()).await);
    assert_eq!(harness.counts().await.events, counts.events);
    let stored = harness.store().receipt(key).await.unwrap();
    assert_eq!(stored.map(|stored| stored.receipt), Some(receipt));
}
