//! Each fault as a client sees it.

use std::error::Error as _;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

use order_sandbox::{Fault, FaultKind, Route, Sandbox, Service};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::{Shop, answer, send, shop, soon, status};

fn with(kind: FaultKind) -> Shop {
    let shop = shop();
    shop.sandbox.add_fault(Service::Payment, Fault::new(kind));
    shop
}

/// Sends a charge over a bare connection and reads until it ends.
async fn raw_charge(sandbox: &Sandbox) -> (Vec<u8>, std::io::Result<usize>) {
    let mut stream = TcpStream::connect(sandbox.urls().payment.trim_start_matches("http://")).await.unwrap();
    let body = crate::payment("5.00");
    let head =
        format!("POST /payments/process HTTP/1.1\r\nHost: x\r\nIdempotency-Key: raw\r\nContent-Length: {}", body.len());
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let end = soon(stream.read_to_end(&mut read)).await;
    (read, end)
}

#[tokio::test]
async fn reset_is_a_tcp_reset_without_a_byte() {
    let shop = with(FaultKind::Reset);
    let (read, end) = raw_charge(&shop.sandbox).await;
    assert_eq!((read.len(), end.unwrap_err().kind()), (0, ErrorKind::ConnectionReset));

    let error = shop.charge("k", "5.00").send().await.unwrap_err();
    assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
    assert_eq!(shop.sandbox.payments(), []);
}

#[tokio::test]
async fn an_answer_can_be_lost_after_the_work() {
    let shop = shop();
    shop.sandbox.add_fault(Service::Payment, Fault::acted_answer_lost().on(Route::Process).times(1));
    let (read, end) = raw_charge(&shop.sandbox).await;
    assert_eq!((read.len(), end.unwrap_err().kind()), (0, ErrorKind::ConnectionReset));
    assert_eq!(shop.sandbox.payment("raw").unwrap().attempts, 1);

    assert_eq!(answer(shop.charge("raw", "5.00")).await.1["success"], true);
    assert_eq!(shop.sandbox.payment("raw").unwrap().attempts, 2);
    assert_eq!(shop.sandbox.balance("1").charged, 500);
}

#[tokio::test]
async fn truncated_declares_more_than_it_sends_and_ends_in_order() {
    let shop = with(FaultKind::Truncated);
    let (read, end) = raw_charge(&shop.sandbox).await;
    let text = String::from_utf8(read).unwrap();
    assert!(end.is_ok(), "{end:?}");
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.contains("content-length: 4096"), "{text}");
    assert!(text.ends_with("\"transaction_id\": \"txn"), "{text}");

    let response = send(shop.charge("k", "5.00")).await;
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn garbage_says_it_is_json_and_is_not() {
    let shop = with(FaultKind::Garbage);
    let response = send(shop.charge("k", "5.00")).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    assert!(response.json::<serde_json::Value>().await.unwrap_err().is_decode());
}

#[tokio::test]
async fn endless_goes_on_until_the_client_has_enough() {
    let shop = with(FaultKind::Endless);
    let mut response = send(shop.charge("k", "5.00")).await;
    assert_eq!((response.status().as_u16(), response.content_length()), (200, None));
    let mut read = 0;
    while read < 1024 * 1024 {
        read += soon(response.chunk()).await.unwrap().unwrap().len();
    }
}

#[tokio::test]
async fn status_and_body_are_answered_in_place_of_the_work() {
    let shop = shop();
    shop.sandbox.add_fault(Service::Payment, Fault::new(FaultKind::Status(503)).times(1));
    shop.sandbox.add_fault(Service::Payment, Fault::new(FaultKind::Body(json!({"success": "maybe"}))));
    assert_eq!(status(shop.charge("k", "5.00")).await, 503);
    assert_eq!(answer(shop.charge("k", "5.00")).await, (200, json!({"success": "maybe"})));
    assert_eq!(shop.sandbox.payments(), []);

    shop.sandbox.clear_faults(Service::Payment);
    shop.sandbox.add_fault(Service::Payment, Fault::new(FaultKind::Status(500)).acted());
    assert_eq!(status(shop.charge("k", "5.00")).await, 500);
    assert_eq!(shop.sandbox.balance("1").charged, 500);
}

