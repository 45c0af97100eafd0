//! The arrows between the crates, as `docs/ARCHITECTURE.md` draws them, and no others.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Who may know whom.
const ARROWS: &[(&str, &[&str])] = &[
    ("order-domain", &[]),
    ("order-usecases", &["order-domain"]),
    ("order-persistence", &["order-domain"]),
    ("order-queue", &["order-domain"]),
    ("order-clients", &["order-domain"]),
    ("order-http", &["order-domain", "order-usecases"]),
    ("order-sandbox", &[]),
    ("order-testkit", &["order-domain", "order-usecases"]),
    (
        "order-app",
        &[
            "order-clients",
            "order-domain",
            "order-http",
            "order-persistence",
            "order-queue",
            "order-sandbox",
            "order-usecases",
        ],
    ),
    ("order-tests", &[]),
];

/// What any crate may know in its tests.
const FOR_TESTS: &[&str] = &["order-testkit", "order-sandbox"];

/// What the domain is made of: short enough to be read aloud.
const DOMAIN: &[&str] = &["async-trait", "chrono", "mockall", "rust_decimal", "thiserror"];

struct Dependencies {
    ours: BTreeSet<String>,
    ours_in_tests: BTreeSet<String>,
    all: BTreeSet<String>,
}

fn workspace() -> BTreeMap<String, Dependencies> {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata");
    let ours: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let of = |package: &cargo_metadata::Package| {
        let named = |kind: DependencyKind| {
            package
                .dependencies
                .iter()
                .filter(move |dependency| dependency.kind == kind)
                .map(|dependency| dependency.name.clone())
        };
        Dependencies {
            ours: named(DependencyKind::Normal).filter(|name| ours.contains(name)).collect(),
            ours_in_tests: named(DependencyKind::Development).filter(|name| ours.contains(name)).collect(),
            all: named(DependencyKind::Normal).collect(),
        }
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), of(package))).collect()
}

#[test]
fn every_crate_knows_only_whom_it_may_know() {
    let workspace = workspace();
    let drawn: BTreeSet<_> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(workspace.keys().cloned().collect::<BTreeSet<_>>(), drawn, "a crate without a place in the drawing");
    for (name, may) in ARROWS {
        for dependency in &workspace[*name].ours {
            assert!(may.contains(&dependency.as_str()), "{name} must not know {dependency}");
        }
        for dependency in &workspace[*name].ours_in_tests {
            let allowed = *name == "order-tests"
                || FOR_TESTS.contains(&dependency.as_str())
                || may.contains(&dependency.as_str());
            assert!(allowed, "{name} must not know {dependency} in its tests");
        }
    }
}

#[test]
fn the_domain_stays_short_and_pure() {
    assert_eq!(workspace()["order-domain"].all, DOMAIN.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
}
