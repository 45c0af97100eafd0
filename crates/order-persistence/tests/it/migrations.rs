//! Migrating: once, by one instance, and never back.

use diesel::connection::SimpleConnection;
use order_persistence::{MigrateError, migrate};
use order_testkit::pg::TestDatabase;

use crate::{postgres, sqlite};

const FROM_THE_FUTURE: &str = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231235959')";

fn refused(error: &MigrateError) {
    assert!(matches!(error, MigrateError::Newer(versions) if versions == &["29991231235959"]), "{error}");
    assert!(error.to_string().contains("newer than this program"));
}

#[test]
fn both_engines_have_migrations_of_the_same_names() {
    let names = |engine: &str| {
        let folder = format!("{}/../../migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("postgres"), names("sqlite"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_migrated_once_whoever_asks() {
    let database = TestDatabase::create().await;
    let url = postgres::url(&database);
    let (one, other) = tokio::join!(migrate(&url, true), migrate(&url, true));
    let applied = one.unwrap().pending.len() + other.unwrap().pending.len();
    let missing = migrate(&url, false).await.unwrap();
    assert_eq!((applied, missing.pending.len()), (missing.applied_before, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_changes_nothing() {
    let database = TestDatabase::create().await;
    let url = postgres::url(&database);
    let missing = migrate(&url, false).await.unwrap().pending;
    assert!(!missing.is_empty());
    assert_eq!(migrate(&url, false).await.unwrap().pending, missing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_refused_on_postgres() {
    let postgres = postgres::Postgres::fresh().await;
    postgres.database.connect().await.batch_execute(FROM_THE_FUTURE).await.unwrap();
    refused(&migrate(&postgres::url(&postgres.database), true).await.unwrap_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_refused_on_sqlite() {
    let folder = tempfile::TempDir::new().unwrap();
    migrate(&sqlite::url(&folder), true).await.unwrap();
    let path = folder.path().join("orders.db");
    let mut conn = <diesel::SqliteConnection as diesel::Connection>::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute(FROM_THE_FUTURE).unwrap();
    refused(&migrate(&sqlite::url(&folder), true).await.unwrap_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_said_to_be_so() {
    let url = order_persistence::DatabaseUrl::parse("postgresql://nobody:secret@127.0.0.1:1/none").unwrap();
    let error = migrate(&url, true).await.unwrap_err();
    assert!(matches!(error, MigrateError::Unreachable(_)), "{error}");
    assert!(!error.to_string().contains("secret"));
}

/// What the first release wrote: a confirmed order whose cart is to be cleared, and its receipt.
const OLD_ROWS: &str = "
    INSERT INTO orders (id, customer_id, status, payment_status, payment_method, currency, subtotal, discount, delivery_fee,
        total, charged, refunded, refund_held, delivery_address, terms, created_at, updated_at, version)
    VALUES (7, 'ann', 'confirmed', 'unpaid', 'cash', 'USD', 598, 0, 500, 1098, 0, 0, 0, '1 Main St',
        '{\"v\":1,\"placed_subtotal\":598,\"granted_discount\":0,\"cart\":[[101,5,2]]}',
        '2026-01-01T12:00:00.000000Z', '2026-01-01T12:00:00.000000Z', 2);
    INSERT INTO order_items (order_id, line, product_id, name, price, returnable, quantity, net)
    VALUES (7, 1, 5, 'Apple', 299, (1 = 1), 2, 598);
    INSERT INTO order_events (order_id, seq, type, v, data, at, actor_role, actor_id, status)
    VALUES (7, 1, 'placed', 1, '{\"payment_method\":\"cash\",\"subtotal\":598,\"discount\":0,\"delivery_fee\":500,\"total\":1098,
        \"lines\":[]}', '2026-01-01T12:00:00.000000Z', 'customer', 'ann', 'pending'),
        (7, 2, 'confirmed', 1, '{\"entry\":null,\"as_cash\":false}', '2026-01-01T12:00:00.000000Z', 'system', NULL, 'confirmed');
    INSERT INTO tasks (id, kind, order_id, lane, seq, ordinal, run_at, attempts, token, created_at)
    VALUES (9, 'clear_cart', 7, 'cart', 2, 0, '2026-01-01T12:00:00.000000Z', 3, 5, '2026-01-01T12:00:00.000000Z');
";

/// Kept 23 hours ago, for a key of which every byte is 1.
const OLD_RECEIPT: &str =
    "INSERT INTO idempotency_keys (key_hash, fingerprint, status, headers, body, order_id, created_at)
    VALUES (KEY, KEY, 201, '[]', BODY, 7, AGO)";

/// The old rows are there still, and are worked on as before; the new ones can be written beside them.
async fn serves_what_was_there(stores: &order_persistence::Stores) {
    use order_domain::ports::{Chore, Claim, HistorySpan, Publisher, TaskKind, Unpublished};
    use order_domain::time::after;
    use order_testkit::builders::{START, a_key, user};
    let placing = stores.orders.placing(&user("ann"), Some(a_key(1))).await.unwrap();
    assert_eq!(
        placing.receipt.map(|stored| (stored.fingerprint, stored.receipt.body)),
        Some(([1; 32], vec![b'{', b'}']))
    );
    assert_eq!(placing.guards, [], "it was placed before there were guards");
    let span = HistorySpan { from: START, to: after(START, std::time::Duration::from_secs(1)), order: None };
    let history = stores.history.events(span, None, 10).await.unwrap();
    let told: Vec<_> = history.iter().map(|event| (event.order.get(), event.seq, event.kind.as_str())).collect();
    assert_eq!(told, [(7, 1, "placed"), (7, 2, "confirmed")]);
    assert_eq!(
        stores.outbox.unpublished().await.unwrap(),
        Unpublished::default(),
        "whoever wants them has them replayed"
    );
    let next = stores.outbox.next(Publisher(1), std::time::Duration::from_secs(30), 10).await.unwrap();
    assert_eq!(next.map(|outgoing| outgoing.events), Some(vec![]), "nobody holds the lease");
    let slots = vec![(TaskKind::ClearCart, 5)];
    let claim = Claim { slots, chores: Chore::ALL.to_vec(), only: None, lease: std::time::Duration::from_secs(30) };
    let sweep = stores.tasks.claim(&claim).await.unwrap();
    let task = &sweep.claimed[..];
    assert_eq!(task.iter().map(|task| (task.id.get(), task.attempts, task.token.0)).collect::<Vec<_>>(), [(9, 4, 6)]);
    assert_eq!(sweep.chores.len(), Chore::ALL.len());
    stores.tasks.finish(&task[0]).await.unwrap();
    assert!(stores.orders.load(task[0].order).await.unwrap().is_some());
    assert_eq!(stores.orders.forget(10).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_first_release_wrote_is_served_on_postgres() {
    let database = TestDatabase::create().await;
    let url = postgres::url(&database);
    let client = database.connect().await;
    client.batch_execute(include_str!("../../../../migrations/postgres/20261124000001_orders/up.sql")).await.unwrap();
    client.batch_execute(&applied("timestamp")).await.unwrap();
    client.batch_execute(OLD_ROWS).await.unwrap();
    let receipt = OLD_RECEIPT.replace("KEY", "decode(repeat('01', 32), 'hex')").replace("BODY", "'{}'");
    client.batch_execute(&receipt.replace("AGO", "now() - interval '23 hours'")).await.unwrap();
    migrate(&url, true).await.unwrap();
    let options =
        order_persistence::Options { connections: 2, pool: "test", runtime: tokio::runtime::Handle::current() };
    serves_what_was_there(&order_persistence::open(&url, &options).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_first_release_wrote_is_served_on_sqlite() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("orders.db");
    let mut conn = <diesel::SqliteConnection as diesel::Connection>::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute(include_str!("../../../../migrations/sqlite/20261124000001_orders/up.sql")).unwrap();
    conn.batch_execute(&applied("text")).unwrap();
    conn.batch_execute(OLD_ROWS).unwrap();
    let receipt = OLD_RECEIPT.replace("KEY", &format!("x'{}'", "01".repeat(32))).replace("BODY", "x'7b7d'");
    conn.batch_execute(&receipt.replace("AGO", "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-23 hours')")).unwrap();
    drop(conn);
    migrate(&sqlite::url(&folder), true).await.unwrap();
    serves_what_was_there(&order_persistence::open(&sqlite::url(&folder), &sqlite::options()).unwrap()).await;
}

/// The first migration is done, and nothing else.
fn applied(moment: &str) -> String {
    format!(
        "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY NOT NULL,
            run_on {moment} NOT NULL DEFAULT CURRENT_TIMESTAMP);
         INSERT INTO __diesel_schema_migrations (version) VALUES ('20261124000001')"
    )
}
