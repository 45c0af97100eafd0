//! A rolling restart under load, as an operator does it: one instance after the other is told to stop and followed by a
//! new one, and nobody notices.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use order_sandbox::Sandbox;
use order_testkit::redis_server::RedisServer;
use serde_json::Value;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::command_line::{run, said};
use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, audit, eventually};

/// How often a gateway asks an instance whether it is ready.
const LOOK: Duration = Duration::from_millis(100);
/// How long an instance may take to go.
const GONE: Duration = Duration::from_secs(25);
/// Customers who order, one order after the other.
const CUSTOMERS: usize = 4;
/// The pace of each.
const PACE: Duration = Duration::from_millis(60);
/// An order is confirmed in this time, whoever is restarted meanwhile: well before a lease is over, after which another
/// instance would take up what one has left in its hands.
const CONFIRMED: Duration = Duration::from_secs(15);

/// Sends to whoever was ready when it was last asked, as a gateway does. Never tries again.
#[derive(Clone, Default)]
struct Balancer {
    known: Arc<Mutex<Vec<Known>>>,
    next: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Known {
    url: String,
    ready: Arc<AtomicBool>,
    _asking: Arc<Asking>,
}

/// Asks on until it is dropped.
struct Asking(JoinHandle<()>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Balancer {
    /// Looks after an instance from now on; back when it is ready.
    async fn adopt(&self, service: &Service) {
        let (url, ready) = (service.url.clone(), Arc::new(AtomicBool::new(false)));
        let asking = tokio::spawn({
            let (url, ready) = (format!("{url}/health/ready"), Arc::clone(&ready));
            async move {
                let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
                let mut looks = tokio::time::interval(LOOK);
                loop {
                    looks.tick().await;
                    let is = http.get(&url).send().await.is_ok_and(|answer| answer.status() == 200);
                    ready.store(is, Ordering::Release);
                }
            }
        });
        let known = Known { url, ready: Arc::clone(&ready), _asking: Arc::new(Asking(asking)) };
        self.known.lock().unwrap().push(known);
        eventually("it is ready", || async { ready.load(Ordering::Acquire) }).await;
    }

    /// Knows an instance no longer.
    fn forget(&self, url: &str) {
        self.known.lock().unwrap().retain(|known| known.url != url);
    }

    /// The next that is ready.
    fn choose(&self) -> String {
        let known = self.known.lock().unwrap();
        let ready: Vec<_> = known.iter().filter(|known| known.ready.load(Ordering::Acquire)).collect();
        assert!(!ready.is_empty(), "nobody is ready");
        ready[self.next.fetch_add(1, Ordering::Relaxed) % ready.len()].url.clone()
    }
}

/// What customers have done.
#[derive(Default)]
struct Orders {
    placed: Vec<(String, i64)>,
    requests: usize,
}

/// A customer orders and looks, over and over, wherever the balancer sends them. Every request has to be answered as if
/// nothing went on; it is the first and only try.
async fn shops(n: usize, shop: Shop, sandbox: Arc<Sandbox>, balancer: Balancer, end: CancellationToken) -> Orders {
    let (mut orders, mut pace) = (Orders::default(), tokio::time::interval(PACE));
    for round in 0.. {
        if end.is_cancelled() {
            break;
        }
        pace.tick().await;
        let name = format!("c{n}-{round}");
        sandbox.put_cart(&name, &[(1, 1)]);
        let customer = shop.as_user(&name);
        let placed = customer.at(&balancer.choose()).try_place(None).await;
        let id = placed.unwrap_or_else(|error| panic!("placing failed: {error:?}")).expect(201).id();
        for path in [format!("/orders/{id}"), "/orders/my-orders".to_owned(), format!("/orders/{id}/timeline")] {
            customer.at(&balancer.choose()).get(&path).await.expect(200);
        }
        orders.placed.push((name, id));
        orders.requests += 4;
    }
    orders
}

/// When an event of that type happened, in milliseconds.
fn at(timeline: &Value, kind: &str) -> i64 {
    let entry = timeline.as_array().unwrap().iter().find(|entry| entry["type"] == kind);
    let at = entry.unwrap_or_else(|| panic!("no {kind} in {timeline}"))["at"].as_str().unwrap();
    at.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_millis()
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_restarted_one_by_one_and_no_request_fails() {
    let (engine, sandbox, redis) = (Engine::postgres().await, Arc::new(sandbox()), RedisServer::start());
    let url = redis.url();
    // The time in which a gateway notices, as by default.
    let settings = [("REDIS_URL", url.as_str()), ("DRAIN_DELAY", "2s")];
    let roles = ["all", "http", "worker"];
    let balancer = Balancer::default();
    let mut instances = Vec::new();
    for role in roles {
        let instance = Service::start_as(role, &engine, &sandbox, &settings).await;
        if role != "worker" {
            balancer.adopt(&instance).await;
        }
        instances.push(instance);
    }

    let (end, mut customers) = (CancellationToken::new(), JoinSet::new());
    let shop = Shop::customer(&instances[0]);
    for n in 0..CUSTOMERS {
        customers.spawn(shops(n, shop.clone(), Arc::clone(&sandbox), balancer.clone(), end.clone()));
    }
    for (place, role) in roles.into_iter().enumerate() {
        // The next one comes before the last one goes: there is always somebody of each kind.
        let next = Service::start_as(role, &engine, &sandbox, &settings).await;
        if role != "worker" {
            balancer.adopt(&next).await;
        }
        let last = std::mem::replace(&mut instances[place], next);
        let (begun, old) = (Instant::now(), last.url.clone());
        assert!(last.stop().await.success(), "{role}");
        assert!(begun.elapsed() <= GONE, "{role} took {:?}", begun.elapsed());
        balancer.forget(&old);
    }
    end.cancel();
    let (mut placed, mut requests) = (Vec::new(), 0);
    while let Some(done) = customers.join_next().await {
        let orders = done.expect("no request of a customer failed");
        placed.extend(orders.placed);
        requests += orders.requests;
    }
    assert!(placed.len() >= 20, "{} orders are no load", placed.len());

    engine.rest().await;
    let shop = Shop::customer(&instances[0]);
    let mut events = 0;
    for (name, id) in &placed {
        let customer = shop.as_user(name);
        let order = customer.order(*id).await;
        assert_eq!(order["status"], "confirmed", "order {id}");
        events += order["version"].as_u64().unwrap();
        let timeline = customer.get(&format!("/orders/{id}/timeline")).await.expect(200).json();
        let took = Duration::from_millis(u64::try_from(at(&timeline, "confirmed") - at(&timeline, "placed")).unwrap());
        assert!(took < CONFIRMED, "order {id} was left in somebody's hands: confirmed after {took:?}");
    }
    // Publishers came and went, too: every event was told, some perhaps twice.
    let told = || redis.cli(&["XLEN", "orders.events"]).parse::<u64>().unwrap();
    eventually("all events are told", || async { told() >= events }).await;
    for instance in instances {
        assert!(instance.stop().await.success());
    }
    let verified = run(&["verify", "--drained"], &[("DATABASE_URL", engine.url())]).await;
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
    assert_eq!(audit::clean(&engine, &sandbox).await.len(), placed.len());
    println!("{} orders, {requests} requests, none failed", placed.len());
}
