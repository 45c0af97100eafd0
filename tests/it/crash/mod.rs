//! `kill -9` at every site: before and after each commit, each call of an outside service, each operation of the queue,
//! each answer. Another instance goes on, the client asks again under the same keys, and in the end everything is as if
//! nobody had died: the database by its invariants, and the ledgers of the services outside.
//!
//! Every site that the source names has to be come to by some scenario on each engine. `make crash` dies at every site in
//! every scenario that comes to it; the test of every day at every site once on each engine, in a scenario that the day
//! chooses. `CRASH_SEED=N` chooses as that day did.

pub mod client;
pub mod scenarios;
mod sites;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tempfile::{NamedTempFile, TempDir};
use tokio::time::Instant;

use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, audit};
use client::Client;
use scenarios::{SCENARIOS, Scenario};

/// A site that is come to over and over in one scenario is died at this many times at most, each the next time.
const TIMES: u32 = 2;

/// How often a scenario comes to each site.
type Hits = BTreeMap<String, u32>;

/// One death.
#[derive(Clone)]
struct Case {
    engine: &'static str,
    scenario: &'static Scenario,
    site: String,
    /// The so-many-th time that it comes there.
    time: u32,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}, {}, time {}", self.engine, self.scenario.name, self.site, self.time)
    }
}

/// What came of it.
enum Verdict {
    /// It died, and nothing shows it.
    Survived,
    /// It did not come there so often this time.
    NotReached,
    Failed(String),
}

