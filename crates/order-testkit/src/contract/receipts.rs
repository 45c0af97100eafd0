//! Receipts: an answer is given once, and then again byte for byte, for 24 hours.

use order_domain::order::{Command, Status};
use order_domain::ports::{CommitError, IdempotencyKey, Receipt, StoredReceipt, WriteSet};
use order_domain::time::Duration;

use crate::builders::{START, a_key, a_receipt, admin, an_order, user, write_set};

use super::Harness;
use super::support::{a_new_order, assert_same, keep, load};

async fn placing(harness: &dyn Harness, key: IdempotencyKey, receipt: Receipt) -> WriteSet {
    let life = a_new_order(harness).await.placed();
    write_set(&*harness.ids(), life.last_change()).await.with_receipt(Some((key, receipt)))
}

async fn found(harness: &dyn Harness, key: IdempotencyKey) -> Option<StoredReceipt> {
    let receipt = harness.store().receipt(key).await.unwrap();
    assert_eq!(harness.store().placing(&user("ann"), Some(key)).await.unwrap().receipt, receipt, "either way");
    receipt
}

/// Status, headers in their sequence, and a body that is no text.
pub async fn an_answer_is_kept_byte_for_byte(harness: &dyn Harness) {
    assert_eq!(found(harness, a_key(1)).await, None);
    for (n, receipt) in [
        (1, a_receipt(1)),
        (2, Receipt { status: 204, headers: Vec::new(), body: Vec::new() }),
        (3, Receipt { status: 409, headers: vec![("X-Ü".into(), "a; b=\"c\"".into())], body: vec![0, 1, 2, 255] }),
        (4, Receipt { status: 201, headers: Vec::new(), body: (0..=255).cycle().take(70_000).collect() }),
    ] {
        let set = placing(harness, a_key(n), receipt.clone()).await;
        harness.store().commit(vec![set]).await.unwrap();
        let expected = StoredReceipt { fingerprint: a_key(n).fingerprint, receipt };
        assert_eq!(found(&*harness.second().await, a_key(n)).await, Some(expected));
    }
    assert_eq!(found(harness, a_key(9)).await, None);
}

/// The fingerprint is that of the request that was answered, whoever asks.
pub async fn a_key_is_found_whatever_the_fingerprint(harness: &dyn Harness) {
    let set = placing(harness, a_key(1), a_receipt(1)).await;
    harness.store().commit(vec![set]).await.unwrap();
    let other = IdempotencyKey { fingerprint: [1; 32], ..a_key(1) };
    assert_eq!(found(harness, other).await.map(|stored| stored.fingerprint), Some(a_key(1).fingerprint));
    let again = placing(harness, other, a_receipt(2)).await;
    assert_eq!(harness.store().commit(vec![again]).await, Err(CommitError::KeyUsed));
}

/// A second use of a key is refused, and the first answer stays.
pub async fn a_key_is_used_once(harness: &dyn Harness) {
    let first = placing(harness, a_key(1), a_receipt(1)).await;
    let order = first.order.clone();
    harness.store().commit(vec![first]).await.unwrap();
    let counts = harness.counts().await;
    for _ in 0..2 {
        let second = placing(harness, a_key(1), a_receipt(2)).await;
        assert_eq!(harness.store().commit(vec![second]).await, Err(CommitError::KeyUsed));
    }
    assert_eq!(harness.counts().await, counts);
    assert_eq!(found(harness, a_key(1)).await.map(|stored| stored.receipt), Some(a_receipt(1)));
    assert_same(&order, &load(harness, order.id()).await);
}

/// A commit that gives one key twice gives none.
pub async fn a_key_is_used_once_within_a_commit(harness: &dyn Harness) {
    let (one, other) = (placing(harness, a_key(1), a_receipt(1)).await, placing(harness, a_key(1), a_receipt(2)).await);
    let counts = harness.counts().await;
    assert_eq!(harness.store().commit(vec![one, other]).await, Err(CommitError::KeyUsed));
    assert_eq!(harness.counts().await, counts);
}

