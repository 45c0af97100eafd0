//! Changing where an order goes and what its courier should know.

use order_domain::Text;
use order_domain::order::{DeliveryChange, Patch, Rejection, Status};
use order_domain::ports::TaskKind;
use order_domain::pricing::{FeePolicy, FeePrices, ServiceArea};
use order_domain::{Coordinates, Rules};
use order_testkit::builders::{Life, an_order, rules, usd};
use order_testkit::memory::{Fault, Op};
use order_usecases::UseCaseError;

use crate::support::{Shop, admin, courier, customer};

async fn with(life: &Life) -> Shop {
    Shop::with(life).await.0
}

fn to(address: &str) -> DeliveryChange {
    DeliveryChange { address: Some(Text::line(address).unwrap()), ..DeliveryChange::default() }
}

fn address(shop: &Shop) -> String {
    shop.order().state().destination.address.as_str().to_owned()
}

#[tokio::test]
async fn its_customer_and_an_admin_may_change_it() {
    for who in [customer("ann"), admin()] {
        let shop = with(&an_order().paid()).await;
        let outcome = shop.change_delivery(&who, to("2 Main St")).await.unwrap();
        assert_eq!((outcome.changed, outcome.order), (true, shop.order()));
        assert_eq!(
            (address(&shop).as_str(), shop.timeline()),
            ("2 Main St", vec!["placed", "confirmed", "address_changed"])
        );
    }
}

/// A courier who shops is a customer of their own orders.
#[tokio::test]
async fn a_courier_may_change_what_they_have_ordered_and_not_what_they_bring() {
    let shop = with(&an_order().customer("cat").assigned_to("bob")).await;
    shop.change_delivery(&courier("cat"), to("2 Main St")).await.unwrap();
    assert_eq!(shop.change_delivery(&courier("bob"), to("3 Main St")).await, Err(UseCaseError::Forbidden));
    assert_eq!(shop.change_delivery(&courier("eve"), to("3 Main St")).await, Err(UseCaseError::NotFound));
    assert_eq!(shop.change_delivery(&customer("ann"), to("3 Main St")).await, Err(UseCaseError::NotFound));
    assert_eq!(address(&shop), "2 Main St");
}

#[tokio::test]
async fn what_is_packed_goes_where_it_was_to_go() {
    let shop = with(&an_order().preparing()).await;
    let refused = Rejection::NotChangeable { current: Status::Preparing };
    assert_eq!(shop.change_delivery(&customer("ann"), to("2 Main St")).await, Err(refused.into()));
    let same = shop.change_delivery(&customer("ann"), to("1 Main St")).await.unwrap();
    assert!(!same.changed, "what is so already changes nothing");
}

#[tokio::test]
async fn a_place_out_of_reach_is_refused() {
    let mut shop = with(&an_order().paid()).await;
    let at = |degrees: i64| Coordinates::new(degrees.into(), 0.into()).unwrap();
    let area = ServiceArea { fulfilment_points: vec![at(0)], radius_km: 50.0 };
    shop.rules = Rules { fee: FeePolicy { prices: FeePrices::flat(usd(500)), area: Some(area) }, ..rules() }.into();
    let far = DeliveryChange { coordinates: Patch::Set(at(40)), ..to("10 Downing St") };
    let refused = shop.change_delivery(&customer("ann"), far).await;
    assert_eq!(refused, Err(Rejection::NotServiceable.into()));
    assert_eq!(address(&shop), "1 Main St");
}

/// It replaces something that its caller may not have seen.
#[tokio::test]
async fn a_change_that_meets_another_one_is_refused_at_once() {
    let shop = with(&an_order().paid()).await;
    let (other, commits) = (shop.clone(), shop.store.calls(Op::Commit));
    shop.store.before_next(Op::Commit, move |_| async move {
        other.change_delivery(&admin(), to("2 Main St")).await.unwrap();
    });
    let refused = shop.change_delivery(&customer("ann"), to("3 Main St")).await;
    assert_eq!((refused, address(&shop).as_str()), (Err(UseCaseError::ConcurrentChange), "2 Main St"));
    assert_eq!(shop.store.calls(Op::Commit) - commits, 2);

    shop.store.fail_next(Op::Commit, Fault::Conflict);
    let refused = shop.change_delivery(&customer("ann"), to("3 Main St")).await;
    assert_eq!(refused, Err(UseCaseError::ConcurrentChange));
}

/// Marking a charge sent is no change that anybody is shown.
#[tokio::test]
async fn a_charge_under_way_is_none_of_its_business() {
    let shop = with(&an_order().placed()).await;
    let other = shop.clone();
    shop.store.before_next(Op::Commit, move |_| async move {
        let task = other.claim(TaskKind::Charge).await;
        assert!(order_domain::ports::OrderStore::mark_sent(&other.store, &task, 1, 1).await.unwrap());
        other.store.advance(crate::support::LONGER_THAN_ANY_LEASE);
    });
    shop.change_delivery(&customer("ann"), to("2 Main St")).await.unwrap();
    shop.drain().await;
    assert_eq!((shop.order().status(), shop.moved()), (Status::Confirmed, (1_098, 0)));
    shop.assert_at_rest();
}
