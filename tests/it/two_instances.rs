//! Two instances on one PostgreSQL: what one begins the other may finish, and each thing is done once.

use order_sandbox::{Route, Service as Outside};
use serde_json::json;

use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, audit, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn orders_placed_on_both_are_charged_once_each() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    assert!(engine.is_shared());
    let instances = [Service::start(&engine, &sandbox).await, Service::start(&engine, &sandbox).await];
    let requests: Vec<_> = (0..40)
        .map(|n: usize| {
            let name = format!("c{n}");
            sandbox.put_cart(&name, &[(1, 1), (2, 2)]);
            let customer = Shop::of(&instances[n % 2], &name, "user");
            tokio::spawn(async move { (name, customer.place().await.expect(201).id()) })
        })
        .collect();
    let mut ids = Vec::new();
    for request in requests {
        ids.push(request.await.unwrap());
    }
    for (n, (name, id)) in ids.iter().enumerate() {
        // Read on the instance that did not place it.
        Shop::of(&instances[(n + 1) % 2], name, "user").until(*id, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart(name).items.is_empty() }).await;
        assert_eq!(sandbox.payment(&format!("order-{id}-order-1")).unwrap().attempts, 1, "nobody asked twice");
    }
    assert_eq!(sandbox.calls_to(Outside::Payment, Route::Process), 40);
    assert_eq!(sandbox.calls_to(Outside::Cart, Route::Remove), 80);
    for instance in instances {
        assert!(instance.rest().await.success());
    }
    assert_eq!(audit::clean(&engine, &sandbox).await.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_couriers_after_one_order_one_gets_it() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let instances = [Service::start(&engine, &sandbox).await, Service::start(&engine, &sandbox).await];
    let admin = Shop::admin(&instances[0]);
    for round in 0..20 {
        let name = format!("c{round}");
        sandbox.put_cart(&name, &[(1, 1)]);
        let customer = Shop::of(&instances[0], &name, "user");
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        let carl = Shop::of(&instances[0], "carl", "delivery_partner");
        let cora = Shop::of(&instances[1], "cora", "delivery_partner");
        let (one, other) = tokio::join!(carl.take(id, "carl"), cora.take(id, "cora"));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{} {}", one.text, other.text);
        let loser = if one.status == 409 { &one } else { &other };
        assert_eq!(loser.json()["code"], json!("already_taken"));
        let winner = if one.status == 200 { "carl" } else { "cora" };
        assert_eq!(admin.order(id).await["delivery_partner_id"], json!(winner));
        eventually("the cart is cleared", || async { sandbox.cart(&name).items.is_empty() }).await;
    }
    for instance in instances {
        instance.rest().await;
    }
    audit::clean(&engine, &sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_requests_over_both_make_one_order() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let instances = [Service::start(&engine, &sandbox).await, Service::start(&engine, &sandbox).await];
    let requests: Vec<_> = (0..50)
        .map(|n: usize| {
            let customer = Shop::customer(&instances[n % 2]);
            tokio::spawn(async move { customer.try_place(Some("one")).await.unwrap().expect(201) })
        })
        .collect();
    let mut texts = std::collections::BTreeSet::new();
    for request in requests {
        texts.insert(request.await.unwrap().text);
    }
    assert_eq!(texts.len(), 1, "byte for byte");
    eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
    for instance in instances {
        instance.rest().await;
    }
    assert_eq!(audit::clean(&engine, &sandbox).await.len(), 1);
}

/// The instance that has the charge in its hands dies; the other goes on when the lease is over.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_instance_had_begun_is_finished_by_the_other() {
    use order_sandbox::{Fault, FaultKind};
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Hold).acted().times(1));
    let first = Service::start(&engine, &sandbox).await;
    let id = Shop::customer(&first).place().await.expect(201).id();
    sandbox.wait_for_calls(Outside::Payment, Route::Process, 1).await;
    let second = Service::start(&engine, &sandbox).await;
    first.kill().await;
    sandbox.clear_all_faults();
    engine.expire_leases().await;
    Shop::customer(&second).until(id, "status", "confirmed").await;
    eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
    second.rest().await;
    audit::clean(&engine, &sandbox).await;
}
