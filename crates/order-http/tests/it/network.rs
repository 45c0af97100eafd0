//! The server over a real connection: what only shows there.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use order_http::server;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Shop, token_of};

/// No test waits that long; what hangs fails.
const PATIENCE: Duration = Duration::from_secs(30);

struct Running {
    address: SocketAddr,
    handle: ServerHandle,
}

fn run(shop: &Shop) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = server(listener, &shop.config, shop.wiring()).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Running { address, handle }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the server closes.
    async fn until_closed(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_ref()).await.unwrap();
        let mut answer = Vec::new();
        // A reset after the answer is the server's way not to read the rest.
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes");
        String::from_utf8(answer).unwrap()
    }
}

fn head(extra: &str) -> String {
    let bearer = token_of("ann");
    format!(
        "POST /orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bearer}\r\nContent-Type: application/json\r\n{extra}\r\n\r\n"
    )
}

fn problem(answer: &str) -> Value {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.to_ascii_lowercase().contains("content-type: application/problem+json"), "{head}");
    serde_json::from_str(body).unwrap()
}

#[actix_web::test]
async fn a_body_that_announces_too_much_is_refused_unread() {
    let shop = Shop::open();
    let running = run(&shop);
    let answer = running.until_closed(head("Content-Length: 1073741824")).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(problem(&answer)["code"], "body_too_large");
    running.handle.stop(true).await;
}

#[actix_web::test]
async fn a_body_in_chunks_is_counted() {
    let shop = Shop::open();
    let running = run(&shop);
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let answer = running.until_closed(head("Transfer-Encoding: chunked") + &chunk.repeat(5)).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(problem(&answer)["code"], "body_too_large");
    running.handle.stop(true).await;
}

#[actix_web::test]
async fn a_body_that_does_not_come_is_given_up() {
    let mut shop = Shop::open();
    shop.config.body_timeout = Duration::from_millis(20);
    let running = run(&shop);
    let answer = running.until_closed(head("Content-Length: 100") + "{").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(problem(&answer)["code"], "slow_body");
    running.handle.stop(true).await;
}

#[actix_web::test]
async fn a_body_that_is_no_body_is_said_to_be_none() {
    let shop = Shop::open();
    let running = run(&shop);
    let answer = running.until_closed(&(head("Transfer-Encoding: chunked") + "no number\r\n{}")).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(problem(&answer)["code"], "bad_request");
    running.handle.stop(true).await;
}

#[actix_web::test]
async fn a_connection_is_kept_and_answers_in_sequence() {
    let shop = Shop::open();
    let running = run(&shop);
    let mut stream = running.connect().await;
    let two = "GET /health/live HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, br\r\n\r\n".repeat(2);
    stream.write_all(two.as_bytes()).await.unwrap();
    let mut answer = String::new();
    while answer.matches(r#"{"status":"alive"}"#).count() < 2 {
        let mut bytes = [0; 1024];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut bytes)).await.expect("an answer").unwrap();
        assert!(read > 0, "closed after {answer}");
        answer += std::str::from_utf8(&bytes[..read]).unwrap();
    }
    assert!(!answer.to_ascii_lowercase().contains("content-encoding"));
    drop(stream);
    running.handle.stop(true).await;
}

#[actix_web::test]
async fn a_question_about_a_body_gets_none() {
    let shop = Shop::open();
    let running = run(&shop);
    let answer = running.until_closed("HEAD /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("content-length: 18"), "{answer}");
    running.handle.stop(true).await;
}

#[actix_web::test]
async fn a_body_without_end_is_not_read_whoever_sends_it() {
    let shop = Shop::open();
    let running = run(&shop);
    let request = "POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n";
    let answer = running.until_closed(request).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert_eq!(problem(&answer)["code"], "unauthorized");
    running.handle.stop(true).await;
}

#[actix_web::test]
async fn an_order_is_placed_over_the_wire() {
    let shop = Shop::open();
    let running = run(&shop);
    let body = r#"{"delivery_address":"1 Main St"}"#;
    let answer =
        running.until_closed(head(&format!("Connection: close\r\nContent-Length: {}", body.len())) + body).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(answer.contains(r#""total_amount":10.98"#), "{answer}");
    running.handle.stop(true).await;
}

/// The framework answers these by itself, before there is a request that could have an id: a status and no body.
#[actix_web::test]
async fn what_can_not_be_read_as_a_request_is_answered_below_the_service() {
    let shop = Shop::open();
    let running = run(&shop);
    let get = |more: &str| format!("GET /health HTTP/1.1\r\nHost: x\r\n{more}\r\n");
    let many = "X-Small: 1\r\n".repeat(100);
    for (what, request, status) in [
        ("garbage", b"garbage\r\n\r\n".to_vec(), 400),
        ("bytes in the path", b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 400),
        ("another version", b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n".to_vec(), 400),
        ("a control character in a header", get("Idempotency-Key: a\u{1}b\r\n").into_bytes(), 400),
        ("a lone return in a header", get("X-Request-ID: a\rSet-Cookie: b\r\n").into_bytes(), 400),
        ("a folded header", get("X-Request-ID: a\r\n Set-Cookie: b\r\n").into_bytes(), 400),
        ("a space before the colon", get("X-Request-ID : a\r\n").into_bytes(), 400),
        ("too many headers", get(&many).into_bytes(), 431),
        ("two lengths", get("Content-Length: 1\r\nContent-Length: 2\r\n").into_bytes(), 400),
        ("a length that is none", get("Content-Length: -1\r\n").into_bytes(), 400),
        ("a huge header", get(&format!("X-Long: {}", "x".repeat(200_000))).into_bytes(), 431),
    ] {
        let answer = running.until_closed(&request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{what} has no body: {answer}");
        assert!(!answer.to_ascii_lowercase().contains("set-cookie"), "{what}: {answer}");
    }
    running.handle.stop(true).await;
}

#[actix_web::test]
async fn a_head_that_does_not_come_is_given_up() {
    let mut shop = Shop::open();
    shop.config.head_timeout = Duration::from_millis(20);
    let running = run(&shop);
    let answer = running.until_closed("GET /health HTTP/1.1\r\nHost:").await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    running.handle.stop(true).await;
}

#[actix_web::test]
async fn a_request_that_says_two_things_of_its_length_is_not_believed() {
    let shop = Shop::open();
    let running = run(&shop);
    let both =
        head("Content-Length: 4\r\nTransfer-Encoding: chunked") + "0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = running.until_closed(both).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(!answer.contains("healthy"), "nothing is smuggled in behind it: {answer}");
    running.handle.stop(true).await;
}

#[actix_web::test]
async fn nothing_gets_into_the_answers_head() {
    let shop = Shop::open();
    let running = run(&shop);
    let close = "Host: x\r\nConnection: close";
    for id in ["a%0d%0aSet-Cookie:b", "a\\r\\nSet-Cookie:b", "a\tb", "a\u{e9}b"] {
        let request = format!("GET /nothing%0d%0aSet-Cookie:b HTTP/1.1\r\n{close}\r\nX-Request-ID: {id}\r\n\r\n");
        let answer = running.until_closed(request).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 404 "), "{answer}");
        assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("set-cookie")), "{answer}");
        assert!(!body.contains('\n') && !body.contains('\r'), "{answer}");
    }
    running.handle.stop(true).await;
}
