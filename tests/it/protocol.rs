//! The payment protocol over real stores: the handlers as the worker runs them, two tries of one task taken apart by hand.

use std::sync::Arc;
use std::time::Duration;

use order_domain::order::{Actor, CancelCode, Command, execute};
use order_domain::payment::EntryState;
use order_domain::ports::{Claim, ClaimedTask, Failure, TaskKind, WriteSet};
use order_domain::time::Duration as Time;
use order_domain::{OrderId, Rules};
use order_persistence::{DatabaseUrl, Options, Stores};
use order_testkit::builders::{an_order, rules, user};
use order_testkit::services::{
    FakeAvailability, FakeCarts, FakeNotifications, FakePayments, FakeProducts, PaymentAnswer, RecordingLive,
    RecordingSignal,
};
use order_usecases::tasks::{Done, Handlers};

use crate::support::{Engine, on_both_engines};

struct Bench {
    stores: Stores,
    payments: Arc<FakePayments>,
    handlers: Handlers,
    rules: Rules,
}

impl Bench {
    async fn with_a_placed_order(engine: &Engine) -> Self {
        let url = DatabaseUrl::parse(engine.url()).unwrap();
        order_persistence::migrate(&url, true).await.unwrap();
        let options = Options { connections: 4, pool: "test", runtime: tokio::runtime::Handle::current() };
        let stores = order_persistence::open(&url, &options).unwrap();
        let now = stores.orders.now().await.unwrap();
        let placed = an_order().id(1).customer("ann").at(now).placed().last_change();
        let ids = stores.ids.task_ids(placed.tasks.len()).await.unwrap();
        stores.orders.commit(vec![WriteSet::new(placed, ids)]).await.unwrap();
        let payments = Arc::new(FakePayments::new());
        let handlers = Handlers {
            orders: stores.orders.clone(),
            ids: stores.ids.clone(),
            signal: Arc::new(RecordingSignal::new()),
            live: Arc::new(RecordingLive::new()),
            availability: Arc::new(FakeAvailability::default()),
            payments: payments.clone(),
            products: Arc::new(FakeProducts::of([])),
            carts: Arc::new(FakeCarts::new()),
            notifications: Arc::new(FakeNotifications::default()),
            rules: Arc::new(rules()),
            chance: Arc::new(|| 0.0),
        };
        Self { stores, payments, handlers, rules: rules() }
    }

    async fn claim(&self, kind: TaskKind) -> Option<ClaimedTask> {
        let claim = Claim { slots: vec![(kind, 1)], chores: Vec::new(), only: None, lease: Time::from_secs(30) };
        self.stores.tasks.claim(&claim).await.unwrap().claimed.pop()
    }

    /// One try, as the worker makes it.
    async fn step(&self, kind: TaskKind) -> bool {
        let Some(task) = self.claim(kind).await else { return false };
        match self.handlers.run(&task).await {
            Done::Committed | Done::Lost => {}
            Done::Finish => drop(self.stores.tasks.finish(&task).await.unwrap()),
            Done::Wait { time, why } => {
                let failure = Failure { wait: time, error: why.to_owned(), entry: None };
                assert!(self.stores.tasks.fail(&task, &failure).await.unwrap());
            }
            Done::Retry { error, entry, .. } => {
                let failure = Failure { wait: Duration::ZERO, error, entry };
                assert!(self.stores.tasks.fail(&task, &failure).await.unwrap());
            }
        }
        true
    }

    async fn state(&self) -> (EntryState, u32) {
        let order = self.stores.orders.load(OrderId::new(1).unwrap()).await.unwrap().unwrap().order;
        let entry = order.ledger().get(1).unwrap();
        (entry.state, entry.attempts)
    }

    async fn cancel(&self) {
        let loaded = self.stores.orders.load(OrderId::new(1).unwrap()).await.unwrap().unwrap();
        let command = Command::Cancel { code: CancelCode::CustomerRequest, reason: None };
        let actor = Actor::Customer(user("ann"));
        let change = execute(&loaded.order, command, &actor, &self.rules, loaded.now).unwrap();
        let ids = self.stores.ids.task_ids(change.tasks.len()).await.unwrap();
        self.stores.orders.commit(vec![WriteSet::new(change, ids)]).await.unwrap();
    }
}

on_both_engines! {
    /// Whoever marked the entry may take that back when the one call was refused before it connected; whoever only finds
    /// it sent may not: the call before may have been heard.
    async fn only_who_marked_an_entry_sent_puts_it_back(engine: Engine) {
        let bench = Bench::with_a_placed_order(&engine).await;
        bench.payments.plan(&[
            PaymentAnswer::NotSent,
            PaymentAnswer::ActAndLoseAnswer,
            PaymentAnswer::NotSent,
        ]);
        bench.step(TaskKind::Charge).await;
        assert_eq!(bench.state().await, (EntryState::Booked, 1), "its own mark, taken back");
        bench.step(TaskKind::Charge).await;
        assert_eq!(bench.state().await, (EntryState::Sent, 2));
        bench.step(TaskKind::Charge).await;
        assert_eq!(bench.state().await, (EntryState::Sent, 3), "found sent, left sent");
        bench.step(TaskKind::Charge).await;
        assert_eq!(bench.state().await.0, EntryState::Settled, "asked again under the same key");
        assert_eq!(bench.payments.settled().len(), 1);
    }

    /// The money has moved, the answer was lost, the next call does not connect, the customer cancels: it comes back.
    async fn what_a_lost_answer_took_comes_back_after_a_cancellation(engine: Engine) {
        let bench = Bench::with_a_placed_order(&engine).await;
        bench.payments.plan(&[PaymentAnswer::ActAndLoseAnswer, PaymentAnswer::NotSent]);
        bench.step(TaskKind::Charge).await;
        bench.step(TaskKind::Charge).await;
        bench.cancel().await;
        while bench.step(TaskKind::Charge).await || bench.step(TaskKind::Refund).await {}
        let order = bench.stores.orders.load(OrderId::new(1).unwrap()).await.unwrap().unwrap().order;
        let (charged, refunded) = (order.ledger().charged().unwrap(), order.ledger().refunded().unwrap());
        assert!(!charged.is_zero());
        assert_eq!(charged, refunded);
        assert_eq!(bench.payments.settled().len(), 2);
    }

    /// Two workers with the same task: the one whose claim was replaced changes nothing and calls nobody.
    async fn a_task_that_was_claimed_anew_is_lost_to_who_had_it(engine: Engine) {
        let bench = Bench::with_a_placed_order(&engine).await;
        let stalled = bench.claim(TaskKind::Charge).await.unwrap();
        bench.stores.tasks.hand_back(&stalled).await.unwrap();
        let task = bench.claim(TaskKind::Charge).await.unwrap();
        assert_eq!(bench.handlers.run(&stalled).await, Done::Lost);
        assert!(bench.payments.calls().is_empty());
        assert_eq!(bench.handlers.run(&task).await, Done::Committed);
        assert_eq!(bench.handlers.run(&task).await, Done::Lost, "run twice, and its effect happened once");
        assert_eq!(bench.payments.settled().len(), 1);
    }
}
