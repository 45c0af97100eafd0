//! What a test plans for the store in memory.

use order_domain::OrderId;
use order_domain::order::Status;
use order_domain::ports::{CommitError, IdGenerator, OrderReader, OrderStore, StoreError};
use order_domain::time::Duration;
use order_testkit::builders::{START, an_order, claim_one, commit, user};
use order_testkit::memory::{Fault, MemoryStore, Op};

fn id(n: i64) -> OrderId {
    OrderId::new(n).unwrap()
}

#[tokio::test]
async fn a_planned_fault_is_met_once_and_says_what_was_done() {
    let store = MemoryStore::new();
    let cases = [
        (Fault::Conflict, false, "changed by somebody else meanwhile"),
        (Fault::Unavailable, false, "database unavailable"),
        (Fault::UndoneButUnknown, false, "outcome unknown"),
        (Fault::DoneButUnknown, true, "outcome unknown"),
    ];
    for (n, (fault, done, told)) in (1..).zip(cases) {
        store.fail_next(Op::Commit, fault);
        let change = an_order().id(n).placed().last_change();
        let error = commit(&store, &store, change.clone()).await.unwrap_err();
        assert!(error.to_string().contains(told), "{fault:?}: {error}");
        assert_eq!(store.order(id(n)).is_some(), done, "{fault:?}");
        let again = commit(&store, &store, change).await;
        assert_eq!(again.err(), done.then_some(CommitError::Conflict), "{fault:?}");
    }
    assert_eq!(store.calls(Op::Commit), 8);
}

#[tokio::test]
async fn faults_of_one_kind_do_not_meet_calls_of_another() {
    let store = MemoryStore::new();
    store.fail_next(Op::Load, Fault::Unavailable);
    assert!(store.placing(&user("ann"), None).await.is_ok() && store.ping().await.is_ok());
    assert!(matches!(store.load(id(1)).await, Err(StoreError::Unavailable(_))));
    assert_eq!(store.load(id(1)).await, Ok(None));
}

#[tokio::test]
async fn a_mark_that_meets_a_conflict_is_false() {
    let store = MemoryStore::new();
    let kept = an_order().placed().keep(&store, &store, &store).await;
    let task = claim_one(&store, kept.task_of(1)).await;
    store.fail_next(Op::MarkSent, Fault::Conflict);
    assert_eq!(store.mark_sent(&task, 1, 1).await, Ok(false));
    assert_eq!(store.mark_sent(&task, 1, 1).await, Ok(true));
}

#[tokio::test]
async fn a_database_that_is_away_answers_nothing_until_it_is_back() {
    let store = MemoryStore::new();
    store.set_away(true);
    assert!(store.ping().await.is_err() && store.order_id().await.is_err() && store.load(id(1)).await.is_err());
    store.set_away(false);
    assert!(store.ping().await.is_ok());
}

#[tokio::test]
async fn somebody_else_is_faster() {
    let store = MemoryStore::new();
    let life = an_order().paid();
    life.keep(&store, &store, &store).await;
    let (packed, cancelled) = (life.clone().preparing(), life.cancelled());
    let other = cancelled.last_change();
    store.before_next(Op::Commit, |store| async move {
        commit(&store, &store, other).await.unwrap();
    });
    assert_eq!(commit(&store, &store, packed.last_change()).await, Err(CommitError::Conflict));
    assert_eq!(store.order(id(1)).unwrap().status(), Status::Cancelled);
}

#[tokio::test]
async fn time_passes_as_the_test_wants_it_and_never_back() {
    let store = MemoryStore::new();
    assert_eq!(OrderStore::now(&store).await.unwrap(), START);
    store.advance(Duration::from_secs(90));
    let later = store.now();
    store.advance_to(START);
    assert_eq!((store.now(), (later - START).num_seconds()), (later, 90));
}
