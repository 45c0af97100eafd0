//! How often PostgreSQL is asked, counted on the wire between the store and the server.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use order_domain::OrderId;
use order_domain::order::{CancelCode, Guard, Status};
use order_domain::ports::{
    Chore, Claim, Failure, HistorySpan, IdempotencyKey, OrderFilter, Page, PageStart, Publisher, Receipt, Rest,
    TaskKind, WriteSet,
};
use order_domain::time::after;
use order_persistence::{DatabaseUrl, Options, Stores};
use order_testkit::builders::{Life, START, a_guard, an_order, claim_one, user, write_set};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::postgres::Postgres;

/// Stands between a store and its server and counts the statements that are executed: the frontend messages *Execute*
/// and *Query* of PostgreSQL's protocol, version 3. Told to, it keeps the server's answers back until so many have been
/// sent: statements that wait for each other's answers never come to that.
struct Wire {
    /// How many statements were executed.
    statements: watch::Sender<usize>,
    counted: AtomicUsize,
    /// How many statements were prepared (*Parse*) since somebody asked.
    prepared: Arc<AtomicUsize>,
    trips: Arc<Mutex<Trips>>,
    url: String,
}

impl Wire {
    async fn before(postgres: &Postgres) -> Self {
        let url = postgres.database.url();
        let (head, rest) = url.split_once('@').unwrap();
        let (server, path) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{head}@{}/{path}", listener.local_addr().unwrap());
        let (statements, trips, prepared) = (watch::Sender::new(0), Arc::default(), Arc::<AtomicUsize>::default());
        tokio::spawn({
            let (server, statements, trips) = (server.to_owned(), statements.clone(), Arc::clone(&trips));
            let prepared = Arc::clone(&prepared);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let (trips, prepared) = (Arc::clone(&trips), Arc::clone(&prepared));
                    tokio::spawn(pass(client, server.clone(), statements.clone(), trips, prepared));
                }
            }
        });
        Self { statements, counted: AtomicUsize::new(0), prepared, trips, url }
    }

    /// How many statements were executed since the last count.
    fn counted(&self) -> usize {
        let all = *self.statements.borrow();
        all - self.counted.swap(all, Ordering::SeqCst)
    }

    /// How many statements were prepared since this was asked last: each is a round trip, and a plan.
    fn prepared(&self) -> usize {
        self.prepared.swap(0, Ordering::SeqCst)
    }

    /// What follows has to send so many statements in its first trip, so many in its second, and so on.
    fn expect_trips(&self, statements: &[usize]) {
        self.counted();
        let (answered, next) = (*self.statements.borrow(), statements.iter().copied().collect());
        *self.trips.lock().unwrap() = Trips { answered, next };
    }

    fn stores(&self) -> Stores {
        let options = Options { connections: 1, pool: "test", runtime: tokio::runtime::Handle::current() };
        order_persistence::open(&DatabaseUrl::parse(&self.url).unwrap(), &options).unwrap()
    }
}

async fn pass(
    client: TcpStream,
    server: String,
    statements: watch::Sender<usize>,
    trips: Arc<Mutex<Trips>>,
    prepared: Arc<AtomicUsize>,
) -> Option<()> {
    let server = TcpStream::connect(server).await.ok()?;
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    tokio::spawn(answer(from_server, to_client, statements.subscribe(), trips));
    // The first message has no type, only a length that counts itself.
    let length = from_client.read_u32().await.ok()?;
    forward(&mut from_client, &mut to_server, &length.to_be_bytes(), length).await?;
    loop {
        let kind = from_client.read_u8().await.ok()?;
        let length = from_client.read_u32().await.ok()?;
        if matches!(kind, b'E' | b'Q') {
            statements.send_modify(|statements| *statements += 1);
        }
        if kind == b'P' {
            prepared.fetch_add(1, Ordering::SeqCst);
        }
        let head = [&[kind][..], &length.to_be_bytes()].concat();
        forward(&mut from_client, &mut to_server, &head, length).await?;
    }
}

/// Passes the server's answers on, those of a trip that is expected when all of its statements have been sent.
async fn answer(
    mut from_server: OwnedReadHalf,
    mut to_client: OwnedWriteHalf,
    mut sent: watch::Receiver<usize>,
    trips: Arc<Mutex<Trips>>,
) -> Option<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from_server.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
        let enough = trips.lock().unwrap().after(*sent.borrow());
        sent.wait_for(|sent| *sent >= enough).await.ok()?;
        to_client.write_all(&buffer[..length]).await.ok()?;
    }
}

/// The trips that are expected.
#[derive(Default)]
struct Trips {
    /// How many statements have been answered, or are being.
    answered: usize,
    /// How many each of the next trips sends.
    next: VecDeque<usize>,
}

