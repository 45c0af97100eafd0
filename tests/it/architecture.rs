//! The arrows between the crates, as `docs/ARCHITECTURE.md` draws them, and no others.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand};

/// Who may know whom.
const ARROWS: &[(&str, &[&str])] = &[
    ("order-domain", &[]),
    ("order-faults", &[]),
    ("order-usecases", &["order-domain", "order-faults"]),
    ("order-persistence", &["order-domain", "order-faults"]),
    ("order-queue", &["order-domain", "order-faults"]),
    ("order-clients", &["order-domain", "order-faults"]),
    ("order-http", &["order-domain", "order-faults", "order-usecases"]),
    ("order-sandbox", &[]),
    ("order-testkit", &["order-domain", "order-usecases"]),
    (
        "order-app",
        &[
            "order-clients",
            "order-domain",
            "order-faults",
            "order-http",
            "order-persistence",
            "order-queue",
            "order-sandbox",
            "order-usecases",
        ],
    ),
    // Another service: it shares nothing with this one but the stream.
    ("order-board", &[]),
    ("order-tests", &[]),
];

/// What stands for somebody else, and for the whole: their tests may look at everything.
const SEE_ALL_IN_TESTS: &[&str] = &["order-board", "order-tests"];

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
            let allowed = SEE_ALL_IN_TESTS.contains(name)
                || FOR_TESTS.contains(&dependency.as_str())
                || may.contains(&dependency.as_str());
            assert!(allowed, "{name} must not know {dependency} in its tests");
        }
    }
}

/// Sites at which a test can kill the service are in no build that nobody asked for them. The feature tree says so: whom
/// the package of the sites' library is resolved for, and what switches it on.
#[test]
fn fault_points_are_in_no_release() {
    let resolved = |features: CargoOpt| {
        let metadata = MetadataCommand::new().features(features).exec().expect("cargo metadata");
        let nodes = metadata.resolve.as_ref().expect("a resolved tree").nodes.iter();
        let on = |name: &str| {
            let node = nodes.clone().find(|node| metadata[&node.id].name.as_str() == name);
            node.map(|node| node.features.iter().map(ToString::to_string).collect::<BTreeSet<_>>())
        };
        (on("order-app"), on("order-faults"), on("fail"))
    };
    let (app, faults, library) = resolved(CargoOpt::SomeFeatures(Vec::new()));
    assert_eq!(app, Some(BTreeSet::new()), "the binary has no features but those that are asked for");
    assert_eq!(faults, Some(BTreeSet::new()));
    assert_eq!(library, None, "the library of the sites is in the build of everybody");
    let (app, faults, library) = resolved(CargoOpt::AllFeatures);
    let on = Some(BTreeSet::from(["fault-points".to_owned()]));
    assert_eq!((app, faults), (on.clone(), on), "the feature has another name now");
    assert!(library.is_some_and(|features| features.contains("failpoints")));
}

#[test]
fn the_domain_stays_short_and_pure() {
    assert_eq!(workspace()["order-domain"].all, DOMAIN.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
}

/// The layer of the image that holds what we depend on is built from the manifests, so it has to copy each of them.
#[test]
fn the_image_is_built_from_every_manifest() {
    let image = include_str!("../../docker/Dockerfile");
    for name in workspace().keys() {
        let folder = match name.as_str() {
            "order-tests" => "tests".to_owned(),
            "order-board" => format!("examples/{name}"),
            _ => format!("crates/{name}"),
        };
        assert!(image.contains(&format!("COPY {folder}/Cargo.toml {folder}/\n")), "docker/Dockerfile lacks {folder}");
    }
}
