//! PostgreSQL's own benchmark, doing what the service does, without the service: the yardstick.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use order_testkit::pg::TestDatabase;
use tempfile::NamedTempFile;
use tokio::process::Command;

use crate::{Plan, Rate};

/// The rows of one order, read by a statement each.
pub(crate) fn reading(orders: &[i64]) -> String {
    let (first, last) = (orders.iter().min().expect("orders"), orders.iter().max().expect("orders"));
    format!(
        "\\set id random({first}, {last})\n\
         SELECT * FROM orders WHERE id = :id;\n\
         SELECT * FROM order_items WHERE order_id = :id ORDER BY line;\n\
         SELECT * FROM payment_entries WHERE order_id = :id ORDER BY n;\n"
    )
}

/// The rows of one new order, inserted by a statement each between `BEGIN` and `COMMIT`. Numbers are beyond those of the
/// service.
pub(crate) fn placing() -> String {
    let item = |line: u32| {
        format!(
            "INSERT INTO order_items (order_id, line, product_id, name, description, price, mrp, category_id, image_url, unit, \
             returnable, quantity, net) VALUES (:id, {line}, {line}, 'Product {line}', 'As good as it gets', 299, 399, 1, \
             'https://shop.example/{line}.jpg', 'kg', true, 2, 598);\n"
        )
    };
    let items = [item(1), item(2), item(3)].concat();
    let terms = r#"{"fee":{"amount":500},"subtotal":1794,"discount":0,"cart_lines":[[101,1,2],[102,2,2],[103,3,2]]}"#;
    let data = r#"{"total":2294,"method":"online"}"#;
    let body = "x".repeat(1_200);
    // A process of `pgbench` knows its run by its own number, so that no two runs meet.
    format!(
        "\\set n :n + 1\n\
         \\set id 1000000000000 + :run * 1000000000 + :client_id * 10000000 + :n\n\
         BEGIN;\n\
         INSERT INTO orders (id, customer_id, status, payment_status, payment_method, currency, subtotal, discount, \
         delivery_fee, total, charged, refunded, refund_held, delivery_address, delivery_latitude, delivery_longitude, terms, \
         created_at, updated_at, version) VALUES (:id, 'customer-' || :id, 'pending', 'processing', 'online', 'USD', 1794, 0, 500, 2294, \
         0, 0, 0, '123 Main St', '40.7128', '-74.0060', '{terms}', now(), now(), 1);\n\
         {items}\
         INSERT INTO order_events (order_id, seq, type, v, data, at, actor_role, actor_id, status) VALUES (:id, 1, 'placed', \
         1, '{data}', now(), 'customer', 'customer-' || :id, 'pending');\n\
         INSERT INTO outbox (order_id, seq) VALUES (:id, 1);\n\
         INSERT INTO payment_entries (order_id, n, kind, purpose, amount, method, state, declines, attempts, refusals, \
         created_at) VALUES (:id, 1, 'charge', 'order', 2294, 'online', 'booked', 0, 0, 0, now());\n\
         INSERT INTO tasks (id, kind, order_id, entry_n, seq, ordinal, run_at, created_at) VALUES (:id, 'charge', :id, 1, 1, \
         0, now() + interval '1 day', now());\n\
         INSERT INTO idempotency_keys (key_hash, fingerprint, status, headers, body, order_id, created_at, ends_at) VALUES \
         (sha256(int8send(:id)), sha256(int8send(:id)), 201, '[]', '{body}', :id, now(), now() + interval '24 hours');\n\
         INSERT INTO idempotency_keys (kind, key_hash, fingerprint, customer_id, placed_with, open, order_id, created_at, \
         ends_at) VALUES ('guard', sha256(int8send(-(:id)::bigint)), sha256(int8send(:id)), 'customer-' || :id, \
         sha256(int8send(:id)), true, :id, now(), now() + interval '10 seconds');\n\
         COMMIT;\n"
    )
}

/// One round of a script, its statements prepared.
pub(crate) async fn run(database: &TestDatabase, plan: &Plan, script: &str) -> Rate {
    use std::io::Write;
    static RUN: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);
    let run = RUN.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(script.as_bytes()).expect("a temporary file");
    let connections = plan.connections.to_string();
    let output = Command::new(program())
        .args(["--no-vacuum", "--protocol", "prepared", "--client", &connections, "--jobs", "2"])
        .args(["--time", &plan.round.as_secs().to_string(), "--define", "n=0", "--define", &format!("run={run}")])
        .arg("--file")
        .arg(file.path())
        .arg(database.url())
        .stdin(Stdio::null())
        .output()
        .await
        .expect("pgbench can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let figure = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let figure = line.and_then(|line| line.split_whitespace().next()).and_then(|figure| figure.parse::<f64>().ok());
        figure.unwrap_or_else(|| panic!("no {name:?} in {text}"))
    };
    let mean = Duration::from_secs_f64(figure("latency average = ") / 1_000.0);
    Rate { per_second: figure("tps = "), p50: mean, p99: mean }
}

/// Where Debian puts it, or wherever the PATH finds it.
fn program() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin/pgbench")).filter(|path| path.exists());
    found.max().unwrap_or_else(|| "pgbench".into())
}
