//! Interleavings inside PostgreSQL: what a statement that waits for a lock finds when it gets it.

use order_domain::order::Status;
use order_domain::ports::{
    CommitError, Committed, EntryFailure, Failure, GuardChange, OrderStore, Publisher, StoreError, TaskKind, Token,
    WriteSet,
};
use order_domain::time::Duration;
use order_testkit::builders::{Kept, Life, a_guard, a_key, a_receipt, an_order, claim_one, write_set};
use order_testkit::contract::{Harness, eventually};

use crate::postgres::Postgres;

/// Who waits for a row that somebody else has locked.
async fn waiting(client: &tokio_postgres::Client) -> i64 {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    client.query_one(waiting, &[]).await.unwrap().get(0)
}

/// A handler stalls on the order's lock while its task is claimed anew. Its token is void by the time it gets on, though
/// it was good when its statement began.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_replaced_while_a_mark_waits_stops_it() {
    for put_back in [false, true] {
        let postgres = Postgres::fresh().await;
        let stores = &postgres.stores;
        let life = if put_back { an_order().id(1).sent() } else { an_order().id(1).placed() };
        let version = life.order.version();
        let kept = life.keep(&*stores.orders, &*stores.tasks, &*stores.ids).await;
        let task = match kept.held.first() {
            Some(task) => task.clone(),
            None => claim_one(&*stores.tasks, &kept.tasks[0]).await,
        };

        let locker = postgres.database.connect().await;
        locker.batch_execute("BEGIN; SELECT 1 FROM orders WHERE id = 1 FOR UPDATE").await.unwrap();
        let marking = tokio::spawn({
            let (orders, task) = (stores.orders.clone(), task.clone());
            async move {
                let orders: &dyn OrderStore = &*orders;
                if put_back {
                    orders.put_back(&task, version, 1).await
                } else {
                    orders.mark_sent(&task, version, 1).await
                }
            }
        });
        let other = postgres.database.connect().await;
        eventually("it waits for the order", || async { waiting(&other).await == 1 }).await;
        assert_eq!(other.execute("UPDATE tasks SET token = token + 1 WHERE order_id = 1", &[]).await.unwrap(), 1);
        locker.batch_execute("COMMIT").await.unwrap();

        assert!(!marking.await.unwrap().unwrap(), "token {:?} is void", task.token);
        assert_ne!(task.token, Token(0));
        let state: String = other.query_one("SELECT state FROM payment_entries", &[]).await.unwrap().get(0);
        assert_eq!(state, if put_back { "sent" } else { "booked" });
    }
}

/// Locks the order as a change does, which lets rows that belong to it be added.
const ORDER: &str = "SELECT 1 FROM orders WHERE id = 1 FOR NO KEY UPDATE";

/// A database with one order in it, and the life that it has led.
struct Given {
    postgres: Postgres,
    life: Life,
    kept: Kept,
}

impl Given {
    async fn an_order(life: Life) -> Self {
        let postgres = Postgres::fresh().await;
        let stores = &postgres.stores;
        let kept = life.keep(&*stores.orders, &*stores.tasks, &*stores.ids).await;
        // As it is in the database, with the times of its tries.
        let loaded = stores.orders.load(life.order.id()).await.unwrap().unwrap();
        let life = Life::of(loaded.order, life.rules, loaded.now);
        Self { postgres, life, kept }
    }

    /// What the last change of this life is committed as.
    async fn set(&self, life: &Life) -> WriteSet {
        write_set(&*self.postgres.stores.ids, life.last_change()).await
    }

    /// Commits a write set that has to wait for these locks. Meanwhile somebody else commits something, and then the locks
    /// are let go.
    async fn commit_while(&self, set: WriteSet, locks: &str, meanwhile: &[&str]) -> Result<Committed, CommitError> {
        let locker = self.postgres.database.connect().await;
        locker.batch_execute(&format!("BEGIN; {locks}")).await.unwrap();
        let orders = self.postgres.stores.orders.clone();
        let committing = tokio::spawn(async move { orders.commit(vec![set]).await });
        let other = self.postgres.database.connect().await;
        eventually("it waits for a lock", || async { waiting(&other).await == 1 }).await;
        for done in meanwhile {
            assert_eq!(other.execute(*done, &[]).await.unwrap(), 1, "{done}");
        }
        locker.batch_execute("COMMIT").await.unwrap();
        committing.await.unwrap()
    }

