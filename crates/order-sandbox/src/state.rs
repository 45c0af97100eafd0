//! Everything that the services know, under one lock, and word of every change of it.
//!
//! One lock for all: a stand-in has no need to be quick, and a test that looks at two services sees them at one moment.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::{oneshot, watch};

use crate::cart::Carts;
use crate::faults::{FaultKind, Faults, Mishap};
use crate::keys;
use crate::ledger::Ledger;
use crate::notification::Notification;
use crate::product::Product;
use crate::service::{Place, Route, Service};
use crate::user::User;

/// How often each route of each service was called.
pub type Calls = BTreeMap<Service, BTreeMap<Route, u64>>;

/// The state of a sandbox, shared by its services, its admin surface and its handles.
pub(crate) struct State {
    pub(crate) jwt_secret: String,
    world: Mutex<World>,
    changes: watch::Sender<u64>,
}

impl State {
    pub(crate) fn new(jwt_secret: String) -> Self {
        Self { jwt_secret, world: Mutex::new(World::default()), changes: watch::Sender::new(0) }
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner));
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
        result
    }

    /// Fires after each change from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

/// What the services know.
pub(crate) struct World {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) products: BTreeMap<i64, Product>,
    pub(crate) carts: Carts,
    pub(crate) ledger: Ledger,
    pub(crate) notifications: Vec<Notification>,
    pub(crate) jwks: Value,
    pub(crate) calls: Calls,
    pub(crate) faults: Faults,
    held: BTreeMap<Service, Vec<oneshot::Sender<()>>>,
    pub(crate) down: Vec<Service>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            users: BTreeMap::new(),
            products: BTreeMap::new(),
            carts: Carts::default(),
            ledger: Ledger::default(),
            notifications: Vec::new(),
            jwks: keys::demo_set(),
            calls: Calls::new(),
            faults: Faults::default(),
            held: BTreeMap::new(),
            down: Vec::new(),
        }
    }
}

/// A call that has come in: what befalls it, and for a held one what releases it.
pub(crate) struct Arrival {
    pub(crate) mishap: Option<Mishap>,
    pub(crate) released: Option<oneshot::Receiver<()>>,
}

impl World {
    /// Counts a call and decides its fate. A call is held from the moment in which it is counted, so that whoever
    /// has waited for it can release it.
    pub(crate) fn arrive(&mut self, place: Place) -> Arrival {
        if self.down.contains(&place.service) {
            // A connection that was open when the service was taken down may still be served for a moment.
            return Arrival { mishap: Some(Mishap::reset()), released: None };
        }
        *self.calls.entry(place.service).or_default().entry(place.route).or_default() += 1;
        let mishap = self.faults.take(place);
        let is_held = mishap.as_ref().is_some_and(|mishap| mishap.kind == FaultKind::Hold);
        let released = is_held.then(|| {
            let (release, released) = oneshot::channel();
            self.held.entry(place.service).or_default().push(release);
            released
        });
        Arrival { mishap, released }
    }

    /// How many calls wait for a release.
    pub(crate) fn held(&self, service: Service) -> usize {
        self.held.get(&service).map_or(0, |held| held.iter().filter(|call| !call.is_closed()).count())
    }

    /// Lets every held call of the service go on.
    pub(crate) fn release(&mut self, service: Service) -> usize {
        let held = self.held.remove(&service).unwrap_or_default();
        held.into_iter().filter_map(|call| call.send(()).ok()).count()
    }

    /// Switches the faults of a service off. What one of them holds goes on: nothing else would release it.
    pub(crate) fn clear_faults(&mut self, service: Service) {
        self.faults.clear(service);
        self.release(service);
    }

    /// Switches the faults of every service off.
    pub(crate) fn clear_all_faults(&mut self) {
        for service in Service::ALL {
            self.clear_faults(service);
        }
    }

    /// As just started, but for the services that are down.
    pub(crate) fn reset(&mut self) {
        self.clear_all_faults();
        *self = Self { down: std::mem::take(&mut self.down), ..Self::default() };
    }

    pub(crate) fn calls_to(&self, service: Service, route: Option<Route>) -> u64 {
        let Some(routes) = self.calls.get(&service) else {
            return 0;
        };
        match route {
            Some(route) => routes.get(&route).copied().unwrap_or(0),
            None => routes.values().sum(),
        }
    }
}
