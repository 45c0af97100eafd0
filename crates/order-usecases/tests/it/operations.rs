//! What operators do: whatever it is, nobody pays twice and the timeline says who did it.

use std::sync::Arc;

use order_domain::order::{Rejection, Role, Status};
use order_domain::payment::EntryState;
use order_domain::ports::{
    KindStatus, MAX_TRIES, OpenTask, Receipt, TaskDesk, TaskFilter, TaskKind, TaskRef, TaskState,
};
use order_domain::time::Duration;
use order_testkit::builders::{a_key, an_order, user};
use order_testkit::memory::{Fault, Op};
use order_testkit::services::PaymentAnswer;
use order_usecases::{Answer, Operator, RenderTask, TaskRequest, UseCaseError};

use crate::support::{Shop, admin, courier, customer};

const NOTIFY: TaskKind = TaskKind::Notify;

/// Shows state and tries of the task, so that a test can read it.
fn request(key: Option<u8>) -> TaskRequest {
    let render: RenderTask = Arc::new(|outcome| {
        let state = if outcome.discarded { "discarded" } else { outcome.task.state.name() };
        let body = format!("{state} {}", outcome.task.attempts).into_bytes();
        Ok(Receipt { status: 200, headers: Vec::new(), body })
    });
    TaskRequest { key: key.map(a_key), render }
}

fn said(answer: &Answer) -> (&str, bool) {
    (std::str::from_utf8(&answer.receipt.body).unwrap(), answer.replayed)
}

fn operator() -> Operator {
    admin().operator().unwrap()
}

/// The only task of a kind.
async fn the(shop: &Shop, kind: TaskKind) -> OpenTask {
    let task = shop.store.tasks().into_iter().find(|task| task.kind == kind).expect("a task of this kind");
    TaskDesk::task(&shop.store, task.id).await.unwrap().unwrap()
}

async fn retry(shop: &Shop, task: &OpenTask, key: Option<u8>) -> Result<Answer, UseCaseError> {
    shop.use_cases().operations().retry(&operator(), task.id, request(key)).await
}

async fn discard(shop: &Shop, task: &OpenTask, key: Option<u8>) -> Result<Answer, UseCaseError> {
    shop.use_cases().operations().discard(&operator(), task.id, request(key)).await
}

/// An order whose customer could not be told that it is paid.
async fn with_a_dead_message() -> (Shop, OpenTask) {
    let (shop, _) = Shop::with(&an_order().paid()).await;
    for _ in 0..MAX_TRIES {
        let task = shop.claim(NOTIFY).await;
        let done = order_usecases::tasks::Done::Retry { error: "no answer".into(), entry: None, within: None };
        shop.conclude(&task, done).await;
        shop.store.advance(Duration::from_mins(6));
    }
    let dead = the(&shop, NOTIFY).await;
    assert_eq!(dead.state, TaskState::Dead);
    (shop, dead)
}

#[tokio::test]
async fn a_dead_message_that_is_retried_reaches_its_customer_once() {
    let (shop, dead) = with_a_dead_message().await;
    assert_eq!(said(&retry(&shop, &dead, None).await.unwrap()), ("waiting 0", false));
    assert_eq!(shop.signal.signalled().last(), Some(&TaskRef { id: dead.id, kind: NOTIFY }), "a worker is woken");
    assert_eq!(the(&shop, NOTIFY).await.due_at, shop.store.now());
    assert_eq!(said(&retry(&shop, &dead, None).await.unwrap()), ("waiting 0", false), "again: it is retried already");
    shop.drain().await;
    assert_eq!(retry(&shop, &dead, None).await.unwrap_err(), UseCaseError::NoSuchTask, "it is done");
    assert_eq!(shop.timeline(), ["placed", "confirmed", "task_retried"]);
    let event = shop.store.events(dead.order).pop().unwrap();
    assert_eq!((event.actor.role(), event.actor.id()), (Role::Admin, Some(&admin().user)));
    assert_eq!(shop.live.published().last().unwrap().version, 3, "whoever follows the order is told");
}

#[tokio::test]
async fn a_charge_that_is_retried_asks_under_the_same_key() {
    let (shop, _) = Shop::with(&an_order().placed()).await;
    shop.payments.plan(&[PaymentAnswer::ActAndLoseAnswer]);
    shop.step(TaskKind::Charge).await;
    assert_eq!((shop.entry(1).state, shop.moved()), (EntryState::Sent, (1_098, 0)));
    for _ in 0..3 {
        let waiting = the(&shop, TaskKind::Charge).await;
        retry(&shop, &waiting, None).await.unwrap();
    }
    shop.step(TaskKind::Charge).await;
    shop.drain().await;
    assert_eq!((shop.order().status(), shop.moved()), (Status::Confirmed, (1_098, 0)));
    shop.assert_at_rest();
}

#[tokio::test]
async fn what_moves_money_is_never_discarded() {
    let (shop, _) = Shop::with(&an_order().placed()).await;
    let charge = the(&shop, TaskKind::Charge).await;
    let refused = UseCaseError::Rejected(Rejection::NeverDiscarded { task: TaskKind::Charge });
    assert_eq!(discard(&shop, &charge, Some(1)).await.unwrap_err(), refused);
    assert_eq!((shop.timeline(), shop.store.tasks().len()), (vec!["placed"], 1));
}

