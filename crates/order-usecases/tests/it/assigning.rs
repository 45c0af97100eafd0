//! Who brings an order, and who sees it.

use order_domain::UserId;
use order_domain::order::{Rejection, Status};
use order_domain::ports::{OrderPage, Page, PageStart, ServiceError, ServiceName};
use order_testkit::builders::{Life, an_order, user};
use order_testkit::memory::{Fault, Op};
use order_testkit::services::{away, garbage};
use order_usecases::{Caller, ListOrders, UseCaseError};

use crate::support::{Shop, admin, an_id, courier, customer};

const PAGE: Page = Page { limit: 100, start: PageStart::Offset(0) };

async fn with(life: &Life) -> Shop {
    Shop::with(life).await.0
}

async fn assign(shop: &Shop, caller: &Caller, to: Option<&str>) -> Result<Option<UserId>, UseCaseError> {
    Ok(shop.assign(caller, to).await?.order.state().courier.clone())
}

#[tokio::test]
async fn an_admin_assigns_re_assigns_and_takes_back() {
    let shop = with(&an_order().placed()).await;
    assert_eq!(assign(&shop, &admin(), Some("bob")).await, Ok(Some(user("bob"))));
    assert_eq!(assign(&shop, &admin(), Some("cat")).await, Ok(Some(user("cat"))));
    assert_eq!(assign(&shop, &admin(), None).await, Ok(None));
    assert_eq!(assign(&shop, &admin(), None).await, Ok(None), "again, it changes nothing");
    assert_eq!(shop.timeline(), ["placed", "assigned", "assigned", "unassigned"]);
    assert_eq!(shop.users.asked(), [(user("bob"), "root".into()), (user("cat"), "root".into())], "in the admin's name");
}

#[tokio::test]
async fn a_courier_whom_the_user_service_does_not_know_is_not_assigned() {
    let shop = with(&an_order().placed()).await;
    assert_eq!(assign(&shop, &admin(), Some("eve")).await, Err(UseCaseError::UnknownCourier));
    let unauthorized = ServiceError::Unauthorized { service: ServiceName::User };
    for error in [away(ServiceName::User), garbage(ServiceName::User), unauthorized] {
        shop.users.fail_next(error.clone());
        assert_eq!(assign(&shop, &admin(), Some("bob")).await, Err(error.into()));
    }
    assert_eq!(shop.timeline(), ["placed"]);
}

#[tokio::test]
async fn a_missing_order_is_said_to_be_missing_before_anybody_is_asked_about_the_courier() {
    let shop = Shop::open();
    for to in [Some("eve"), Some("bob"), None] {
        assert_eq!(assign(&shop, &admin(), to).await, Err(UseCaseError::NotFound));
    }
    assert_eq!(shop.users.asked(), []);
}

#[tokio::test]
async fn an_assignment_that_meets_a_change_is_refused_at_once() {
    let shop = with(&an_order().assigned_to("bob")).await;
    for to in [Some("cat"), None] {
        let before = shop.store.calls(Op::Commit);
        shop.store.fail_next(Op::Commit, Fault::Conflict);
        assert_eq!(assign(&shop, &admin(), to).await, Err(UseCaseError::ConcurrentChange));
        assert_eq!(shop.store.calls(Op::Commit) - before, 1);
    }
    assert_eq!(shop.order().state().courier, Some(user("bob")));
}

#[tokio::test]
async fn an_order_on_its_way_is_re_assigned_but_never_left_alone() {
    let shop = with(&an_order().out_for_delivery()).await;
    assert_eq!(assign(&shop, &admin(), None).await, Err(Rejection::CourierRequired.into()));
    assert_eq!(assign(&shop, &admin(), Some("cat")).await, Ok(Some(user("cat"))));
    let shop = with(&an_order().delivered()).await;
    let refusal = Rejection::NotAssignable { current: Status::Delivered };
    assert_eq!(assign(&shop, &admin(), Some("cat")).await, Err(refusal.clone().into()));
    assert_eq!(assign(&shop, &admin(), None).await, Err(refusal.into()));
}

