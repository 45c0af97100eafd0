//! Instances with a Redis between them, and what becomes of them when it is away, empty, or not theirs.

use std::time::Duration;

use order_sandbox::Sandbox;
use order_testkit::redis_server::{RedisServer, free_port};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::time::Instant;

use crate::command_line::{run, said};
use crate::support::service::SECRET;
use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, audit, eventually};

/// Longer than word by Redis takes on a busy machine, shorter than the pace at which an instance that hears the others looks
/// for itself.
const PROMPT: Duration = Duration::from_secs(2);
/// By polling alone.
const IN_TIME: Duration = Duration::from_secs(10);

/// What an instance says of Redis.
async fn redis_is(service: &Service, word: &str) {
    let shop = Shop::customer(service);
    eventually(&format!("Redis is {word}"), || async {
        shop.get("/health/ready").await.expect(200).json()["redis"] == json!(word)
    })
    .await;
}

/// Two instances, one that takes requests alone and one that does everything, over one Redis.
struct Two {
    engine: Engine,
    sandbox: Sandbox,
    redis: RedisServer,
    api: Service,
    all: Service,
}

impl Two {
    async fn start() -> Self {
        let (engine, sandbox, redis) = (Engine::postgres().await, sandbox(), RedisServer::start());
        let url = redis.url();
        let settings = [("REDIS_URL", url.as_str())];
        let api = Service::start_as("http", &engine, &sandbox, &settings).await;
        let all = Service::start_as("all", &engine, &sandbox, &settings).await;
        let two = Self { engine, sandbox, redis, api, all };
        two.connected().await;
        two
    }

    /// Waits until both use Redis, and listen to each other.
    async fn connected(&self) {
        redis_is(&self.api, "up").await;
        redis_is(&self.all, "up").await;
        eventually("both listen", || async {
            self.redis.cli(&["PUBSUB", "NUMSUB", "{orders}:live"]).lines().nth(1) == Some("2")
        })
        .await;
    }

    async fn end(self, orders: usize) {
        assert!(self.all.rest().await.success());
        assert!(self.api.stop().await.success());
        assert_eq!(audit::clean(&self.engine, &self.sandbox).await.len(), orders);
    }
}

