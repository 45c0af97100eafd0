//! Moving and cancelling an order that exists: who may, what is asked again, what comes back.

use order_domain::order::{Actor, CancelCode, Rejection, Status};
use order_domain::payment::EntryState;
use order_domain::ports::TaskKind;
use order_testkit::builders::{Life, an_order, words};
use order_testkit::memory::{Fault, Op};
use order_testkit::services::PaymentAnswer;
use order_usecases::{Caller, UseCaseError};

use crate::support::{Shop, admin, an_id, courier, customer, request};

async fn with(life: &Life) -> Shop {
    Shop::with(life).await.0
}

async fn set(shop: &Shop, caller: &Caller, to: Status) -> Result<Status, UseCaseError> {
    Ok(shop.set_status(caller, to, None).await?.order.status())
}

fn illegal(current: Status, asked: Status, allowed: Vec<Status>) -> UseCaseError {
    Rejection::IllegalTransition { current, asked, allowed }.into()
}

#[tokio::test]
async fn an_admin_and_the_assigned_courier_move_an_order_along() {
    for who in [admin(), courier("bob")] {
        let shop = with(&an_order().assigned_to("bob")).await;
        for to in [Status::Preparing, Status::OutForDelivery, Status::Delivered] {
            assert_eq!(set(&shop, &who, to).await, Ok(to));
            assert_eq!(shop.order().status(), to);
        }
        let last = shop.store.events(an_id(1)).pop().unwrap();
        assert_eq!(last.actor.id(), Some(&who.user));
    }
}

#[tokio::test]
async fn an_order_that_is_not_ones_own_answers_as_a_missing_one() {
    let shop = with(&an_order().assigned_to("bob")).await;
    for stranger in [customer("eve"), courier("cat"), courier("eve")] {
        assert_eq!(set(&shop, &stranger, Status::Preparing).await, Err(UseCaseError::NotFound));
        assert_eq!(shop.cancel(&stranger, None).await.unwrap_err(), UseCaseError::NotFound);
    }
    // Somebody who was a courier once and is a user now.
    assert_eq!(set(&shop, &customer("bob"), Status::Preparing).await, Err(UseCaseError::NotFound));
    let missing = shop.use_cases().set_status(&admin(), an_id(7), Status::Preparing, None, request(None)).await;
    assert_eq!(missing, Err(UseCaseError::NotFound));
    assert_eq!(
        shop.use_cases().cancel(&admin(), an_id(7), None, None, request(None)).await,
        Err(UseCaseError::NotFound)
    );
}

#[tokio::test]
async fn who_sees_an_order_but_may_not_move_it_is_told_so_whatever_its_status() {
    let shop = with(&an_order().assigned_to("bob")).await;
    for to in [Status::Preparing, Status::Confirmed, Status::Refunded] {
        assert_eq!(set(&shop, &customer("ann"), to).await, Err(UseCaseError::Forbidden), "before no-op and conflict");
    }
    assert_eq!(set(&shop, &courier("ann"), Status::Preparing).await, Err(UseCaseError::Forbidden), "her own purchase");
    assert_eq!(shop.cancel(&courier("bob"), None).await.unwrap_err(), UseCaseError::Forbidden);
    assert_eq!(shop.cancel(&courier("bob"), Some(CancelCode::Shop)).await.unwrap_err(), UseCaseError::Forbidden);
    assert_eq!(shop.order().status(), Status::Confirmed);
}

#[tokio::test]
async fn the_status_it_has_already_changes_nothing() {
    let shop = with(&an_order().paid()).await;
    let (before, commits) = (shop.order(), shop.store.calls(Op::Commit));
    assert_eq!(set(&shop, &admin(), Status::Confirmed).await, Ok(Status::Confirmed));
    assert_eq!((shop.order(), shop.store.calls(Op::Commit)), (before, commits));
}

#[tokio::test]
async fn a_step_that_the_table_does_not_know_is_refused_with_those_it_does() {
    let shop = with(&an_order().assigned_to("bob")).await;
    let refusal = set(&shop, &admin(), Status::Delivered).await;
    let allowed = vec![Status::Preparing, Status::Cancelled];
    assert_eq!(refusal, Err(illegal(Status::Confirmed, Status::Delivered, allowed)));
    let refusal = set(&shop, &courier("bob"), Status::Cancelled).await;
    assert_eq!(refusal, Err(illegal(Status::Confirmed, Status::Cancelled, vec![Status::Preparing])));
}

