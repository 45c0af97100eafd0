//! Between the service and the services outside.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use order_sandbox::{Sandbox, Service as Outside};

use crate::crash::client::Client;
use crate::crash::{at_once, scenario, to_the_end};
use crate::support::Engine;
use crate::support::proxy::{Fault, Proxy};
use crate::support::shop::sandbox;

/// The setting that names a service's address, and its address.
fn address(sandbox: &Sandbox, outside: Outside) -> (&'static str, String) {
    let urls = sandbox.urls();
    match outside {
        Outside::User => ("USER_SERVICE_URL", urls.user.clone()),
        Outside::Product => ("PRODUCT_SERVICE_URL", urls.product.clone()),
        Outside::Cart => ("CART_SERVICE_URL", urls.cart.clone()),
        Outside::Payment => ("PAYMENT_SERVICE_URL", urls.payment.clone()),
        Outside::Notification => ("NOTIFICATION_SERVICE_URL", urls.notification.clone()),
    }
}

/// An order is placed, paid, assigned and delivered, while the first requests to a service meet this.
async fn delivered(outside: Outside, fault: Fault) {
    let sandbox = sandbox();
    let (setting, url) = address(&sandbox, outside);
    let (proxy, through) = Proxy::before(&url).await;
    // Two in a row, where there is another one after the first.
    let times = if matches!(fault, Fault::Delay(_)) { 1 } else { 2 };
    proxy.disturb(" HTTP/1.1\r\n", fault, times);
    let client =
        Client::new(Engine::sqlite(), sandbox, vec![(setting.to_owned(), through)], Vec::new(), PathBuf::new());
    assert_eq!(to_the_end(scenario("deliver"), &client).await, 0, "nobody dies of it");
    assert_eq!(proxy.happened(), times);
    let payments = client.sandbox.payments();
    assert_eq!(payments.len(), 1, "{payments:?}");
    assert_eq!(payments[0].attempts, 1, "what has become of it is looked up, not asked for again");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_befalls_the_connection_to_a_service_an_order_is_paid_once_and_delivered() {
    let faults = [Fault::Delay(Duration::from_millis(300)), Fault::Reset, Fault::Truncate, Fault::LoseAnswer];
    let cases = Outside::ALL.into_iter().flat_map(|outside| faults.map(|fault| (outside, fault)));
    let played = stream::iter(cases).map(|(outside, fault)| async move {
        let played = tokio::spawn(delivered(outside, fault)).await;
        played.is_err().then(|| format!("{outside}, {fault:?}"))
    });
    let failed: Vec<_> = played.buffer_unordered(at_once()).filter_map(std::future::ready).collect().await;
    assert!(failed.is_empty(), "{failed:?}");
}
