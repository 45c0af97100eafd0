//! What is personal stands with the order, and in no event and no task.

use diesel::prelude::*;
use diesel::sql_types::Text;
use order_domain::order::{Command, DeliveryChange, Patch};
use order_domain::{Coordinates, Text as Words};
use order_persistence::Stores;
use order_testkit::builders::{Life, admin, an_order, customer, usd};

use crate::postgres::Postgres;
use crate::sqlite::Sqlite;

/// What must not be found.
const PERSONAL: [&str; 8] = ["Elm", "Oak", "41.5", "-72.25", "40.75", "doorbell", "gate", "waited"];

/// An order whose every word has been changed once.
fn a_life() -> Life {
    let order = an_order().id(1).address("7 Elm St").coordinates("41.5", "-72.25").instructions("mind the doorbell");
    let change = DeliveryChange {
        scheduled_for: Patch::Keep,
        address: Some(Words::line("9 Oak St").unwrap()),
        coordinates: Patch::Set(Coordinates::new("40.75".parse().unwrap(), "-72.25".parse().unwrap()).unwrap()),
        instructions: Patch::Set(Words::line("by the gate").unwrap()),
    };
    let reason = Words::line("they waited long").unwrap();
    let life = order.paid().when(&customer("ann"), Command::ChangeDelivery(change));
    life.when(&admin(), Command::GrantGoodwill { amount: usd(100), reason })
}

async fn keep(stores: &Stores) {
    a_life().keep(&*stores.orders, &*stores.tasks, &*stores.ids).await;
}

fn assert_bare(rows: &[String]) {
    assert!(rows.iter().any(|row| row.contains("address_changed")), "{rows:?}");
    assert!(rows.iter().any(|row| row.contains("goodwill_granted") && row.contains("100")), "{rows:?}");
    for text in PERSONAL {
        assert!(!rows.iter().any(|row| row.contains(text)), "{text} in {rows:?}");
    }
}

/// Everything of an event and a task but an event's note.
const ROWS: &str = "SELECT type || ' ' || data || ' ' || status AS row FROM order_events \
                    UNION ALL SELECT kind || ' ' || COALESCE(last_error, '') FROM tasks";

#[tokio::test(flavor = "multi_thread")]
async fn no_row_of_postgres_tells_what_is_personal() {
    let postgres = Postgres::fresh().await;
    keep(&postgres.stores).await;
    let client = postgres.database.connect().await;
    let rows = client.query(&ROWS.replace("data", "data::text"), &[]).await.unwrap();
    assert_bare(&rows.iter().map(|row| row.get(0)).collect::<Vec<_>>());
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    row: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_of_sqlite_tells_what_is_personal() {
    let sqlite = Sqlite::fresh().await;
    keep(&sqlite.stores).await;
    let rows = diesel::sql_query(ROWS).load::<Row>(&mut sqlite.connect()).unwrap();
    assert_bare(&rows.into_iter().map(|row| row.row).collect::<Vec<_>>());
}