/// Equal requests at two instances at once: one order, one answer.
pub async fn of_two_equal_requests_at_once_one_is_answered(harness: &dyn Harness) {
    let second = harness.second().await;
    for round in 0..20 {
        let (one, other) =
            (placing(harness, a_key(round), a_receipt(1)).await, placing(harness, a_key(round), a_receipt(2)).await);
        let before = harness.counts().await;
        let (here, there) = (harness.store(), second.store());
        let (a, b) = tokio::join!(here.commit(vec![one]), there.commit(vec![other]));
        let winner = match (&a, &b) {
            (Ok(_), Err(CommitError::KeyUsed)) => a_receipt(1),
            (Err(CommitError::KeyUsed), Ok(_)) => a_receipt(2),
            both => panic!("one should have been answered: {both:?}"),
        };
        assert_eq!(found(harness, a_key(round)).await.map(|stored| stored.receipt), Some(winner));
        let after = harness.counts().await;
        assert_eq!((after.orders, after.receipts), (before.orders + 1, before.receipts + 1));
        assert_eq!(after.tasks, before.tasks + 1);
    }
}

/// Until 24 hours have passed.
pub async fn an_answer_is_kept_for_a_day(harness: &dyn Harness) {
    let set = placing(harness, a_key(1), a_receipt(1)).await;
    harness.store().commit(vec![set]).await.unwrap();
    harness.let_pass(Duration::from_hours(24) - Duration::from_mins(1)).await;
    assert_eq!(found(harness, a_key(1)).await.map(|stored| stored.receipt), Some(a_receipt(1)));
    let second = placing(harness, a_key(1), a_receipt(2)).await;
    assert_eq!(harness.store().commit(vec![second]).await, Err(CommitError::KeyUsed));
}

/// Then it is not read any more, and its place is taken.
pub async fn an_answer_that_is_over_a_day_old_is_replaced(harness: &dyn Harness) {
    let set = placing(harness, a_key(1), a_receipt(1)).await;
    harness.store().commit(vec![set]).await.unwrap();
    harness.let_pass(Duration::from_hours(24) + Duration::from_mins(1)).await;
    assert_eq!(found(harness, a_key(1)).await, None);

    let key = IdempotencyKey { fingerprint: [7; 32], ..a_key(1) };
    let set = placing(harness, key, a_receipt(2)).await;
    harness.store().commit(vec![set]).await.unwrap();
    let expected = StoredReceipt { fingerprint: [7; 32], receipt: a_receipt(2) };
    assert_eq!(found(harness, a_key(1)).await, Some(expected));
    assert_eq!(harness.counts().await.orders, 2);
    harness.let_pass(Duration::from_hours(23)).await;
    assert!(found(harness, a_key(1)).await.is_some(), "its day begins anew");
}

/// The day is the answer's, not the order's: also when it says of an old order that it is so already.
pub async fn an_answer_about_an_old_order_is_kept_for_a_day(harness: &dyn Harness) {
    let id = harness.ids().order_id().await.unwrap();
    let life = an_order().numbered(id).at(START).delivered();
    keep(harness, &life).await;
    let nothing = life.asks(&admin(), Command::SetStatus { to: Status::Delivered, reason: None }).unwrap();
    let set = write_set(&*harness.ids(), nothing).await.with_receipt(Some((a_key(1), a_receipt(1))));
    harness.store().commit(vec![set]).await.unwrap();
    assert_eq!(found(harness, a_key(1)).await.map(|stored| stored.receipt), Some(a_receipt(1)));
}

/// Without a key, only the time is told.
pub async fn without_a_key_nothing_is_found(harness: &dyn Harness) {
    let set = placing(harness, a_key(1), a_receipt(1)).await;
    harness.store().commit(vec![set]).await.unwrap();
    assert_eq!(harness.store().placing(&user("ann"), None).await.unwrap().receipt, None);
}
