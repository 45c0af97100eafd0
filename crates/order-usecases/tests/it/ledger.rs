//! Who sees the ledger of an order.

use order_testkit::builders::an_order;
use order_usecases::UseCaseError;

use crate::support::{Shop, admin, an_id, courier, customer};

#[tokio::test]
async fn its_customer_and_admins_see_it_and_its_courier_does_not() {
    let shop = Shop::with(&an_order().assigned_to("bob")).await.0;
    let payments = |who| {
        let use_cases = shop.use_cases();
        async move { use_cases.payments(&who, an_id(1)).await }
    };
    for who in [customer("ann"), courier("ann"), admin()] {
        assert_eq!(payments(who).await, Ok(shop.order()));
    }
    assert_eq!(payments(courier("bob")).await, Err(UseCaseError::Forbidden));
    for who in [customer("eve"), courier("cat")] {
        assert_eq!(payments(who).await, Err(UseCaseError::NotFound));
    }
    assert_eq!(shop.use_cases().payments(&admin(), an_id(2)).await, Err(UseCaseError::NotFound));
}
