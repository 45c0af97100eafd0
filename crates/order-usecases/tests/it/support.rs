//! A shop in memory: a store with a steered clock, scripted services, the use cases and the handlers over them.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use order_domain::audit::{self, StoredSums};
use order_domain::order::{CancelCode, DeliveryChange, Order, Recorded, Status};
use order_domain::payment::{Entry, EntryKind, EntryState};
use order_domain::ports::{
    Bearer, Cart, CartService, Claim, ClaimedTask, Failure, IdempotencyKey, OrderStore, PaymentService, ProductService,
    Receipt, TaskKind, TaskStore, UserService,
};
use order_domain::time::{Duration, Timestamp};
use order_domain::{Destination, EntryNo, Money, OrderId, PaymentMethod, Rules, Text};
use order_testkit::builders::{Kept, Life, a_cart, a_key, cart_line, rules, stocked, usd, user};
use order_testkit::memory::MemoryStore;
use order_testkit::services::{
    FakeAvailability, FakeCarts, FakeNotifications, FakePayments, FakeProducts, FakeUsers, RecordingLive,
    RecordingSignal,
};
use order_usecases::tasks::{Done, Handlers};
use order_usecases::{
    Answer, Caller, CallerRole, IfMatch, Outcome, PlaceOrder, Ports, Render, Request, UseCaseError, UseCases,
};

/// The lease that workers of these tests ask for.
pub(crate) const LEASE: Duration = Duration::from_secs(30);
/// The longest lease there is, and a little more.
pub(crate) const LONGER_THAN_ANY_LEASE: Duration = Duration::from_mins(6);

/// A shop in memory.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) store: MemoryStore,
    pub(crate) carts: Arc<FakeCarts>,
    pub(crate) products: Arc<FakeProducts>,
    pub(crate) users: Arc<FakeUsers>,
    pub(crate) availability: Arc<FakeAvailability>,
    pub(crate) payments: Arc<FakePayments>,
    pub(crate) notifications: Arc<FakeNotifications>,
    pub(crate) signal: Arc<RecordingSignal>,
    pub(crate) live: Arc<RecordingLive>,
    pub(crate) rules: Arc<Rules>,
}

impl Shop {
    /// Sells product 5 at 2.99 and product 6 at 1.50; knows the couriers `bob` and `cat`.
    pub(crate) fn open() -> Self {
        Self {
            store: MemoryStore::new(),
            carts: Arc::default(),
            products: Arc::new(FakeProducts::of([stocked(5, 299, 100), stocked(6, 150, 100)])),
            users: Arc::new(FakeUsers::with_couriers(&["bob", "cat"])),
            availability: Arc::default(),
            payments: Arc::default(),
            notifications: Arc::default(),
            signal: Arc::default(),
            live: Arc::default(),
            rules: Arc::new(rules()),
        }
    }

    /// A shop in which an order has lived this life.
    pub(crate) async fn with(life: &Life) -> (Self, Kept) {
        let shop = Self::open();
        let kept = life.keep(&shop.store, &shop.store, &shop.store).await;
        shop.store.advance_to(life.now);
        (shop, kept)
    }

    pub(crate) fn use_cases(&self) -> UseCases {
        self.use_cases_asking(self.carts.clone(), self.products.clone(), self.users.clone())
    }

    pub(crate) fn use_cases_asking(
        &self,
        carts: Arc<dyn CartService>,
        products: Arc<dyn ProductService>,
        users: Arc<dyn UserService>,
    ) -> UseCases {
        let store = Arc::new(self.store.clone());
        let (orders, reader, desk, ids) = (store.clone(), store.clone(), store.clone(), store);
        let (signal, live) = (self.signal.clone(), self.live.clone());
        UseCases::new(Ports { orders, reader, desk, ids, signal, live, carts, products, users }, self.rules.clone())
    }

    /// Use cases over another store, which reads and writes the rows of this one.
    pub(crate) fn use_cases_over(&self, orders: Arc<dyn OrderStore>) -> UseCases {
        let store = Arc::new(self.store.clone());
        let (signal, live, carts) = (self.signal.clone(), self.live.clone(), self.carts.clone());
        let (products, users) = (self.products.clone(), self.users.clone());
        let (reader, desk) = (store.clone(), store.clone());
        let ports = Ports { orders, reader, desk, ids: store, signal, live, carts, products, users };
        UseCases::new(ports, self.rules.clone())
    }