    async fn text(&self, query: &str) -> String {
        self.postgres.database.connect().await.query_one(query, &[]).await.unwrap().get(0)
    }

    /// Nothing of a change has been written that was decided on the order as it was given.
    async fn assert_untouched(&self, counts: &order_testkit::contract::RowCounts) {
        assert_eq!(self.postgres.counts().await, *counts);
        let loaded = self.postgres.stores.orders.load(self.life.order.id()).await.unwrap().unwrap();
        assert_eq!(loaded.order.state().status, self.life.order.state().status);
    }
}

/// Of two changes at once, the one that waits finds another version and writes nothing, not even its receipt.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_waits_for_another_one_conflicts() {
    let given = Given::an_order(an_order().id(1).paid()).await;
    let set = given.set(&given.life.clone().preparing()).await.with_receipt(Some((a_key(1), a_receipt(1))));
    let counts = given.postgres.counts().await;
    let another = format!("{ORDER}; UPDATE orders SET version = version + 1 WHERE id = 1");
    assert_eq!(given.commit_while(set, &another, &[]).await, Err(CommitError::Conflict));
    given.assert_untouched(&counts).await;
}

/// The row is another by then, and still the order in its version.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_waits_for_what_is_no_change_takes() {
    let given = Given::an_order(an_order().id(1).paid()).await;
    let set = given.set(&given.life.clone().preparing()).await;
    let touched = "UPDATE orders SET updated_at = updated_at WHERE id = 1";
    assert_eq!(given.commit_while(set, touched, &[]).await, Ok(Committed::default()));
    let loaded = given.postgres.stores.orders.load(given.life.order.id()).await.unwrap().unwrap();
    assert_eq!(loaded.order.state().status, Status::Preparing);
}

/// The task that caused a change is claimed anew while the change waits for its order, or while it waits for the task.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_replaced_while_a_change_waits_stops_it() {
    let replaced = "UPDATE tasks SET token = token + 1 WHERE entry_n = 1";
    for (locks, meanwhile) in [(ORDER, &[replaced][..]), (replaced, &[])] {
        for ends in [true, false] {
            let given = Given::an_order(an_order().id(1).sent()).await;
            let set = given.set(&given.life.clone().charge_settles(1)).await;
            let task = given.kept.held(1);
            let set = if ends { set.finishing(task) } else { set.held_by(task) };
            let counts = given.postgres.counts().await;
            assert_eq!(given.commit_while(set, locks, meanwhile).await, Err(CommitError::TaskLost));
            given.assert_untouched(&counts).await;
            assert_eq!(given.text("SELECT state FROM payment_entries").await, "sent");
        }
    }
}

/// A task that goes on is locked to the end of the change: a claim passes it over, and its token stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_holds_a_change_is_kept_until_it_is_committed() {
    let given = Given::an_order(an_order().id(1).sent()).await;
    let set = given.set(&given.life.clone().assigned_to("bob")).await.held_by(given.kept.held(1));
    // It has its task by the time it waits for the key.
    let key = "INSERT INTO idempotency_keys (key_hash, fingerprint, status, headers, body, order_id, created_at, ends_at) \
               SELECT decode(repeat('01', 32), 'hex'), decode(repeat('00', 32), 'hex'), 200, '[]', '', 1, now(), now()";
    let set = set.with_receipt(Some((a_key(1), a_receipt(1))));
    let taken = "INSERT INTO order_events SELECT id, 99, 'seen', 1, '', now(), 'system', NULL, '', NULL, count::text \
                 FROM orders, (SELECT count(*) FROM (SELECT 1 FROM tasks FOR UPDATE SKIP LOCKED) AS free) AS free";
    given.commit_while(set, key, &[taken]).await.unwrap();
    assert_eq!(given.text("SELECT note FROM order_events WHERE seq = 99").await, "1", "the chore alone was free");
}

