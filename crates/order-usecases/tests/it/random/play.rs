//! How it happens, what has to hold meanwhile, and what has to hold in the end.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::future::join_all;
use order_domain::order::{DeliveryChange, Patch, Status};
use order_domain::payment::{EntryKind, EntryState};
use order_domain::ports::{ClaimedTask, Payment, PaymentError, PaymentReceipt, PaymentService, TaskKind};
use order_domain::{OrderId, PaymentMethod, Text};
use order_testkit::builders::{usd, user, words};
use order_testkit::services::{FakePayments, PaymentAnswer};
use order_usecases::UseCaseError;

use super::deeds::{Act, Ask, Deed, Fate, Run};
use crate::support::{LONGER_THAN_ANY_LEASE, Shop, admin, courier, customer, for_steps, request};

/// A shop, its orders, and every task that was ever in somebody's hands.
pub(super) struct Play {
    shop: Shop,
    orders: Vec<OrderId>,
    claimed: Vec<ClaimedTask>,
    lingering: Arc<Mutex<Vec<(EntryKind, Payment)>>>,
}

impl Play {
    pub(super) async fn of(methods: &[PaymentMethod]) -> Self {
        let shop = Shop::open();
        let mut orders = Vec::new();
        for method in methods {
            orders.push(shop.ordered("ann", *method).await);
        }
        Self { shop, orders, claimed: Vec::new(), lingering: Arc::default() }
    }

    pub(super) async fn happens(&mut self, deed: Deed) {
        match deed {
            Deed::Claims => {
                for kind in TaskKind::ALL {
                    self.claimed.extend(self.shop.claims(kind).await);
                }
            }
            Deed::Together(acts) => self.together(acts).await,
            Deed::Waits(time) => self.shop.store.advance(time),
            Deed::Fails(op, fault) => self.shop.store.fail_next(op, fault),
            Deed::Arrives(answer) => self.arrives(answer).await,
        }
        self.assert_nothing_was_forgotten();
    }

    /// One token is one worker, so it runs its task once at a time.
    async fn together(&self, acts: Vec<(usize, Act)>) {
        let mut running = BTreeSet::new();
        let acts = acts.into_iter().map(|(steps, act)| {
            let alone = match &act {
                Act::Runs(Run { which, .. }) if !self.claimed.is_empty() => running.insert(which % self.claimed.len()),
                Act::Runs(_) => false,
                Act::Asks { .. } => true,
            };
            async move {
                for _ in 0..steps {
                    tokio::task::yield_now().await;
                }
                match act {
                    Act::Runs(Run { which, fate }) if alone => self.runs(which, fate).await,
                    Act::Runs(_) => {}
                    Act::Asks { order, ask } => self.asks(order, ask).await,
                }
            }
        });
        join_all(acts.collect::<Vec<_>>()).await;
    }

    async fn runs(&self, which: usize, fate: Fate) {
        let task = &self.claimed[which % self.claimed.len()];
        let line = Line { shop: self.shop.clone(), fate, lingering: self.lingering.clone() };
        let handlers = self.shop.handlers_asking(Arc::new(line), self.shop.carts.clone());
        let done = match fate.dies_after {
            Some(steps) => for_steps(steps, handlers.run(task)).await,
            None => Some(handlers.run(task).await),
        };
        if let Some(done) = done.filter(|_| !fate.unconcluded) {
            self.shop.conclude(task, done).await;
        }
    }

    async fn asks(&self, order: usize, ask: Ask) {
        let (use_cases, request) = (self.shop.use_cases(), request(None));
        let id = self.orders[order % self.orders.len()];
        let answer = match ask {
            Ask::CustomerCancels => use_cases.cancel(&customer("ann"), id, None, None, request).await,
            Ask::AdminCancels => use_cases.cancel(&admin(), id, None, words("because"), request).await,
            Ask::Advances(to) => use_cases.set_status(&admin(), id, to, None, request).await,
            Ask::Assigned(to) => use_cases.assign(&admin(), id, to.map(user), request).await,
            Ask::Taken(name) => use_cases.assign(&courier(name), id, Some(user(name)), request).await,
            Ask::GivenBack(name) => use_cases.assign(&courier(name), id, None, request).await,
            Ask::Redirected(address) => {
                let change =
                    DeliveryChange { address: Some(Text::line(address).unwrap()), ..DeliveryChange::default() };
                use_cases.change_delivery(&customer("ann"), id, change, request).await
            }
            Ask::Reworded(given) => {
                let instructions = if given { Patch::Set(Text::line("ring twice").unwrap()) } else { Patch::Clear };
                let change = DeliveryChange { instructions, ..DeliveryChange::default() };
                use_cases.change_delivery(&admin(), id, change, request).await
            }
            Ask::Goodwill(minor) => {
                let reason = Text::line("they waited long").unwrap();
                use_cases.grant_goodwill(&admin(), id, usd(minor), reason, request).await
            }
        };
        assert!(!matches!(answer, Err(UseCaseError::Inconsistent(_))), "{answer:?}");
    }

