//! What a client may throw at a running service: bodies without end, nesting without end. It refuses them in words, at no
//! cost worth speaking of, and goes on.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::shop::{sandbox, token};
use crate::support::{Engine, Service, Shop};

const GIGABYTE: usize = 1024 * 1024 * 1024;
/// More than this a service may not grow by, whatever is sent to it.
const GROWTH_KIB: u64 = 20 * 1024;

/// The most memory that a process has had, in KiB.
fn high_water(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a high-water mark");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// How a body without end is sent.
#[derive(Debug, Clone, Copy)]
enum Framing {
    Announced,
    Chunked,
}

/// Sends a head and then a gigabyte, as far as it is taken; what came back. (The service goes on taking for a second after
/// its answer, and throws away what it takes: a connection that is closed at once may lose the answer.)
async fn pour(service: &Service, path: &str, who: Option<&str>, framing: Framing) -> String {
    let stream = TcpStream::connect(service.url.strip_prefix("http://").unwrap()).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let bearer = who.map(|who| format!("Authorization: Bearer {}\r\n", token(who, "user"))).unwrap_or_default();
    let (length, piece) = match framing {
        Framing::Announced => (format!("Content-Length: {GIGABYTE}"), "x".repeat(0x1_0000)),
        Framing::Chunked => ("Transfer-Encoding: chunked".to_owned(), format!("10000\r\n{}\r\n", "x".repeat(0x1_0000))),
    };
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{bearer}{length}\r\n\r\n");
    let pouring = tokio::spawn(async move {
        let mut sent = 0;
        if to.write_all(head.as_bytes()).await.is_ok() {
            while sent < GIGABYTE && to.write_all(piece.as_bytes()).await.is_ok() {
                sent += 0x1_0000;
            }
        }
    });
    let mut answer = Vec::new();
    // A reset after the answer is the service's way not to read the rest.
    let _ = tokio::time::timeout(Duration::from_mins(1), from.read_to_end(&mut answer)).await.expect("it is closed");
    pouring.await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_a_gigabyte_costs_nothing() {
    let (engine, sandbox) = (Engine::sqlite(), sandbox());
    let service = Service::start(&engine, &sandbox).await;
    Shop::customer(&service).place().await.expect(201);
    let before = high_water(&service);
    for framing in [Framing::Announced, Framing::Chunked] {
        for (path, who, status, code) in [
            ("/orders", Some("ann"), 413, "body_too_large"),
            ("/api/v1/orders/1/cancel", Some("ann"), 413, "body_too_large"),
            ("/orders", None, 401, "unauthorized"),
            ("/nothing", Some("ann"), 404, "not_found"),
            ("/orders/1", Some("ann"), 405, "method_not_allowed"),
        ] {
            let answer = pour(&service, path, who, framing).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path} {framing:?}: {answer}");
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.to_ascii_lowercase().contains("content-type: application/problem+json"), "{answer}");
            let problem: Value = serde_json::from_str(body).unwrap();
            assert_eq!(problem["code"], code, "{path} {framing:?}");
        }
    }
    let grown = high_water(&service) - before;
    assert!(grown < GROWTH_KIB, "it has grown by {grown} KiB");
    Shop::customer(&service).get("/orders/my-orders").await.expect(200);
    assert!(service.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_bodies_that_never_end_are_all_refused() {
    let (engine, sandbox) = (Engine::sqlite(), sandbox());
    let service = Service::start(&engine, &sandbox).await;
    Shop::customer(&service).place().await.expect(201);
    let before = high_water(&service);
    let pouring = (0..50).map(|_| pour(&service, "/orders", Some("ann"), Framing::Chunked));
    for answer in futures_util::future::join_all(pouring).await {
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
    let grown = high_water(&service) - before;
    assert!(grown < GROWTH_KIB, "it has grown by {grown} KiB");
    assert!(service.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn nesting_without_end_is_refused_and_survived() {
    let (engine, sandbox) = (Engine::sqlite(), sandbox());
    let service = Service::start(&engine, &sandbox).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let close = |open: &str, shut: &str| format!("{}{}", open.repeat(10_000), shut.repeat(10_000));
    for deep in [
        close("[", "]"),
        "[".repeat(60_000),
        close("{\"a\":", "}"),
        format!(r#"{{"delivery_address":"1 Main St","a":{}}}"#, close("[", "]")),
    ] {
        let request = http.post(format!("{}/orders", service.url)).bearer_auth(token("ann", "user"));
        let answer = request.header("Content-Type", "application/json").body(deep).send().await.unwrap();
        let status = answer.status();
        let problem: Value = answer.json().await.unwrap();
        assert!(status == 400 && problem["code"] == "malformed_json" || status == 413, "{status} {problem}");
    }
    Shop::customer(&service).place().await.expect(201);
    assert!(service.stop().await.success());
}