    /// Handlers whose waits are always as long as they may be.
    pub(crate) fn handlers(&self) -> Handlers {
        self.handlers_asking(self.payments.clone(), self.carts.clone())
    }

    pub(crate) fn handlers_asking(&self, payments: Arc<dyn PaymentService>, carts: Arc<dyn CartService>) -> Handlers {
        Handlers {
            orders: Arc::new(self.store.clone()),
            ids: Arc::new(self.store.clone()),
            signal: self.signal.clone(),
            live: self.live.clone(),
            availability: self.availability.clone(),
            payments,
            products: self.products.clone(),
            carts,
            notifications: self.notifications.clone(),
            rules: self.rules.clone(),
            chance: Arc::new(|| 1.0),
        }
    }

    /// The caller orders what is in their cart.
    pub(crate) async fn place(
        &self,
        caller: &Caller,
        key: Option<IdempotencyKey>,
        method: PaymentMethod,
    ) -> Result<Answer, UseCaseError> {
        self.use_cases().place(caller, wish(method), request(key)).await
    }

    /// A new order of two units of product 5: 10.98. Its cart has never been ordered before.
    pub(crate) async fn ordered(&self, name: &str, method: PaymentMethod) -> OrderId {
        self.ordered_for(name, method, None).await
    }

    /// The same, wanted at a time.
    pub(crate) async fn ordered_for(
        &self,
        name: &str,
        method: PaymentMethod,
        scheduled_for: Option<Timestamp>,
    ) -> OrderId {
        let line = 101 + i64::try_from(self.store.counts().orders).unwrap();
        self.carts.put(Cart { lines: vec![cart_line(line, 5, 2)], ..a_cart(name, &[]) });
        let wish = PlaceOrder { scheduled_for, ..wish(method) };
        let answer = self.use_cases().place(&customer(name), wish, request(None)).await.unwrap();
        order_of(&answer)
    }

    /// Order 1 is given another status, without a key: what the answer showed.
    pub(crate) async fn set_status(
        &self,
        caller: &Caller,
        to: Status,
        reason: Option<Text<500>>,
    ) -> Result<Outcome, UseCaseError> {
        let (request, shown) = shown();
        self.use_cases().set_status(caller, an_id(1), to, reason, request).await?;
        Ok(shown())
    }

    /// Order 1 is given to a courier, or taken from one, without a key: what the answer showed.
    pub(crate) async fn assign(&self, caller: &Caller, to: Option<&str>) -> Result<Outcome, UseCaseError> {
        let (request, shown) = shown();
        self.use_cases().assign(caller, an_id(1), to.map(user), request).await?;
        Ok(shown())
    }

    /// Order 1 is cancelled, without a key: what the answer showed.
    pub(crate) async fn cancel(&self, caller: &Caller, code: Option<CancelCode>) -> Result<Outcome, UseCaseError> {
        let (request, shown) = shown();
        self.use_cases().cancel(caller, an_id(1), code, None, request).await?;
        Ok(shown())
    }

    /// Where order 1 goes, or what its courier should know, is changed, without a key: what the answer showed.
    pub(crate) async fn change_delivery(
        &self,
        caller: &Caller,
        change: DeliveryChange,
    ) -> Result<Outcome, UseCaseError> {
        let (request, shown) = shown();
        self.use_cases().change_delivery(caller, an_id(1), change, request).await?;
        Ok(shown())
    }

    /// So many cents of order 1 are given back, without a key: what the answer showed.
    pub(crate) async fn goodwill(&self, caller: &Caller, minor: i64) -> Result<Outcome, UseCaseError> {
        let (request, shown) = shown();
        let reason = Text::line("they waited long").unwrap();
        self.use_cases().grant_goodwill(caller, an_id(1), usd(minor), reason, request).await?;
        Ok(shown())
    }

    /// Order 1 is to consist of these products and units, without a key: what the answer showed.
    pub(crate) async fn replace_lines(&self, caller: &Caller, lines: &[(i64, u32)]) -> Result<Outcome, UseCaseError> {
        let (request, shown) = shown();
        let lines = crate::editing::lines(lines);
        self.use_cases().replace_lines(caller, an_id(1), lines, request).await?;
        Ok(shown())
    }

