//! Holds the database against the ledgers of the services outside, against what clients were told, and against the carts.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use order_domain::order::Status;

use super::client::World;
use super::events::now;
use super::stage::{RELEASE_LEAD, Stage};
use super::told::Violation;
use crate::command_line::{run, said};
use crate::support::audit::{self, Lived};

/// How far a moment may lie outside the run, in milliseconds: clocks of one machine, read by different processes.
const TOLERANCE: u64 = 1_500;

/// Every order, and everything that is wrong.
pub async fn judge(stage: &Stage) -> (Vec<Lived>, Vec<Violation>) {
    let (lived, broken) = audit::broken(&stage.engine, &stage.world.sandbox).await;
    let broken = broken.into_iter();
    let mut found: Vec<_> =
        broken.map(|(order, what)| Violation { order: order.map(order_domain::OrderId::get), what }).collect();
    found.extend(verified(stage).await);
    found.extend(against_clients(&stage.world, &lived));
    found.extend(against_carts(&stage.world, &lived));
    found.extend(against_time(stage.started, &lived));
    (lived, found)
}

/// `order-app verify --drained`.
async fn verified(stage: &Stage) -> Vec<Violation> {
    let lead = format!("{RELEASE_LEAD}s");
    let output = run(&["verify", "--drained"], &[("DATABASE_URL", stage.engine.url()), ("RELEASE_LEAD", &lead)]).await;
    let broken = String::from_utf8_lossy(&output.stdout).into_owned();
    let order = |line: &str| line.strip_prefix("order ")?.split(':').next()?.parse().ok();
    let named = |line: &str| Violation { order: order(line), what: format!("verify says: {line}") };
    let mut found: Vec<_> = broken.lines().map(named).collect();
    if found.is_empty() && !output.status.success() {
        found.push(Violation::general(format!("verify says: {}", said(&output))));
    }
    found
}

/// Every order that somebody was told of exists, is what it was said to be or more, and nobody has an order that they were
/// not told of.
fn against_clients(world: &World, lived: &[Lived]) -> Vec<Violation> {
    let mut found = Vec::new();
    let by_id: BTreeMap<_, _> = lived.iter().map(|one| (one.order.id().get(), one)).collect();
    for (order, seen) in world.told.orders() {
        let mut broken = |what| found.push(Violation::of(order, what));
        let Some(lived) = by_id.get(&order) else {
            broken(format!("somebody was shown it ({seen:?}), and it is not there"));
            continue;
        };
        match lived.timeline.iter().find(|entry| entry.seq == seen.version) {
            None => broken(format!("somebody was shown version {}, and it has {}", seen.version, lived.timeline.len())),
            Some(entry) if entry.status.name() != seen.status => {
                broken(format!(
                    "{} in version {}, and somebody was told {}",
                    entry.status.name(),
                    seen.version,
                    seen.status
                ));
            }
            Some(_) if lived.order.state().version == seen.version => {
                let (state, ledger) = (lived.order.state(), lived.order.ledger());
                let sums =
                    [state.total, ledger.charged().unwrap(), ledger.refunded().unwrap()].map(|sum| sum.to_string());
                let told = seen.amounts.map(|amount| format!("{amount:.2}"));
                if sums != told {
                    broken(format!("total, charged, refunded are {sums:?}, and somebody was told {told:?}"));
                }
            }
            Some(_) => {}
        }
    }
    let placed = world.told.placed_orders();
    for order in by_id.keys().filter(|order| !placed.contains(order)) {
        found.push(Violation::of(*order, "nobody was told of it: a key has two orders, or an answer never came"));
    }
    found
}

/// What was ordered is taken out of the cart once the order is confirmed, and nothing else is.
fn against_carts(world: &World, lived: &[Lived]) -> Vec<Violation> {
    let mut found = Vec::new();
    for cart in world.carts.lock().unwrap().iter() {
        let lines: BTreeMap<_, _> =
            world.sandbox.cart(&cart.customer).items.iter().map(|line| (line.product_id, line.quantity)).collect();
        for (product, quantity) in &cart.kept {
            if lines.get(product) != Some(quantity) {
                let what =
                    format!("{quantity} of product {product} were put into the cart after it: {lines:?} is there");
                found.push(Violation::of(cart.order, what));
            }
        }
        let confirmed = lived.iter().find(|one| one.order.id().get() == cart.order);
        if !confirmed.is_some_and(|one| one.timeline.iter().any(|entry| entry.kind == "confirmed")) {
            continue;
        }
        let left = cart.ordered.iter().filter(|product| cart.kept.iter().all(|(kept, _)| kept != *product));
        let left: Vec<_> = left.filter(|product| lines.contains_key(product)).collect();
        if !left.is_empty() {
            found.push(Violation::of(cart.order, format!("products {left:?} are still in the cart")));
        }
    }
    found
}

/// By the database's clock, whoever wrote it: everything happened during the run, one after another, and an order that is
/// wanted at a time was released once and not early.
fn against_time(started: u64, lived: &[Lived]) -> Vec<Violation> {
    let mut found = Vec::new();
    let run = started - TOLERANCE..=now() + TOLERANCE;
    for Lived { order, timeline } in lived {
        let id = order.id().get();
        for entry in timeline {
            let at = u64::try_from(entry.at.timestamp_millis()).unwrap_or_default();
            if !run.contains(&at) {
                found.push(Violation::of(id, format!("{} happened at {}, outside of the run", entry.kind, entry.at)));
            }
        }
        if !timeline.is_sorted_by_key(|entry| entry.at) {
            found.push(Violation::of(id, "its timeline goes back in time"));
        }
        let released: Vec<_> = timeline.iter().filter(|entry| entry.kind == "released").collect();
        let wanted = order.state().scheduled_for;
        let early = wanted.map(|wanted| wanted - TimeDelta::seconds(RELEASE_LEAD));
        if released.len() > 1 || released.iter().any(|entry| early.is_some_and(|early| entry.at < early)) {
            let at: Vec<_> = released.iter().map(|entry| entry.at.to_rfc3339()).collect();
            found.push(Violation::of(id, format!("wanted at {wanted:?}, released at {at:?}")));
        }
        let ended = matches!(order.state().status, Status::Cancelled);
        if wanted.is_some() && released.is_empty() && !ended {
            found.push(Violation::of(id, format!("wanted at {wanted:?} and never released")));
        }
    }
    found
}
