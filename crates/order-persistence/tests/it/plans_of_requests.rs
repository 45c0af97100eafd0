//! What PostgreSQL reads for each request and each step of a task, once there is much: over connections that have asked for
//! the same while there was one order.

use std::pin::Pin;

use order_domain::order::Status;
use order_domain::payment::PaymentStatus;
use order_domain::ports::{ClaimedTask, Failure, OrderFilter, Page, PageStart, TaskKind, Token, WriteSet};
use order_domain::time::{Duration, after};
use order_domain::{OrderId, TaskId};
use order_persistence::Stores;
use order_testkit::builders::{START, a_key, an_order, user};

use crate::plans::Given;

/// Of everything there are so many more rows, of other customers.
const ROWS: i64 = 10_000;
/// What a question may read: its rows by several indexes, and what its connection read before the tables were filled and
/// tells with the rest. Who goes along all rows of a table once reads twice as much.
const MOST: i64 = ROWS / 2;

type Asking<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
type Question = for<'a> fn(&'a Stores) -> Asking<'a>;

fn task() -> ClaimedTask {
    ClaimedTask {
        id: TaskId::new(1_000).unwrap(),
        kind: TaskKind::Charge,
        order: first(),
        entry: Some(1),
        attempts: 1,
        token: Token(77),
    }
}

fn first() -> OrderId {
    OrderId::new(1).unwrap()
}

/// Asks for a page of what `set` asks for.
async fn page(stores: &Stores, set: impl FnOnce(&mut OrderFilter) + Send) {
    let mut filter = OrderFilter::default();
    set(&mut filter);
    for start in
        [PageStart::Offset(0), PageStart::After(order_domain::ports::ListPlace { created_at: START, id: first() })]
    {
        stores.reader.list(&filter, Page { limit: 20, start }).await.unwrap();
    }
}

/// Each by its name.
const QUESTIONS: &[(&str, Question)] = &[
    ("what placing reads", |s| Box::pin(async { drop(s.orders.placing(&user("ann"), Some(a_key(9))).await.unwrap()) })),
    ("a receipt", |s| Box::pin(async { drop(s.orders.receipt(a_key(9)).await.unwrap()) })),
    ("an order", |s| Box::pin(async { drop(s.orders.load(first()).await.unwrap()) })),
    ("the order of a task", |s| Box::pin(async { drop(s.orders.load_for(&task()).await.unwrap()) })),
    ("the event of a task", |s| Box::pin(async { drop(s.orders.cause_of(&task()).await.unwrap()) })),
    ("marking sent", |s| Box::pin(async { drop(s.orders.mark_sent(&task(), 1, 1).await) })),
    ("putting back", |s| Box::pin(async { drop(s.orders.put_back(&task(), 1, 1).await) })),
    ("finishing a task", |s| Box::pin(async { assert_eq!(s.tasks.finish(&task()).await.unwrap(), None) })),
    ("failing a task", |s| {
        let failure = Failure { wait: Duration::from_secs(1), error: "no".into(), entry: None };
        Box::pin(async move { assert!(!s.tasks.fail(&task(), &failure).await.unwrap()) })
    }),
    ("handing a task back", |s| Box::pin(async { s.tasks.hand_back(&task()).await.unwrap() })),
    ("a timeline", |s| Box::pin(async { drop(s.reader.timeline(first(), 0).await.unwrap()) })),
    ("versions", |s| Box::pin(async { drop(s.reader.versions(&[first()]).await.unwrap()) })),
    ("forgetting", |s| Box::pin(async { assert_eq!(s.orders.forget(100).await.unwrap(), 0) })),
    ("placing", |s| Box::pin(place(s))),
    ("a change", |s| Box::pin(change(s))),
    ("all orders", |s| Box::pin(page(s, |_| ()))),
    ("a customer's orders", |s| Box::pin(page(s, |f| f.customer = Some(user("ann"))))),
    ("a courier's orders", |s| Box::pin(page(s, |f| f.courier = Some(user("bob"))))),
    ("orders in a status", |s| Box::pin(page(s, |f| f.statuses = vec![Status::Cancelled]))),
    ("orders in several", |s| Box::pin(page(s, |f| f.statuses = vec![Status::Cancelled, Status::Delivered]))),
    ("orders of a payment status", |s| Box::pin(page(s, |f| f.payment_status = Some(PaymentStatus::Refunded)))),
    ("available orders", |s| Box::pin(page(s, |f| f.available = true))),
    ("orders for a time", |s| Box::pin(page(s, |f| f.scheduled = Some(true)))),
    ("orders of a day", |s| {
        Box::pin(page(s, |f| {
            f.created_from = Some(START);
            f.created_to = Some(after(START, Duration::from_mins(1)));
        }))
    }),
    ("a customer's in a status", |s| {
        Box::pin(page(s, |f| {
            f.customer = Some(user("ann"));
            f.statuses = vec![Status::Cancelled];
        }))
    }),
    ("a courier's in a status", |s| {
        Box::pin(page(s, |f| {
            f.courier = Some(user("bob"));
            f.statuses = vec![Status::Cancelled];
        }))
    }),
    ("a customer's for a time", |s| {
        Box::pin(page(s, |f| {
            f.customer = Some(user("ann"));
            f.scheduled = Some(true);
        }))
    }),
];

