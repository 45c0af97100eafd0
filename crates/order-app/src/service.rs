//! Wiring: settings become adapters, adapters become use cases and a worker, and those a server. Also how it all stops.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use order_clients::{CartClient, Deadlines, PaymentClient, ProductClient, ServiceTokens, UserClient};
use order_domain::ports::{Clock, LiveEvents, TaskSignal};
use order_http::{HttpConfig, TokenVerifier, Wiring};
use order_persistence::{Options, Stores};
use order_queue::{InProcessLive, InProcessSignal};
use order_usecases::lookout::Lookout;
use order_usecases::tasks::Handlers;
use order_usecases::worker::{Worker, WorkerConfig};
use order_usecases::{Ports, UseCases};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Failure;
use crate::clock::DatabaseClock;
use crate::settings::Settings;

/// A running service.
pub(crate) struct Service {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    server: JoinHandle<std::io::Result<()>>,
    handle: ServerHandle,
    worker: JoinHandle<()>,
    /// Stops the worker and the lookout.
    stop: CancellationToken,
    live: Arc<dyn LiveEvents>,
    draining: Arc<AtomicBool>,
    drain_delay: Duration,
    shutdown_timeout: Duration,
}

/// Starts a service: looks at the database, and brings it up to date if it may.
pub(crate) async fn start(settings: &Settings) -> Result<Service, Failure> {
    let report =
        order_persistence::migrate(&settings.database_url, settings.auto_migrate).await.map_err(Failure::other)?;
    if !settings.auto_migrate && !report.pending.is_empty() {
        let missing = report.pending.join(", ");
        return Err(Failure::Other(format!("the database lacks the migration(s) {missing}: run `order-app migrate`")));
    }
    // Before anything is claimed: an address that is taken must not leave work half begun.
    let listener = TcpListener::bind((settings.host.as_str(), settings.port)).map_err(|error| {
        Failure::Other(format!("{}:{} can't be listened on: {error}", settings.host, settings.port))
    })?;
    let address = listener.local_addr().map_err(Failure::other)?;

    let runtime = tokio::runtime::Handle::current();
    let options = Options { connections: settings.database_connections, runtime };
    let stores = order_persistence::open(&settings.database_url, &options).map_err(Failure::other)?;
    let worker_stores = worker_stores(settings, &stores, &options)?;
    let now = stores.orders.placing(None).await.map_err(Failure::other)?.now;
    let clock = Arc::new(DatabaseClock::at(now));
    let signal: Arc<dyn TaskSignal> = Arc::new(InProcessSignal::default());
    let live: Arc<dyn LiveEvents> = Arc::new(InProcessLive::default());
    let lookout = Lookout::new(stores.reader.clone(), live.clone());
    let clients = Clients::new(settings, clock.clone())?;

    let draining = Arc::new(AtomicBool::new(false));
    let worker = worker(settings, &worker_stores, (&signal, &live), &clients, clock.clone());
    let wiring = Wiring {
        usecases: usecases(settings, stores, (&signal, &live), &clients),
        verifier: Arc::new(verifier(settings)?),
        clock,
        draining: Arc::clone(&draining),
    };
    let http = HttpConfig { shutdown_timeout: settings.shutdown_timeout, ..HttpConfig::default() };
    let http = HttpConfig { workers: settings.workers.unwrap_or(http.workers), ..http };
    let server = order_http::server(listener, &http, wiring).map_err(Failure::other)?;
    let handle = server.handle();

    // Nothing can fail any more: now work may begin.
    let stop = CancellationToken::new();
    let worker = tokio::spawn(worker.run(stop.clone()));
    tokio::spawn(lookout.run(stop.clone()));
    let server = tokio::spawn(server);
    for name in &settings.without_effect {
        tracing::warn!("{name} is set and has no effect");
    }
    tracing::info!(app = settings.app_name, %address, "started");
    let (drain_delay, shutdown_timeout) = (settings.drain_delay, settings.shutdown_timeout);
    Ok(Service { address, server, handle, worker, stop, live, draining, drain_delay, shutdown_timeout })
}

