//! The invariants over a database and the payment service's ledger, after the service has stopped.

use std::collections::BTreeMap;
use std::time::Duration;

use order_domain::OrderId;
use order_domain::audit::{self, StoredSums, Violation};
use order_domain::order::Order;
use order_domain::payment::{EntryState, PaymentMethod};
use order_domain::ports::{Claim, OrderFilter, Page, PageStart, TaskKind, TimelineItem};
use order_persistence::{DatabaseUrl, Options, Stores};
use order_sandbox::{Outcome, Sandbox};

use super::Engine;

/// An order and what has happened to it.
pub struct Lived {
    pub order: Order,
    pub timeline: Vec<TimelineItem>,
}

/// Checks everything, and hands the orders back for a test's own questions.
pub async fn clean(engine: &Engine, sandbox: &Sandbox) -> Vec<Order> {
    let stores = open(engine);
    let (lived, found) = look(&stores, sandbox).await;
    assert!(found.is_empty(), "{found:#?}");
    nothing_left_to_do(&stores).await;
    lived.into_iter().map(|lived| lived.order).collect()
}

/// Every order, and all that is wrong with any, each with its order if it has one.
pub async fn broken(engine: &Engine, sandbox: &Sandbox) -> (Vec<Lived>, Vec<(Option<OrderId>, String)>) {
    look(&open(engine), sandbox).await
}

fn open(engine: &Engine) -> Stores {
    let url = DatabaseUrl::parse(engine.url()).unwrap();
    let options = Options { connections: 2, pool: "test", runtime: tokio::runtime::Handle::current() };
    order_persistence::open(&url, &options).unwrap()
}

async fn look(stores: &Stores, sandbox: &Sandbox) -> (Vec<Lived>, Vec<(Option<OrderId>, String)>) {
    let (mut lived, mut found) = (Vec::new(), Vec::new());
    for order in all(stores).await {
        let timeline = stores.reader.timeline(order.id(), 0).await.unwrap().unwrap().entries;
        let events: Vec<_> = timeline.iter().map(|item| (item.seq, item.status)).collect();
        found.extend(audit::timeline(order.state(), &events));
        let ledger = order.ledger();
        // The store has compared its columns with the ledger when it loaded the order.
        let sums = StoredSums {
            charged: ledger.charged().unwrap(),
            refunded: ledger.refunded().unwrap(),
            refund_held: ledger.refund_held().unwrap(),
        };
        found.extend(audit::sums(order.state(), ledger, sums));
        found.extend(audit::owed(order.state(), ledger));
        lived.push(Lived { order, timeline });
    }
    let said = |broken: Violation| (Some(broken.order), format!("invariant {}: {}", broken.invariant, broken.what));
    let mut found: Vec<_> = found.into_iter().map(said).collect();
    found.extend(not_one_effect_per_key(&lived, sandbox));
    (lived, found)
}

async fn all(stores: &Stores) -> Vec<Order> {
    let (mut orders, mut start) = (Vec::new(), PageStart::Offset(0));
    loop {
        let page = Page { limit: 100, start };
        let page = stores.reader.list(&OrderFilter::default(), page).await.unwrap();
        orders.extend(page.orders);
        match page.next {
            Some(next) => start = PageStart::After(next),
            None => return orders,
        }
    }
}

/// Where our ledger of online entries and the payment service's are not equal, entry by entry.
fn not_one_effect_per_key(lived: &[Lived], sandbox: &Sandbox) -> Vec<(Option<OrderId>, String)> {
    let mut theirs: BTreeMap<_, _> =
        sandbox.payments().into_iter().map(|payment| (payment.key.clone(), payment)).collect();
    let mut found = Vec::new();
    for Lived { order, .. } in lived {
        for entry in order.ledger().entries() {
            let payment = theirs.remove(&entry.key(order.id()));
            let accepted = payment.as_ref().is_some_and(|payment| payment.outcome == Outcome::Accepted);
            // What was paid by hand was not paid by them.
            let settled = entry.state == EntryState::Settled && entry.method == PaymentMethod::Online;
            let equal = payment.as_ref().is_none_or(|payment| payment.amount_minor == entry.amount.minor());
            if settled != accepted || (settled && !equal) {
                let (n, state, amount) = (entry.n, entry.state, entry.amount);
                found.push((Some(order.id()), format!("entry {n} of {amount} is {state:?}, they say {payment:?}")));
            }
        }
    }
    found.extend(theirs.into_values().map(|payment| (None, format!("no entry stands for {payment:?}"))));
    found
}

async fn nothing_left_to_do(stores: &Stores) {
    let slots = TaskKind::ALL.into_iter().map(|kind| (kind, 10)).collect();
    let sweep =
        stores.tasks.claim(&Claim { slots, chores: Vec::new(), only: None, lease: Duration::ZERO }).await.unwrap();
    assert!(sweep.claimed.is_empty() && sweep.next_due.is_none(), "{sweep:?}");
}
