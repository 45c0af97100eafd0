//! The handle: seeds, reads and disturbs the services from Rust, in the process that runs them.
//!
//! Every method sees or makes one consistent state. The same over HTTP: `admin`.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use crate::auth;
use crate::cart::{Cart, Promo};
use crate::faults::Fault;
use crate::ledger::{Balance, Decline, Payment};
use crate::notification::Notification;
use crate::options::{Options, Urls};
use crate::product::Product;
use crate::seed;
use crate::server::{self, Control, Started};
use crate::service::{Route, Service};
use crate::state::{Calls, State, World};
use crate::user::User;

/// Running stand-ins of the outside services. Clones are handles of the same ones; with the last handle they stop.
#[derive(Clone)]
pub struct Sandbox {
    state: Arc<State>,
    running: Arc<Running>,
}

struct Running {
    urls: Urls,
    control: Control,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.control.stop();
    }
}

impl Sandbox {
    /// Starts the services, empty, on a thread of their own. They answer when this returns; it needs no runtime.
    ///
    /// # Errors
    /// A port that is taken, or no thread to be had.
    pub fn start(options: &Options) -> io::Result<Self> {
        let state = Arc::new(State::new(options.jwt_secret.clone()));
        let Started { control, urls, thread } = server::start(options, Arc::clone(&state))?;
        let running = Running { urls, control, thread: Mutex::new(Some(thread)) };
        Ok(Self { state, running: Arc::new(running) })
    }

    /// Where the services answer.
    pub fn urls(&self) -> &Urls {
        &self.running.urls
    }

    /// Stops the services, whatever calls are under way, and waits (some milliseconds) until their ports are closed.
    pub fn stop(&self) {
        self.running.control.stop();
        let thread = self.running.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the sandbox's thread panicked");
        }
    }

    /// A bearer token for a user, signed with the shared secret, without the word `Bearer`.
    ///
    /// # Errors
    /// A secret that cannot sign.
    pub fn token(&self, uid: &str, role: &str, lifetime: Duration) -> io::Result<String> {
        auth::sign(&self.state.jwt_secret, uid, role, lifetime).map_err(io::Error::other)
    }
}

/// Seeding and reading.
impl Sandbox {
    /// Seeds what the demo shows, see `seed`: users, groceries, two carts. Replaces what has the same ids.
    pub fn demo_seed(&self) {
        self.change(seed::demo);
    }

    /// Forgets everything, as just started: seeds, ledger, calls, faults and declines. Held calls go on. A service
    /// that was taken down stays down.
    pub fn reset(&self) {
        self.change(World::reset);
    }

    /// Adds or replaces a user.
    pub fn put_user(&self, user: User) {
        self.change(|world| world.users.insert(user.uid.clone(), user));
    }

    /// The key set that the user service answers, and that asymmetric tokens are checked with; at first every
    /// [`DemoKey`](crate::DemoKey).
    pub fn set_jwks(&self, jwks: Value) {
        self.change(|world| world.jwks = jwks);
    }

    /// Adds or replaces a product.
    pub fn put_product(&self, product: Product) {
        self.change(|world| world.products.insert(product.id, product));
    }

    /// Takes a product out of the catalogue; carts keep their lines of it.
    pub fn remove_product(&self, id: i64) {
        self.change(|world| world.products.remove(&id));
    }

    /// Replaces the lines of a user's cart by `(product_id, quantity)`; they get new ids.
    pub fn put_cart(&self, uid: &str, items: &[(i64, u32)]) {
        self.change(|world| world.carts.replace(uid, items));
    }

    /// Adds to a user's cart: the line of the product grows, or there is a new one.
    pub fn add_to_cart(&self, uid: &str, product_id: i64, quantity: u32) {
        self.change(|world| world.carts.add(uid, product_id, quantity));
    }

    /// Takes a product out of a user's cart.
    pub fn remove_from_cart(&self, uid: &str, product_id: i64) {
        self.change(|world| world.carts.remove(uid, product_id));
    }

    /// Sets or drops the promo code of a user's cart.
    pub fn set_promo(&self, uid: &str, promo: Option<Promo>) {
        self.change(|world| world.carts.of(uid).promo_code = promo);
    }