#[tokio::test]
async fn a_step_that_needs_a_reason_is_refused_without_one() {
    let shop = with(&an_order().out_for_delivery()).await;
    let refusal = Rejection::ReasonRequired { to: Status::Cancelled };
    assert_eq!(set(&shop, &admin(), Status::Cancelled).await, Err(refusal.into()));
    let order = shop.set_status(&admin(), Status::Cancelled, words("nobody home")).await.unwrap().order;
    assert_eq!(order.state().cancellation.as_ref().unwrap().code, CancelCode::DeliveryFailed);
}

#[tokio::test]
async fn an_admin_who_confirms_an_unpaid_order_as_cash_takes_its_charge_back() {
    let shop = with(&an_order().placed()).await;
    set(&shop, &admin(), Status::Confirmed).await.unwrap();
    assert_eq!(shop.entry(1).state, EntryState::Withdrawn);
    let kinds: Vec<_> = shop.signal.signalled().iter().map(|task| task.kind).collect();
    assert_eq!(kinds, [TaskKind::ClearCart, TaskKind::Notify]);
    shop.drain().await;
    assert_eq!(shop.payments.calls(), []);
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_command_that_meets_a_change_is_decided_again() {
    let shop = with(&an_order().placed()).await;
    let (conflicts, other) = (shop.store.calls(Op::Commit), shop.clone());
    shop.store.before_next(Op::Commit, move |_| async move {
        other.assign(&admin(), Some("bob")).await.unwrap();
    });
    assert_eq!(set(&shop, &admin(), Status::Confirmed).await, Ok(Status::Confirmed));
    assert_eq!(shop.timeline(), ["placed", "assigned", "confirmed"]);
    assert_eq!(shop.store.calls(Op::Commit) - conflicts, 3);
}

#[tokio::test]
async fn a_command_that_meets_three_changes_is_refused() {
    let shop = with(&an_order().placed()).await;
    (0..3).for_each(|_| shop.store.fail_next(Op::Commit, Fault::Conflict));
    let before = shop.store.calls(Op::Commit);
    assert_eq!(set(&shop, &admin(), Status::Confirmed).await, Err(UseCaseError::ConcurrentChange));
    assert_eq!(shop.store.calls(Op::Commit) - before, 3);
    assert_eq!((shop.order().status(), shop.signal.signalled()), (Status::Pending, vec![]));

    (0..2).for_each(|_| shop.store.fail_next(Op::Commit, Fault::Conflict));
    assert_eq!(set(&shop, &admin(), Status::Confirmed).await, Ok(Status::Confirmed));
}

/// The second decision is that of the order as it is then: who lost it meanwhile may no longer move it.
#[tokio::test]
async fn a_command_that_is_decided_again_is_authorised_again() {
    let shop = with(&an_order().assigned_to("bob")).await;
    let other = shop.clone();
    shop.store.before_next(Op::Commit, move |_| async move {
        other.assign(&admin(), Some("cat")).await.unwrap();
    });
    assert_eq!(set(&shop, &courier("bob"), Status::Preparing).await, Err(UseCaseError::NotFound));
    assert_eq!(shop.order().status(), Status::Confirmed);
}

#[tokio::test]
async fn of_a_cancellation_and_a_dispatch_at_once_one_wins() {
    let shop = with(&an_order().assigned_to("bob")).await;
    let other = shop.clone();
    shop.store.before_next(Op::Commit, move |_| async move {
        set(&other, &courier("bob"), Status::Preparing).await.unwrap();
    });
    let refusal = shop.cancel(&customer("ann"), None).await.unwrap_err();
    assert_eq!(refusal, illegal(Status::Preparing, Status::Cancelled, vec![]));
    assert_eq!(shop.order().status(), Status::Preparing);
}

#[tokio::test]
async fn a_change_whose_outcome_is_unknown_is_not_decided_again() {
    for (fault, status) in [(Fault::DoneButUnknown, Status::Cancelled), (Fault::UndoneButUnknown, Status::Confirmed)] {
        let shop = with(&an_order().paid()).await;
        let before = shop.store.calls(Op::Commit);
        shop.store.fail_next(Op::Commit, fault);
        let answer = shop.cancel(&customer("ann"), None).await;
        assert!(matches!(answer, Err(UseCaseError::OutcomeUnknown(_))));
        assert_eq!((shop.store.calls(Op::Commit) - before, shop.order().status()), (1, status));
    }
    let shop = with(&an_order().paid()).await;
    shop.store.set_away(true);
    assert!(matches!(shop.cancel(&customer("ann"), None).await, Err(UseCaseError::Unavailable(_))));
}

#[tokio::test]
async fn each_caller_has_codes_of_their_own() {
    use CancelCode::{
        CustomerRequest, DeliveryFailed, Other, OutOfStock, PaymentDeclined, PaymentTimeout, Shop as ByShop,
    };
    for (caller, code, expected) in [
        (customer("ann"), None, Some(CustomerRequest)),
        (customer("ann"), Some(CustomerRequest), Some(CustomerRequest)),
        (customer("ann"), Some(Other), Some(Other)),
        (customer("ann"), Some(OutOfStock), None),
        (customer("ann"), Some(DeliveryFailed), None),
        (customer("ann"), Some(ByShop), None),
        (customer("ann"), Some(PaymentDeclined), None),
        (courier("ann"), None, Some(CustomerRequest)),
        (admin(), None, Some(ByShop)),
        (admin(), Some(OutOfStock), Some(OutOfStock)),
        (admin(), Some(CustomerRequest), Some(CustomerRequest)),
        (admin(), Some(DeliveryFailed), Some(DeliveryFailed)),
        (admin(), Some(ByShop), Some(ByShop)),
        (admin(), Some(Other), Some(Other)),
        (admin(), Some(PaymentDeclined), None),
        (admin(), Some(PaymentTimeout), None),
    ] {
        let shop = with(&an_order().paid()).await;
        let answer = shop.cancel(&caller, code).await;
        let Some(expected) = expected else {
            assert_eq!(answer.unwrap_err(), UseCaseError::CodeNotAllowed);
            continue;
        };
        let order = answer.unwrap().order;
        let cancellation = order.state().cancellation.as_ref().unwrap();
        let as_admin = matches!(cancellation.by, Actor::Admin(_));
        assert_eq!((cancellation.code, as_admin), (expected, caller.user == admin().user));
        assert_eq!(cancellation.by.id(), Some(&caller.user));
    }
}

#[tokio::test]
async fn a_cancellation_keeps_its_words_beside_its_code() {
    let shop = with(&an_order().paid()).await;
    shop.use_cases().cancel(&customer("ann"), an_id(1), None, words("too late"), request(None)).await.unwrap();
    assert_eq!(shop.order().state().cancellation.as_ref().unwrap().reason, words("too late"));
}

#[tokio::test]
async fn a_cancellation_says_whether_money_comes_back() {
    // Before the charge was sent: nothing.
    let shop = with(&an_order().placed()).await;
    let answer = shop.cancel(&customer("ann"), None).await.unwrap();
    assert_eq!((answer.changed, answer.refund_initiated()), (true, false));

    // While it is under way: it may have to.
    let shop = with(&an_order().sent()).await;
    let answer = shop.cancel(&customer("ann"), None).await.unwrap();
    assert_eq!((answer.changed, answer.refund_initiated()), (true, true));

    // After it was put back: nothing.
    let shop = with(&an_order().placed()).await;
    shop.payments.plan(&[PaymentAnswer::NotSent]);
    shop.step(TaskKind::Charge).await;
    assert!(!shop.cancel(&customer("ann"), None).await.unwrap().refund_initiated());

    // After it settled: all of it; and again, it changes nothing.
    let shop = with(&an_order().paid()).await;
    let answer = shop.cancel(&customer("ann"), None).await.unwrap();
    assert_eq!((answer.changed, answer.refund_initiated()), (true, true));
    let kinds: Vec<_> = shop.signal.signalled().iter().map(|task| task.kind).collect();
    assert_eq!(kinds, [TaskKind::Refund, TaskKind::Notify]);
    let before = shop.order();
    let answer = shop.cancel(&customer("ann"), None).await.unwrap();
    assert_eq!((answer.changed, answer.refund_initiated(), &answer.order), (false, false, &before));
    assert_eq!(shop.order(), before);

    // Cash that nobody has collected yet: nothing.
    let shop = with(&an_order().cash().placed()).await;
    assert!(!shop.cancel(&customer("ann"), None).await.unwrap().refund_initiated());
}
