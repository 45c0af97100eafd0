//! What the log says of Redis: what is wrong, once.

use std::io::Write;
use std::sync::{Mutex, OnceLock};

use order_domain::ports::TaskSignal;
use order_queue::{LinkState, RedisLink, RedisSignal, RedisUrl, SignalConfig};
use order_testkit::contract::eventually;
use order_testkit::queue_contract::signal::{a_task, next};
use order_testkit::redis_server::{RedisServer, a_prefix};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::support::{link, until};

/// All that the tests of this process log, line by line.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        LINES.lock().unwrap().push(String::from_utf8_lossy(line).into_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn start_logging() {
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        let filter = EnvFilter::new("order_queue=info");
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| Lines).init();
    });
}

/// How many lines there are that say this of that.
fn said(of: &str, what: &str) -> usize {
    LINES.lock().unwrap().iter().filter(|line| line.contains(of) && line.contains(what)).count()
}

/// A link under a prefix of its own, and the name of its stream.
fn named(server: &RedisServer) -> (RedisLink, String) {
    let prefix = a_prefix();
    (RedisLink::connect_under(&RedisUrl::parse(&server.url()).unwrap(), &prefix), format!("{{{prefix}}}:tasks"))
}

#[tokio::test(flavor = "multi_thread")]
async fn that_redis_goes_and_comes_back_is_said_once_each() {
    start_logging();
    let mut server = RedisServer::start();
    let (link, url) = (link(&server.url()), server.url());
    until(&link, LinkState::Up).await;
    assert_eq!((said(&url, "Redis answers"), said(&url, "can't be used")), (1, 0));
    server.kill();
    until(&link, LinkState::Down).await;
    let listener = TcpListener::bind(("127.0.0.1", server.port())).await.unwrap();
    for _ in 0..3 {
        drop(listener.accept().await.unwrap());
    }
    drop(listener);
    server.start_again();
    until(&link, LinkState::Up).await;
    assert_eq!((said(&url, "Redis answers"), said(&url, "can't be used")), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_named_and_never_shown() {
    start_logging();
    let server = RedisServer::start_with(&["--requirepass", "secret"]);
    let wrong = format!("redis://:a-wrong-one@127.0.0.1:{}", server.port());
    let _link = link(&wrong);
    let url = server.url();
    eventually("it is named", || async { said(&url, "WRONGPASS") == 1 }).await;
    assert_eq!(said(&url, "look at REDIS_URL"), 1);
    assert_eq!(said("", "a-wrong-one"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_type_is_named_once_by_those_who_write_and_those_who_read() {
    start_logging();
    let server = RedisServer::start();
    let (link, stream) = named(&server);
    server.cli(&["SET", &stream, "of somebody else"]);
    until(&link, LinkState::Up).await;
    let signal = RedisSignal::start(&link, &SignalConfig::default());
    eventually("the reader names it", || async { said(&stream, "can't be read") == 1 }).await;
    let calls = || server.cli(&["INFO", "commandstats"]).matches("cmdstat_xadd:calls=3,").count();
    eventually("it was tried three times", || async {
        signal.due(&[a_task(1)]).await;
        assert_eq!(next(&signal).await, [a_task(1)]);
        calls() == 1
    })
    .await;
    assert_eq!((said(&stream, "takes no signals"), said(&stream, "WRONGTYPE")), (1, 2));
    server.cli(&["DEL", &stream]);
    eventually("they say that it is over", || async {
        signal.due(&[a_task(1)]).await;
        said(&stream, "takes signals of due tasks again") == 1 && said(&stream, "are read again") == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_not_ours_are_named_once_in_a_while() {
    start_logging();
    let server = RedisServer::start();
    let (link, stream) = named(&server);
    until(&link, LinkState::Up).await;
    server.cli(&["XADD", &stream, "7-7", "v", "2", "t", "a card number"]);
    for _ in 0..20 {
        server.cli(&["XADD", &stream, "*", "job", "a card number"]);
    }
    let signal = RedisSignal::start(&link, &SignalConfig::default());
    signal.due(&[a_task(1)]).await;
    assert_eq!(next(&signal).await, [a_task(1)]);
    assert_eq!(said(&stream, "a message is skipped"), 1);
    assert_eq!(said(&stream, "7-7"), 1, "which one");
    assert_eq!(said(&stream, "newer than this instance"), 1, "and why");
    assert_eq!(said("", "a card number"), 0, "what it holds is nobody's business");
}
