//! PostgreSQL itself is killed under load, and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use order_sandbox::Sandbox;
use tokio::time::Instant;

use crate::support::postgres::Server;
use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, audit, eventually};

/// Customers at once.
const CUSTOMERS: usize = 6;

/// What the customers have done.
#[derive(Default)]
struct Done {
    placed: AtomicUsize,
    told_later: AtomicUsize,
    enough: AtomicBool,
}

/// Orders cart after cart, each under its key, asked for again for as long as the answer is "later".
async fn order_on_and_on(
    shop: impl Fn(&str) -> Shop,
    sandbox: Arc<Sandbox>,
    customer: usize,
    done: Arc<Done>,
) -> usize {
    let mut placed = 0;
    while !done.enough.load(Ordering::Relaxed) {
        let name = format!("c{customer}-{placed}");
        sandbox.put_cart(&name, &[(1, 1)]);
        let shop = shop(&name);
        loop {
            let answer = shop.try_place(Some("k")).await.expect("it is there, and answers");
            if answer.status == 503 {
                assert!(answer.header("retry-after").is_some(), "{}", answer.text);
                done.told_later.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            answer.expect(201);
            break;
        }
        placed += 1;
        done.placed.fetch_add(1, Ordering::Relaxed);
    }
    placed
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_killed_under_load_and_back_again_loses_and_doubles_nothing() {
    let mut server = Server::start().await;
    let engine = Engine::postgres_on(&server.url()).await;
    let sandbox = Arc::new(sandbox());
    let service = Service::start(&engine, &sandbox).await;
    let probe = Shop::customer(&service);
    let status = |path: &'static str| {
        let probe = probe.clone();
        async move { probe.get(path).await.status }
    };

    let done = Arc::new(Done::default());
    let customers: Vec<_> = (0..CUSTOMERS)
        .map(|customer| {
            let at = Shop::customer(&service);
            let shop = move |name: &str| at.as_user(name);
            tokio::spawn(order_on_and_on(shop, Arc::clone(&sandbox), customer, Arc::clone(&done)))
        })
        .collect();
    let placed = || done.placed.load(Ordering::Relaxed);
    eventually("there is load", || async { placed() >= 20 }).await;

    server.kill();
    eventually("it says that it is not ready", || async { status("/health/ready").await == 503 }).await;
    eventually("customers are told to come later", || async { done.told_later.load(Ordering::Relaxed) >= CUSTOMERS })
        .await;
    assert_eq!(status("/health/live").await, 200);
    server.come_back().await;
    let back = Instant::now();
    let before = placed();
    eventually("it is ready again", || async { status("/health/ready").await == 200 }).await;
    eventually("customers are served again", || async { placed() > before }).await;
    assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
    eventually("the load goes on", || async { placed() >= before + 20 }).await;

    done.enough.store(true, Ordering::Relaxed);
    let mut ordered = 0;
    for customer in customers {
        ordered += customer.await.unwrap();
    }
    // What the worker had in its hands when the server died.
    engine.expire_leases().await;
    assert!(service.rest().await.success());
    let orders = audit::clean(&engine, &sandbox).await;
    assert_eq!(orders.len(), ordered);
    assert_eq!(sandbox.payments().len(), ordered, "each was charged once");
    assert!(sandbox.payments().iter().all(|payment| payment.amount_minor == 799));
}