    /// Somebody says what has become of entry `n` of order 1, without a key: what the answer showed.
    pub(crate) async fn resolve(
        &self,
        caller: &Caller,
        n: EntryNo,
        outcome: order_domain::order::Outcome,
    ) -> Result<Outcome, UseCaseError> {
        let (request, shown) = shown();
        let reason = Text::line("the payment service shows it").unwrap();
        self.use_cases().resolve(caller, an_id(1), n, outcome, reason, request).await?;
        Ok(shown())
    }

    /// Order 1.
    pub(crate) fn order(&self) -> Order {
        self.store.order(an_id(1)).unwrap()
    }

    /// Entry `n` of order 1.
    pub(crate) fn entry(&self, n: EntryNo) -> Entry {
        self.order().ledger().entry(n).unwrap().clone()
    }

    /// The names of what has happened to order 1.
    pub(crate) fn timeline(&self) -> Vec<&'static str> {
        self.store.events(an_id(1)).iter().map(|recorded| recorded.event.name()).collect()
    }

    /// Claims whatever is due of a kind; nothing is no failure.
    pub(crate) async fn claims(&self, kind: TaskKind) -> Vec<ClaimedTask> {
        let claim = Claim { slots: vec![(kind, 100)], chores: Vec::new(), only: None, lease: LEASE };
        self.store.claim(&claim).await.unwrap().claimed
    }

    /// Claims the one task of a kind that is due.
    pub(crate) async fn claim(&self, kind: TaskKind) -> ClaimedTask {
        let mut claimed = self.claims(kind).await;
        assert_eq!(claimed.len(), 1, "one {} task is due", kind.name());
        claimed.remove(0)
    }

    pub(crate) async fn run(&self, task: &ClaimedTask) -> Done {
        self.handlers().run(task).await
    }

    /// Does with the end of a run what a worker does with it.
    pub(crate) async fn conclude(&self, task: &ClaimedTask, done: Done) {
        match done {
            Done::Committed | Done::Lost => {}
            Done::Finish => drop(self.store.finish(task).await),
            Done::Wait { time, why } => {
                drop(self.store.fail(task, &Failure { wait: time, error: why.to_owned(), entry: None }).await);
            }
            Done::Retry { error, entry, within } => {
                let wait = self.handlers().backoff(task.attempts).min(within.unwrap_or(Duration::MAX));
                drop(self.store.fail(task, &Failure { wait, error, entry }).await);
            }
        }
    }

    /// Claims the one task of a kind that is due, runs it and concludes it.
    pub(crate) async fn step(&self, kind: TaskKind) -> Done {
        let task = self.claim(kind).await;
        let done = self.run(&task).await;
        self.conclude(&task, done.clone()).await;
        done
    }

    /// As [`Self::step`], once the next task is due.
    pub(crate) async fn later_step(&self, kind: TaskKind) -> Done {
        let due = self.store.tasks().iter().filter(|task| task.kind == kind).map(|task| task.run_at).min();
        self.store.advance_to(due.expect("a task of this kind"));
        self.step(kind).await
    }

    /// Everything that is to be done is done, by a worker whose calls may fail, until nothing is left or due any more.
    pub(crate) async fn drain(&self) {
        for _ in 0..1_000 {
            let slots = TaskKind::ALL.into_iter().map(|kind| (kind, 100)).collect();
            let Ok(sweep) = self.store.claim(&Claim { slots, chores: Vec::new(), only: None, lease: LEASE }).await
            else {
                continue;
            };
            for task in &sweep.claimed {
                let done = self.run(task).await;
                self.conclude(task, done).await;
            }
            let left: Vec<_> = self.store.tasks().into_iter().filter(|task| !task.dead).collect();
            if left.is_empty() {
                return;
            }
            // One that is due and was not claimed waits for the head of its lane.
            let (now, waits) = (self.store.now(), sweep.claimed.is_empty());
            let due = left.iter().map(|task| task.run_at).filter(|at| !waits || *at > now).min();
            if let Some(due) = due {
                self.store.advance_to(due);
            }
        }
        panic!("still not done: {:?}", self.store.tasks());
    }

    /// Everything is done (or dead) and nothing is owed, and the payment service says the same of the money as the ledgers.
    pub(crate) fn assert_at_rest(&self) {
        let left: Vec<_> = self.store.tasks().into_iter().filter(|task| !task.dead).collect();
        assert_eq!(left, [], "no task is left");
        assert_eq!(self.store.open_guards(), [], "no cart is guarded for ever");
        let mut ours = Vec::new();
        for order in self.store.orders() {
            let (state, ledger) = (order.state(), order.ledger());
            let events = self.store.events(order.id());
            let events: Vec<_> = events.iter().map(|Recorded { seq, status, .. }| (*seq, *status)).collect();
            let sums = StoredSums {
                charged: ledger.charged().unwrap(),
                refunded: ledger.refunded().unwrap(),
                refund_held: ledger.refund_held().unwrap(),
            };
            let checks =
                [audit::timeline(state, &events), audit::sums(state, ledger, sums), audit::owed(state, ledger)];
            assert_eq!(checks.concat(), [], "{order:#?}");
            assert_ne!(order.status(), Status::Pending, "{order:#?}");
            let online = ledger.entries().iter().filter(|entry| entry.method == PaymentMethod::Online);
            for entry in online.filter(|entry| entry.state == EntryState::Settled) {
                let key = entry.key(order.id());
                // An admin who saw that it has settled does not say what it is called.
                let by_word = self.store.events(order.id()).iter().any(|recorded| recorded.event.name() == "resolved");
                assert!(by_word || entry.transaction_id == Some(FakePayments::transaction_id(&key)), "{entry:?}");
                ours.push((key, entry.kind, entry.amount));
            }
        }
        ours.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(ours, self.payments.settled(), "both ledgers say the same");
    }

    /// What the payment service has taken and given back, in cents.
    pub(crate) fn moved(&self) -> (i64, i64) {
        let sum = |wanted: EntryKind| {
            let settled = self.payments.settled();
            settled
                .iter()
                .filter(|(_, kind, _)| *kind == wanted)
                .map(|(_, _, amount): &(_, _, Money)| amount.minor())
                .sum()
        };
        (sum(EntryKind::Charge), sum(EntryKind::Refund))
    }
}

