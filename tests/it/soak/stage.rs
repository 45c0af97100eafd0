//! Everything that runs: three instances, PostgreSQL and Redis as processes of their own, the services outside, and a proxy
//! wherever one of them is called.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use order_persistence::DatabaseUrl;
use order_sandbox::{Product, Service as Outside};
use order_testkit::redis_server::RedisServer;
use tempfile::TempDir;
use tokio::sync::Mutex as Lock;
use tokio::time::{Instant, sleep};

use super::client::World;
use super::customers::AFTERTHOUGHT;
use super::events::{Fate, now};
use super::plan::INSTANCES;
use super::told::{Told, Violation};
use super::without::Without;
use crate::support::clock::wrong_by;
use crate::support::postgres::Server;
use crate::support::proxy::Proxy;
use crate::support::shop::sandbox;
use crate::support::{Engine, Service};

/// What each instance does. Two have the API, and two work.
const ROLES: [&str; INSTANCES] = ["all", "http", "worker"];
/// How long before its time a scheduled order is released, in seconds.
pub const RELEASE_LEAD: i64 = 2;
/// Settings of all instances: what they wait for is over in a time that a short run has.
const SETTINGS: [(&str, &str); 10] = [
    ("CASH_ON_DELIVERY", "on"),
    ("DATABASE_CONNECTIONS", "8"),
    ("DRAIN_DELAY", "500ms"),
    ("LOG_FORMAT", "json"),
    ("LOG_LEVEL", "warn"),
    ("PAYMENT_KEY_TTL", "10min"),
    ("PAYMENT_TIMEOUT", "25s"),
    ("RELEASE_LEAD", "2s"),
    ("SCHEDULE_MIN_AHEAD", "3s"),
    ("WORKERS", "1"),
];
/// How long whoever watches over an instance tries to start it.
const STARTS: Duration = Duration::from_mins(1);
/// Between two looks whether an instance lives, and between two tries to start one.
const LOOK: Duration = Duration::from_millis(100);
/// What was lost may have happened so long before, in milliseconds: longer than Redis is ever away.
const BEFORE_A_LOSS: u64 = 60_000;

/// An instance, and what lies between it and the databases.
pub struct Instance {
    n: usize,
    role: &'static str,
    running: Option<Service>,
    /// So many minutes its clock is ahead.
    clock: i32,
}

/// The stage.
pub struct Stage {
    // In this sequence they end: whoever uses something before it.
    pub instances: Vec<Lock<Instance>>,
    pub engine: Engine,
    pub postgres: Lock<Server>,
    pub redis: Lock<RedisServer>,
    pub to_postgres: Vec<(Proxy, String)>,
    pub to_redis: Vec<(Proxy, String)>,
    to_outside: BTreeMap<&'static str, (Proxy, String)>,
    pub world: Arc<World>,
    pub redis_url: String,
    pub fate: Mutex<Fate>,
    /// What happened from this moment on has to be sent once more.
    lost_since: Mutex<Option<u64>>,
    no_replay: Mutex<String>,
    pub started: u64,
    logs: TempDir,
    closing: AtomicBool,
}

impl Stage {
    pub async fn set(seed: u64, without: Option<Without>) -> Self {
        let postgres = Server::start().await;
        let engine = Engine::postgres_on(&postgres.url()).await;
        order_persistence::migrate(&DatabaseUrl::parse(engine.url()).unwrap(), true).await.unwrap();
        if let Some(without) = without {
            engine.execute(without.statements()).await;
        }
        let redis = RedisServer::start();
        let sandbox = sandbox();
        for (product, name, price) in
            [(3, "Bread", 3.2), (4, "Butter", 2.75), (5, "Tea", 6.1), (6, "Jam", 4.05), (AFTERTHOUGHT, "Salt", 0.8)]
        {
            sandbox.put_product(Product::new(product, name, price).stock(1_000_000));
        }
        let (mut to_postgres, mut to_redis, mut to_outside) = (Vec::new(), Vec::new(), BTreeMap::new());
        for _ in 0..INSTANCES {
            to_postgres.push(Proxy::before(engine.url()).await);
            to_redis.push(Proxy::before(&redis.url()).await);
        }
        for outside in Outside::ALL {
            to_outside.insert(setting(outside), Proxy::before(sandbox.urls().of(outside)).await);
        }
        let world =
            World { seed, sandbox, told: Told::default(), addresses: RwLock::default(), carts: Mutex::default() };
        let instances = ROLES.iter().enumerate();
        let instances = instances.map(|(n, role)| Lock::new(Instance { n, role, running: None, clock: 0 })).collect();
        let stage = Self {
            instances,
            engine,
            redis_url: redis.url(),
            postgres: Lock::new(postgres),
            redis: Lock::new(redis),
            to_postgres,
            to_redis,
            to_outside,
            world: Arc::new(world),
            fate: Mutex::default(),
            lost_since: Mutex::default(),
            no_replay: Mutex::default(),
            started: now(),
            logs: TempDir::new().unwrap(),
            closing: AtomicBool::new(false),
        };
        for instance in &stage.instances {
            stage.start(&mut *instance.lock().await).await;
        }
        stage
    }

