//! Causes: the event that a task follows from, as it was.

use order_domain::order::{Command, Status};
use order_domain::ports::{Cause, ClaimedTask, TaskKind};
use order_domain::pricing::{FeePolicy, FeePrices};
use order_domain::time::Duration;
use order_domain::{Rules, Text};

use crate::builders::{admin, rules, usd, user, words};

use super::Harness;
use super::support::{LEASE, LONGER_THAN_ANY_LEASE, a_new_order, claim, claim_all, failure, keep};

async fn cause(harness: &dyn Harness, task: &ClaimedTask) -> Option<Cause> {
    harness.store().cause_of(task).await.unwrap()
}

/// The next message of the one order that has any.
async fn next_message(harness: &dyn Harness) -> ClaimedTask {
    let mut claimed = claim_all(harness, TaskKind::Notify).await;
    assert_eq!(claimed.len(), 1, "one message is due");
    claimed.remove(0)
}

/// The status after the event, and the event's name, whatever the order has become since.
pub async fn a_cause_is_what_was_so_then(harness: &dyn Harness) {
    let fee = FeePolicy { prices: FeePrices::flat(usd(700)), ..rules().fee };
    let order = a_new_order(harness).await.customer("zoë").rules(Rules { fee, ..rules() });
    let life = order.paid().out_for_delivery().cancelled_by_admin(order_domain::order::CancelCode::Other, "why");
    keep(harness, &life.refund_settles(2)).await;
    for (kind, status) in [
        ("confirmed", Status::Confirmed),
        ("preparing", Status::Preparing),
        ("out_for_delivery", Status::OutForDelivery),
        ("cancelled", Status::Cancelled),
        ("refund_settled", Status::Cancelled),
    ] {
        let task = next_message(harness).await;
        let expected = Cause { customer: user("zoë"), total: usd(1_298), kind: kind.into(), status };
        assert_eq!(cause(harness, &task).await, Some(expected));
        harness.tasks().finish(&task).await.unwrap();
    }
}

/// A refund that has arrived leaves the status as it is; and the other kinds of tasks have causes, too.
pub async fn every_task_has_a_cause(harness: &dyn Harness) {
    let goodwill = Command::GrantGoodwill { amount: usd(100), reason: Text::line("sorry").unwrap() };
    let life = a_new_order(harness).await.paid().when(&admin(), goodwill);
    let kept = keep(harness, &life).await;
    for (kind, event) in [(TaskKind::Refund, "goodwill_granted"), (TaskKind::ClearCart, "confirmed")] {
        let task = claim(harness, kept.task(kind)).await;
        let cause = cause(harness, &task).await.unwrap();
        assert_eq!((cause.kind.as_str(), cause.status), (event, Status::Confirmed));
    }
}

/// Whoever has lost the task is told nothing.
pub async fn a_lost_task_has_no_cause(harness: &dyn Harness) {
    keep(harness, &a_new_order(harness).await.paid()).await;
    let slow = next_message(harness).await;
    assert!(cause(harness, &slow).await.is_some());
    harness.let_pass(LEASE).await;
    let quick = next_message(harness).await;
    assert_eq!(cause(harness, &slow).await, None, "another has it");
    harness.tasks().fail(&quick, &failure(Duration::ZERO)).await.unwrap();
    assert_eq!(cause(harness, &quick).await, None, "it was put back");
    let last = next_message(harness).await;
    harness.tasks().finish(&last).await.unwrap();
    assert_eq!(cause(harness, &last).await, None, "it is finished");
}

/// Messages wait for messages, not for the cart.
pub async fn messages_have_a_lane_of_their_own(harness: &dyn Harness) {
    let life = a_new_order(harness).await.paid().preparing();
    keep(harness, &life).await;
    let cart = claim_all(harness, TaskKind::ClearCart).await;
    let message = next_message(harness).await;
    assert_eq!((cart.len(), cart[0].order), (1, message.order));
    assert!(claim_all(harness, TaskKind::Notify).await.is_empty(), "one after another");
    harness.tasks().finish(&cart[0]).await.unwrap();
    assert!(claim_all(harness, TaskKind::Notify).await.is_empty(), "the cart's end says nothing of messages");
    let next = harness.tasks().finish(&message).await.unwrap().expect("the one that waited");
    assert_eq!((next.kind, next_message(harness).await.id), (TaskKind::Notify, next.id));
}

/// A message may die, and the one behind it is told.
pub async fn a_dead_message_frees_its_lane(harness: &dyn Harness) {
    let life = a_new_order(harness)
        .await
        .paid()
        .when(&admin(), Command::SetStatus { to: Status::Cancelled, reason: words("why") });
    keep(harness, &life).await;
    for _ in 0..order_domain::ports::MAX_TRIES {
        let head = next_message(harness).await;
        assert_eq!(cause(harness, &head).await.unwrap().kind, "confirmed");
        harness.tasks().fail(&head, &failure(Duration::ZERO)).await.unwrap();
        harness.let_pass(LONGER_THAN_ANY_LEASE).await;
    }
    let next = next_message(harness).await;
    assert_eq!(cause(harness, &next).await.unwrap().kind, "cancelled");
}
