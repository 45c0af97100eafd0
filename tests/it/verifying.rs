//! `order-app verify`: rows are broken on purpose, and every broken one is named.

use std::process::Output;

use order_persistence::{DatabaseUrl, Options};
use order_testkit::builders::{Life, OrderBuilder, an_order};

use crate::command_line::{run, said};
use crate::support::{Engine, on_both_engines};

/// Keeps orders 1, 2, 3 … as their lives have made them, does all that was to be done and publishes all that happened.
async fn keep(engine: &Engine, lives: Vec<fn(OrderBuilder) -> Life>) {
    let url = DatabaseUrl::parse(engine.url()).unwrap();
    order_persistence::migrate(&url, true).await.unwrap();
    let options = Options { connections: 2, pool: "test", runtime: tokio::runtime::Handle::current() };
    let stores = order_persistence::open(&url, &options).unwrap();
    for (id, life) in (1..).zip(lives) {
        life(an_order().id(id)).keep(&*stores.orders, &*stores.tasks, &*stores.ids).await;
    }
    engine.execute("DELETE FROM tasks WHERE order_id IS NOT NULL; DELETE FROM outbox").await;
}

async fn verify(engine: &Engine, arguments: &[&str]) -> Output {
    run(&[&["verify"], arguments].concat(), &[("DATABASE_URL", engine.url())]).await
}