impl Trips {
    /// How many statements have to be sent before the server may answer, now that so many are. The answers of a trip come
    /// in several pieces.
    fn after(&mut self, sent: usize) -> usize {
        if sent > self.answered {
            // Where no trip is expected any more, nobody is kept waiting.
            self.answered = self.next.pop_front().map_or(sent, |trip| self.answered + trip);
        }
        self.answered
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

/// Now, the key's receipt and the caller's guards go out together; order, lines, events, outbox, entry, task, guard and
/// receipt are one statement, with no BEGIN and no COMMIT around it.
#[tokio::test(flavor = "multi_thread")]
async fn placing_is_one_read_and_one_write() {
    let postgres = Postgres::fresh().await;
    let wire = Wire::before(&postgres).await;
    let stores = wire.stores();
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
        assert!(n == 1 || wire.prepared() == 0, "each was prepared by the first");
        wire.prepared();
    }
}

/// Order, event, outbox, tasks and receipt are one statement, with no BEGIN and no COMMIT around it; a settlement moves an entry and
/// ends its task in it, a cancellation the guard.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_one_write() {
    let postgres = Postgres::fresh().await;
    let wire = Wire::before(&postgres).await;
    let stores = wire.stores();
    for n in 1..=4 {
        let life = an_order().id(i64::from(n)).sent();
        let kept = life.keep(&*stores.orders, &*stores.tasks, &*stores.ids).await;
        let loaded = stores.orders.load(life.order.id()).await.unwrap().unwrap();
        let settled = Life::of(loaded.order, life.rules, loaded.now).charge_settles(1);
        let packed = settled.clone().preparing();
        let cancelled = packed.clone().cancelled_by_admin(CancelCode::OutOfStock, "gone");
        let settles = write_set(&*stores.ids, settled.last_change()).await.finishing(kept.held(1));
        let packs = write_set(&*stores.ids, packed.last_change()).await;
        let cancels = write_set(&*stores.ids, cancelled.last_change()).await;
        for (key, set) in (4 * n..).zip([settles, packs, cancels]) {
            let receipt = Receipt { status: 200, headers: Vec::new(), body: b"{}".to_vec() };
            let key = IdempotencyKey { hash: [key; 32], fingerprint: [key; 32] };
            wire.counted();
            stores.orders.commit(vec![set.with_receipt(Some((key, receipt)))]).await.unwrap();
            assert!(n == 1 || wire.counted() == 1, "one statement");
        }
    }
}

/// A task that fails, that is handed back or that ends is one statement; where its lane goes on, the next of it is asked
/// for. A chore that rests is one as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_leaves_its_worker_by_one_statement() {
    let postgres = Postgres::fresh().await;
    let wire = Wire::before(&postgres).await;
    let stores = wire.stores();
    let slots = vec![(TaskKind::ClearCart, 1)];
    let claim = Claim { slots, chores: Chore::ALL.to_vec(), only: None, lease: Duration::from_secs(30) };
    for n in 1..=3 {
        let life = an_order().id(n).cash().placed();
        let kept = life.keep(&*stores.orders, &*stores.tasks, &*stores.ids).await;
        let clears = kept.task(TaskKind::ClearCart);
        let counts = |expected| assert!(n == 1 || wire.counted() == expected, "{expected} of order {n}");

        let task = claim_one(&*stores.tasks, clears).await;
        wire.counted();
        let failure = Failure { wait: Duration::ZERO, error: "no answer".into(), entry: None };
        assert!(stores.tasks.fail(&task, &failure).await.unwrap());
        counts(1);
        let task = claim_one(&*stores.tasks, clears).await;
        wire.counted();
        stores.tasks.hand_back(&task).await.unwrap();
        counts(1);
        let task = claim_one(&*stores.tasks, clears).await;
        wire.counted();
        stores.tasks.finish(&task).await.unwrap();
        counts(2);

        let chore = stores.tasks.claim(&claim).await.unwrap().chores.remove(0);
        wire.counted();
        assert!(stores.tasks.rest(&chore, &Rest { wait: Duration::ZERO, error: None }).await.unwrap());
        counts(1);
    }
}

/// A message is one statement's worth of reading.
#[tokio::test(flavor = "multi_thread")]
async fn the_cause_of_a_task_is_one_read() {
    let postgres = Postgres::fresh().await;
    let wire = Wire::before(&postgres).await;
    let options = Options { connections: 1, pool: "test", runtime: tokio::runtime::Handle::current() };
    let stores = order_persistence::open(&DatabaseUrl::parse(&wire.url).unwrap(), &options).unwrap();
    let kept = an_order().id(1).cash().placed().keep(&*stores.orders, &*stores.tasks, &*stores.ids).await;
    let task = claim_one(&*stores.tasks, kept.task(TaskKind::Notify)).await;
    for n in 0..5 {
        wire.counted();
        assert_eq!(stores.orders.cause_of(&task).await.unwrap().unwrap().kind, "confirmed");
        assert!(n == 0 || wire.counted() == 1, "one statement");
    }
}

