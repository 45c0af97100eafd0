//! The operator's desk: what is to be done, what is done to a task, and kinds that are paused.

use order_domain::order::{Command, Order};
use order_domain::ports::{
    Claim, CommitError, Committed, KindStatus, MAX_TRIES, NewTask, OpenTask, TaskDeed, TaskFilter, TaskKind, TaskRef,
    TaskState, TaskTouch, WriteSet,
};
use order_domain::time::{Duration, after};
use order_domain::{OrderId, TaskId};

use crate::builders::{Life, a_guard, admin, commit, rules, user, write_set};

use super::Harness;
use super::support::{
    LEASE, LONGER_THAN_ANY_LEASE, a_charge, a_lane, a_new_order, claim, claim_all, claim_ids, failure, keep, load, now,
};

const HOUR: Duration = Duration::from_hours(1);
const KIND: TaskKind = TaskKind::ClearCart;

async fn open(harness: &dyn Harness, id: TaskId) -> OpenTask {
    harness.desk().task(id).await.unwrap().expect("a task of this number")
}

async fn listed(harness: &dyn Harness, filter: TaskFilter) -> Vec<TaskId> {
    let page = harness.desk().tasks(filter, 100, None).await.unwrap();
    assert_eq!(page.next, None);
    assert!(page.tasks.iter().all(|task| task.state == filter.state));
    page.tasks.into_iter().map(|task| task.id).collect()
}

fn that(state: TaskState) -> TaskFilter {
    TaskFilter { state, kind: None, order: None }
}

/// A task that has had its tries.
async fn a_dead_one(harness: &dyn Harness) -> NewTask {
    let task = a_lane(harness, 1, now(harness).await).await.remove(0);
    die(harness, &task).await;
    task
}

async fn die(harness: &dyn Harness, task: &NewTask) {
    for _ in 0..MAX_TRIES {
        let claimed = claim(harness, task).await;
        harness.tasks().fail(&claimed, &failure(Duration::ZERO)).await.unwrap();
    }
}

/// What an operator does.
#[derive(Clone, Copy)]
enum Deed {
    Retry,
    Discard,
}

/// What an operator who sees the task so wants to have committed.
async fn touch(harness: &dyn Harness, seen: &OpenTask, deed: Deed) -> WriteSet {
    let loaded = load(harness, seen.order).await;
    let (command, deed) = match deed {
        Deed::Retry => (Command::RetryTask(seen.clone()), TaskDeed::Retry { due: loaded.now }),
        Deed::Discard => (Command::DiscardTask(seen.clone()), TaskDeed::Discard),
    };
    let life = Life::of(loaded.order, rules(), loaded.now).when(&admin(), command);
    let touch = TaskTouch { task: seen.id, kind: seen.kind, token: seen.token, deed };
    write_set(&*harness.ids(), life.last_change()).await.touching(Some(touch))
}

async fn touched(harness: &dyn Harness, seen: &OpenTask, deed: Deed) -> Result<Committed, CommitError> {
    let set = touch(harness, seen, deed).await;
    harness.store().commit(vec![set]).await
}

/// A task waits, is in somebody's hands, or is dead; a lease that has run out holds nothing. Chores are no order's.
pub async fn tasks_are_listed_by_how_they_stand(harness: &dyn Harness) {
    let start = now(harness).await;
    let dead = a_dead_one(harness).await;
    let (life, held) = a_charge(harness, start).await;
    let claimed = claim(harness, &held).await;
    let (_, later) = a_charge(harness, after(start, HOUR)).await;
    assert_eq!(listed(harness, that(TaskState::Dead)).await, [dead.id]);
    assert_eq!(listed(harness, that(TaskState::Running)).await, [held.id]);
    assert_eq!(listed(harness, that(TaskState::Waiting)).await, [later.id]);

    let seen = open(harness, held.id).await;
    assert_eq!((seen.kind, seen.order, seen.entry), (TaskKind::Charge, life.order.id(), Some(1)));
    assert_eq!((seen.attempts, seen.last_error, seen.token), (1, None, claimed.token));
    let seen = open(harness, dead.id).await;
    assert_eq!((seen.kind, seen.state, seen.entry, seen.attempts), (KIND, TaskState::Dead, None, MAX_TRIES));
    assert_eq!(seen.last_error.as_deref(), Some("no answer"));
    assert_eq!(open(harness, later.id).await.due_at, after(start, HOUR));

    harness.let_pass(LONGER_THAN_ANY_LEASE).await;
    assert_eq!(listed(harness, that(TaskState::Running)).await, []);
    assert_eq!(listed(harness, that(TaskState::Waiting)).await, [held.id, later.id], "the longest due first");
    let nobodys = TaskId::new(987_654_321).unwrap();
    assert_eq!(harness.desk().task(nobodys).await.unwrap(), None);
}

