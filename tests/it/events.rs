//! The events that other services are told, from the request to the stream: what is on it, and the command line beside it.

use std::process::Stdio;
use std::time::Duration;

use order_testkit::event_documents::EventDocuments;
use order_testkit::redis_server::RedisServer;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::command_line::{run, said};
use crate::support::service::binary;
use crate::support::shop::{fill_cart, sandbox};
use crate::support::{Engine, Service, Shop, eventually, on_both_engines};

/// `order-app events tail` as a process.
struct Tail {
    process: Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
}

impl Tail {
    fn begin(redis: &RedisServer, arguments: &[&str]) -> Self {
        let mut command = Command::new(binary());
        command.args(["events", "tail"]).args(arguments).env_clear().env("REDIS_URL", redis.url());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// The next line, which is a document of its schema.
    async fn next(&mut self) -> Value {
        let line = timeout(Duration::from_secs(30), self.lines.next_line()).await.expect("a line").unwrap().unwrap();
        assert_eq!(EventDocuments::read().mistakes(&line), [""; 0], "{line}");
        serde_json::from_str(&line).unwrap()
    }

    /// Ctrl-C: its exit code, and what it said.
    async fn interrupted(self) -> (Option<i32>, String) {
        let id = self.process.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let output = timeout(Duration::from_secs(10), self.process.wait_with_output()).await.expect("it ends").unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

/// What the stream has, as `ORDER-SEQ`.
fn on_the_stream(redis: &RedisServer) -> Vec<String> {
    let ids = redis.cli(&["XRANGE", "orders.events", "-", "+"]);
    let documents = ids.lines().filter_map(|line| serde_json::from_str::<Value>(line.trim_matches('"')).ok());
    documents.filter_map(|document| document["id"].as_str().map(str::to_owned)).collect()
}

on_both_engines! {
    async fn what_happens_is_on_the_stream_and_told_again_when_it_is_asked_for(engine: Engine) {
        let (sandbox, redis) = (sandbox(), RedisServer::start());
        let service = Service::start_with(&engine, &sandbox, &[("REDIS_URL", &redis.url())]).await;
        let shop = Shop::customer(&service);
        let id = shop.place().await.id();
        shop.until(id, "payment_status", "paid").await;
        Shop::admin(&service).cancel(id).await.expect(200);
        shop.until(id, "payment_status", "refunded").await;
        let mut tail = Tail::begin(&redis, &["--from-start"]);
        let mut told = Vec::new();
        for seq in 1..=4 {
            let event = tail.next().await;
            assert_eq!((&event["seq"], &event["order_id"], &event["version"]), (&json!(seq), &json!(id), &json!(1)));
            told.push(event["type"].as_str().unwrap().to_owned());
        }
        assert_eq!(told, ["placed", "confirmed", "cancelled", "refund_settled"]);
        assert_eq!(told, shop.timeline(id).await);
        let (code, words) = tail.interrupted().await;
        assert!(code == Some(0) && words.contains("go on with --after"), "{words}");
        let place = words.trim().rsplit(' ').next().unwrap().to_owned();

        fill_cart(&sandbox, "ann");
        let other = shop.place_with(json!({ "delivery_address": "5 Oak St" })).await.expect(201).id();
        let mut tail = Tail::begin(&redis, &["--after", &place, "--type", "confirmed", "--order", &other.to_string()]);
        let event = tail.next().await;
        assert_eq!((&event["type"], &event["order_id"]), (&json!("confirmed"), &json!(other)));
        drop(tail);
        eventually("all is published", || async { on_the_stream(&redis).len() == 6 }).await;

        let url = redis.url();
        let settings = [("DATABASE_URL", engine.url()), ("REDIS_URL", url.as_str())];
        let span = ["events", "replay", "--from", "2000-01-01", "--to", "2100-01-01"];
        let counted = run(&[&span[..], &["--dry-run"]].concat(), &settings[..1]).await;
        assert_eq!((counted.status.code(), said(&counted).contains("6 event(s) would be")), (Some(0), true), "{}", said(&counted));
        assert_eq!(on_the_stream(&redis).len(), 6);
        let order = id.to_string();
        let again = run(&[&span[..], &["--order", &order]].concat(), &settings).await;
        assert_eq!((again.status.code(), said(&again).contains("4 event(s) were")), (Some(0), true), "{}", said(&again));
        let stream = on_the_stream(&redis);
        let expected: Vec<_> = (1..=4).map(|seq| format!("{id}-{seq}")).collect();
        assert_eq!(stream[6..], expected);
        let none = run(&["events", "replay", "--from", "2000-01-01", "--to", "2001-01-01"], &settings).await;
        assert_eq!((none.status.code(), said(&none).contains("0 event(s)")), (Some(0), true));
        assert!(service.rest().await.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_done_says_why_and_what_to_set() {
    for (arguments, settings, code, word) in [
        (vec!["tail"], vec![], 2, "REDIS_URL is not set"),
        (vec!["tail"], vec![("REDIS_URL", "http://:hush@r")], 2, "REDIS_URL: "),
        (vec!["tail", "--after", "yesterday"], vec![("REDIS_URL", "redis://127.0.0.1:1")], 2, "1767272400000-0"),
        (vec!["tail", "--after", "1-1", "--from-start"], vec![], 2, "cannot be used with"),
        (vec!["tail"], vec![("REDIS_URL", "redis://:hush@127.0.0.1:1")], 1, "can't be reached"),
        (vec!["replay", "--from", "2026-11-02", "--to", "2026-11-01"], vec![], 2, "nothing happened in between"),
        (vec!["replay", "--from", "2026-11-01", "--to", "2026-11-02"], vec![], 2, "REDIS_URL is not set"),
        (
            vec!["replay", "--from", "2026-11-01", "--to", "2026-11-02", "--dry-run"],
            vec![],
            2,
            "DATABASE_URL is not set",
        ),
    ] {
        let output = run(&[&["events"][..], &arguments].concat(), &settings).await;
        let said = said(&output);
        assert!(output.status.code() == Some(code) && said.contains(word), "{arguments:?}: {:?} {said}", output.status);
        assert!(!said.contains("hush"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_none_is_refused_and_a_foreign_entry_passed_over() {
    let redis = RedisServer::start();
    redis.cli(&["XADD", "orders.events", "*", "mail", "hello"]);
    redis.cli(&["XADD", "orders.events", "*", "event", "hello"]);
    let document = r#"{"type":"teleported","version":0,"id":"1-1","seq":1,"order_id":1,"occurred_at":"2026-01-01T13:00:00Z","data":{"customer_id":"u1","status":"pending","actor_role":"system"}}"#;
    redis.cli(&["XADD", "orders.events", "*", "event", document]);
    let mut tail = Tail::begin(&redis, &["--from-start"]);
    assert_eq!(tail.next().await["type"], "teleported");
    let (code, words) = tail.interrupted().await;
    assert_eq!((code, words.matches("no event of this service").count()), (Some(0), 2), "{words}");

    redis.cli(&["SET", "orders.events", "the cellar"]);
    let refused = run(&["events", "tail"], &[("REDIS_URL", &redis.url())]).await;
    assert_eq!((refused.status.code(), said(&refused).contains("WRONGTYPE")), (Some(1), true), "{}", said(&refused));
    let engine = Engine::sqlite();
    run(&["migrate"], &[("DATABASE_URL", engine.url())]).await;
    let settings = [("DATABASE_URL", engine.url()), ("REDIS_URL", &redis.url())];
    let nothing = run(&["events", "replay", "--from", "2026-01-01", "--to", "2026-01-02"], &settings).await;
    assert_eq!(nothing.status.code(), Some(0), "nothing to send: {}", said(&nothing));
}