#[tokio::test]
async fn a_courier_takes_what_is_free_and_gives_back_what_is_theirs() {
    for life in [an_order().paid(), an_order().preparing()] {
        let shop = with(&life).await;
        assert_eq!(assign(&shop, &courier("bob"), Some("bob")).await, Ok(Some(user("bob"))));
        let version = shop.order().version();
        assert_eq!(assign(&shop, &courier("bob"), Some("bob")).await, Ok(Some(user("bob"))));
        assert_eq!(shop.order().version(), version, "again, it changes nothing");
        assert_eq!(assign(&shop, &courier("bob"), None).await, Ok(None));
    }
    let shop = with(&an_order().paid()).await;
    assert_eq!(assign(&shop, &courier("eve"), Some("eve")).await, Ok(Some(user("eve"))));
    assert_eq!(shop.users.asked(), [], "a courier who takes is trusted by the token");
}

#[tokio::test]
async fn what_another_courier_has_is_taken() {
    let shop = with(&an_order().assigned_to("bob")).await;
    assert_eq!(assign(&shop, &courier("cat"), Some("cat")).await, Err(Rejection::AlreadyTaken.into()));
    assert_eq!(assign(&shop, &courier("cat"), None).await, Err(UseCaseError::NotFound), "giving it back is not theirs");
    assert_eq!(shop.order().state().courier, Some(user("bob")));
}

#[tokio::test]
async fn what_cannot_be_taken_answers_as_a_missing_order() {
    for life in [an_order().placed(), an_order().cancelled(), an_order().paid().cancelled()] {
        let shop = with(&life).await;
        assert_eq!(assign(&shop, &courier("bob"), Some("bob")).await, Err(UseCaseError::NotFound));
        assert_eq!(assign(&shop, &courier("bob"), None).await, Err(UseCaseError::NotFound));
    }
    assert_eq!(assign(&Shop::open(), &courier("bob"), Some("bob")).await, Err(UseCaseError::NotFound));
}

#[tokio::test]
async fn an_order_on_its_way_is_not_given_back() {
    let shop = with(&an_order().out_for_delivery()).await;
    assert_eq!(assign(&shop, &courier("bob"), None).await, Err(Rejection::CourierRequired.into()));
}

#[tokio::test]
async fn of_two_couriers_at_once_one_has_the_order() {
    let shop = with(&an_order().paid()).await;
    let other = shop.clone();
    shop.store.before_next(Op::Commit, move |_| async move {
        assign(&other, &courier("cat"), Some("cat")).await.unwrap();
    });
    assert_eq!(assign(&shop, &courier("bob"), Some("bob")).await, Err(Rejection::AlreadyTaken.into()));
    assert_eq!(shop.order().state().courier, Some(user("cat")));
}

#[tokio::test]
async fn nobody_but_an_admin_gives_an_order_to_somebody_else() {
    let shop = with(&an_order().paid()).await;
    assert_eq!(assign(&shop, &courier("bob"), Some("cat")).await, Err(UseCaseError::NotFound), "not theirs to see");
    assert_eq!(assign(&shop, &customer("ann"), Some("bob")).await, Err(UseCaseError::Forbidden));
    assert_eq!(assign(&shop, &customer("ann"), None).await, Err(UseCaseError::Forbidden));
    assert_eq!(assign(&shop, &customer("eve"), Some("eve")).await, Err(UseCaseError::NotFound));
    assert_eq!(shop.timeline(), ["placed", "confirmed"]);
}