/// An empty database of each engine, to be copied.
struct Engines([(&'static str, Engine); 2]);

impl Engines {
    async fn new() -> Self {
        let (postgres, sqlite) = tokio::join!(Engine::postgres(), async { Engine::sqlite() });
        Self([("postgres", postgres.migrated().await), ("sqlite", sqlite.migrated().await)])
    }

    fn names(&self) -> [&'static str; 2] {
        [self.0[0].0, self.0[1].0]
    }

    async fn fresh(&self, name: &str) -> Engine {
        let of = self.0.iter().find(|(engine, _)| *engine == name);
        of.expect("an engine of that name").1.copy().await
    }
}

/// Plays a scenario with these in the environment of the first instance; how often an instance died.
async fn play(scenario: &Scenario, engine: Engine, first: &[(&str, &str)]) -> u32 {
    let mut first = owned(first);
    let gate = TempDir::new().unwrap();
    let gate = gate.path().join("open");
    if let Some(site) = scenario.waits_at {
        first.push(("FAULT_WAIT".to_owned(), format!("{site}:{}", gate.display())));
    }
    // One thread for requests is as good as two, and there sooner.
    let settings = [&[("WORKERS", "1")], scenario.settings].concat();
    let client = Client::new(engine, sandbox(), owned(&settings), first, gate);
    to_the_end(scenario, &client).await
}

/// The scenario, whatever follows from it, and the audit; how often an instance died.
pub async fn to_the_end(scenario: &Scenario, client: &Client) -> u32 {
    (scenario.play)(client).await;
    client.finish().await;
    let orders = audit::clean(&client.engine, &client.sandbox).await;
    assert_eq!(orders.len(), 1, "one order was asked for");
    client.deaths().await
}

fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Which sites a scenario comes to when nobody dies.
async fn hits(engines: &Engines, engine: &str, scenario: &Scenario) -> Hits {
    let log = NamedTempFile::new().unwrap();
    let died = play(scenario, engines.fresh(engine).await, &[("FAULT_LOG", log.path().to_str().unwrap())]).await;
    assert_eq!(died, 0, "{}: nobody was to die", scenario.name);
    let mut hits = Hits::new();
    for site in std::fs::read_to_string(log.path()).unwrap().lines() {
        *hits.entry(site.to_owned()).or_default() += 1;
    }
    hits
}

async fn die(engines: Arc<Engines>, case: Case) -> Verdict {
    let kill = format!("{}@{}", case.site, case.time);
    let played = tokio::spawn(async move {
        let engine = engines.fresh(case.engine).await;
        tokio::time::timeout(Duration::from_secs(90), play(case.scenario, engine, &[("FAULT_KILL", &kill)])).await
    });
    match played.await {
        Ok(Ok(0)) => Verdict::NotReached,
        Ok(Ok(1)) => Verdict::Survived,
        Ok(Ok(deaths)) => Verdict::Failed(format!("it died {deaths} times")),
        Ok(Err(_)) => Verdict::Failed("it is stuck".to_owned()),
        Err(panicked) => {
            let said = panicked.into_panic();
            let said =
                said.downcast_ref::<String>().cloned().or_else(|| said.downcast_ref::<&str>().map(ToString::to_string));
            Verdict::Failed(said.unwrap_or_default())
        }
    }
}

/// As many scenarios at once as keep the machine busy: each waits for processes to start and for conditions to come true.
pub fn at_once() -> usize {
    2 * std::thread::available_parallelism().map_or(2, usize::from)
}

/// What every scenario comes to on every engine.
async fn reached(engines: &Arc<Engines>) -> BTreeMap<(&'static str, &'static str), Hits> {
    let dry: Vec<_> =
        engines.names().into_iter().flat_map(|engine| SCENARIOS.iter().map(move |one| (engine, one))).collect();
    let found = stream::iter(dry).map(|(engine, scenario)| {
        let engines = Arc::clone(engines);
        // A task each: they are played side by side.
        let played = tokio::spawn(async move { hits(&engines, engine, scenario).await });
        async move { ((engine, scenario.name), played.await.unwrap()) }
    });
    found.buffer_unordered(at_once()).collect().await
}

/// Every site is come to on each engine, and has its name where it stands.
fn all_are_reached(engines: &Engines, reached: &BTreeMap<(&'static str, &'static str), Hits>) {
    let named = sites::all();
    assert!(named.len() > 30, "the source names few sites: {named:?}");
    for engine in engines.names() {
        let of_engine = reached.iter().filter(|((of, _), _)| *of == engine);
        let come_to: BTreeSet<_> = of_engine.flat_map(|(_, hits)| hits.keys().cloned()).collect();
        let missing: Vec<_> = named.difference(&come_to).collect();
        assert!(missing.is_empty(), "no scenario comes to {missing:?} on {engine}");
        let unknown: Vec<_> = come_to.difference(&named).collect();
        assert!(unknown.is_empty(), "{unknown:?} are sites that the source does not name in quotes");
    }
}

/// Dies once for each case, prints what came of it, and fails if anything did.
async fn all_survive(engines: &Arc<Engines>, cases: Vec<Case>) {
    let began = Instant::now();
    println!("{} deaths to be died", cases.len());
    let died = stream::iter(cases).map(|case| async move {
        // How often a sweep or a signal comes there is a matter of luck: if not so often, once, and if not now, next time.
        let mut verdict = die(Arc::clone(engines), case.clone()).await;
        for _ in 0..2 {
            if matches!(verdict, Verdict::NotReached) {
                verdict = die(Arc::clone(engines), Case { time: 1, ..case.clone() }).await;
            }
        }
        if let Verdict::Failed(why) = &verdict {
            eprintln!("FAILED {case}: {why}");
        }
        (case, verdict)
    });
    let died: Vec<_> = died.buffer_unordered(at_once()).collect().await;
    println!("{}", matrix(engines, &died));
    let count = |of: fn(&Verdict) -> bool| died.iter().filter(|(_, verdict)| of(verdict)).count();
    let survived = count(|verdict| matches!(verdict, Verdict::Survived));
    let not_reached = count(|verdict| matches!(verdict, Verdict::NotReached));
    println!("{} deaths in {:?}, {survived} survived, {not_reached} not come to", died.len(), began.elapsed());
    let at = |case: &Case| (case.engine, case.site.clone());
    let died_at = died.iter().filter(|(_, verdict)| !matches!(verdict, Verdict::NotReached)).map(|(case, _)| at(case));
    let died_at: BTreeSet<_> = died_at.collect();
    let failed = died.iter().filter_map(|(case, verdict)| match verdict {
        Verdict::Failed(why) => Some(format!("{case}: {why}")),
        Verdict::NotReached if !died_at.contains(&at(case)) => Some(format!("{case}: nobody died at this site")),
        Verdict::NotReached | Verdict::Survived => None,
    });
    let failed: Vec<_> = failed.collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Site by scenario, for each engine: how many deaths were survived, `!` where one was not, `·` where there was none.
fn matrix(engines: &Engines, died: &[(Case, Verdict)]) -> String {
    let mut text = String::new();
    let sites: BTreeSet<_> = died.iter().map(|(case, _)| case.site.as_str()).collect();
    for engine in engines.names() {
        let _ = write!(text, "\n{engine:<28}");
        for scenario in SCENARIOS {
            let _ = write!(text, "{:>15}", scenario.name);
        }
        for site in &sites {
            let _ = write!(text, "\n{site:<28}");
            for scenario in SCENARIOS {
                let of = died.iter().filter(|(case, _)| {
                    case.engine == engine && case.site == *site && case.scenario.name == scenario.name
                });
                let (mut survived, mut failed) = (0, false);
                for (_, verdict) in of {
                    match verdict {
                        Verdict::Survived => survived += 1,
                        Verdict::Failed(_) => failed = true,
                        Verdict::NotReached => {}
                    }
                }
                let cell = if failed {
                    "!".to_owned()
                } else if survived == 0 {
                    "·".to_owned()
                } else {
                    survived.to_string()
                };
                let _ = write!(text, "{cell:>15}");
            }
        }
        text.push('\n');
    }
    text
}

/// The scenario of this name.
pub fn scenario(name: &str) -> &'static Scenario {
    SCENARIOS.iter().find(|one| one.name == name).expect("a scenario of that name")
}

fn case(engine: &'static str, of: &str, site: &str, time: u32) -> Case {
    Case { engine, scenario: scenario(of), site: site.to_owned(), time }
}

/// One death for each engine and site: the seed chooses in which scenario, and which time.
fn chosen(engines: &Engines, reached: &BTreeMap<(&'static str, &'static str), Hits>, seed: u64) -> Vec<Case> {
    let mut cases = Vec::new();
    for engine in engines.names() {
        for site in sites::all() {
            let mut hasher = DefaultHasher::new();
            (seed, engine, &site).hash(&mut hasher);
            let chance = hasher.finish();
            let comes = reached.iter().filter(|((of, _), hits)| *of == engine && hits.contains_key(&site));
            let comes: Vec<_> = comes.map(|((_, scenario), hits)| (*scenario, hits[&site])).collect();
            let (scenario, times) = comes[usize::try_from(chance % 1_000).unwrap() % comes.len()];
            let time = 1 + u32::try_from(chance / 1_000 % u64::from(times.min(TIMES))).unwrap();
            cases.push(case(engine, scenario, &site, time));
        }
    }
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_each_site_once_it_goes_on_as_if_nothing_had_been() {
    let day = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() / 86_400;
    let seed = std::env::var("CRASH_SEED").map_or(day, |seed| seed.parse().unwrap());
    println!("CRASH_SEED={seed}");
    let engines = Arc::new(Engines::new().await);
    let reached = reached(&engines).await;
    all_are_reached(&engines, &reached);
    all_survive(&engines, chosen(&engines, &reached, seed)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make crash"]
async fn killed_at_every_site_in_every_scenario_it_goes_on_as_if_nothing_had_been() {
    let engines = Arc::new(Engines::new().await);
    let reached = reached(&engines).await;
    all_are_reached(&engines, &reached);
    // `postgres, cancel, commit`: those alone that have this in their names.
    let only = std::env::var("CRASH_ONLY").unwrap_or_default();
    let cases = reached.iter().flat_map(|((engine, scenario), hits)| {
        hits.iter().flat_map(move |(site, times)| {
            (1..=(*times).min(TIMES)).map(move |time| case(engine, scenario, site, time))
        })
    });
    all_survive(&engines, cases.filter(|case| case.to_string().contains(&only)).collect()).await;
}

/// Nobody starts anything and no lease is cut short: the instance that is there goes on.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "waits for a lease of half a minute: make crash"]
async fn when_its_lease_is_over_another_instance_goes_on_within_five_seconds() {
    let (engine, sandbox) = (Engine::postgres().await, sandbox());
    let dying = [("FAULT_KILL", "call.payment.charge.after")];
    let first = Service::start_with(&engine, &sandbox, &dying).await;
    let id = Shop::customer(&first).place().await.expect(201).id();
    let second = Service::start(&engine, &sandbox).await;
    first.end().await;
    let died = Instant::now();
    Shop::customer(&second).until(id, "status", "confirmed").await;
    assert!(died.elapsed() < Duration::from_secs(35), "{:?}", died.elapsed());
    assert_eq!(sandbox.payments()[0].attempts, 1, "what has become of it is looked up, not asked for again");
    second.rest().await;
    assert_eq!(audit::clean(&engine, &sandbox).await.len(), 1);
}