/// What it finds, line by line; it has to end so.
async fn found(engine: &Engine, arguments: &[&str], code: i32) -> Vec<String> {
    let output = verify(engine, arguments).await;
    assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// A task of an order, as a row.
fn task(order: i64, kind: &str, columns: &str, values: &str) -> String {
    format!(
        "INSERT INTO tasks (id, kind, order_id, seq, ordinal, run_at, created_at, attempts, {columns})
         VALUES ({order}00, '{kind}', {order}, 1, 7, '2026-01-02T00:00:00.000000Z', '2026-01-01T12:00:00.000000Z', 1, {values});"
    )
}

const PLACED: fn(OrderBuilder) -> Life = OrderBuilder::placed;
const PAID: fn(OrderBuilder) -> Life = OrderBuilder::paid;
const DELIVERED: fn(OrderBuilder) -> Life = OrderBuilder::delivered;
const REFUNDED: fn(OrderBuilder) -> Life = |order| order.paid().cancelled().refund_settles(2);
const WITHDRAWN: fn(OrderBuilder) -> Life = |order| order.placed().cancelled();

on_both_engines! {
    async fn every_broken_row_is_named_with_its_invariant(engine: Engine) {
        let lives = vec![
            PAID, PAID, PAID, PAID, PAID, REFUNDED, PAID, WITHDRAWN, PAID, DELIVERED, PAID, WITHDRAWN, PAID, REFUNDED, PAID,
        ];
        let count = lives.len();
        keep(&engine, lives).await;
        for arguments in [&[][..], &["--drained"]] {
            let clean = verify(&engine, arguments).await;
            let expected = format!("checked {count} orders: {count} whole, 0 broken\n");
            assert_eq!((clean.status.code(), said(&clean)), (Some(0), expected));
        }

        let later = "2099-01-01T00:00:00.000000Z";
        let receipt = |byte| {
            let hash = engine.hash(byte);
            format!(
                "INSERT INTO idempotency_keys (key_hash, kind, fingerprint, status, headers, body, ends_at, order_id, created_at)
                 VALUES ({hash}, 'receipt', {hash}, 201, '[]', {hash}, '{later}', 3, '2026-01-01T12:00:00.000000Z');"
            )
        };
        let released = |seq| {
            format!(
                "INSERT INTO order_events (order_id, seq, type, v, data, at, actor_role, status)
                 VALUES (11, {seq}, 'released', 1, '{{}}', '2026-01-01T13:00:00.000000Z', 'system', 'confirmed');"
            )
        };
        let breaks = [
            "UPDATE order_events SET seq = 9 WHERE order_id = 1 AND seq = 2;".to_owned(),
            "UPDATE orders SET terms = 'torn' WHERE id = 2;".to_owned(),
            receipt(1),
            receipt(2),
            "UPDATE order_items SET net = net - 1 WHERE order_id = 4;".to_owned(),
            "UPDATE orders SET charged = charged + 1 WHERE id = 5;".to_owned(),
            "UPDATE payment_entries SET amount = 100000 WHERE order_id = 6 AND n = 2;".to_owned(),
            task(7, "charge", "dead", "(1 = 1)"),
            "UPDATE payment_entries SET state = 'sent' WHERE order_id = 8;".to_owned(),
            "UPDATE order_events SET status = 'delivered' WHERE order_id = 9 AND seq = 2;".to_owned(),
            format!("UPDATE orders SET scheduled_for = '{later}' WHERE id = 10;"),
            released(3),
            released(4),
            "UPDATE orders SET version = 4 WHERE id = 11;".to_owned(),
            "UPDATE payment_entries SET state = 'booked' WHERE order_id = 12;".to_owned(),
            "UPDATE payment_entries SET state = 'declined', settled_at = NULL WHERE order_id = 14 AND n = 2;".to_owned(),
            "UPDATE orders SET refunded = 0 WHERE id = 14;".to_owned(),
            "UPDATE payment_entries SET state = 'declined', settled_at = NULL WHERE order_id = 15;".to_owned(),
            "UPDATE orders SET charged = 0 WHERE id = 15;".to_owned(),
        ];
        engine.execute(&breaks.concat()).await;
        let named = found(&engine, &[], 1).await;
        let expected = [
            "order 1: invariant 1: event 2 is 9",
            "order 2: invariant 1: can't be read: terms: expected ident at line 1 column 2",
            "order 3: invariant 2: a key stands for two orders, or two keys for one",
            "order 4: invariant 3: order 4: the nets do not add up to subtotal - discount",
            "order 5: invariant 3: columns say charged 10.99, refunded 0.00, held 0.00; the ledger 10.98, 0.00, 0.00",
            "order 6: invariant 3: more than entry 1 took is returned",
            "order 7: invariant 5: task 700 (charge) is dead",
            "order 8: invariant 5: charge 1 is sent and no task follows it",
            "order 8: invariant 10: cancelled with charge 1 sent",
            "order 9: invariant 6: Some(Pending) was followed by Delivered",
            "order 9: invariant 6: the order is Confirmed, its last event says Some(Delivered)",
            "order 10: invariant 7: released at 2026-01-01 12:00:00 UTC, wanted at 2099-01-01 00:00:00 UTC",
            "order 11: invariant 7: released 2 times",
            "order 12: invariant 5: charge 1 is booked and no task follows it",
            "order 12: invariant 9: cancelled with charge 1 unsent",
            "order 12: invariant 10: cancelled with charge 1 booked",
            "order 14: invariant 10: cancelled with 10.98 still kept",
            "order 15: invariant 10: confirmed with 0.00 paid of 10.98",
        ];
        assert_eq!(named, expected);
        let output = said(&verify(&engine, &[]).await);
        assert!(output.contains("checked 15 orders: 1 whole, 14 broken"), "{output}");
    }

    async fn what_holds_at_rest_is_asked_of_orders_at_rest_or_of_all_when_drained(engine: Engine) {
        keep(&engine, vec![REFUNDED, PLACED, PAID, PAID]).await;
        engine.execute(&[
            "UPDATE payment_entries SET state = 'declined', settled_at = NULL WHERE order_id = 1 AND n = 2;".to_owned(),
            "UPDATE orders SET refunded = 0 WHERE id = 1;".to_owned(),
            // Somebody is about to be told, and then money will move.
            task(1, "notify", "lane", "'notify'"),
            task(2, "charge", "entry_n", "1"),
            task(3, "notify", "leased", "(1 = 1)"),
            "INSERT INTO outbox (order_id, seq) VALUES (4, 2), (2, 1), (4, 1);".to_owned(),
            // Its time has not come.
            task(4, "notify", "lane", "'notify'").replace("2026-01-02", "2099-01-01").replace(", 1, 'notify')", ", 0, 'notify')"),
        ].concat()).await;
        let live = verify(&engine, &[]).await;
        assert_eq!(live.status.code(), Some(0), "{}", said(&live));
        assert!(said(&live).contains("4 whole, 0 broken; 4 had something to be done"), "{}", said(&live));
        let expected = [
            "order 1: invariant 5: task 100 (notify) is not done",
            "order 1: invariant 10: cancelled with 10.98 still kept",
            "order 2: invariant 4: event 1 is not published",
            "order 2: invariant 5: task 200 (charge) is not done",
            "order 3: invariant 9: task 300 (notify) has a lease that ran out",
            "order 3: invariant 5: task 300 (notify) is not done",
            "order 4: invariant 4: event 1 is not published",
            "order 4: invariant 4: event 2 is not published",
        ];
        assert_eq!(found(&engine, &["--drained"], 1).await, expected);
    }

    async fn an_empty_database_is_whole(engine: Engine) {
        keep(&engine, vec![]).await;
        let output = verify(&engine, &["--drained"]).await;
        assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), "checked 0 orders: 0 whole, 0 broken\n"));
    }
}
