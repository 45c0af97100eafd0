//! What is in the database before it begins.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use order_domain::ports::WriteSet;
use order_persistence::{DatabaseUrl, Options, Stores};
use order_testkit::builders::{Life, OrderBuilder, an_order};
use order_testkit::pg::TestDatabase;

/// That many orders of three lines, all of `ann`; their numbers.
pub(crate) async fn orders(database: &TestDatabase, count: usize) -> Vec<i64> {
    fill(database, count, OrderBuilder::placed).await
}

/// That many confirmed orders, each with a courier; their numbers.
pub(crate) async fn to_be_delivered(database: &TestDatabase, count: usize) -> Vec<i64> {
    fill(database, count, |order| order.cash().placed().assigned_to("carl")).await
}

/// Commits lives without their tasks: nothing is left to be done that would take part in what is measured.
async fn fill(database: &TestDatabase, count: usize, life: fn(OrderBuilder) -> Life) -> Vec<i64> {
    let url = DatabaseUrl::parse(database.url()).expect("a URL of PostgreSQL");
    order_persistence::migrate(&url, true).await.expect("migrations");
    let options = Options { connections: 8, pool: "bench", runtime: tokio::runtime::Handle::current() };
    let stores = Arc::new(order_persistence::open(&url, &options).expect("a pool"));
    let numbers: Vec<i64> =
        stream::iter(0..count).map(|_| keep(Arc::clone(&stores), life)).buffer_unordered(8).collect().await;
    database.connect().await.batch_execute("VACUUM ANALYZE").await.expect("a clean database");
    numbers
}

async fn keep(stores: Arc<Stores>, life: fn(OrderBuilder) -> Life) -> i64 {
    let id = stores.ids.order_id().await.expect("a number");
    let life = life(an_order().numbered(id).lines(&[(1, 299, 2), (2, 299, 2), (3, 299, 2)]));
    for change in life.changes() {
        let mut change = change.clone();
        change.tasks.clear();
        stores.orders.commit(vec![WriteSet::new(change, Vec::new())]).await.expect("a commit");
    }
    id.get()
}
