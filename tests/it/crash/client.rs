//! A client that does not give up: whatever it asked for, it asks again under the same key, of the next instance if the
//! one that it asked has died. It starts that one, too, as whoever runs the service would.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use order_sandbox::Sandbox;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep};

use crate::support::shop::Answer;
use crate::support::{Engine, Service, Shop, eventually};

/// How long anything may take that has to come true: less than a lease, for nobody waits for one here.
const PATIENCE: Duration = Duration::from_secs(25);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Whoever asks.
#[derive(Debug, Clone, Copy)]
pub enum Who {
    Ann,
    Ada,
}

/// The client, the instance that it asks, and what is outside.
pub struct Client {
    pub engine: Engine,
    pub sandbox: Sandbox,
    /// Of every instance.
    settings: Vec<(String, String)>,
    /// Of the first instance alone: what happens at its sites.
    first: Vec<(String, String)>,
    /// A file: once it is there, whoever waits goes on.
    gate: PathBuf,
    running: Mutex<Running>,
}

struct Running {
    instance: Option<Service>,
    started: u32,
    deaths: u32,
}

impl Client {
    pub fn new(
        engine: Engine,
        sandbox: Sandbox,
        settings: Vec<(String, String)>,
        first: Vec<(String, String)>,
        gate: PathBuf,
    ) -> Self {
        let running = Mutex::new(Running { instance: None, started: 0, deaths: 0 });
        Self { engine, sandbox, settings, first, gate, running }
    }

    /// How often an instance has died.
    pub async fn deaths(&self) -> u32 {
        self.running.lock().await.deaths
    }

    /// Asks for a change under a key, and once more: the answer stays the same, byte for byte.
    pub async fn change(&self, who: Who, method: Method, path: &str, body: Option<Value>, key: &str) -> Answer {
        let first = self.ask(who, method.clone(), path, body.clone(), Some(key)).await;
        let again = self.ask(who, method.clone(), path, body, Some(key)).await;
        assert_eq!((first.status, &first.text), (again.status, &again.text), "{method} {path}");
        first
    }

    /// Asks until there is an answer. One that says "later" is none.
    async fn ask(&self, who: Who, method: Method, path: &str, body: Option<Value>, key: Option<&str>) -> Answer {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shop = self.shop(who).await;
            match shop.try_call(method.clone(), path, body.clone(), key).await {
                Ok(answer) if answer.status != 503 => return answer,
                Ok(_) => sleep(LOOK).await,
                Err(_) => self.bury(self.running.lock().await).await,
            }
            assert!(Instant::now() < deadline, "{method} {path} is never answered");
        }
    }

    /// Places an order of ann's cart.
    pub async fn place(&self, key: &str) -> i64 {
        let body = json!({ "delivery_address": "1 Main St" });
        self.change(Who::Ann, Method::POST, "/orders", Some(body), key).await.expect(201).id()
    }

    pub async fn order(&self, id: i64) -> Value {
        self.ask(Who::Ada, Method::GET, &format!("/orders/{id}"), None, None).await.expect(200).json()
    }

    /// What has happened to an order.
    pub async fn timeline(&self, id: i64) -> Vec<Value> {
        let answer = self.ask(Who::Ada, Method::GET, &format!("/orders/{id}/timeline"), None, None).await;
        answer.expect(200).json().as_array().unwrap().clone()
    }

    /// Waits until a field of an order has a value.
    pub async fn until(&self, id: i64, field: &str, value: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let order = self.order(id).await;
            if order[field] == value {
                return;
            }
            assert!(Instant::now() < deadline, "{field} never became {value}: {order}");
            sleep(LOOK).await;
        }
    }

    /// Waits until something is so, starting another instance when one dies meanwhile.
    pub async fn eventually<F: Future<Output = bool>>(&self, what: &str, mut holds: impl FnMut() -> F) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // In this sequence: what has come true is seen before another instance does anything.
            if holds().await {
                return;
            }
            drop(self.revive().await);
            assert!(Instant::now() < deadline, "never came true: {what}");
            sleep(LOOK).await;
        }
    }

    /// Waits until no task of an order is left to be done.
    pub async fn drain(&self) {
        self.eventually("nothing is left to do", || async { self.engine.unfinished().await == 0 }).await;
    }

    /// SIGTERM, the gate is opened when it has been heard, and the next instance.
    pub async fn restart(&self) {
        let shop = self.shop(Who::Ann).await;
        if let Some(instance) = &self.running.lock().await.instance {
            instance.terminate();
        }
        // No answer, too: it is over with it, one way or the other.
        let ready = || async { shop.try_call(Method::GET, "/health/ready", None, None).await };
        eventually("it has heard", || async { !ready().await.is_ok_and(|ready| ready.status == 200) }).await;
        std::fs::write(&self.gate, []).unwrap();
        self.stop().await;
        drop(self.revive().await);
    }

    /// Everything to its end, and the last instance with it.
    pub async fn finish(&self) {
        loop {
            self.drain().await;
            let deaths = self.deaths().await;
            self.stop().await;
            if self.deaths().await == deaths && self.engine.unfinished().await == 0 {
                return;
            }
        }
    }

    async fn shop(&self, who: Who) -> Shop {
        let running = self.revive().await;
        let instance = running.instance.as_ref().expect("one was started");
        match who {
            Who::Ann => Shop::customer(instance),
            Who::Ada => Shop::admin(instance),
        }
    }

    /// An instance that lives.
    async fn revive(&self) -> MutexGuard<'_, Running> {
        let mut running = self.running.lock().await;
        loop {
            let ended = running.instance.as_mut().map(Service::ended);
            match ended {
                Some(None) => return running,
                Some(Some(_)) => {
                    self.bury(running).await;
                    running = self.running.lock().await;
                }
                None => {
                    let own = if running.started == 0 { self.first.as_slice() } else { &[] };
                    let settings = self.settings.iter().chain(own);
                    let settings: Vec<_> = settings.map(|(name, value)| (name.as_str(), value.as_str())).collect();
                    running.started += 1;
                    match Service::try_start_with(&self.engine, &self.sandbox, &settings).await {
                        Ok(instance) => running.instance = Some(instance),
                        Err(ended) => self.died(&mut running, ended).await,
                    }
                }
            }
        }
    }

    /// Notes that the instance has died, as nothing else may have ended it.
    async fn bury(&self, mut running: MutexGuard<'_, Running>) {
        if let Some(instance) = running.instance.take() {
            let ended = instance.end().await;
            self.died(&mut running, ended).await;
        }
    }

    async fn died(&self, running: &mut Running, ended: ExitStatus) {
        assert_eq!(ended.signal(), Some(9), "it ended, and not by kill -9: {ended}");
        running.deaths += 1;
        self.engine.bury().await;
    }

    async fn stop(&self) {
        let mut running = self.running.lock().await;
        if let Some(instance) = running.instance.take() {
            let ended = instance.stop().await;
            if !ended.success() {
                self.died(&mut running, ended).await;
            }
        }
    }
}