/// Of a kind, of an order.
pub async fn a_list_of_tasks_shows_what_meets_every_criterion(harness: &dyn Harness) {
    let start = now(harness).await;
    let (life, charge) = a_charge(harness, start).await;
    let clear = a_lane(harness, 1, start).await.remove(0);
    let waiting = that(TaskState::Waiting);
    let of_kind = |kind| TaskFilter { kind: Some(kind), ..waiting };
    let of_order = |order: OrderId| TaskFilter { order: Some(order), ..waiting };
    assert_eq!(listed(harness, of_kind(TaskKind::Charge)).await, [charge.id]);
    assert_eq!(listed(harness, of_kind(TaskKind::Refund)).await, []);
    assert_eq!(listed(harness, of_order(clear.order)).await, [clear.id]);
    let of_both = TaskFilter { kind: Some(KIND), order: Some(life.order.id()), ..waiting };
    assert_eq!(listed(harness, of_both).await, []);
}

/// Each page begins after the one before, among tasks of the same moment, too.
pub async fn pages_of_tasks_follow_each_other(harness: &dyn Harness) {
    let due = now(harness).await;
    let mut expected = Vec::new();
    for wait in [HOUR, Duration::ZERO, HOUR, Duration::ZERO, Duration::ZERO] {
        let (_, task) = a_charge(harness, after(due, wait)).await;
        expected.push((task.due, task.id));
    }
    expected.sort_unstable();
    for limit in [1, 2, 4, 5, 100] {
        let (mut place, mut found) = (None, Vec::new());
        loop {
            let page = harness.desk().tasks(that(TaskState::Waiting), limit, place).await.unwrap();
            assert!(page.tasks.len() <= limit as usize);
            found.extend(page.tasks.into_iter().map(|task| (task.due_at, task.id)));
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{limit} a page");
    }
}

/// Its tries are counted anew; the timeline says who wanted it.
pub async fn a_dead_task_that_is_retried_is_done(harness: &dyn Harness) {
    let task = a_dead_one(harness).await;
    assert_eq!(claim_ids(harness, KIND).await, []);
    let seen = open(harness, task.id).await;
    touched(harness, &seen, Deed::Retry).await.unwrap();
    let again = open(harness, task.id).await;
    assert_eq!((again.state, again.attempts, again.last_error.as_deref()), (TaskState::Waiting, 0, Some("no answer")));
    let claimed = claim(harness, &task).await;
    assert_eq!(claimed.attempts, 1);
    harness.tasks().finish(&claimed).await.unwrap();
    assert_eq!(harness.desk().task(task.id).await.unwrap(), None);
    let timeline = harness.reader().timeline(task.order, 0).await.unwrap().unwrap().entries;
    let last = timeline.last().unwrap();
    assert_eq!((last.kind.as_str(), last.actor.as_ref()), ("task_retried", admin().id()));
    assert_eq!(load(harness, task.order).await.order.version(), last.seq);
}

/// Money tasks as well: nobody waits for a backoff that has lost its reason.
pub async fn a_waiting_task_that_is_retried_is_due_at_once(harness: &dyn Harness) {
    let (_, task) = a_charge(harness, now(harness).await).await;
    let claimed = claim(harness, &task).await;
    harness.tasks().fail(&claimed, &failure(HOUR)).await.unwrap();
    assert_eq!(claim_ids(harness, TaskKind::Charge).await, []);
    let seen = open(harness, task.id).await;
    touched(harness, &seen, Deed::Retry).await.unwrap();
    assert_eq!(claim(harness, &task).await.attempts, 1);
}

/// Waiting or dead: nobody finds it any more, whoever held it before.
pub async fn a_discarded_task_is_gone(harness: &dyn Harness) {
    let dead = a_dead_one(harness).await;
    let waiting = a_lane(harness, 1, now(harness).await).await.remove(0);
    let lost = claim(harness, &waiting).await;
    harness.let_pass(LONGER_THAN_ANY_LEASE).await;
    for task in [&dead, &waiting] {
        let seen = open(harness, task.id).await;
        assert_eq!(touched(harness, &seen, Deed::Discard).await.unwrap(), Committed::default());
        assert_eq!(harness.desk().task(task.id).await.unwrap(), None);
    }
    assert_eq!(harness.counts().await.tasks, 0);
    assert!(!harness.tasks().fail(&lost, &failure(HOUR)).await.unwrap());
    let timeline = harness.reader().timeline(dead.order, 0).await.unwrap().unwrap().entries;
    assert_eq!(timeline.last().unwrap().kind, "task_discarded");
}

/// What waited behind it need not wait for the next sweep.
pub async fn discarding_the_head_of_a_lane_tells_the_next(harness: &dyn Harness) {
    let lane = a_lane(harness, 2, now(harness).await).await;
    let head = claim(harness, &lane[0]).await;
    harness.tasks().fail(&head, &failure(HOUR)).await.unwrap();
    let seen = open(harness, lane[0].id).await;
    let committed = touched(harness, &seen, Deed::Discard).await.unwrap();
    assert_eq!(committed.unblocked, [TaskRef { id: lane[1].id, kind: KIND }]);
    assert_eq!(claim_ids(harness, KIND).await, [lane[1].id]);
}

/// As its death does: the customer can order again.
pub async fn discarding_what_clears_the_cart_ends_its_guard(harness: &dyn Harness) {
    let life = a_new_order(harness).await.cash().placed();
    let set = write_set(&*harness.ids(), life.last_change()).await.guarded(a_guard(1));
    let task = set.tasks.iter().find(|task| task.kind == KIND).unwrap().id;
    harness.store().commit(vec![set]).await.unwrap();
    harness.let_pass(Duration::from_secs(11)).await;
    let guards = || async { harness.store().placing(&user("ann"), None).await.unwrap().guards.len() };
    assert_eq!(guards().await, 1, "its cart is not cleared yet");
    let seen = open(harness, task).await;
    touched(harness, &seen, Deed::Discard).await.unwrap();
    assert_eq!(guards().await, 0);
}

/// Whoever saw it before may not have wanted this: nothing is changed, of the order neither.
pub async fn a_task_that_was_claimed_meanwhile_is_not_touched(harness: &dyn Harness) {
    let task = a_lane(harness, 1, now(harness).await).await.remove(0);
    let seen = open(harness, task.id).await;
    let claimed = claim(harness, &task).await;
    let before = load(harness, task.order).await.order;
    for deed in [Deed::Retry, Deed::Discard] {
        // As if it had waited an hour for its next try, so that there is something to be retried.
        let waits = OpenTask { attempts: 1, ..seen.clone() };
        assert_eq!(touched(harness, &waits, deed).await, Err(CommitError::Conflict));
    }
    assert_eq!(load(harness, task.order).await.order, before);
    harness.tasks().finish(&claimed).await.unwrap();
    assert_eq!(touched(harness, &seen, Deed::Discard).await, Err(CommitError::Conflict), "it is done");
    assert_eq!(load(harness, task.order).await.order, before);
}

/// The event stands in the timeline of the task's own order, or nowhere.
pub async fn a_task_of_another_order_is_not_touched(harness: &dyn Harness) {
    let task = a_dead_one(harness).await;
    let other = keep(harness, &a_new_order(harness).await.paid()).await;
    let other: Order = load(harness, other.task(KIND).order).await.order;
    let seen = OpenTask { order: other.id(), ..open(harness, task.id).await };
    assert_eq!(touched(harness, &seen, Deed::Discard).await, Err(CommitError::Conflict));
    assert_eq!(load(harness, other.id()).await.order, other);
    assert_eq!(open(harness, task.id).await.state, TaskState::Dead);
}

/// Both or neither.
pub async fn a_touch_and_its_event_take_together(harness: &dyn Harness) {
    let task = a_dead_one(harness).await;
    let seen = open(harness, task.id).await;
    let late = touch(harness, &seen, Deed::Discard).await;
    let loaded = load(harness, task.order).await;
    let life = Life::of(loaded.order, rules(), loaded.now).preparing();
    commit(&*harness.store(), &*harness.ids(), life.last_change()).await.unwrap();
    assert_eq!(harness.store().commit(vec![late]).await, Err(CommitError::Conflict));
    assert_eq!(open(harness, task.id).await, seen);
}

/// The other meets a conflict, and looks again.
pub async fn of_two_operators_at_once_one_touches_a_task(harness: &dyn Harness) {
    let task = a_dead_one(harness).await;
    let seen = open(harness, task.id).await;
    let second = harness.second().await;
    let (retry, discard) = (touch(harness, &seen, Deed::Retry).await, touch(harness, &seen, Deed::Discard).await);
    let (store, other) = (harness.store(), second.store());
    let (retried, discarded) = tokio::join!(store.commit(vec![retry]), other.commit(vec![discard]));
    assert_eq!([&retried, &discarded].iter().filter(|done| done.is_ok()).count(), 1, "{retried:?} {discarded:?}");
    let left = harness.desk().task(task.id).await.unwrap();
    assert_eq!(left.is_some(), retried.is_ok());
}

/// Neither by a sweep nor by a signal, until it is resumed; other kinds go on.
pub async fn nothing_of_a_paused_kind_is_claimed(harness: &dyn Harness) {
    let start = now(harness).await;
    let (_, charge) = a_charge(harness, start).await;
    let clear = a_lane(harness, 1, start).await.remove(0);
    harness.desk().pause(TaskKind::Charge, &user("root")).await.unwrap();
    let second = harness.second().await;
    for only in [None, Some(vec![charge.id, clear.id])] {
        let slots = vec![(TaskKind::Charge, 10), (KIND, 10)];
        let claim = Claim { slots, chores: Vec::new(), only, lease: LEASE };
        let claimed = second.tasks().claim(&claim).await.unwrap().claimed;
        assert_eq!(claimed.iter().map(|task| task.id).collect::<Vec<_>>(), [clear.id]);
        harness.tasks().hand_back(&claimed[0]).await.unwrap();
    }
    assert_eq!(open(harness, charge.id).await.attempts, 0);
    second.desk().resume(TaskKind::Charge).await.unwrap();
    assert_eq!(claim_ids(harness, TaskKind::Charge).await, [charge.id]);
}

/// What it may not claim is nothing to wake up for.
pub async fn a_paused_kind_does_not_keep_a_worker_awake(harness: &dyn Harness) {
    let start = now(harness).await;
    a_charge(harness, after(start, HOUR)).await;
    a_charge(harness, start).await;
    a_lane(harness, 1, after(start, HOUR + HOUR)).await;
    harness.desk().pause(TaskKind::Charge, &user("root")).await.unwrap();
    let slots = TaskKind::ALL.map(|kind| (kind, 10)).to_vec();
    let everything = Claim { slots, chores: Vec::new(), only: None, lease: LEASE };
    let sweep = harness.tasks().claim(&everything).await.unwrap();
    assert_eq!((sweep.claimed, sweep.next_due), (Vec::new(), Some(after(start, HOUR + HOUR))));
    harness.desk().resume(TaskKind::Charge).await.unwrap();
    let sweep = harness.tasks().claim(&Claim { slots: vec![], ..everything }).await.unwrap();
    assert_eq!(sweep.next_due, Some(after(start, HOUR)));
}

/// A pause stops no call that is under way.
pub async fn what_is_held_when_its_kind_is_paused_is_finished(harness: &dyn Harness) {
    let start = now(harness).await;
    let lane = a_lane(harness, 2, start).await;
    let (one, two) = (claim(harness, &lane[0]).await, &lane[1]);
    harness.desk().pause(KIND, &user("root")).await.unwrap();
    assert_eq!(harness.tasks().finish(&one).await.unwrap(), Some(TaskRef { id: two.id, kind: KIND }));
    assert_eq!(claim_all(harness, KIND).await, []);
}

/// By whoever was first; resuming what is not paused changes nothing.
pub async fn a_kind_is_paused_once(harness: &dyn Harness) {
    let desk = harness.desk();
    let paused = || async {
        let kinds = harness.desk().kinds().await.unwrap();
        let of = |kind: KindStatus| kind.paused.map(|pause| (kind.kind, pause));
        kinds.into_iter().filter_map(of).collect::<Vec<_>>()
    };
    assert_eq!(paused().await, []);
    let before = now(harness).await;
    desk.pause(KIND, &user("root")).await.unwrap();
    let first = paused().await;
    desk.pause(KIND, &user("toor")).await.unwrap();
    assert_eq!(paused().await, first);
    let [(KIND, pause)] = &first[..] else { panic!("{first:?}") };
    assert_eq!(pause.by, user("root"));
    assert!(before <= pause.since && pause.since <= now(harness).await);
    for _ in 0..2 {
        desk.resume(KIND).await.unwrap();
        assert_eq!(paused().await, []);
    }
}

/// Every kind is there: how much of it waits, and since when the longest due is.
pub async fn kinds_say_what_waits(harness: &dyn Harness) {
    let start = now(harness).await;
    a_charge(harness, start).await;
    a_charge(harness, after(start, HOUR)).await;
    a_dead_one(harness).await;
    harness.desk().pause(TaskKind::Charge, &user("root")).await.unwrap();
    let kinds = harness.desk().kinds().await.unwrap();
    assert_eq!(kinds.iter().map(|kind| kind.kind).collect::<Vec<_>>(), TaskKind::ALL);
    for kind in kinds {
        let expected = if kind.kind == TaskKind::Charge { (2, Some(start), true) } else { (0, None, false) };
        assert_eq!((kind.waiting, kind.oldest_due_at, kind.paused.is_some()), expected, "{:?}", kind.kind);
    }
}
