//! Audits over many orders, in batches.

use std::sync::atomic::{AtomicUsize, Ordering};

use order_domain::audit::{AuditTerms, Difference, DifferenceKind, ExportLine, Outcome, RELEASE_LEAD};
use order_domain::ports::AuditReader;
use order_domain::time::{Duration, after};
use order_testkit::builders::{START, an_order};
use order_testkit::memory::{Fault, MemoryStore, Op};
use order_usecases::audits::{Audited, Export, Period, ReconcileError, Reconciled, Verdict, reconcile, verify};

/// An export in memory, which counts how often it is read.
struct Lines {
    lines: Vec<ExportLine>,
    read: AtomicUsize,
}

impl Lines {
    fn of(lines: Vec<ExportLine>) -> Self {
        Self { lines, read: AtomicUsize::new(0) }
    }

    fn read(&self) -> usize {
        self.read.load(Ordering::Relaxed)
    }
}

impl Export for Lines {
    type Error = String;

    fn lines(&self) -> Result<impl Iterator<Item = Result<ExportLine, String>> + Send, String> {
        self.read.fetch_add(1, Ordering::Relaxed);
        Ok(self.lines.clone().into_iter().map(Ok))
    }
}

/// Orders 1 to `count`, each charged 10.98.
async fn with_paid_orders(count: i64) -> MemoryStore {
    let store = MemoryStore::new();
    for id in 1..=count {
        an_order().id(id).paid().keep(&store, &store, &store).await;
    }
    store
}

async fn exported(store: &MemoryStore) -> Vec<ExportLine> {
    let settled = store.settled(START, after(START, Duration::from_hours(1)), None, 10_000).await.unwrap();
    let line = |(line, number): (order_domain::ports::LedgerLine, u64)| ExportLine {
        number,
        key: line.key(),
        kind: Some(line.kind),
        amount: line.amount.to_decimal(),
        outcome: Outcome::Settled,
    };
    settled.into_iter().zip(2..).map(line).collect()
}

async fn differences(
    store: &MemoryStore,
    export: &Lines,
    at_once: usize,
) -> (Result<Reconciled, ReconcileError<String>>, Vec<Difference>) {
    let period = Period { from: START, until: after(START, Duration::from_hours(1)), at_once };
    let mut found = Vec::new();
    let done = reconcile(store, export, period, |difference| found.push(difference)).await;
    (done, found)
}

#[tokio::test]
async fn every_order_is_verified_once_in_whatever_batches() {
    let store = with_paid_orders(401).await;
    let terms = AuditTerms { drained: false, lead: RELEASE_LEAD };
    let mut told = Vec::new();
    let verdict = verify(&store, terms, |audited| told.push(audited)).await.unwrap();
    assert_eq!(verdict, Verdict { orders: 401, busy: 401, broken: 0, violations: 0 });
    let up_to = told.iter().map(|told| match told {
        Audited::UpTo(order) => order.get(),
        Audited::Broken(violation) => panic!("{violation:?}"),
    });
    assert_eq!(up_to.collect::<Vec<_>>(), [200, 400, 401]);
    let drained = AuditTerms { drained: true, ..terms };
    let verdict = verify(&store, drained, |_| {}).await.unwrap();
    assert_eq!((verdict.broken, verdict.busy), (401, 0), "customers are to be told, and carts to be cleared");
    store.fail_next(Op::Audit, Fault::Unavailable);
    assert!(verify(&store, terms, |_| {}).await.is_err());
}

#[tokio::test]
async fn what_agrees_agrees_in_whatever_parts() {
    let store = with_paid_orders(405).await;
    let lines = exported(&store).await;
    for (at_once, readings) in [(1_000, 2), (405, 2), (200, 4), (100, 6)] {
        let export = Lines::of(lines.iter().rev().cloned().collect());
        let (done, found) = differences(&store, &export, at_once).await;
        assert_eq!(found, [], "{at_once} at once");
        assert_eq!(done.unwrap(), Reconciled { lines: 405, entries: 405, differences: 0 });
        assert_eq!(export.read(), readings, "once for what it has, and once for each part of the ledger");
    }
}

#[tokio::test]
async fn every_difference_is_told_once_in_whatever_parts() {
    let store = with_paid_orders(300).await;
    let mut lines = exported(&store).await;
    let gone: Vec<_> = [299, 250, 7, 0].map(|at| lines.remove(at).key).into();
    let again = lines[100].clone();
    lines.push(again.clone());
    lines.push(again.clone());
    let unknown = ExportLine { key: "order-9-cancel-9".into(), ..again.clone() };
    lines.push(unknown.clone());
    for at_once in [1, 100, 1_000] {
        let (done, found) = differences(&store, &Lines::of(lines.clone()), at_once).await;
        let of = |kind| {
            let mut keys: Vec<_> =
                found.iter().filter(|found| found.difference == kind).map(|found| found.key.clone()).collect();
            keys.sort();
            keys
        };
        let sorted = |mut keys: Vec<String>| {
            keys.sort();
            keys
        };
        assert_eq!(of(DifferenceKind::Missing), sorted(gone.clone()), "{at_once} at once");
        assert_eq!(of(DifferenceKind::Extra), sorted(vec![unknown.key.clone(), again.key.clone(), again.key.clone()]));
        assert_eq!(of(DifferenceKind::Different), Vec::<String>::new());
        assert_eq!(done.unwrap().differences, 7);
    }
}

#[tokio::test]
async fn a_key_of_another_purpose_stands_for_nothing() {
    let store = with_paid_orders(1).await;
    let mut lines = exported(&store).await;
    lines[0].key = "order-1-edit-1".into();
    let (_, found) = differences(&store, &Lines::of(lines), 10).await;
    let told: Vec<_> = found.iter().map(|found| (found.difference, found.key.as_str())).collect();
    assert_eq!(told, [(DifferenceKind::Extra, "order-1-edit-1"), (DifferenceKind::Missing, "order-1-order-1")]);
}
