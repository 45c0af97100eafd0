//! How it happens, what has to hold meanwhile, and what has to hold in the end.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::future::join_all;
use order_domain::order::{DeliveryChange, Outcome, Patch, Status};
use order_domain::payment::{Entry, EntryKind, EntryState};
use order_domain::ports::{ClaimedTask, Payment, PaymentError, PaymentReceipt, PaymentService, TaskKind};
use order_domain::pricing::{FeeBand, FeePolicy, FeePrices, ServiceArea};
use order_domain::time::{Duration, Timestamp, after, before};
use order_domain::{Coordinates, EntryNo, OrderId, PaymentMethod, Rules, Text};
use order_testkit::builders::{stocked, usd, user, words};
use order_testkit::services::{FakePayments, PaymentAnswer};
use order_usecases::UseCaseError;

use super::deeds::{Act, Ask, Deed, Fate, Placed, Run};
use super::model::Model;
use crate::editing::lines;
use crate::support::{LONGER_THAN_ANY_LEASE, Shop, admin, courier, customer, for_steps, request};

/// A shop, its orders, and every task that was ever in somebody's hands.
pub(super) struct Play {
    shop: Shop,
    orders: Vec<OrderId>,
    claimed: Vec<ClaimedTask>,
    lingering: Lingering,
}

/// Calls that are still on their way, each with when it was made: none takes as long as the quiet time before a review.
type Lingering = Arc<Mutex<Vec<(Timestamp, EntryKind, Payment)>>>;

impl Play {
    /// A shop whose fee depends on the distance, and whose payment service forgets a key after a day; or so soon that a
    /// charge is in review while its order waits for it.
    pub(super) async fn of(placed: &[Placed], forgets_soon: bool) -> Self {
        let mut shop = Shop::open();
        let band = |below_km, minor| FeeBand { below_km, amount: usd(minor) };
        let prices = FeePrices { base: usd(500), bands: vec![band(5.0, 0), band(20.0, 700), band(40.0, 1_200)] };
        let area = ServiceArea { fulfilment_points: vec![north(0)], radius_km: 50.0 };
        let mut rules = Rules { fee: FeePolicy { prices, area: Some(area) }, ..(*shop.rules).clone() };
        if forgets_soon {
            rules.payment_key_ttl = Duration::from_mins(12);
        }
        shop.rules = Arc::new(rules);
        let mut orders = Vec::new();
        for Placed { method, wanted_in } in placed {
            let scheduled_for = wanted_in.map(|minutes| after(shop.store.now(), Duration::from_mins(minutes)));
            orders.push(shop.ordered_for("ann", *method, scheduled_for).await);
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
            Deed::Sold { product, price, stock } => self.shop.products.put(stocked(product, price, stock)),
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
            Ask::Edited(five, six) => {
                let wanted: Vec<_> = [(5, five), (6, six)].into_iter().filter(|(_, units)| *units > 0).collect();
                use_cases.replace_lines(&customer("ann"), id, lines(&wanted), request).await
            }
            Ask::Moved(tenths) => {
                let change = DeliveryChange { coordinates: Patch::Set(north(tenths)), ..DeliveryChange::default() };
                use_cases.change_delivery(&customer("ann"), id, change, request).await
            }
            Ask::Rescheduled(minutes) => {
                let at = |minutes| Patch::Set(after(self.shop.store.now(), Duration::from_mins(minutes)));
                let scheduled_for = minutes.map_or(Patch::Clear, at);
                let change = DeliveryChange { scheduled_for, ..DeliveryChange::default() };
                use_cases.change_delivery(&admin(), id, change, request).await
            }
            Ask::Resolved { by_hand } => {
                let Some((n, outcome)) = self.needs_a_person(id, by_hand) else { return };
                let reason = Text::line("the payment service shows it").unwrap();
                use_cases.resolve(&admin(), id, n, outcome, reason, request).await
            }
        };
        assert!(!matches!(answer, Err(UseCaseError::Inconsistent(_))), "{answer:?}");
    }

    /// The first entry of an order that needs a person, and what the payment service shows of it.
    fn needs_a_person(&self, id: OrderId, by_hand: bool) -> Option<(EntryNo, Outcome)> {
        let (order, settled) = (self.shop.store.order(id)?, self.shop.payments.settled());
        let in_cash = |entry: &Entry| entry.method == PaymentMethod::Cash && entry.state == EntryState::Booked;
        let entries = order.ledger().entries().iter();
        let entry = entries.filter(|entry| entry.state == EntryState::Review || in_cash(entry)).next()?;
        let moved = settled.iter().any(|(key, ..)| *key == entry.key(id));
        let is_refund = entry.kind == EntryKind::Refund;
        let outcome = match (moved, is_refund && by_hand || in_cash(entry)) {
            (true, _) => Outcome::Settled,
            (false, true) => Outcome::ByHand,
            (false, false) => Outcome::NotSettled,
        };
        Some((entry.n, outcome))
    }

    async fn arrives(&self, answer: PaymentAnswer) {
        let late = lock(&self.lingering).pop();
        if let Some((made_at, kind, payment)) = late {
            if after(made_at, self.shop.rules.payment_key_ttl / 24) <= self.shop.store.now() {
                return; // It was lost on its way.
            }
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
            Model::after(&self.shop.store.events(order.id())).assert_is(&order);
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
        // A person sees to what needs one, and the rest follows from that.
        for &id in &self.orders {
            while self.needs_a_person(id, false).is_some() {
                self.asks(index(&self.orders, id), Ask::Resolved { by_hand: id.get() % 2 == 0 }).await;
                self.shop.drain().await;
            }
        }
        self.assert_nothing_was_forgotten();
        self.shop.assert_at_rest();
        for order in self.shop.store.orders() {
            let (id, cancelled) = (order.id(), order.status() == Status::Cancelled);
            let model = Model::after(&self.shop.store.events(id));
            assert_eq!(model.moved(), model.purse(), "what the shop holds of the customer's money: {order:#?}");
            let state = order.state();
            let released = state.status != Status::Confirmed || state.released_at.is_some();
            assert!(released && state.adjustment.is_none(), "nothing is waited for: {order:#?}");
            let releases = self.shop.store.events(id);
            let releases: Vec<_> = releases.iter().filter(|event| event.event.name() == "released").collect();
            assert!(releases.len() <= 1, "released once: {order:#?}");
            if let (Some(release), Some(wanted)) = (releases.first(), state.scheduled_for) {
                assert!(release.at >= before(wanted, self.shop.rules.release_lead), "never early: {order:#?}");
            }
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
    lingering: Lingering,
}

impl Line {
    async fn carries(&self, kind: EntryKind, payment: &Payment) -> Result<PaymentReceipt, PaymentError> {
        let own = call(&self.shop.payments, kind, payment, self.fate.answer);
        if self.fate.dies_after.is_some() && self.fate.call_lingers {
            lock(&self.lingering).push((self.shop.store.now(), kind, payment.clone()));
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

fn index(orders: &[OrderId], id: OrderId) -> usize {
    orders.iter().position(|order| *order == id).expect("an order of this play")
}

/// So many tenths of a degree north of the shop: 11.1 km each.
fn north(tenths: i64) -> Coordinates {
    Coordinates::new(format!("{}.{}", tenths / 10, tenths % 10).parse().unwrap(), 0.into()).unwrap()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