    async fn arrives(&self, answer: PaymentAnswer) {
        let late = lock(&self.lingering).pop();
        if let Some((kind, payment)) = late {
            drop(call(&self.shop.payments, kind, &payment, answer).await);
        }
    }

    /// Money that has moved is never thought not to have been asked for; money that we say has moved has.
    fn assert_nothing_was_forgotten(&self) {
        let settled = self.shop.payments.settled();
        for order in self.shop.store.orders() {
            let online = order.ledger().entries().iter().filter(|entry| entry.method == PaymentMethod::Online);
            for entry in online {
                let key = entry.key(order.id());
                let moved = settled.iter().any(|(settled, ..)| *settled == key);
                match entry.state {
                    EntryState::Settled => assert!(moved, "entry {} was never paid: {order:#?}", entry.n),
                    EntryState::Booked | EntryState::Declined | EntryState::Withdrawn => {
                        assert!(!moved, "entry {} was paid and forgotten: {order:#?}", entry.n);
                    }
                    EntryState::Sent | EntryState::Review => {}
                }
            }
            let asked = |key: &str| self.shop.payments.tries(key) > 0;
            let withdrawn = order.ledger().entries().iter().filter(|entry| entry.state == EntryState::Withdrawn);
            for entry in withdrawn.filter(|entry| entry.attempts == 0) {
                assert!(!asked(&entry.key(order.id())), "entry {} was asked for before it was sent", entry.n);
            }
        }
    }

    /// Everything calms down.
    pub(super) async fn ends(self) {
        self.shop.store.advance(LONGER_THAN_ANY_LEASE);
        self.shop.drain().await;
        self.assert_nothing_was_forgotten();
        while !lock(&self.lingering).is_empty() {
            self.arrives(PaymentAnswer::Settle).await;
        }
        self.assert_nothing_was_forgotten();
        self.shop.assert_at_rest();
        for order in self.shop.store.orders() {
            let (id, reviewed) = (order.id(), order.ledger().entries().iter().any(|e| e.state == EntryState::Review));
            let cancelled = order.status() == Status::Cancelled;
            let kept = order.ledger().charged().unwrap().minus(order.ledger().refunded().unwrap()).unwrap();
            assert!(!cancelled || kept.is_zero() || reviewed, "order {id} is cancelled and keeps {kept}");
            let count = self.shop.store.events(id).iter().filter(|event| event.event.name() == "cancelled").count();
            assert_eq!(count, usize::from(cancelled), "order {id} is cancelled once");
            self.shop.assert_customer_was_told(id);
        }
    }
}

/// The line of one worker to the payment service.
struct Line {
    shop: Shop,
    fate: Fate,
    lingering: Arc<Mutex<Vec<(EntryKind, Payment)>>>,
}

impl Line {
    async fn carries(&self, kind: EntryKind, payment: &Payment) -> Result<PaymentReceipt, PaymentError> {
        let own = call(&self.shop.payments, kind, payment, self.fate.answer);
        if self.fate.dies_after.is_some() && self.fate.call_lingers {
            lock(&self.lingering).push((kind, payment.clone()));
            // It dies before this is over, or takes it for lost.
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            return Err(PaymentError::Unknown("still on its way".into()));
        }
        own.await
    }
}

#[async_trait]
impl PaymentService for Line {
    async fn charge(&self, payment: &Payment) -> Result<PaymentReceipt, PaymentError> {
        self.carries(EntryKind::Charge, payment).await
    }

    async fn refund(&self, payment: &Payment) -> Result<PaymentReceipt, PaymentError> {
        self.carries(EntryKind::Refund, payment).await
    }

    async fn outcome(&self, payment: &Payment) -> Result<Option<PaymentReceipt>, PaymentError> {
        self.shop.payments.outcome(payment).await
    }
}

/// The plan is met at once, so that answers meant for one call never meet another.
async fn call(
    payments: &FakePayments,
    kind: EntryKind,
    payment: &Payment,
    answer: PaymentAnswer,
) -> Result<PaymentReceipt, PaymentError> {
    payments.plan(&[answer]);
    match kind {
        EntryKind::Charge => payments.charge(payment).await,
        EntryKind::Refund => payments.refund(payment).await,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
