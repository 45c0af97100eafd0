//! Operators at the command line, beside a running service.

use serde_json::json;

use crate::command_line::{run, said};
use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, audit, eventually, on_both_engines};

/// What a command says, which must end so.
async fn tasks(engine: &Engine, arguments: &[&str], code: i32) -> String {
    let output = run(&[&["tasks"], arguments].concat(), &[("DATABASE_URL", engine.url())]).await;
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
    said(&output)
}

/// The cells of the only row of a table.
fn only_row(table: &str) -> Vec<&str> {
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[0].starts_with("ID") && lines[0].contains("LAST ERROR"), "{table}");
    lines[1].split_whitespace().collect()
}

on_both_engines! {
    async fn a_message_that_is_paused_is_given_up_and_the_timeline_says_by_whom(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        assert_eq!(tasks(&engine, &["list"], 0).await, "no dead tasks\n");
        assert!(tasks(&engine, &["pause", "notify", "--by", "ann"], 0).await.contains("paused since"));

        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        let table = tasks(&engine, &["list", "--state", "waiting"], 0).await;
        let row = only_row(&table);
        assert_eq!(row[1..5], ["notify", "waiting", &id.to_string(), "0"]);
        let kinds = tasks(&engine, &["kinds"], 0).await;
        let of_notify = kinds.lines().find(|line| line.starts_with("notify")).unwrap();
        assert!(of_notify.contains("by ann  1"), "{kinds}");

        assert!(tasks(&engine, &["discard", row[0]], 0).await.contains("is discarded"));
        let again = tasks(&engine, &["discard", row[0], "4711"], 1).await;
        assert!(again.contains("task 4711: no such task") && again.contains("2 of 2 task(s) left as they were"), "{again}");
        let timeline = admin.get(&format!("/orders/{id}/timeline")).await.expect(200).json();
        let last = timeline.as_array().unwrap().last().unwrap();
        assert_eq!(json!([last["type"], last["actor"]]), json!(["task_discarded", {"role": "admin", "id": "cli"}]));

        assert_eq!(tasks(&engine, &["resume", "notify"], 0).await, "notify is not paused; 0 tasks wait\n");
        assert!(service.rest().await.success());
        audit::clean(&engine, &sandbox).await;
    }

    async fn a_paused_charge_is_made_once_it_is_resumed(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        tasks(&engine, &["pause", "charge"], 0).await;
        let id = customer.place().await.expect(201).id();
        let table = tasks(&engine, &["list", "--state", "waiting", "--kind", "charge", "--order", &id.to_string()], 0).await;
        let charge = only_row(&table)[0];
        assert!(tasks(&engine, &["discard", charge], 1).await.contains("never discarded; retry it, or pause its kind"));
        assert!(tasks(&engine, &["retry", charge], 0).await.contains("is due now"));
        assert_eq!(customer.order(id).await["status"], "pending");
        assert_eq!(sandbox.payments().len(), 0);
        tasks(&engine, &["resume", "charge"], 0).await;
        customer.until(id, "status", "confirmed").await;
        assert!(service.rest().await.success());
        audit::clean(&engine, &sandbox).await;
    }

    async fn a_dead_message_is_told_once_it_is_retried(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        tasks(&engine, &["pause", "notify"], 0).await;
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        engine.execute("UPDATE tasks SET dead = (1 = 1), attempts = 8 WHERE kind = 'notify'").await;
        tasks(&engine, &["resume", "notify"], 0).await;
        let table = tasks(&engine, &["list"], 0).await;
        let row = only_row(&table);
        assert_eq!(row[1..5], ["notify", "dead", &id.to_string(), "8"]);
        tasks(&engine, &["retry", row[0]], 0).await;
        eventually("the customer is told", || async { sandbox.notifications().len() == 1 }).await;
        assert!(service.rest().await.success());
        assert_eq!(tasks(&engine, &["list", "--state", "running"], 0).await, "no running tasks\n");
        audit::clean(&engine, &sandbox).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_meant_is_said_with_what_can() {
    let engine = Engine::sqlite();
    for (arguments, word) in [
        (&["retry"][..], "<ID>"),
        (&["retry", "x"], "it is a whole number"),
        (&["discard", "0"], "an id must be between"),
        (&["pause", "bake"], "charge, refund, clear_cart, notify"),
        (&["list", "--state", "asleep"], "waiting, running, dead"),
        (&["list", "--limit", "0"], "--limit"),
        (&["kinds", "--by", "a b"], "white space"),
    ] {
        let said = tasks(&engine, arguments, 2).await;
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_or_behind_is_said_to_be_so() {
    assert!(said(&run(&["tasks", "list"], &[]).await).contains("DATABASE_URL"));
    assert_eq!(run(&["tasks", "list"], &[]).await.status.code(), Some(2));
    for arguments in [&["tasks", "list"][..], &["verify"]] {
        let engine = Engine::sqlite();
        let missing = run(arguments, &[("DATABASE_URL", engine.url())]).await;
        assert_eq!(missing.status.code(), Some(1));
        assert!(said(&missing).contains("there is no file") && said(&missing).contains("DATABASE_URL"));
        let engine = Engine::postgres().await;
        let behind = run(arguments, &[("DATABASE_URL", engine.url())]).await;
        assert_eq!(behind.status.code(), Some(1));
        assert!(said(&behind).contains("run `order-app migrate`"), "{}", said(&behind));
    }
}
