//! The invariants over a database and the payment service's ledger, after the service has stopped.

use std::collections::BTreeMap;
use std::time::Duration;

use order_domain::audit::{self, StoredSums};
use order_domain::order::Order;
use order_domain::payment::{EntryState, PaymentMethod};
use order_domain::ports::{Claim, OrderFilter, Page, PageStart, TaskKind};
use order_persistence::{DatabaseUrl, Options, Stores};
use order_sandbox::{Outcome, Sandbox};

use super::Engine;

/// Checks everything, and hands the orders back for a test's own questions.
pub async fn clean(engine: &Engine, sandbox: &Sandbox) -> Vec<Order> {
    let url = DatabaseUrl::parse(engine.url()).unwrap();
    let options = Options { connections: 2, pool: "test", runtime: tokio::runtime::Handle::current() };
    let stores = order_persistence::open(&url, &options).unwrap();
    let orders = all(&stores).await;
    let mut found = Vec::new();
    for order in &orders {
        let timeline = stores.reader.timeline(order.id(), 0).await.unwrap().unwrap();
        let events: Vec<_> = timeline.entries.iter().map(|item| (item.seq, item.status)).collect();
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
    }
    assert!(found.is_empty(), "{found:#?}");
    one_effect_per_key(&orders, sandbox);
    nothing_left_to_do(&stores).await;
    orders
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

/// Our ledger of online entries equals the payment service's, entry by entry.
fn one_effect_per_key(orders: &[Order], sandbox: &Sandbox) {
    let theirs: BTreeMap<_, _> = sandbox.payments().into_iter().map(|payment| (payment.key.clone(), payment)).collect();
    let mut ours = 0;
    for order in orders {
        for entry in order.ledger().entries() {
            let payment = theirs.get(&entry.key(order.id()));
            let accepted = payment.is_some_and(|payment| payment.outcome == Outcome::Accepted);
            // What was paid by hand was not paid by them.
            let settled = entry.state == EntryState::Settled && entry.method == PaymentMethod::Online;
            assert_eq!(
                settled,
                accepted,
                "order {}: entry {} is {:?}, they say {payment:?}",
                order.id(),
                entry.n,
                entry.state
            );
            if let Some(payment) = payment.filter(|_| settled) {
                assert_eq!(payment.amount_minor, entry.amount.minor(), "order {}: entry {}", order.id(), entry.n);
            }
            ours += usize::from(payment.is_some());
        }
    }
    assert_eq!(ours, theirs.len(), "a payment that no entry stands for");
}

async fn nothing_left_to_do(stores: &Stores) {
    let slots = TaskKind::ALL.into_iter().map(|kind| (kind, 10)).collect();
    let sweep =
        stores.tasks.claim(&Claim { slots, chores: Vec::new(), only: None, lease: Duration::ZERO }).await.unwrap();
    assert!(sweep.claimed.is_empty() && sweep.next_due.is_none(), "{sweep:?}");
}