/// Now, order, lines and ledger are one statement, with or without a task's token.
#[tokio::test(flavor = "multi_thread")]
async fn reading_an_order_is_one_statement() {
    let postgres = Postgres::fresh().await;
    let wire = Wire::before(&postgres).await;
    let stores = wire.stores();
    let order = an_order().id(1).placed().last_change();
    let id = order.order.id();
    let ids = stores.ids.task_ids(1).await.unwrap();
    stores.orders.commit(vec![WriteSet::new(order, ids)]).await.unwrap();
    for n in 0..5 {
        wire.counted();
        stores.orders.load(id).await.unwrap();
        assert!(n == 0 || wire.counted() == 1, "one statement");
    }
}

/// The rows of the page; then lines, ledgers and versions of those orders together, however many they are. And nothing is
/// counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_two_round_trips_however_it_is_asked_for() {
    let postgres = Postgres::fresh().await;
    let wire = Wire::before(&postgres).await;
    let stores = wire.stores();
    for id in 1..=30 {
        let placed = an_order().id(id).placed().last_change();
        let ids = stores.ids.task_ids(1).await.unwrap();
        stores.orders.commit(vec![WriteSet::new(placed, ids)]).await.unwrap();
    }
    let several = vec![Status::Pending, Status::Confirmed, Status::Cancelled];
    let of_several = OrderFilter { statuses: several, ..OrderFilter::default() };
    for filter in [OrderFilter::default(), of_several] {
        let first = Page { limit: 20, start: PageStart::Offset(0) };
        let next = stores.reader.list(&filter, first).await.unwrap().next.unwrap();
        for page in [first, Page { start: PageStart::After(next), ..first }] {
            // Once, so that the statements are prepared.
            stores.reader.list(&filter, page).await.unwrap();
            wire.expect_trips(&[1, 3]);
            let list = stores.reader.list(&filter, page);
            wire.prepared();
            let page = tokio::time::timeout(Duration::from_secs(5), list).await.expect("no third trip").unwrap();
            assert_eq!(wire.prepared(), 0, "{filter:?}");
            assert_eq!((page.orders.len(), wire.counted()), (if page.next.is_some() { 20 } else { 10 }, 4));
        }
    }
    wire.expect_trips(&[1]);
    let nobodys = OrderFilter { courier: Some(user("nobody")), ..OrderFilter::default() };
    let none = stores.reader.list(&nobodys, Page { limit: 20, start: PageStart::Offset(0) }).await.unwrap();
    assert_eq!(none.orders, []);
}

/// The entries, and who may be told, in one trip; the versions of many orders in one statement.
#[tokio::test(flavor = "multi_thread")]
async fn watching_orders_is_one_round_trip() {
    let postgres = Postgres::fresh().await;
    let wire = Wire::before(&postgres).await;
    let stores = wire.stores();
    let order = an_order().id(1).placed().last_change();
    let ids = stores.ids.task_ids(1).await.unwrap();
    stores.orders.commit(vec![WriteSet::new(order, ids)]).await.unwrap();
    let watched: Vec<_> = (1..=1_000).map(|id| OrderId::new(id).unwrap()).collect();
    stores.reader.timeline(watched[0], 0).await.unwrap();
    stores.reader.versions(&watched).await.unwrap();
    wire.expect_trips(&[2]);
    let timeline = tokio::time::timeout(Duration::from_secs(5), stores.reader.timeline(watched[0], 0)).await;
    let timeline = timeline.expect("no second trip").unwrap().unwrap();
    assert_eq!((timeline.entries.len(), wire.counted()), (1, 2));
    stores.reader.versions(&watched).await.unwrap();
    assert_eq!(wire.counted(), 1);
}

/// The lease and the next events, their removal, a page of the history, and what waits: a statement each.
#[tokio::test(flavor = "multi_thread")]
async fn publishing_is_a_statement_to_read_and_one_to_remove() {
    let postgres = Postgres::fresh().await;
    let wire = Wire::before(&postgres).await;
    let stores = wire.stores();
    let lease = Duration::from_secs(30);
    let (me, another) = (Publisher(1), Publisher(2));
    let span = HistorySpan { from: START, to: after(START, lease), order: None };
    for n in 1..=3 {
        let life = an_order().id(n).cash().placed();
        life.keep(&*stores.orders, &*stores.tasks, &*stores.ids).await;
        let counts = |expected| assert!(wire.counted() == expected || n == 1, "{expected} of order {n}");
        wire.counted();
        let events = stores.outbox.next(me, lease, 100).await.unwrap().unwrap().events;
        counts(1);
        assert_eq!(stores.outbox.next(another, lease, 100).await.unwrap(), None);
        counts(1);
        let published: Vec<_> = events.iter().map(|event| (event.order, event.seq)).collect();
        assert_eq!(published.len(), 2);
        stores.outbox.published(&published).await.unwrap();
        counts(1);
        assert_eq!(stores.outbox.unpublished().await.unwrap().events, 0);
        counts(1);
        assert!(!stores.history.events(span, None, 100).await.unwrap().is_empty());
        counts(1);
    }
}
