//! Answers that wait, over real processes: woken by what happens on the same instance and on another, ended by a stop, and
//! of no consequence when they are cut off.

use std::time::Duration;

use order_sandbox::{Fault, FaultKind, Route, Sandbox, Service as Outside};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::support::shop::{Answer, fill_cart, sandbox};
use crate::support::{Engine, Service, Shop, audit, eventually, on_both_engines};

/// Holds the charges back until they are released.
fn hold_charges(sandbox: &Sandbox) {
    sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Hold).on(Route::Process));
}

fn release_charges(sandbox: &Sandbox) {
    sandbox.clear_all_faults();
    sandbox.release(Outside::Payment);
}

/// Somebody waits for what happens to an order after an event: the answer, and how long it took.
fn waits(shop: &Shop, id: i64, after: i64, wait: u32) -> JoinHandle<(Answer, Duration)> {
    let (shop, begun) = (shop.clone(), Instant::now());
    tokio::spawn(async move {
        let path = format!("/orders/{id}/timeline?after={after}&wait={wait}");
        (shop.get(&path).await.expect(200), begun.elapsed())
    })
}

fn types(answer: &Answer) -> Vec<String> {
    let list: Value = answer.json();
    let kind = |entry: &Value| entry["type"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(kind).collect()
}

async fn until_cleared(sandbox: &Sandbox, customer: &str) {
    eventually("the cart is cleared", || async { sandbox.cart(customer).items.is_empty() }).await;
}

on_both_engines! {
    /// The charge is quick: whoever prefers to wait is told that the order is confirmed, and gets the tag of what is shown.
    async fn a_new_order_is_shown_confirmed(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let (begun, answer) = (Instant::now(), customer.try_place_and_wait(30, "k").await.unwrap().expect(201));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        let order = answer.json();
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
        assert_eq!((&order["version"], answer.header("etag")), (&json!(2), Some("\"2\"")));
        assert_eq!(answer.header("preference-applied"), Some("wait=30"));
        assert_eq!(answer.text, customer.get(&format!("/orders/{}", answer.id())).await.text);
        let again = customer.try_place_and_wait(30, "k").await.unwrap().expect(201);
        assert_eq!((&again.json()["status"], again.header("idempotency-replayed")), (&json!("pending"), Some("true")));
        until_cleared(&sandbox, "ann").await;
        service.stop().await;
        audit::clean(&engine, &sandbox).await;
    }

    /// The charge is held: after as long as was asked for, the order is shown as it is.
    async fn an_order_that_stays_pending_is_shown_so_in_time(engine: Engine) {
        let sandbox = sandbox();
        hold_charges(&sandbox);
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let (begun, answer) = (Instant::now(), customer.try_place_and_wait(1, "k").await.unwrap().expect(201));
        assert_eq!((&answer.json()["status"], answer.header("etag")), (&json!("pending"), Some("\"1\"")));
        assert!((900..10_000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
        release_charges(&sandbox);
        customer.until(answer.id(), "status", "confirmed").await;
        until_cleared(&sandbox, "ann").await;
        service.stop().await;
        audit::clean(&engine, &sandbox).await;
    }

    /// A timeline goes on as the order does, one answer after the other.
    async fn an_order_is_followed_by_its_timeline(engine: Engine) {
        let sandbox = sandbox();
        hold_charges(&sandbox);
        let service = Service::start(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let id = customer.place().await.expect(201).id();
        let next = waits(&customer, id, 1, 25);
        release_charges(&sandbox);
        assert_eq!(types(&next.await.unwrap().0), ["confirmed"]);
        let next = waits(&customer, id, 2, 25);
        admin.set_status(id, "preparing").await.expect(200);
        let (answer, took) = next.await.unwrap();
        assert_eq!(types(&answer), ["preparing"]);
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert_eq!(types(&waits(&customer, id, 3, 1).await.unwrap().0), [""; 0]);
        until_cleared(&sandbox, "ann").await;
        service.stop().await;
        audit::clean(&engine, &sandbox).await;
    }

    /// A service that is told to stop lets nobody wait: it is gone long before their time is over.
    async fn a_stop_ends_the_waits(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.try_place_and_wait(30, "k").await.unwrap().expect(201).id();
        until_cleared(&sandbox, "ann").await;
        let waiting: Vec<_> = (0..50).map(|_| waits(&customer, id, 2, 25)).collect();
        eventually("they are waiting", || async { waiting.iter().all(|waiting| !waiting.is_finished()) }).await;
        // The last one to come is answered after all the others have been let in.
        assert_eq!(types(&waits(&customer, id, 2, 1).await.unwrap().0), [""; 0]);
        let begun = Instant::now();
        assert!(service.stop().await.success());
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        for waiting in waiting {
            let (answer, took) = waiting.await.unwrap();
            assert_eq!(types(&answer), [""; 0]);
            assert!(took < Duration::from_secs(15), "{took:?}");
        }
        audit::clean(&engine, &sandbox).await;
    }

    /// The service dies while a placing waits. The order is safe: the same request gets it, and it goes its way.
    async fn a_kill_during_the_wait_loses_nothing(engine: Engine) {
        let sandbox = sandbox();
        hold_charges(&sandbox);
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let waiting = tokio::spawn(async move { customer.try_place_and_wait(30, "k").await });
        // The charge is asked for after the commit: the answer is waiting for it.
        sandbox.wait_for_calls(Outside::Payment, Route::Process, 1).await;
        service.kill().await;
        assert!(waiting.await.unwrap().is_err(), "no answer came");
        release_charges(&sandbox);
        engine.expire_leases().await;

        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let again = customer.try_place_and_wait(30, "k").await.unwrap().expect(201);
        assert_eq!((&again.json()["status"], again.header("idempotency-replayed")), (&json!("pending"), Some("true")));
        customer.until(again.id(), "status", "confirmed").await;
        until_cleared(&sandbox, "ann").await;
        service.stop().await;
        assert_eq!(audit::clean(&engine, &sandbox).await.len(), 1);
    }

    /// A customer hangs up while the answer waits: they have ordered all the same.
    async fn a_customer_who_hangs_up_has_ordered(engine: Engine) {
        let sandbox = sandbox();
        hold_charges(&sandbox);
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let waiting = tokio::spawn({
            let customer = customer.clone();
            async move { customer.try_place_and_wait(30, "k").await }
        });
        sandbox.wait_for_calls(Outside::Payment, Route::Process, 1).await;
        waiting.abort();
        assert!(waiting.await.is_err());
        release_charges(&sandbox);
        let id = customer.try_place(Some("k")).await.unwrap().expect(201).id();
        customer.until(id, "status", "confirmed").await;
        until_cleared(&sandbox, "ann").await;
        service.stop().await;
        assert_eq!(audit::clean(&engine, &sandbox).await.len(), 1);
    }
}

/// What one instance commits ends the waits on the other, soon.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_on_one_instance_is_told_on_the_other() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let instances = [Service::start(&engine, &sandbox).await, Service::start(&engine, &sandbox).await];
    let (here, there) = (Shop::customer(&instances[0]), Shop::admin(&instances[1]));
    let id = here.try_place_and_wait(30, "k").await.unwrap().expect(201).id();
    for (after, status) in [(2, "preparing"), (4, "out_for_delivery"), (5, "delivered")] {
        if status == "out_for_delivery" {
            there.take(id, "carl").await.expect(200);
        }
        let waiting = waits(&here, id, after, 25);
        there.set_status(id, status).await.expect(200);
        let (answer, took) = waiting.await.unwrap();
        assert_eq!(types(&answer), [status]);
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
    until_cleared(&sandbox, "ann").await;

    // Whoever takes up the charge, the answer to the order waits where the customer is.
    for n in 0..10 {
        fill_cart(&sandbox, "ann");
        let here = Shop::customer(&instances[n % 2]);
        let order = here.try_place_and_wait(30, &format!("round-{n}")).await.unwrap().expect(201).json();
        assert_eq!(order["status"], json!("confirmed"));
        until_cleared(&sandbox, "ann").await;
    }
    for instance in instances {
        instance.stop().await;
    }
    assert_eq!(audit::clean(&engine, &sandbox).await.len(), 11);
}

/// Very many may wait at once, and are all told.
#[tokio::test(flavor = "multi_thread")]
async fn hundreds_who_wait_are_all_told() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let service = Service::start_with(&engine, &sandbox, &[("DATABASE_CONNECTIONS", "4")]).await;
    let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
    let id = customer.try_place_and_wait(30, "k").await.unwrap().expect(201).id();
    until_cleared(&sandbox, "ann").await;
    let mut waiting = Vec::new();
    for _ in 0..40 {
        waiting.extend((0..10).map(|_| waits(&customer, id, 2, 25)));
        // Four connections, and nobody who waits holds one.
        assert_eq!(customer.order(id).await["status"], json!("confirmed"));
    }
    admin.set_status(id, "preparing").await.expect(200);
    for waiting in waiting {
        let (answer, took) = waiting.await.unwrap();
        assert_eq!(types(&answer), ["preparing"]);
        assert!(took < Duration::from_secs(20), "{took:?}");
    }
    service.stop().await;
    audit::clean(&engine, &sandbox).await;
}