/// The number of no order.
async fn another(stores: &Stores) -> OrderId {
    OrderId::new(1_000 + stores.ids.order_id().await.unwrap().get()).unwrap()
}

async fn place(stores: &Stores) {
    let id = another(stores).await;
    let ids = stores.ids.task_ids(1).await.unwrap();
    let placed = an_order().numbered(id).customer(&format!("customer-{id}")).placed().last_change();
    stores.orders.commit(vec![WriteSet::new(placed, ids)]).await.unwrap();
}

/// An order that is not there as this change would have it: nothing is written, everything is looked up.
async fn change(stores: &Stores) {
    let id = another(stores).await;
    let cancelled = an_order().numbered(id).cancelled().last_change();
    let ids = stores.ids.task_ids(cancelled.tasks.len()).await.unwrap();
    stores.orders.commit(vec![WriteSet::new(cancelled, ids)]).await.unwrap_err();
}

async fn all(stores: &Stores) {
    for (_, question) in QUESTIONS {
        question(stores).await;
    }
}

async fn what_is_read_is_what_is_yielded(known: &str) {
    let mut given = Given::asked_early(known, QUESTIONS.len(), all).await;
    let much = format!(
        "SET session_replication_role = replica;
         INSERT INTO orders SELECT another.* FROM orders, generate_series(100001, 100000 + {ROWS}) AS number,
            jsonb_populate_record(orders, jsonb_build_object('id', number, 'customer_id', 'customer-' || number, 'created_at',
            created_at + number * interval '1 second', 'updated_at', created_at + number * interval '1 second')) AS another WHERE orders.id = 1;
         INSERT INTO order_items SELECT another.* FROM order_items, generate_series(100001, 100000 + {ROWS}) AS number,
            jsonb_populate_record(order_items, jsonb_build_object('order_id', number)) AS another WHERE order_items.order_id = 1;
         INSERT INTO order_events SELECT another.* FROM order_events, generate_series(100001, 100000 + {ROWS}) AS number,
            jsonb_populate_record(order_events, jsonb_build_object('order_id', number)) AS another
            WHERE order_events.order_id = 1;
         INSERT INTO payment_entries SELECT another.* FROM payment_entries, generate_series(100001, 100000 + {ROWS}) AS number,
            jsonb_populate_record(payment_entries, jsonb_build_object('order_id', number)) AS another
            WHERE payment_entries.order_id = 1;
         INSERT INTO tasks (id, kind, order_id, entry_n, seq, ordinal, run_at, created_at)
            SELECT 1000000 + number, 'charge', number, 1, 1, 0, now() + interval '1 hour', now()
            FROM generate_series(100001, 100000 + {ROWS}) AS number;
         INSERT INTO idempotency_keys (key_hash, fingerprint, status, headers, body, order_id, created_at)
            SELECT sha256(number::text::bytea), sha256(''), 201, '[]', '', number, now()
            FROM generate_series(100001, 100000 + {ROWS}) AS number;
         INSERT INTO idempotency_keys (key_hash, fingerprint, order_id, created_at, kind, customer_id, open)
            SELECT sha256(('g' || number)::bytea), sha256(''), number, now(), 'guard', 'customer-' || number, true
            FROM generate_series(100001, 100000 + {ROWS}) AS number;"
    );
    given.execute(&much).await;
    let mut wrong = Vec::new();
    for (name, question) in QUESTIONS {
        let reads = given.reads(|stores| async move { question(&stores).await }).await;
        if reads.scans > 0 || reads.all > MOST {
            wrong.push(format!("{name}: {reads:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_is_what_is_yielded_however_little_there_was() {
    what_is_read_is_what_is_yielded("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_is_what_is_yielded_however_few_orders_there_were() {
    what_is_read_is_what_is_yielded("orders, payment_entries, order_events").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_is_what_is_yielded_however_few_keys_there_were() {
    what_is_read_is_what_is_yielded("idempotency_keys, tasks").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_is_what_is_yielded_though_nothing_was_known() {
    what_is_read_is_what_is_yielded("publisher_lease").await;
}