/// Somebody waits at one instance while something happens at another: how long they waited.
async fn waited(at_one: &Shop, at_other: &Shop, id: i64) -> Duration {
    let version = at_one.order(id).await["version"].as_i64().unwrap();
    let waiting = tokio::spawn({
        let (shop, path) = (at_one.clone(), format!("/orders/{id}/timeline?after={version}&wait=25"));
        async move { (shop.get(&path).await.expect(200).json(), Instant::now()) }
    });
    at_other.patch(id, json!({ "special_instructions": format!("ring {version} times") })).await.expect(200);
    let changed = Instant::now();
    let (news, heard) = waiting.await.unwrap();
    assert_eq!(news.as_array().map(Vec::len), Some(1), "{news}");
    heard.saturating_duration_since(changed)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_instance_commits_the_other_tells_at_once_and_without_redis_soon() {
    let mut two = Two::start().await;
    let (here, there) = (Shop::customer(&two.api), Shop::customer(&two.all));
    let id = here.place().await.expect(201).id();
    here.until(id, "status", "confirmed").await;
    for _ in 0..10 {
        for (one, other) in [(&here, &there), (&there, &here)] {
            let took = waited(one, other, id).await;
            assert!(took < PROMPT, "{took:?}");
        }
    }

    // Redis goes while somebody waits; they are told all the same.
    let version = here.order(id).await["version"].as_i64().unwrap();
    let waiting = tokio::spawn({
        let (shop, path) = (here.clone(), format!("/orders/{id}/timeline?after={version}&wait=25"));
        async move { (shop.get(&path).await.expect(200).json(), Instant::now()) }
    });
    two.redis.kill();
    there.patch(id, json!({ "special_instructions": "knock" })).await.expect(200);
    let changed = Instant::now();
    let (news, heard) = waiting.await.unwrap();
    assert_eq!(news[0]["type"], json!("instructions_changed"), "{news}");
    assert!(heard.saturating_duration_since(changed) < IN_TIME);

    // Ready, and says so.
    redis_is(&two.api, "down").await;
    redis_is(&two.all, "down").await;
    for (one, other) in [(&here, &there), (&there, &here)] {
        let took = waited(one, other, id).await;
        assert!(took < IN_TIME, "{took:?}");
    }
    two.sandbox.put_cart("bob", &[(1, 1)]);
    let late = here.as_user("bob").place().await.expect(201).id();
    here.as_user("bob").until(late, "status", "confirmed").await;

    // It comes back, empty: they use it again by themselves.
    two.redis.start_again();
    two.connected().await;
    for (one, other) in [(&here, &there), (&there, &here)] {
        let took = waited(one, other, id).await;
        assert!(took < PROMPT, "{took:?}");
    }
    two.end(2).await;
}

/// What an instance without a worker commits begins by way of Redis, not at the next sweep. Nothing is left in it.
#[tokio::test(flavor = "multi_thread")]
async fn work_goes_to_a_worker_over_redis_and_leaves_nothing_there() {
    let two = Two::start().await;
    let groups = || two.redis.cli(&["XINFO", "GROUPS", "{orders}:tasks"]);
    eventually("the worker reads", || async { groups().contains("workers") }).await;
    for n in 0..20 {
        let name = format!("c{n}");
        two.sandbox.put_cart(&name, &[(1, 1)]);
        let customer = Shop::of(&two.api, &name, "user");
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
    }
    two.engine.rest().await;
    eventually("the stream is empty", || async { two.redis.cli(&["XLEN", "{orders}:tasks"]) == "0" }).await;
    let read: u64 = two
        .redis
        .cli(&["XINFO", "STREAM", "{orders}:tasks"])
        .lines()
        .skip_while(|line| *line != "entries-added")
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    assert!(read >= 20, "{read} signals went over Redis");
    let readers = two.redis.cli(&["XINFO", "CONSUMERS", "{orders}:tasks", "workers"]);
    assert_eq!(readers.lines().filter(|line| *line == "name").count(), 1, "who does not work reads nothing: {readers}");
    two.end(20).await;
}

/// Settings of a command that is to find everything in order but Redis.
fn settings<'a>(engine: &'a Engine, urls: &'a order_sandbox::Urls, redis: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("DATABASE_URL", engine.url()),
        ("REDIS_URL", redis),
        ("JWT_SECRET_KEY", SECRET),
        ("USER_SERVICE_URL", &urls.user),
        ("PRODUCT_SERVICE_URL", &urls.product),
        ("CART_SERVICE_URL", &urls.cart),
        ("PAYMENT_SERVICE_URL", &urls.payment),
        ("NOTIFICATION_SERVICE_URL", &urls.notification),
        ("PORT", "0"),
        ("METRICS_ADDR", "off"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_none_is_named_with_all_that_is_wrong() {
    let (engine, sandbox) = (Engine::sqlite(), sandbox());
    let urls = sandbox.urls();
    for garbage in ["garbage", "http://:hush@cache:6379", "redis://:hush@cache:many", "redis-sentinel://:hush@cache"] {
        let more = [&settings(&engine, urls, garbage)[..], &[("TASK_SLOTS", "none")]].concat();
        for command in ["serve", "check"] {
            let output = run(&[command], &more).await;
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{command} {garbage}: {said}");
            assert!(said.contains("REDIS_URL: ") && said.contains("TASK_SLOTS: "), "{garbage}: {said}");
            assert!(said.contains("redis://") && !said.contains("hush"), "{garbage}: {said}");
        }
    }
}

/// Takes an order to its end at an instance whose Redis is no use to it.
async fn serves_all_the_same(engine: &Engine, sandbox: &Sandbox, redis: &str, named: &str) -> (String, Value) {
    let log = NamedTempFile::new().unwrap();
    let more = [("REDIS_URL", redis), ("LOG_LEVEL", "warn")];
    let service = Service::start_logged(engine, sandbox, &more, &log).await;
    let customer = Shop::customer(&service);
    let id = customer.place().await.expect(201).id();
    customer.until(id, "status", "confirmed").await;
    let said = || std::fs::read_to_string(log.path()).unwrap();
    eventually(&format!("the log names {named}"), || async { said().contains(named) }).await;
    let ready = customer.get("/health/ready").await.expect(200).json();
    assert!(service.rest().await.success());
    assert_eq!(audit::clean(engine, sandbox).await.len(), 1);
    (said(), ready)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_named_and_keeps_nobody_from_ordering() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let redis = RedisServer::start_with(&["--requirepass", "right"]);
    let url = format!("redis://:hushhush@127.0.0.1:{}", redis.port());
    let (log, ready) = serves_all_the_same(&engine, &sandbox, &url, "REDIS_URL").await;
    assert_eq!(ready["redis"], json!("down"));
    assert!(!log.contains("hushhush"), "{log}");
    let urls = sandbox.urls();
    let checked = run(&["check"], &settings(&engine, urls, &url)).await;
    assert_eq!(checked.status.code(), Some(1));
    let said = said(&checked);
    assert!(said.contains("wrong  redis: ") && said.contains("password") && !said.contains("hushhush"), "{said}");
    let right = format!("redis://:right@127.0.0.1:{}", redis.port());
    let checked = run(&["check"], &settings(&engine, urls, &right)).await;
    assert_eq!(checked.status.code(), Some(0), "{}", self::said(&checked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_of_another_purpose_is_named_and_left_as_it_is() {
    let (engine, sandbox, redis) = (Engine::postgres().await, sandbox(), RedisServer::start());
    redis.cli(&["SET", "{orders}:tasks", "somebody else's"]);
    serves_all_the_same(&engine, &sandbox, &redis.url(), "{orders}:tasks").await;
    assert_eq!(redis.cli(&["GET", "{orders}:tasks"]), "somebody else's");
    let urls = sandbox.urls();
    let url = redis.url();
    let checked = run(&["check"], &settings(&engine, urls, &url)).await;
    assert_eq!(checked.status.code(), Some(1));
    assert!(said(&checked).contains("used for something else"), "{}", said(&checked));
}

/// Nobody listens there: it may come later.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_not_there_is_no_reason_not_to_start() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let mut redis = RedisServer::start();
    redis.kill();
    let (_, ready) = serves_all_the_same(&engine, &sandbox, &redis.url(), "REDIS_URL").await;
    assert_eq!(ready, json!({"status": "ready", "redis": "down"}));
}

/// Certificates and a key that nothing but this test knows: the server's is for `localhost`, signed by the other.
const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/it/tls");

/// By TLS everything is as without it, and a server whose certificate nobody vouches for counts as away.
#[tokio::test(flavor = "multi_thread")]
async fn by_tls_with_the_server_verified() {
    let port = free_port().to_string();
    let (ca, certificate, key) = (format!("{TLS}/ca.pem"), format!("{TLS}/server.pem"), format!("{TLS}/server.key"));
    let of_the_server = [("--tls-port", &port), ("--tls-cert-file", &certificate), ("--tls-key-file", &key)];
    let mut arguments: Vec<&str> = of_the_server.iter().flat_map(|(name, value)| [*name, value.as_str()]).collect();
    arguments.extend(["--tls-ca-cert-file", &ca, "--tls-auth-clients", "no"]);
    let redis = RedisServer::start_with(&arguments);
    let (engine, sandbox, url) = (Engine::postgres().await, sandbox(), format!("rediss://localhost:{port}"));
    let trusting = [("REDIS_URL", url.as_str()), ("SSL_CERT_FILE", ca.as_str())];
    let api = Service::start_as("http", &engine, &sandbox, &trusting).await;
    let all = Service::start_as("all", &engine, &sandbox, &trusting).await;
    redis_is(&api, "up").await;
    redis_is(&all, "up").await;
    let id = Shop::customer(&api).place().await.expect(201).id();
    Shop::customer(&api).until(id, "status", "confirmed").await;
    eventually("its events are on the stream", || async { redis.cli(&["XLEN", "orders.events"]).trim() == "2" }).await;

    let nobody_vouches = Service::start_as("http", &engine, &sandbox, &[("REDIS_URL", &url)]).await;
    redis_is(&nobody_vouches, "down").await;
    Shop::customer(&nobody_vouches).order(id).await;
    for instance in [nobody_vouches, api] {
        assert!(instance.stop().await.success());
    }
    assert!(all.rest().await.success());
    audit::clean(&engine, &sandbox).await;
}