#[tokio::test]
async fn whoever_follows_a_redirect_is_seen() {
    let shop = with(FaultKind::Redirect);
    let response = send(shop.charge("k", "5.00")).await;
    assert_eq!((response.status().as_u16(), &response.headers()["location"]), (302, &"/elsewhere".parse().unwrap()));
    assert_eq!(shop.sandbox.calls_to(Service::Payment, Route::Other), 0);

    shop.sandbox.clear_all_faults();
    shop.sandbox.add_fault(Service::Payment, Fault::new(FaultKind::Redirect).on(Route::ByKey));
    let naive = reqwest::Client::builder().no_proxy().build().unwrap();
    let followed = naive.get(format!("{}/payments/by-key/k", shop.sandbox.urls().payment)).send().await.unwrap();
    assert_eq!(followed.status(), 404);
    assert_eq!(shop.sandbox.calls_to(Service::Payment, Route::Other), 1);
}

#[tokio::test]
async fn a_delayed_call_comes_late() {
    let shop = with(FaultKind::Delay(50));
    let asked = Instant::now();
    assert_eq!(status(shop.charge("k", "5.00")).await, 200);
    assert!(asked.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn the_work_is_done_though_the_client_gave_up() {
    let shop = with(FaultKind::Hold);
    let call = tokio::spawn(shop.charge("k", "5.00").send());
    soon(shop.sandbox.wait_for_calls(Service::Payment, Route::Process, 1)).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());

    assert_eq!(shop.sandbox.release(Service::Payment), 1);
    soon(shop.sandbox.wait_until(|sandbox| sandbox.payments().len() == 1)).await;
}

#[tokio::test]
async fn held_calls_wait_for_their_release() {
    let shop = shop();
    shop.sandbox.add_fault(Service::Payment, Fault::new(FaultKind::Hold).on(Route::Process).times(2));
    let calls = ["a", "b"].map(|key| tokio::spawn(shop.charge(key, "5.00").send()));
    soon(shop.sandbox.wait_for_calls(Service::Payment, None, 2)).await;
    assert_eq!((shop.sandbox.held(Service::Payment), shop.sandbox.payments().len()), (2, 0));

    // others pass, and other services know nothing of it
    assert_eq!(status(shop.charge("c", "5.00")).await, 200);
    assert_eq!(status(shop.product("1")).await, 200);

    assert_eq!(shop.sandbox.release(Service::Payment), 2);
    for call in calls {
        assert_eq!(soon(call).await.unwrap().unwrap().status(), 200);
    }
    assert_eq!((shop.sandbox.held(Service::Payment), shop.sandbox.payments().len()), (0, 3));
}

#[tokio::test]
async fn an_answer_can_be_held_after_the_work() {
    let shop = shop();
    shop.sandbox.add_fault(Service::Payment, Fault::new(FaultKind::Hold).acted());
    let call = tokio::spawn(shop.charge("k", "5.00").send());
    soon(shop.sandbox.wait_until(|sandbox| sandbox.payment("k").is_some())).await;
    assert!(!call.is_finished());
    assert_eq!(shop.sandbox.held(Service::Payment), 1);

    // switched off, it holds no longer
    shop.sandbox.clear_faults(Service::Payment);
    assert_eq!(soon(call).await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_fault_keeps_to_its_route_and_its_calls() {
    let shop = shop();
    shop.sandbox.add_fault(Service::Cart, Fault::new(FaultKind::Status(500)).on(Route::Remove).after(1).times(1));
    assert_eq!(status(shop.cart("u1")).await, 200);
    assert_eq!(status(shop.remove("u1", 1)).await, 200);
    assert_eq!(status(shop.remove("u1", 2)).await, 500);
    assert_eq!(status(shop.remove("u1", 2)).await, 200);
    assert_eq!(shop.sandbox.calls_to(Service::Cart, Route::Remove), 3);
    assert_eq!(shop.sandbox.calls_to(Service::Cart, None), 4);
}

#[tokio::test]
async fn a_service_that_is_down_refuses_connections_until_it_is_back() {
    let shop = shop();
    assert_eq!(status(shop.charge("a", "5.00")).await, 200);
    shop.sandbox.take_down(Service::Payment).await.unwrap();

    let error = crate::client().get(&shop.sandbox.urls().payment).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?} {:?}", error.source());
    assert_eq!(status(shop.product("1")).await, 200);
    let address = shop.sandbox.urls().payment.trim_start_matches("http://").to_owned();
    let taken = TcpListener::bind(&address).map_err(|error| error.kind());
    assert_eq!(taken.unwrap_err(), ErrorKind::AddrInUse, "nobody else may be taken for it");

    shop.sandbox.bring_back(Service::Payment).await.unwrap();
    shop.sandbox.bring_back(Service::Payment).await.unwrap();
    let again = Shop { http: crate::client(), sandbox: shop.sandbox };
    assert_eq!(status(again.charge("a", "5.00")).await, 200);
    assert_eq!(again.sandbox.payment("a").unwrap().attempts, 2);
}
