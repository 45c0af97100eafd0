//! No contract is written and then forgotten.

/// The sources of the contracts, and the list that makes tests of them.
const SOURCES: [(&str, &str); 20] = [
    ("atomic", include_str!("../../src/contract/atomic.rs")),
    ("audits", include_str!("../../src/contract/audits.rs")),
    ("causes", include_str!("../../src/contract/causes.rs")),
    ("chores", include_str!("../../src/contract/chores.rs")),
    ("desk", include_str!("../../src/contract/desk.rs")),
    ("dropped", include_str!("../../src/contract/dropped.rs")),
    ("entries", include_str!("../../src/contract/entries.rs")),
    ("guards", include_str!("../../src/contract/guards.rs")),
    ("history", include_str!("../../src/contract/history.rs")),
    ("lanes", include_str!("../../src/contract/lanes.rs")),
    ("figures", include_str!("../../src/contract/figures.rs")),
    ("leases", include_str!("../../src/contract/leases.rs")),
    ("money", include_str!("../../src/contract/money.rs")),
    ("outbox", include_str!("../../src/contract/outbox.rs")),
    ("pages", include_str!("../../src/contract/pages.rs")),
    ("reader", include_str!("../../src/contract/reader.rs")),
    ("receipts", include_str!("../../src/contract/receipts.rs")),
    ("round_trip", include_str!("../../src/contract/round_trip.rs")),
    ("tasks", include_str!("../../src/contract/tasks.rs")),
    ("versions", include_str!("../../src/contract/versions.rs")),
];
const SUITE: &str = include_str!("../../src/contract/mod.rs");

#[test]
fn every_contract_is_run() {
    for (module, source) in SOURCES {
        let contracts: Vec<_> = source
            .lines()
            .filter_map(|line| line.strip_prefix("pub async fn "))
            .filter_map(|rest| rest.split_once('(').map(|(name, _)| name))
            .collect();
        assert!(!contracts.is_empty(), "{module}");
        let list = SUITE.split_once(&format!("            {module}:\n")).expect("a module of the suite").1;
        let list = list.split_once(';').expect("the end of its list").0;
        let listed: Vec<_> = list.split(',').map(str::trim).collect();
        for contract in &contracts {
            assert!(listed.contains(contract), "{module}::{contract} is not run");
        }
        assert_eq!(listed.len(), contracts.len(), "{module}");
    }
    let modules = SUITE.lines().filter(|line| line.starts_with("pub mod ")).count();
    assert_eq!(modules, SOURCES.len(), "a module that this test does not know");
}
