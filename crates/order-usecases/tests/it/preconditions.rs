//! Changes that name the version they are meant for.

use order_domain::Text;
use order_domain::order::{CancelCode, DeliveryChange, Rejection, Status, Version};
use order_testkit::builders::{Life, a_key, an_order, usd, user};
use order_testkit::memory::{Fault, Op};
use order_usecases::{Answer, Caller, IfMatch, Request, UseCaseError};

use crate::support::{Shop, admin, an_id, courier, customer, request};

async fn with(life: &Life) -> Shop {
    Shop::with(life).await.0
}

fn of(versions: &[Version]) -> Request {
    Request { if_match: IfMatch::OneOf(versions.to_vec()), ..request(None) }
}

fn failed(current: Version) -> Result<Answer, UseCaseError> {
    Err(UseCaseError::PreconditionFailed { current })
}

async fn set(shop: &Shop, caller: &Caller, to: Status, request: Request) -> Result<Answer, UseCaseError> {
    shop.use_cases().set_status(caller, an_id(1), to, None, request).await
}

async fn assign(shop: &Shop, caller: &Caller, to: &str, request: Request) -> Result<Answer, UseCaseError> {
    shop.use_cases().assign(caller, an_id(1), Some(user(to)), request).await
}

async fn cancel(shop: &Shop, caller: &Caller, request: Request) -> Result<Answer, UseCaseError> {
    shop.use_cases().cancel(caller, an_id(1), None, None, request).await
}

async fn redirect(shop: &Shop, caller: &Caller, to: &str, request: Request) -> Result<Answer, UseCaseError> {
    let change = DeliveryChange { address: Some(Text::line(to).unwrap()), ..DeliveryChange::default() };
    shop.use_cases().change_delivery(caller, an_id(1), change, request).await
}

async fn goodwill(shop: &Shop, caller: &Caller, minor: i64, request: Request) -> Result<Answer, UseCaseError> {
    let reason = Text::line("they waited long").unwrap();
    shop.use_cases().grant_goodwill(caller, an_id(1), usd(minor), reason, request).await
}

#[tokio::test]
async fn a_change_is_made_to_the_version_that_it_names_and_to_no_other() {
    for versions in [vec![], vec![1], vec![3], vec![1, 3]] {
        let shop = with(&an_order().paid()).await;
        assert_eq!(set(&shop, &admin(), Status::Preparing, of(&versions)).await, failed(2));
        assert_eq!(assign(&shop, &admin(), "bob", of(&versions)).await, failed(2));
        assert_eq!(assign(&shop, &courier("bob"), "bob", of(&versions)).await, failed(2));
        assert_eq!(cancel(&shop, &customer("ann"), of(&versions)).await, failed(2));
        assert_eq!(redirect(&shop, &customer("ann"), "2 Main St", of(&versions)).await, failed(2));
        assert_eq!(goodwill(&shop, &admin(), 100, of(&versions)).await, failed(2));
        assert_eq!(shop.timeline(), ["placed", "confirmed"]);
    }
    let shop = with(&an_order().paid()).await;
    assign(&shop, &admin(), "bob", of(&[2])).await.unwrap();
    set(&shop, &courier("bob"), Status::Preparing, of(&[1, 3])).await.unwrap();
    cancel(&shop, &customer("ann"), of(&[2])).await.unwrap_err();
    goodwill(&shop, &admin(), 100, of(&[4])).await.unwrap();
    assert_eq!(shop.timeline(), ["placed", "confirmed", "assigned", "preparing", "goodwill_granted"]);
    let shop = with(&an_order().paid()).await;
    redirect(&shop, &customer("ann"), "2 Main St", of(&[2])).await.unwrap();
    assert_eq!(shop.timeline(), ["placed", "confirmed", "address_changed"]);
}