impl Service {
    /// Runs until it is told to stop, then stops.
    pub(crate) async fn until_stopped(self) -> Result<(), Failure> {
        let mut server = self.server;
        let ended = tokio::select! {
            signal = stop_signal() => signal.map_err(Failure::other).map(|()| None)?,
            ended = &mut server => Some(ended),
        };
        tracing::info!("stopping");
        self.draining.store(true, Ordering::Relaxed);
        self.stop.cancel();
        // Whoever waits for news gets what there is, and asks another instance next time.
        self.live.close();
        if ended.is_none() {
            // Whoever balances the load has to notice that the service is not ready before it takes no more requests.
            tokio::time::sleep(self.drain_delay).await;
        }
        // What a handler has begun it may finish; what it can't, another instance takes up when the lease is over.
        let tasks = tokio::time::timeout(self.shutdown_timeout, self.worker);
        let (tasks, ()) = tokio::join!(tasks, self.handle.stop(true));
        if tasks.is_err() {
            tracing::warn!("tasks are still running; they are taken up again when their leases are over");
        }
        match ended {
            Some(Ok(Ok(()))) | None => {
                tracing::info!("stopped");
                Ok(())
            }
            Some(Ok(Err(error))) => Err(Failure::other(error)),
            Some(Err(error)) => Err(Failure::other(error)),
        }
    }
}

/// SIGTERM or Ctrl-C.
async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}

/// The outside services.
struct Clients {
    carts: Arc<CartClient>,
    products: Arc<ProductClient>,
    payments: Arc<PaymentClient>,
    users: Arc<UserClient>,
}

impl Clients {
    fn new(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let currency = settings.rules.currency;
        let deadlines = Deadlines::default();
        let tokens = ServiceTokens::new(settings.jwt_secret.clone(), clock);
        let cart = CartClient::new(&settings.cart_service, deadlines, currency, tokens).map_err(Failure::other)?;
        let product = ProductClient::new(&settings.product_service, deadlines, currency).map_err(Failure::other)?;
        let payment = PaymentClient::new(&settings.payment_service, Deadlines::PAYMENT).map_err(Failure::other)?;
        let user = UserClient::new(&settings.user_service, deadlines).map_err(Failure::other)?;
        Ok(Self {
            carts: Arc::new(cart),
            products: Arc::new(product),
            payments: Arc::new(payment),
            users: Arc::new(user),
        })
    }
}

/// The worker has connections of its own on PostgreSQL, so that neither requests nor tasks starve the other. A SQLite
/// file has one writer whoever asks.
fn worker_stores(settings: &Settings, stores: &Stores, options: &Options) -> Result<Stores, Failure> {
    match &settings.database_url {
        order_persistence::DatabaseUrl::Postgres(_) => {
            order_persistence::open(&settings.database_url, options).map_err(Failure::other)
        }
        order_persistence::DatabaseUrl::Sqlite(_) => Ok(stores.clone()),
    }
}

fn worker(
    settings: &Settings,
    stores: &Stores,
    (signal, live): (&Arc<dyn TaskSignal>, &Arc<dyn LiveEvents>),
    clients: &Clients,
    clock: Arc<DatabaseClock>,
) -> Worker {
    let handlers = Handlers {
        orders: stores.orders.clone(),
        ids: stores.ids.clone(),
        signal: signal.clone(),
        live: live.clone(),
        payments: clients.payments.clone(),
        carts: clients.carts.clone(),
        rules: Arc::new(settings.rules.clone()),
        chance: Arc::new(chance),
    };
    let config = WorkerConfig { slots: settings.task_slots, ..WorkerConfig::default() };
    let on_sweep = Arc::new(move |now| clock.set(now));
    Worker::new(stores.tasks.clone(), signal.clone(), Arc::new(handlers), config, on_sweep)
}

#[expect(clippy::disallowed_methods, reason = "this is where chance comes from: the handlers take it as an argument")]
fn chance() -> f64 {
    rand::random()
}

fn usecases(
    settings: &Settings,
    stores: Stores,
    (signal, live): (&Arc<dyn TaskSignal>, &Arc<dyn LiveEvents>),
    clients: &Clients,
) -> Arc<dyn Fn() -> UseCases + Send + Sync> {
    let ports = Ports {
        orders: stores.orders,
        reader: stores.reader,
        ids: stores.ids,
        signal: signal.clone(),
        live: live.clone(),
        carts: clients.carts.clone(),
        products: clients.products.clone(),
        users: clients.users.clone(),
    };
    let rules = Arc::new(settings.rules.clone());
    Arc::new(move || UseCases::new(ports.clone(), Arc::clone(&rules)))
}

fn verifier(settings: &Settings) -> Result<TokenVerifier, Failure> {
    let verifier = TokenVerifier::hs256(&settings.jwt_secret).map_err(Failure::other)?;
    Ok(verifier.with_issuer(settings.jwt_issuer.clone()).with_audience(settings.jwt_audience.clone()))
}
