//! How often PostgreSQL is asked, counted on the wire between the store and the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use order_domain::order::Guard;
use order_domain::ports::{IdempotencyKey, Receipt, WriteSet};
use order_persistence::{DatabaseUrl, Options};
use order_testkit::builders::{a_guard, an_order, user};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::postgres::Postgres;

/// Stands between a store and its server and counts the statements that are executed: the frontend messages *Execute*
/// and *Query* of PostgreSQL's protocol, version 3.
struct Wire {
    statements: Arc<AtomicUsize>,
    url: String,
}

impl Wire {
    async fn before(postgres: &Postgres) -> Self {
        let url = postgres.database.url();
        let (head, rest) = url.split_once('@').unwrap();
        let (server, path) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{head}@{}/{path}", listener.local_addr().unwrap());
        let (server, statements) = (server.to_owned(), Arc::new(AtomicUsize::new(0)));
        tokio::spawn({
            let statements = Arc::clone(&statements);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(pass(client, server.clone(), Arc::clone(&statements)));
                }
            }
        });
        Self { statements, url }
    }

    fn counted(&self) -> usize {
        self.statements.swap(0, Ordering::SeqCst)
    }
}

async fn pass(client: TcpStream, server: String, statements: Arc<AtomicUsize>) -> Option<()> {
    let server = TcpStream::connect(server).await.ok()?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    // The first message has no type, only a length that counts itself.
    let length = from_client.read_u32().await.ok()?;
    forward(&mut from_client, &mut to_server, &length.to_be_bytes(), length).await?;
    loop {
        let kind = from_client.read_u8().await.ok()?;
        let length = from_client.read_u32().await.ok()?;
        if matches!(kind, b'E' | b'Q') {
            statements.fetch_add(1, Ordering::SeqCst);
        }
        let head = [&[kind][..], &length.to_be_bytes()].concat();
        forward(&mut from_client, &mut to_server, &head, length).await?;
    }
}

async fn forward(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    head: &[u8],
    length: u32,
) -> Option<()> {
    let mut body = vec![0; length as usize - 4];
    from.read_exact(&mut body).await.ok()?;
    to.write_all(&[head, &body].concat()).await.ok()
}

/// Now, the key's receipt and the caller's guards go out together; order, lines, events, entry, task, guard and receipt
/// are one statement, with no BEGIN and no COMMIT around it.
#[tokio::test(flavor = "multi_thread")]
async fn placing_is_one_read_and_one_write() {
    let postgres = Postgres::fresh().await;
    let wire = Wire::before(&postgres).await;
    let options = Options { connections: 1, runtime: tokio::runtime::Handle::current() };
    let stores = order_persistence::open(&DatabaseUrl::parse(&wire.url).unwrap(), &options).unwrap();
    let ids = stores.ids.task_ids(10).await.unwrap();
    for (n, id) in (1..).zip(ids) {
        let key = IdempotencyKey { hash: [n; 32], fingerprint: [n; 32] };
        let receipt = Receipt { status: 201, headers: Vec::new(), body: b"{}".to_vec() };
        wire.counted();
        let seen = stores.orders.placing(&user("ann"), Some(key)).await.unwrap().guards;
        assert_eq!(seen.len(), usize::from(n) - 1);
        assert!(n == 1 || wire.counted() == 3, "the read is three statements in one trip");
        wire.counted();
        let change = an_order().id(i64::from(n)).placed().last_change();
        let guard = Guard { seen: seen.iter().map(|guard| guard.order).collect(), ..a_guard(n) };
        let set = WriteSet::new(change, vec![id]).guarded(guard).with_receipt(Some((key, receipt)));
        stores.orders.commit(vec![set]).await.unwrap();
        assert!(n == 1 || wire.counted() == 1, "the write is one statement");
    }
}

/// Order, lines, ledger, token and version, sent together.
#[tokio::test(flavor = "multi_thread")]
async fn reading_an_order_asks_for_nothing_twice() {
    let postgres = Postgres::fresh().await;
    let wire = Wire::before(&postgres).await;
    let options = Options { connections: 1, runtime: tokio::runtime::Handle::current() };
    let stores = order_persistence::open(&DatabaseUrl::parse(&wire.url).unwrap(), &options).unwrap();
    let order = an_order().id(1).placed().last_change();
    let id = order.order.id();
    let ids = stores.ids.task_ids(1).await.unwrap();
    stores.orders.commit(vec![WriteSet::new(order, ids)]).await.unwrap();
    for n in 0..5 {
        wire.counted();
        stores.orders.load(id).await.unwrap();
        assert!(n == 0 || wire.counted() == 6, "six statements in one trip");
    }
}