/// A handler marks the entry sent, which is no change of the order, while a cancellation waits that would withdraw it.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_moves_while_a_change_waits_stops_it() {
    let given = Given::an_order(an_order().id(1).placed()).await;
    let set = given.set(&given.life.clone().cancelled()).await.with_receipt(Some((a_key(1), a_receipt(1))));
    let counts = given.postgres.counts().await;
    let marked = "UPDATE payment_entries SET state = 'sent', attempts = 1";
    assert_eq!(given.commit_while(set.clone(), ORDER, &[marked]).await, Err(CommitError::Conflict));
    given.assert_untouched(&counts).await;
    let back = "UPDATE payment_entries SET state = 'booked'";
    given.postgres.database.connect().await.execute(back, &[]).await.unwrap();
    assert_eq!(
        given.commit_while(set, marked, &[]).await,
        Err(CommitError::Conflict),
        "and not only while its order is locked"
    );
    given.assert_untouched(&counts).await;
}

/// A try leaves its mark on an entry while a change waits that moves it: both are kept.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_touched_while_a_change_waits_moves_all_the_same() {
    let touched = "UPDATE payment_entries SET attempts = 7, last_error = 'later'";
    for (locks, meanwhile) in [(ORDER, &[touched][..]), (touched, &[])] {
        let given = Given::an_order(an_order().id(1).placed()).await;
        let set = given.set(&given.life.clone().cancelled()).await;
        given.commit_while(set, locks, meanwhile).await.unwrap();
        let entry = given.text("SELECT concat_ws(' ', state, attempts, last_error) FROM payment_entries").await;
        assert_eq!(entry, "withdrawn 7 later");
    }
}

/// An equal request is answered, without changing the order, while a change waits: for the order, or for the key itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_used_while_a_change_waits_stops_it() {
    let used = "INSERT INTO idempotency_keys (key_hash, fingerprint, status, headers, body, order_id, created_at, ends_at) \
                SELECT decode(repeat('01', 32), 'hex'), decode(repeat('00', 32), 'hex'), 200, '[]', '', 1, now(), \
                now() + interval '24 hours'";
    for (locks, meanwhile) in [(ORDER, &[used][..]), (used, &[])] {
        let given = Given::an_order(an_order().id(1).sent()).await;
        let set = given.set(&given.life.clone().charge_settles(1)).await.finishing(given.kept.held(1));
        let set = set.with_receipt(Some((a_key(1), a_receipt(1))));
        let counts = given.postgres.counts().await;
        assert_eq!(given.commit_while(set, locks, meanwhile).await, Err(CommitError::KeyUsed));
        let one_more = order_testkit::contract::RowCounts { receipts: counts.receipts + 1, ..counts };
        given.assert_untouched(&one_more).await;
        assert_eq!(
            given.text("SELECT body FROM (SELECT encode(body, 'hex') AS body FROM idempotency_keys) AS kept").await,
            ""
        );
    }
}

/// Clearing the cart ends the guard while a cancellation waits for it, which then ends it at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_is_closed_while_a_cancellation_waits_ends_at_once() {
    let postgres = Postgres::fresh().await;
    let stores = &postgres.stores;
    let placed = an_order().id(1).at(stores.orders.now().await.unwrap()).placed();
    let set = write_set(&*stores.ids, placed.last_change()).await.guarded(a_guard(1));
    stores.orders.commit(vec![set]).await.unwrap();
    let given = Given { postgres, life: placed.clone(), kept: Kept::default() };
    let set = given.set(&placed.cancelled()).await;
    assert_eq!(set.guard, Some(GuardChange::Ends));
    let closed = "UPDATE idempotency_keys SET open = false, ends_at = now() + interval '1 hour' WHERE kind = 'guard'";
    given.commit_while(set, closed, &[]).await.unwrap();
    let ended = "SELECT (NOT open AND ends_at <= now())::text FROM idempotency_keys WHERE kind = 'guard'";
    assert_eq!(given.text(ended).await, "true");
}

