//! Load: connections that send a request, wait for its answer, and send the next. Written by hand and as small as it can
//! be, since whatever it costs is taken from the service beside it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::{Plan, Rate};

/// A request as bytes, and the status that its answer has to have.
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    pub(crate) expected: u16,
}

/// What a connection sends next. It is asked with the connection's number.
pub(crate) type Requests = Arc<dyn Fn(usize) -> Request + Send + Sync>;

/// One round of load. Every answer has to have the expected status.
pub(crate) async fn run(plan: &Plan, address: &SocketAddr, requests: Requests) -> Rate {
    let over = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let connections: Vec<_> = (0..plan.connections)
        .map(|n| tokio::spawn(connection(n, *address, Arc::clone(&requests), Arc::clone(&over))))
        .collect();
    tokio::time::sleep(plan.round).await;
    over.store(true, Ordering::Relaxed);
    let mut times = Vec::new();
    for connection in connections {
        times.extend(connection.await.expect("a connection of the load failed"));
    }
    rate(times, began.elapsed())
}

/// Figures of what took these times within `elapsed`.
pub(crate) fn rate(mut times: Vec<Duration>, elapsed: Duration) -> Rate {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    Rate { per_second: times.len() as f64 / elapsed.as_secs_f64(), p50: at(50), p99: at(99) }
}

async fn connection(n: usize, address: SocketAddr, requests: Requests, over: Arc<AtomicBool>) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.set_nodelay(true).expect("a TCP connection");
    let (mut times, mut answer) = (Vec::new(), Vec::with_capacity(16 * 1024));
    while !over.load(Ordering::Relaxed) {
        let Request { bytes, expected } = requests(n);
        let began = Instant::now();
        stream.write_all(&bytes).await.expect("the service takes requests");
        let status = read(&mut stream, &mut answer).await;
        times.push(began.elapsed());
        assert_eq!(status, expected, "{}", String::from_utf8_lossy(&answer));
    }
    times
}

/// Reads a whole answer and says its status.
async fn read(stream: &mut TcpStream, answer: &mut Vec<u8>) -> u16 {
    answer.clear();
    loop {
        assert_ne!(stream.read_buf(answer).await.expect("an answer"), 0, "the connection was closed");
        let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&answer[..head]).expect("a head is ASCII").to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.expect("every answer has a length").trim().parse().expect("a length is a number");
        while answer.len() < head + 4 + length {
            assert_ne!(stream.read_buf(answer).await.expect("a body"), 0, "the connection was closed");
        }
        return text[9..12].parse().expect("a status is a number");
    }
}
