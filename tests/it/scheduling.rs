//! Orders for a time: released once, near their time and never earlier.

use std::time::Duration;

use order_domain::time::Timestamp;
use order_sandbox::{Product, Service as Outside};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::shop::{fill_cart, sandbox};
use crate::support::{Engine, Service, Shop, audit, eventually, eventually_hurried, on_both_engines};

/// Two hours from now, as a caller writes it.
fn in_two_hours() -> String {
    ahead(Duration::from_hours(2))
}

fn ahead(time: Duration) -> String {
    Timestamp::from(std::time::UNIX_EPOCH + std::time::UNIX_EPOCH.elapsed().unwrap() + time).to_rfc3339()
}

async fn schedule(customer: &Shop, scheduled_for: &str) -> Value {
    let body = json!({ "delivery_address": "1 Main St", "scheduled_for": scheduled_for });
    customer.call(Method::POST, "/orders/scheduled", Some(body)).await.expect(201).json()
}

fn id(order: &Value) -> i64 {
    order["id"].as_i64().unwrap()
}

on_both_engines! {
    async fn an_order_for_a_time_is_charged_now_and_released_then(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let placed = schedule(&customer, &in_two_hours()).await;
        let id = id(&placed);
        let order = customer.until(id, "status", "confirmed").await;
        assert_eq!((&order["payment_status"], &order["released_at"]), (&json!("paid"), &json!(null)));
        // The shop does not see it yet.
        assert_eq!(admin.set_status(id, "preparing").await.expect(409).json()["code"], json!("illegal_transition"));
        assert_eq!(Shop::courier(&service).get("/orders?available=true").await.text, "[]");
        assert_eq!(Shop::courier(&service).take(id, "carl").await.status, 404, "not theirs to see");
        // An hour and a quarter later it is 45 minutes before its time; a minute earlier it is not.
        engine.time_passes(74).await;
        engine.hurry().await;
        assert_eq!(customer.order(id).await["released_at"], json!(null));
        // Its lines can be other ones until then.
        customer.edit(id, &[(1, 1), (2, 1)]).await.expect(200);
        engine.time_passes(2).await;
        eventually_hurried(&engine, "it is released", || async { customer.order(id).await["released_at"].is_string() }).await;
        for refused in [customer.edit(id, &[(1, 1)]).await, customer.patch(id, json!({ "scheduled_for": null })).await] {
            assert_eq!(refused.expect(409).json()["code"], json!("already_released"));
        }
        admin.set_status(id, "preparing").await.expect(200);
        let timeline = customer.timeline(id).await;
        assert_eq!(timeline.iter().filter(|name| *name == "released").count(), 1, "{timeline:?}");
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
    }

    /// By the clock, with times short enough to wait for.
    async fn it_is_never_released_early_nor_late(engine: Engine) {
        let sandbox = sandbox();
        let soon = [("SCHEDULE_MIN_AHEAD", "1s"), ("RELEASE_LEAD", "500ms")];
        let service = Service::start_with(&engine, &sandbox, &soon).await;
        let customer = Shop::customer(&service);
        let first = id(&schedule(&customer, &ahead(Duration::from_secs(3))).await);
        fill_cart(&sandbox, "bob");
        let other = Shop::of(&service, "bob", "user");
        let moved = id(&schedule(&other, &ahead(Duration::from_secs(3))).await);
        other.until(moved, "status", "confirmed").await;
        other.patch(moved, json!({ "scheduled_for": in_two_hours() })).await.expect(200);
        eventually("it is released", || async { customer.order(first).await["released_at"].is_string() }).await;
        let order = customer.order(first).await;
        let moment = |name: &str| order[name].as_str().unwrap().parse::<Timestamp>().unwrap();
        let late = moment("released_at") - moment("scheduled_for");
        assert!((-500..4_500).contains(&late.num_milliseconds()), "{late}");
        assert_eq!(other.order(moved).await["released_at"], json!(null), "it was moved away");
        // Without a time it is for now.
        other.patch(moved, json!({ "scheduled_for": null })).await.expect(200);
        eventually("it is released, too", || async { other.order(moved).await["released_at"].is_string() }).await;
        let timeline = other.timeline(moved).await;
        assert_eq!((timeline.len(), timeline.last().unwrap().as_str()), (5, "released"), "{timeline:?}");
        service.rest_at_once().await;
        audit::clean(&engine, &sandbox).await;
    }

    async fn what_is_gone_by_then_is_cancelled_and_paid_back(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = id(&schedule(&customer, &in_two_hours()).await);
        customer.until(id, "status", "confirmed").await;
        sandbox.put_product(Product::new(1, "Apple", 2.99).stock(1));
        engine.time_passes(80).await;
        eventually_hurried(&engine, "it is cancelled", || async { customer.order(id).await["status"] == "cancelled" }).await;
        let order = customer.until(id, "payment_status", "refunded").await;
        assert_eq!((&order["cancel_code"], &order["cancelled_by"]), (&json!("out_of_stock"), &json!("system")));
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        assert_eq!(sandbox.balance(&id.to_string()).refunded, 1247);
    }

    /// A product service that is away is waited for, ten minutes at most; then the shop has to see for itself.
    async fn a_look_at_the_stock_that_is_not_to_be_had_delays_the_release_and_no_more(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = id(&schedule(&customer, &in_two_hours()).await);
        customer.until(id, "status", "confirmed").await;
        sandbox.take_down(Outside::Product).await.unwrap();
        engine.time_passes(80).await;
        let tried = || async { engine.tasks_as_text().await.contains("product service") };
        eventually_hurried(&engine, "it was looked for", tried).await;
        assert_eq!(customer.order(id).await["released_at"], json!(null));
        engine.time_passes(10).await;
        eventually_hurried(&engine, "it is released", || async { customer.order(id).await["released_at"].is_string() }).await;
        sandbox.bring_back(Outside::Product).await.unwrap();
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
    }

    /// An edit that is not paid puts the release off.
    async fn what_is_not_paid_is_not_released(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = id(&schedule(&customer, &in_two_hours()).await);
        customer.until(id, "status", "confirmed").await;
        sandbox.take_down(Outside::Payment).await.unwrap();
        customer.edit(id, &[(1, 3), (2, 1)]).await.expect(200);
        engine.time_passes(80).await;
        // Its time has come, and with it the edit's: that is reverted first.
        eventually_hurried(&engine, "it is released", || async { customer.order(id).await["released_at"].is_string() }).await;
        let timeline = customer.timeline(id).await;
        assert_eq!(timeline, ["placed", "confirmed", "edited", "edit_reverted", "released"]);
        sandbox.bring_back(Outside::Payment).await.unwrap();
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_outage_all_that_is_due_is_released_once() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let service = Service::start(&engine, &sandbox).await;
    let mut orders = Vec::new();
    for n in 0..10 {
        let name = format!("c{n}");
        fill_cart(&sandbox, &name);
        let customer = Shop::of(&service, &name, "user");
        let id = id(&schedule(&customer, &in_two_hours()).await);
        customer.until(id, "status", "confirmed").await;
        orders.push(id);
    }
    service.kill().await;
    engine.time_passes(200).await;
    engine.expire_leases().await;
    engine.hurry().await;
    let instances = [Service::start(&engine, &sandbox).await, Service::start(&engine, &sandbox).await];
    let admin = Shop::admin(&instances[0]);
    for id in orders {
        eventually_hurried(&engine, "it is released", || async { admin.order(id).await["released_at"].is_string() })
            .await;
        let timeline = admin.timeline(id).await;
        assert_eq!(timeline.iter().filter(|name| *name == "released").count(), 1, "{timeline:?}");
    }
    for instance in instances {
        instance.rest().await;
    }
    audit::clean(&engine, &sandbox).await;
}