#[tokio::test]
async fn its_customer_its_courier_and_admins_see_an_order_and_nobody_else() {
    let shop = with(&an_order().assigned_to("bob")).await;
    let use_cases = shop.use_cases();
    for reader in [customer("ann"), courier("bob"), admin(), courier("ann")] {
        assert_eq!(use_cases.order(&reader, an_id(1)).await.as_ref(), Ok(&shop.order()));
        let items = use_cases.timeline(&reader, an_id(1), 0, None, || ()).await.unwrap();
        let kinds: Vec<_> = items.iter().map(|item| item.kind.as_str()).collect();
        assert_eq!(kinds, ["placed", "confirmed", "assigned"]);
    }
    for stranger in [customer("eve"), courier("cat"), customer("bob")] {
        assert_eq!(use_cases.order(&stranger, an_id(1)).await, Err(UseCaseError::NotFound));
        assert_eq!(use_cases.timeline(&stranger, an_id(1), 0, None, || ()).await.unwrap_err(), UseCaseError::NotFound);
    }
    assert_eq!(use_cases.order(&admin(), an_id(2)).await, Err(UseCaseError::NotFound));
}

async fn a_full_shop() -> Shop {
    let shop = Shop::open();
    for life in [
        an_order().id(1).customer("ann").assigned_to("bob"),
        an_order().id(2).customer("ann").placed(),
        an_order().id(3).customer("eve").paid(),
        an_order().id(4).customer("eve").cancelled(),
        an_order().id(5).customer("eve").assigned_to("cat"),
    ] {
        life.keep(&shop.store, &shop.store, &shop.store).await;
    }
    shop
}

fn ids(page: Result<OrderPage, UseCaseError>) -> Vec<i64> {
    let mut ids: Vec<_> = page.unwrap().orders.iter().map(|order| order.id().get()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn everybody_lists_their_own_orders() {
    let shop = a_full_shop().await;
    let mine = async |caller: &Caller, list| ids(shop.use_cases().my_orders(caller, list, PAGE).await);
    assert_eq!(mine(&customer("ann"), ListOrders::default()).await, [1, 2]);
    assert_eq!(mine(&admin(), ListOrders::default()).await, [0_i64; 0]);
    // Whatever else is asked for, another's are never among them.
    let sly = ListOrders { customer: Some(user("eve")), available: true, ..ListOrders::default() };
    assert_eq!(mine(&customer("ann"), sly).await, [1, 2]);
    let pending = ListOrders { statuses: vec![Status::Pending], ..ListOrders::default() };
    assert_eq!(mine(&customer("ann"), pending).await, [2]);
}

#[tokio::test]
async fn admins_list_all_and_couriers_theirs_or_what_is_free() {
    let shop = a_full_shop().await;
    let list = async |caller: &Caller, list| ids(shop.use_cases().orders(caller, list, PAGE).await);
    let available = || ListOrders { available: true, ..ListOrders::default() };
    let of = |courier| ListOrders { courier: Some(user(courier)), ..ListOrders::default() };
    let by = |customer| ListOrders { customer: Some(user(customer)), ..ListOrders::default() };
    assert_eq!(list(&admin(), ListOrders::default()).await, [1, 2, 3, 4, 5]);
    assert_eq!(list(&admin(), of("cat")).await, [5]);
    assert_eq!(list(&admin(), by("ann")).await, [1, 2]);
    assert_eq!(list(&admin(), available()).await, [3]);
    assert_eq!(list(&courier("bob"), ListOrders::default()).await, [1]);
    assert_eq!(list(&courier("bob"), of("cat")).await, [1], "another's are never among them");
    assert_eq!(list(&courier("bob"), available()).await, [3]);
    let of_ann = ListOrders { customer: Some(user("ann")), ..available() };
    assert_eq!(list(&courier("bob"), of_ann).await, [3], "whose it is can't be found out by asking");
    let refusal = shop.use_cases().orders(&customer("ann"), available(), PAGE).await;
    assert_eq!(refusal, Err(UseCaseError::Forbidden));
}

#[tokio::test]
async fn a_database_that_is_away_is_not_ready() {
    let shop = Shop::open();
    assert_eq!(shop.use_cases().ready().await, Ok(()));
    shop.store.set_away(true);
    assert!(matches!(shop.use_cases().ready().await, Err(UseCaseError::Unavailable(_))));
}