/// Whoever stands in the way for longer than a lock is waited for is waited for again; nothing is known to be written
/// meanwhile, so the change is done when the way is free.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_waited_too_long_is_tried_again() {
    let given = Given::an_order(an_order().id(1).paid()).await;
    let set = given.set(&given.life.clone().preparing()).await;
    let locker = given.postgres.database.connect().await;
    locker.batch_execute(&format!("BEGIN; {ORDER}")).await.unwrap();
    let orders = given.postgres.stores.orders.clone();
    let committing = tokio::spawn(async move { orders.commit(vec![set]).await });
    let other = given.postgres.database.connect().await;
    let began = "SELECT max(query_start)::text FROM pg_stat_activity WHERE datname = current_database() \
                 AND wait_event_type = 'Lock'";
    let start = async || other.query_one(began, &[]).await.unwrap().get::<_, Option<String>>(0);
    eventually("it waits", || async { start().await.is_some() }).await;
    let first = start().await;
    eventually("it waits again", || async { start().await.is_some_and(|next| first.as_ref() != Some(&next)) }).await;
    locker.batch_execute("COMMIT").await.unwrap();
    assert_eq!(committing.await.unwrap(), Ok(Committed::default()));
}

/// Who is never let by is told that nothing has been written.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_never_let_by_has_written_nothing() {
    let given = Given::an_order(an_order().id(1).paid()).await;
    let set = given.set(&given.life.clone().preparing()).await;
    let counts = given.postgres.counts().await;
    let locker = given.postgres.database.connect().await;
    locker.batch_execute(&format!("BEGIN; {ORDER}")).await.unwrap();
    let refused = given.postgres.stores.orders.commit(vec![set.clone()]).await;
    assert!(matches!(refused, Err(CommitError::Store(StoreError::Unavailable(_)))), "{refused:?}");
    locker.batch_execute("COMMIT").await.unwrap();
    given.assert_untouched(&counts).await;
    assert_eq!(given.postgres.stores.orders.commit(vec![set]).await, Ok(Committed::default()), "later it takes");
}

/// A connection that is lost leaves it open whether the change was made.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_connection_is_lost_is_of_unknown_outcome() {
    let given = Given::an_order(an_order().id(1).paid()).await;
    let set = given.set(&given.life.clone().preparing()).await;
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                 AND wait_event_type = 'Lock'";
    let lost = given.commit_while(set, ORDER, &[ended]).await;
    assert!(matches!(lost, Err(CommitError::Unknown(_))), "{lost:?}");
}

/// A task is claimed anew while its failure waits: nothing is left on its entry.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_replaced_while_a_failure_waits_stops_it() {
    let given = Given::an_order(an_order().id(1).sent()).await;
    let (tasks, task) = (given.postgres.stores.tasks.clone(), given.kept.held(1).clone());
    let locker = given.postgres.database.connect().await;
    locker.batch_execute("BEGIN; UPDATE tasks SET token = token + 1 WHERE entry_n = 1").await.unwrap();
    let entry = Some(EntryFailure { entry: 1, refusal: true, again: true });
    let failure = Failure { wait: Duration::from_secs(1), error: "late".into(), entry };
    let failing = tokio::spawn(async move { tasks.fail(&task, &failure).await });
    let other = given.postgres.database.connect().await;
    eventually("it waits for the task", || async { waiting(&other).await == 1 }).await;
    locker.batch_execute("COMMIT").await.unwrap();
    assert_eq!(failing.await.unwrap(), Ok(false));
    let entry = "SELECT concat_ws(' ', attempts, refusals, last_error) FROM payment_entries";
    assert_eq!(given.text(entry).await, "1 0");
}

