//! A service that is left alone: the tasks that need it rest, and go on at once when it is called again.

use order_domain::PaymentMethod::{Cash, Online};
use order_domain::order::Status;
use order_domain::ports::ServiceName;
use order_domain::time::Duration;
use order_testkit::memory::Op;
use order_usecases::worker::WorkerConfig;

use crate::support::Shop;

fn of_status(shop: &Shop, status: Status) -> usize {
    shop.store.orders().iter().filter(|order| order.status() == status).count()
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_the_same_however_much_is_ordered_and_is_made_up_for_at_once() {
    let shop = Shop::open();
    shop.availability.leave_alone(ServiceName::Payment, true);
    let working = shop.at_work(WorkerConfig::default());
    // Three hundred orders in ten seconds.
    for n in 0..300 {
        shop.ordered(&format!("customer-{n}"), Online).await;
        shop.pass(Duration::from_millis(33)).await;
    }
    let (claims, looks) = (shop.store.calls(Op::Claim), shop.store.calls(Op::Fail));
    assert!(claims <= 10 * 5 + 12, "five looks a second, and the sweeps: {claims}");
    assert!(looks > 10 && looks <= claims * 16, "{looks}");
    assert_eq!((shop.store.calls(Op::MarkSent), of_status(&shop, Status::Pending)), (0, 300));
    // Carts are cleared meanwhile.
    shop.ordered("cash", Cash).await;
    let took = shop.until("a cart is cleared", |shop| shop.carts.removed().len() == 1).await;
    assert!(took <= Duration::from_millis(20), "{took:?}");

    shop.availability.leave_alone(ServiceName::Payment, false);
    // Those that were not looked at are due; those that were have a backoff each, the longest of nine tries.
    shop.until("most are paid", |shop| of_status(shop, Status::Pending) < 150).await;
    shop.until_done().await;
    assert_eq!(shop.moved(), (300 * 1_098, 0));
    working.stopped().await;
    shop.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn what_was_ordered_and_not_looked_at_is_charged_as_soon_as_the_service_is_called_again() {
    let shop = Shop::open();
    shop.availability.leave_alone(ServiceName::Payment, true);
    let working = shop.at_work(WorkerConfig::default());
    shop.pass(Duration::from_secs(2)).await;
    for n in 0..100 {
        shop.ordered(&format!("customer-{n}"), Online).await;
    }
    shop.availability.leave_alone(ServiceName::Payment, false);
    let took = shop.until("most are paid", |shop| of_status(shop, Status::Confirmed) >= 84).await;
    assert!(took <= Duration::from_millis(220), "{took:?}");
    shop.until_done().await;
    working.stopped().await;
    shop.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn an_order_whose_time_to_pay_is_over_is_cancelled_though_nobody_can_be_charged() {
    let shop = Shop::open();
    shop.availability.leave_alone(ServiceName::Payment, true);
    let working = shop.at_work(WorkerConfig::default());
    for n in 0..50 {
        shop.ordered(&format!("customer-{n}"), Online).await;
    }
    let took = shop.until("all are cancelled", |shop| of_status(shop, Status::Cancelled) == 50).await;
    assert!((900_000..=902_000).contains(&took.as_millis()), "{took:?}");
    shop.until_done().await;
    assert_eq!(shop.payments.calls(), []);
    working.stopped().await;
    shop.assert_at_rest();
}