pub(crate) fn an_id(id: i64) -> OrderId {
    OrderId::new(id).unwrap()
}

fn caller(name: &str, role: CallerRole) -> Caller {
    Caller { user: user(name), role, bearer: Bearer::new(name) }
}

pub(crate) fn customer(name: &str) -> Caller {
    caller(name, CallerRole::User)
}

pub(crate) fn courier(name: &str) -> Caller {
    caller(name, CallerRole::Courier)
}

pub(crate) fn admin() -> Caller {
    caller("root", CallerRole::Admin)
}

pub(crate) fn wish(method: PaymentMethod) -> PlaceOrder {
    PlaceOrder {
        destination: Destination::new("1 Main St", None).unwrap(),
        instructions: None,
        method,
        scheduled_for: None,
    }
}

/// An answer that names the order and is no UTF-8.
pub(crate) fn render() -> Render {
    Arc::new(|Outcome { order, .. }| {
        let body = [&[0xff_u8, 0][..], order.id().to_string().as_bytes()].concat();
        Ok(Receipt { status: 201, headers: vec![("ETag".into(), format!("\"{}\"", order.version()))], body })
    })
}

pub(crate) fn request(key: Option<IdempotencyKey>) -> Request {
    let fingerprint = key.map_or(a_key(0).fingerprint, |key| key.fingerprint);
    Request { key, fingerprint, if_match: IfMatch::Any, render: render() }
}

/// A request without a key, and what its answer showed in the end.
fn shown() -> (Request, impl FnOnce() -> Outcome) {
    let shown = Arc::new(Mutex::new(None));
    let (seen, render) = (shown.clone(), render());
    let render: Render = Arc::new(move |outcome| {
        *seen.lock().unwrap() = Some(outcome.clone());
        render(outcome)
    });
    (Request { render, ..request(None) }, move || shown.lock().unwrap().take().expect("an answer was rendered"))
}

/// The order that [`render`] named.
pub(crate) fn order_of(answer: &Answer) -> OrderId {
    an_id(std::str::from_utf8(&answer.receipt.body[2..]).unwrap().parse().unwrap())
}

/// Polls a future this often, and drops it if it is not done by then: a process that dies while it waits.
pub(crate) async fn for_steps<F: Future>(steps: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..steps {
        if let Poll::Ready(output) = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}