    /// A user's cart; of one who never had any, an empty one with id 0.
    pub fn cart(&self, uid: &str) -> Cart {
        self.state.read(|world| world.carts.get(uid))
    }

    /// The payment service's book, in the order in which keys came in.
    pub fn payments(&self) -> Vec<Payment> {
        self.state.read(|world| world.ledger.entries().to_vec())
    }

    /// The entry of one idempotency key.
    pub fn payment(&self, key: &str) -> Option<Payment> {
        self.state.read(|world| world.ledger.by_key(key).cloned())
    }

    /// What was really charged and refunded for an order.
    pub fn balance(&self, order_id: &str) -> Balance {
        self.state.read(|world| world.ledger.balance(order_id))
    }

    /// What the notification service was told, in the order in which it came in.
    pub fn notifications(&self) -> Vec<Notification> {
        self.state.read(|world| world.notifications.clone())
    }

    /// How often each route was called, since the start or the last reset.
    pub fn calls(&self) -> Calls {
        self.state.read(|world| world.calls.clone())
    }

    /// How often a route was called, or (`None`) the whole service.
    pub fn calls_to(&self, service: Service, route: impl Into<Option<Route>>) -> u64 {
        self.state.read(|world| world.calls_to(service, route.into()))
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        self.state.change(change)
    }
}

/// Faults.
impl Sandbox {
    /// Switches a fault on. Of several that fit a call, the one switched on first happens.
    pub fn add_fault(&self, service: Service, fault: Fault) {
        self.change(|world| world.faults.add(service, fault));
    }

    /// Switches the faults of a service off; calls that one of them holds go on.
    pub fn clear_faults(&self, service: Service) {
        self.change(|world| world.clear_faults(service));
    }

    /// Switches the faults of every service off; held calls go on.
    pub fn clear_all_faults(&self) {
        self.change(World::clear_all_faults);
    }

    /// Declines new payments; of several rules that fit, the first one counts.
    pub fn add_decline(&self, decline: Decline) {
        self.change(|world| world.ledger.declines.push(decline));
    }

    /// Declines nothing any more.
    pub fn clear_declines(&self) {
        self.change(|world| world.ledger.declines.clear());
    }

    /// Lets every call that [`FaultKind::Hold`](crate::FaultKind::Hold) holds in a service go on, and answers how
    /// many there were. The fault itself stays for later calls, unless it is used up.
    pub fn release(&self, service: Service) -> usize {
        self.change(|world| world.release(service))
    }

    /// How many calls of a service are held.
    pub fn held(&self, service: Service) -> usize {
        self.state.read(|world| world.held(service))
    }

    /// Closes the port of a service: connections are refused, calls under way end without an answer.
    ///
    /// # Errors
    /// The sandbox has been stopped.
    pub async fn take_down(&self, service: Service) -> io::Result<()> {
        take_down(&self.state, &self.running.control, service).await
    }

    /// Opens the port of a service again, the same one.
    ///
    /// # Errors
    /// The sandbox has been stopped, or the port was taken by another process.
    pub async fn bring_back(&self, service: Service) -> io::Result<()> {
        bring_back(&self.state, &self.running.control, service).await
    }
}

/// Waiting. There is no limit of time in here: put your runtime's around it.
impl Sandbox {
    /// Waits until a route, or (`None`) a service, was called so often. A call counts as soon as its head is read: the
    /// work may be yet to come. A call that is held is held by then.
    pub async fn wait_for_calls(&self, service: Service, route: impl Into<Option<Route>>, n: u64) {
        let route = route.into();
        self.wait_until(|sandbox| sandbox.calls_to(service, route) >= n).await;
    }

    /// Waits until a condition holds, looking again after each change of the state.
    pub async fn wait_until(&self, mut condition: impl FnMut(&Self) -> bool) {
        let mut changes = self.state.changes();
        while !condition(self) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

pub(crate) async fn take_down(state: &State, control: &Control, service: Service) -> io::Result<()> {
    state.change(|world| {
        if !world.down.contains(&service) {
            world.down.push(service);
        }
    });
    control.listen(service, false).await
}

pub(crate) async fn bring_back(state: &State, control: &Control, service: Service) -> io::Result<()> {
    state.change(|world| world.down.retain(|down| *down != service));
    control.listen(service, true).await
}