#[tokio::test]
async fn who_may_not_is_told_so_before_anything_is_said_of_the_version() {
    let shop = with(&an_order().out_for_delivery()).await;
    let other = || of(&[1]);
    assert_eq!(set(&shop, &customer("eve"), Status::Delivered, other()).await, Err(UseCaseError::NotFound));
    assert_eq!(set(&shop, &customer("ann"), Status::Delivered, other()).await, Err(UseCaseError::Forbidden));
    assert_eq!(assign(&shop, &courier("cat"), "bob", other()).await, Err(UseCaseError::NotFound));
    assert_eq!(assign(&shop, &admin(), "eve", other()).await, Err(UseCaseError::UnknownCourier));
    let reason = Rejection::ReasonRequired { to: Status::Cancelled };
    assert_eq!(set(&shop, &admin(), Status::Cancelled, other()).await, Err(reason.into()));
    let code = Some(CancelCode::Shop);
    let answer = shop.use_cases().cancel(&customer("ann"), an_id(1), code, None, other()).await;
    assert_eq!(answer, Err(UseCaseError::CodeNotAllowed));
    assert_eq!(redirect(&shop, &customer("eve"), "2 Main St", other()).await, Err(UseCaseError::NotFound));
    assert_eq!(redirect(&shop, &courier("bob"), "2 Main St", other()).await, Err(UseCaseError::Forbidden));
    assert_eq!(goodwill(&shop, &customer("ann"), 1, other()).await, Err(UseCaseError::Forbidden));
    assert_eq!(goodwill(&shop, &admin(), 0, other()).await, Err(Rejection::AmountNotPositive.into()));
    // One that nobody can take any more is nobody's business.
    let shop = with(&an_order().paid()).await;
    shop.cancel(&admin(), None).await.unwrap();
    assert_eq!(assign(&shop, &courier("cat"), "cat", other()).await, Err(UseCaseError::NotFound));
}

#[tokio::test]
async fn the_version_comes_before_what_is_so_already_and_what_the_table_refuses() {
    let shop = with(&an_order().paid()).await;
    assert_eq!(set(&shop, &admin(), Status::Confirmed, of(&[1])).await, failed(2));
    assert_eq!(set(&shop, &admin(), Status::Delivered, of(&[1])).await, failed(2));
    assert_eq!(redirect(&shop, &admin(), "1 Main St", of(&[1])).await, failed(2));
    assert_eq!(goodwill(&shop, &admin(), 1_099, of(&[1])).await, failed(2));
    set(&shop, &admin(), Status::Confirmed, of(&[2])).await.unwrap();
    let refusal = set(&shop, &admin(), Status::Delivered, of(&[2])).await;
    assert!(matches!(refusal, Err(UseCaseError::Rejected(Rejection::IllegalTransition { .. }))));
}

#[tokio::test]
async fn a_change_of_a_named_version_that_meets_another_change_is_not_decided_again() {
    let shop = with(&an_order().paid()).await;
    let (other, commits) = (shop.clone(), shop.store.calls(Op::Commit));
    shop.store.before_next(Op::Commit, move |_| async move {
        other.assign(&admin(), Some("bob")).await.unwrap();
    });
    assert_eq!(cancel(&shop, &customer("ann"), of(&[2])).await, failed(3));
    assert_eq!(shop.timeline(), ["placed", "confirmed", "assigned"]);
    assert_eq!(shop.store.calls(Op::Commit) - commits, 2);

    // An assignment, which would be refused as concurrent without a version.
    let other = shop.clone();
    shop.store.before_next(Op::Commit, move |_| async move {
        other.assign(&admin(), None).await.unwrap();
    });
    assert_eq!(assign(&shop, &admin(), "cat", of(&[3])).await, failed(4));
}

/// An entry may move without an event: the caller has seen the order as it is.
#[tokio::test]
async fn a_conflict_that_leaves_the_version_as_it_was_is_decided_again() {
    for who in [admin(), courier("bob")] {
        let shop = with(&an_order().paid()).await;
        shop.store.fail_next(Op::Commit, Fault::Conflict);
        assign(&shop, &who, "bob", of(&[2])).await.unwrap();
        assert_eq!(shop.timeline(), ["placed", "confirmed", "assigned"]);
    }
}

#[tokio::test]
async fn an_answer_that_was_given_is_given_again_whatever_the_version_is_now() {
    let shop = with(&an_order().paid()).await;
    let keyed = || Request { key: Some(a_key(1)), ..of(&[2]) };
    let first = cancel(&shop, &customer("ann"), keyed()).await.unwrap();
    let again = cancel(&shop, &customer("ann"), keyed()).await.unwrap();
    assert_eq!((again.replayed, again.receipt), (true, first.receipt));

    // Also when it was given while this request was on its way.
    let shop = with(&an_order().paid()).await;
    let other = shop.clone();
    shop.store.before_next(Op::Commit, move |_| async move {
        cancel(&other, &customer("ann"), keyed()).await.unwrap();
    });
    assert!(cancel(&shop, &customer("ann"), keyed()).await.unwrap().replayed);
}
