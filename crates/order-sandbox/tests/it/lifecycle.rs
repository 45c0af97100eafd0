//! Starting, stopping and forgetting.

use std::net::TcpStream;

use order_sandbox::{Fault, FaultKind, Options, Ports, Route, Sandbox, Service};
use tokio::time::Instant;

use crate::{MINUTE, SECRET, shop, soon, status};

#[test]
fn it_starts_without_a_runtime_and_stops_with_its_last_handle() {
    let sandbox = Sandbox::start(&Options::new(SECRET)).unwrap();
    let urls = sandbox.urls().clone();
    let address = urls.payment.trim_start_matches("http://").to_owned();
    let other = sandbox.clone();
    drop(sandbox);
    assert!(TcpStream::connect(&address).is_ok());
    drop(other);
    let asked = Instant::now();
    while TcpStream::connect(&address).is_ok() {
        assert!(asked.elapsed() < MINUTE, "it still listens");
        std::thread::yield_now();
    }
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ports = Ports { cart: taken.local_addr().unwrap().port(), ..Ports::default() };
    let error = Sandbox::start(&Options { ports, ..Options::new(SECRET) }).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn it_starts_within_a_runtime_and_stops_under_way() {
    let shop = shop();
    shop.sandbox.add_fault(Service::Product, Fault::new(FaultKind::Hold));
    let held = tokio::spawn(shop.product("1").send());
    soon(shop.sandbox.wait_for_calls(Service::Product, Route::Product, 1)).await;

    shop.sandbox.stop();
    shop.sandbox.stop();

    assert!(soon(held).await.unwrap().is_err());
    assert!(shop.sandbox.take_down(Service::Product).await.is_err());
    let ports = shop.sandbox.urls().product.clone();
    assert!(TcpStream::connect(ports.trim_start_matches("http://")).is_err());
}

#[tokio::test]
async fn reset_forgets_everything() {
    let shop = shop();
    shop.sandbox.add_fault(Service::Payment, Fault::new(FaultKind::Hold).on(Route::Refund));
    let held = tokio::spawn(shop.refund("r", "1.00").send());
    soon(shop.sandbox.wait_for_calls(Service::Payment, Route::Refund, 1)).await;
    assert_eq!(status(shop.charge("k", "5.00")).await, 200);

    shop.sandbox.reset();

    assert_eq!(soon(held).await.unwrap().unwrap().status(), 200);
    assert!(shop.sandbox.payment("k").is_none());
    assert!(shop.sandbox.calls().is_empty());
    assert!(shop.sandbox.cart("u1").items.is_empty());
    assert_eq!(status(shop.product("1")).await, 404);
    assert_eq!(status(shop.refund("s", "1.00")).await, 200);
}
