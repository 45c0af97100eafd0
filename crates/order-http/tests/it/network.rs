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
    async fn until_closed(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
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
    let answer = running.until_closed(&head("Content-Length: 1073741824")).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(problem(&answer)["code"], "body_too_large");
    running.handle.stop(true).await;
}

#[actix_web::test]
async fn a_body_in_chunks_is_counted() {
    let shop = Shop::open();
    let running = run(&shop);
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let answer = running.until_closed(&(head("Transfer-Encoding: chunked") + &chunk.repeat(5))).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(problem(&answer)["code"], "body_too_large");
    running.handle.stop(true).await;
}

#[actix_web::test]
async fn a_body_that_does_not_come_is_given_up() {
    let mut shop = Shop::open();
    shop.config.body_timeout = Duration::from_millis(20);
    let running = run(&shop);
    let answer = running.until_closed(&(head("Content-Length: 100") + "{")).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(problem(&answer)["code"], "slow_body");
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
        running.until_closed(&(head(&format!("Connection: close\r\nContent-Length: {}", body.len())) + body)).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(answer.contains(r#""total_amount":10.98"#), "{answer}");
    running.handle.stop(true).await;
}