    /// Where an outside service is called.
    pub fn outside(&self, outside: Outside) -> &Proxy {
        &self.to_outside[setting(outside)].0
    }

    /// Starts an instance, again and again until it runs, as whoever watches over it would.
    pub async fn start(&self, instance: &mut Instance) {
        let deadline = Instant::now() + STARTS;
        loop {
            let clock = wrong_by(instance.clock.into());
            let mut settings = SETTINGS.to_vec();
            settings.extend(self.to_outside.iter().map(|(name, (_, url))| (*name, url.as_str())));
            settings.push(("DATABASE_URL", &self.to_postgres[instance.n].1));
            settings.push(("REDIS_URL", &self.to_redis[instance.n].1));
            settings.extend(clock.iter().map(|(name, value)| (*name, value.as_str())));
            let log = self.log(instance);
            match Service::try_start_as(instance.role, &self.engine, &self.world.sandbox, &settings, log).await {
                Ok(service) => {
                    if instance.role != "worker" {
                        self.world.addresses.write().unwrap().insert(instance.n, service.url.clone());
                    }
                    instance.running = Some(service);
                    return;
                }
                Err(status) => assert!(Instant::now() < deadline, "instance {} does not start: {status}", instance.n),
            }
            sleep(LOOK).await;
        }
    }

    fn log(&self, instance: &Instance) -> File {
        let name = format!("{}-{}.log", instance.n, instance.role);
        OpenOptions::new().create(true).append(true).open(self.logs.path().join(name)).unwrap()
    }

    /// Nobody sends anything there any more.
    fn forget(&self, n: usize) {
        self.world.addresses.write().unwrap().remove(&n);
    }

    /// `kill -9`, and another one whose clock is so many minutes ahead.
    pub async fn kill(&self, n: usize, clock: i32) {
        let mut instance = self.instances[n].lock().await;
        if let Some(service) = instance.running.take() {
            service.kill().await;
        }
        self.forget(n);
        instance.clock = clock;
        self.start(&mut instance).await;
    }

    /// SIGTERM, and another one with the right clock when it is gone.
    pub async fn restart(&self, n: usize) {
        let mut instance = self.instances[n].lock().await;
        self.end(&mut instance).await;
        instance.clock = 0;
        self.start(&mut instance).await;
    }

    async fn end(&self, instance: &mut Instance) {
        if let Some(service) = instance.running.take() {
            let ended = service.stop().await;
            if !ended.success() {
                self.violation(format!("instance {} was told to stop and ended with {ended}", instance.n));
            }
        }
        self.forget(instance.n);
    }

    /// SIGTERM to all of them.
    pub async fn end_all(&self) {
        self.closing.store(true, Ordering::Relaxed);
        for instance in &self.instances {
            self.end(&mut *instance.lock().await).await;
        }
    }

    /// Starts whoever has died by itself, which nobody may.
    pub async fn watch(&self) {
        while !self.closing.load(Ordering::Relaxed) {
            for instance in &self.instances {
                // Whoever has it does something to it.
                let Ok(mut instance) = instance.try_lock() else { continue };
                if let Some(ended) = instance.running.as_mut().and_then(Service::ended) {
                    self.violation(format!("instance {} ({}) ended by itself: {ended}", instance.n, instance.role));
                    instance.running = None;
                    self.forget(instance.n);
                    self.start(&mut instance).await;
                }
            }
            sleep(LOOK).await;
        }
    }

    fn violation(&self, what: String) {
        self.world.told.violation(Violation::general(what));
    }

    /// Redis lost everything at some moment between this one and now.
    pub fn lost(&self, from: u64) {
        self.fate.lock().unwrap().lost.extend([from, now()]);
        self.lost_since
            .lock()
            .unwrap()
            .get_or_insert_with(|| from.saturating_sub(BEFORE_A_LOSS).max(self.started - 1_000));
    }

    /// From when on events have to be sent once more, if any.
    pub fn to_be_replayed(&self) -> Option<u64> {
        *self.lost_since.lock().unwrap()
    }

    /// They are about to be. A loss that comes meanwhile is another one.
    pub fn takes_replay(&self) -> Option<u64> {
        self.lost_since.lock().unwrap().take()
    }

    /// They could not be, and why.
    pub fn gives_replay_back(&self, from: u64, why: String) {
        let mut since = self.lost_since.lock().unwrap();
        *since = Some(since.map_or(from, |later| later.min(from)));
        *self.no_replay.lock().unwrap() = why;
    }

    /// Why they could not be sent, the last time.
    pub fn no_replay(&self) -> String {
        self.no_replay.lock().unwrap().clone()
    }

    /// Where the logs of the instances are; they stay there.
    pub fn keeps_logs(&mut self) -> PathBuf {
        self.logs.disable_cleanup(true);
        self.logs.path().to_owned()
    }
}

/// The setting that names a service's address.
fn setting(outside: Outside) -> &'static str {
    match outside {
        Outside::User => "USER_SERVICE_URL",
        Outside::Product => "PRODUCT_SERVICE_URL",
        Outside::Cart => "CART_SERVICE_URL",
        Outside::Payment => "PAYMENT_SERVICE_URL",
        Outside::Notification => "NOTIFICATION_SERVICE_URL",
    }
}