#[tokio::test]
async fn what_a_worker_is_at_is_left_to_it() {
    let (shop, _) = Shop::with(&an_order().paid()).await;
    shop.claim(NOTIFY).await;
    let held = the(&shop, NOTIFY).await;
    for refused in [retry(&shop, &held, None).await, discard(&shop, &held, None).await] {
        assert_eq!(refused.unwrap_err(), UseCaseError::Rejected(Rejection::TaskRunning));
    }
}

#[tokio::test]
async fn a_discarded_message_is_never_sent() {
    let (shop, dead) = with_a_dead_message().await;
    assert_eq!(said(&discard(&shop, &dead, None).await.unwrap()), ("discarded 8", false));
    assert_eq!(discard(&shop, &dead, None).await.unwrap_err(), UseCaseError::NoSuchTask);
    shop.drain().await;
    assert_eq!(shop.notifications.told(), []);
    assert_eq!(shop.timeline(), ["placed", "confirmed", "task_discarded"]);
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_nothing_is_done_twice() {
    let (shop, dead) = with_a_dead_message().await;
    let first = retry(&shop, &dead, Some(1)).await.unwrap();
    shop.drain().await;
    let again = retry(&shop, &dead, Some(1)).await.unwrap();
    assert_eq!((said(&again), &again.receipt), (("waiting 0", true), &first.receipt), "though it is done by now");
    assert_eq!(shop.timeline(), ["placed", "confirmed", "task_retried"]);
}

#[tokio::test]
async fn a_retry_of_what_is_due_is_kept_under_its_key_without_an_event() {
    let (shop, _) = Shop::with(&an_order().paid()).await;
    let due = the(&shop, NOTIFY).await;
    assert_eq!(said(&retry(&shop, &due, Some(1)).await.unwrap()), ("waiting 0", false));
    shop.drain().await;
    assert_eq!(said(&retry(&shop, &due, Some(1)).await.unwrap()), ("waiting 0", true));
    assert_eq!(shop.timeline(), ["placed", "confirmed"]);
}

#[tokio::test]
async fn a_change_of_the_order_meanwhile_is_no_reason_to_refuse() {
    let (shop, dead) = with_a_dead_message().await;
    let other = shop.clone();
    shop.store.before_next(Op::Commit, move |_| async move {
        other.assign(&admin(), Some("bob")).await.unwrap();
    });
    retry(&shop, &dead, None).await.unwrap();
    assert_eq!(shop.timeline(), ["placed", "confirmed", "assigned", "task_retried"]);
    for _ in 0..3 {
        shop.store.fail_next(Op::Commit, Fault::Conflict);
    }
    let waiting = the(&shop, NOTIFY).await;
    assert_eq!(discard(&shop, &waiting, None).await.unwrap_err(), UseCaseError::ConcurrentChange);
}

#[tokio::test]
async fn a_commit_that_did_not_answer_is_never_decided_again() {
    let (shop, dead) = with_a_dead_message().await;
    shop.store.fail_next(Op::Commit, Fault::DoneButUnknown);
    let unknown = discard(&shop, &dead, None).await.unwrap_err();
    assert!(matches!(unknown, UseCaseError::OutcomeUnknown(_)), "{unknown}");
    let (shop, dead) = with_a_dead_message().await;
    shop.store.fail_next(Op::Commit, Fault::DoneButUnknown);
    assert_eq!(said(&discard(&shop, &dead, Some(1)).await.unwrap()), ("discarded 8", true));
}

#[tokio::test]
async fn only_an_admin_is_an_operator() {
    for who in [customer("ann"), courier("bob")] {
        assert_eq!(who.operator().unwrap_err(), UseCaseError::Forbidden);
    }
    assert_ne!(operator(), Operator::at_the_command_line(user("cli")));
}

#[tokio::test]
async fn a_paused_payment_is_made_when_it_is_resumed() {
    let (shop, _) = Shop::with(&an_order().placed()).await;
    let operations = shop.use_cases().operations();
    let paused = operations.pause(&operator(), TaskKind::Charge).await.unwrap();
    assert_eq!(paused.paused.map(|pause| pause.by), Some(admin().user));
    assert_eq!((shop.claims(TaskKind::Charge).await, shop.order().status()), (vec![], Status::Pending));
    let waiting = TaskFilter { state: TaskState::Waiting, kind: None, order: None };
    let listed = operations.tasks(&operator(), waiting, 10, None).await.unwrap();
    assert_eq!(listed.tasks.iter().map(|task| task.kind).collect::<Vec<_>>(), [TaskKind::Charge]);

    let KindStatus { paused, waiting, .. } = operations.resume(&operator(), TaskKind::Charge).await.unwrap();
    assert_eq!((paused, waiting), (None, 1));
    shop.drain().await;
    assert_eq!(shop.order().status(), Status::Confirmed);
    shop.assert_at_rest();
}