/// A cart task is claimed anew while its end waits: neither it nor the guard ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_replaced_while_a_task_ends_stops_it() {
    let postgres = Postgres::fresh().await;
    let stores = &postgres.stores;
    let placed = an_order().id(1).cash().at(stores.orders.now().await.unwrap()).placed();
    let set = write_set(&*stores.ids, placed.last_change()).await.guarded(a_guard(1));
    let clears = set.tasks.iter().find(|task| task.kind == TaskKind::ClearCart).unwrap().clone();
    stores.orders.commit(vec![set]).await.unwrap();
    let task = claim_one(&*stores.tasks, &clears).await;
    let locker = postgres.database.connect().await;
    locker.batch_execute("BEGIN; UPDATE tasks SET token = token + 1 WHERE kind = 'clear_cart'").await.unwrap();
    let ending = tokio::spawn({
        let tasks = stores.tasks.clone();
        async move { tasks.finish(&task).await }
    });
    let other = postgres.database.connect().await;
    eventually("it waits for the task", || async { waiting(&other).await == 1 }).await;
    locker.batch_execute("COMMIT").await.unwrap();
    assert_eq!(ending.await.unwrap(), Ok(None));
    let left = "SELECT count(*) FROM tasks, idempotency_keys WHERE tasks.kind = 'clear_cart' AND open";
    assert_eq!(other.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 1);
}

/// Nobody who commits waits for the publisher: not for the lease, and not for what it removes.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_does_not_wait_for_the_publisher() {
    let given = Given::an_order(an_order().id(1).paid()).await;
    let locker = given.postgres.database.connect().await;
    let publishing = "BEGIN; UPDATE publisher_lease SET holder = 1; DELETE FROM outbox";
    locker.batch_execute(publishing).await.unwrap();
    let set = given.set(&given.life.clone().preparing()).await;
    assert_eq!(given.postgres.stores.orders.commit(vec![set]).await, Ok(Committed::default()));
    let new = write_set(&*given.postgres.stores.ids, an_order().id(2).placed().last_change()).await;
    assert_eq!(given.postgres.stores.orders.commit(vec![new]).await, Ok(Committed::default()));
    locker.batch_execute("COMMIT").await.unwrap();
    assert_eq!(given.postgres.counts().await.outbox, 2, "what was committed meanwhile");
}

/// Two publishers ask when a lease is over: the one that waits for the other is shut out.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_is_taken_while_another_publisher_waits_shuts_it_out() {
    let given = Given::an_order(an_order().id(1).paid()).await;
    let locker = given.postgres.database.connect().await;
    locker.batch_execute("BEGIN; SELECT 1 FROM publisher_lease FOR UPDATE").await.unwrap();
    let outbox = given.postgres.stores.outbox.clone();
    let lease = Duration::from_secs(30);
    let asking = tokio::spawn(async move { outbox.next(Publisher(1), lease, 10).await });
    let other = given.postgres.database.connect().await;
    eventually("it waits for the lease", || async { waiting(&other).await == 1 }).await;
    locker
        .batch_execute("UPDATE publisher_lease SET holder = 2, ends_at = now() + interval '30 s'; COMMIT")
        .await
        .unwrap();
    assert_eq!(asking.await.unwrap(), Ok(None));
}

/// What can't be read is named, and stays.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_contradicts_itself_is_named() {
    let given = Given::an_order(an_order().id(1).paid()).await;
    let client = given.postgres.database.connect().await;
    client.batch_execute("UPDATE order_events SET data = '{}' WHERE seq = 1").await.unwrap();
    let next = given.postgres.stores.outbox.next(Publisher(1), Duration::from_secs(30), 10).await;
    let Err(StoreError::Inconsistent(what)) = next else { panic!("{next:?}") };
    assert_eq!(what, "order 1, event 1: data of \"placed\": payment_method is missing");
    client.batch_execute("UPDATE order_events SET type = 'painted' WHERE seq = 1").await.unwrap();
    let next = given.postgres.stores.outbox.next(Publisher(1), Duration::from_secs(30), 10).await.unwrap().unwrap();
    assert_eq!(next.events[0].kind, "painted");
    assert_eq!(next.events.len(), 2);
}
