//! Wiring: settings become adapters, adapters become use cases and a worker, and those a server. Also how it all stops.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use order_domain::ports::{LiveEvents, TaskSignal};
use order_http::{HttpConfig, Wiring};
use order_persistence::{Options, Stores};
use order_queue::{InProcessLive, InProcessSignal};
use order_usecases::lookout::Lookout;
use order_usecases::tasks::Handlers;
use order_usecases::worker::{Worker, WorkerConfig};
use order_usecases::{Ports, UseCases};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::Failure;
use crate::clock::DatabaseClock;
use crate::keys::Keys;
use crate::outside::{Outside, passing_on};
use crate::settings::Settings;
use crate::telemetry::Exporter;

/// A running service.
pub(crate) struct Service {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Where its metrics are to be had, if anywhere.
    pub(crate) metrics: Option<SocketAddr>,
    server: JoinHandle<std::io::Result<()>>,
    handle: ServerHandle,
    worker: JoinHandle<()>,
    /// Stops the worker and the lookout.
    stop: CancellationToken,
    live: Arc<dyn LiveEvents>,
    draining: Arc<AtomicBool>,
    _keys: Keys,
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

    // Before anything that is measured is made.
    let exporter = settings.metrics.map(Exporter::bind).transpose()?;
    let runtime = tokio::runtime::Handle::current();
    let options = Options { connections: settings.database_connections, pool: "http", runtime };
    let stores = order_persistence::open(&settings.database_url, &options).map_err(Failure::other)?;
    let worker_stores = worker_stores(settings, &stores, &options)?;
    let now = stores.orders.now().await.map_err(Failure::other)?;
    let clock = Arc::new(DatabaseClock::at(now));
    let signal: Arc<dyn TaskSignal> = Arc::new(InProcessSignal::default());
    let live: Arc<dyn LiveEvents> = Arc::new(InProcessLive::default());
    let lookout = Lookout::new(stores.reader.clone(), live.clone());
    let outside = Outside::new(settings, clock.clone())?;
    let keys = Keys::start(settings, &outside.guards).await?;

    let draining = Arc::new(AtomicBool::new(false));
    let worker = worker(settings, &worker_stores, (&signal, &live), &outside, clock.clone());
    let wiring = Wiring {
        usecases: usecases(settings, stores, (&signal, &live), &outside),
        verifier: Arc::clone(&keys.verifier),
        clock,
        draining: Arc::clone(&draining),
        room: Arc::new(Semaphore::new(settings.max_requests)),
        scope: Some(Arc::new(passing_on)),
        outside: outside.health(),
    };
    let http = HttpConfig {
        shutdown_timeout: settings.shutdown_timeout,
        origins: settings.origins.clone(),
        ..HttpConfig::default()
    };
    let http = HttpConfig { workers: http_threads(settings), ..http };
    let server = order_http::server(listener, &http, wiring).map_err(Failure::other)?;
    let handle = server.handle();
    let metrics = exporter.as_ref().map(Exporter::address);
    if let Some(exporter) = exporter {
        exporter.serve(worker_stores.tasks.clone())?;
    }

    // Nothing can fail any more: now work may begin.
    let stop = CancellationToken::new();
    let worker = tokio::spawn(worker.run(stop.clone()));
    tokio::spawn(lookout.run(stop.clone()));
    let server = tokio::spawn(server);
    for name in &settings.without_effect {
        tracing::warn!("{name} is set and has no effect");
    }
    if !settings.rules.accept_orders {
        tracing::warn!("no new orders are taken: ACCEPT_ORDERS is off");
    }
    if let Some(metrics) = metrics {
        tracing::info!(%metrics, "metrics are to be had");
    }
    tracing::info!(app = settings.app_name, %address, "started");
    let (drain_delay, shutdown_timeout) = (settings.drain_delay, settings.shutdown_timeout);
    Ok(Service {
        address,
        metrics,
        server,
        handle,
        worker,
        stop,
        live,
        draining,
        _keys: keys,
        drain_delay,
        shutdown_timeout,
    })
}

impl Service {
    /// Runs until it is told to stop, then stops.
    pub(crate) async fn until_stopped(self) -> Result<(), Failure> {
        let (mut server, mut worker) = (self.server, self.worker);
        let ended = tokio::select! {
            signal = stop_signal() => signal.map_err(Failure::other).map(|()| None)?,
            ended = &mut server => Some(ended.map_err(Failure::other).and_then(|ended| ended.map_err(Failure::other))),
            // It was to work until it is told to stop. Who would go on without it takes orders that nobody charges: better
            // to end, and be started again.
            _ = &mut worker => Some(Err(Failure::Other("the worker has ended by itself".to_owned()))),
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
        let tasks = async {
            if worker.is_finished() { Ok(()) } else { timeout(self.shutdown_timeout, worker).await.map(drop) }
        };
        let (tasks, ()) = tokio::join!(tasks, self.handle.stop(true));
        if tasks.is_err() {
            tracing::warn!("tasks are still running; they are taken up again when their leases are over");
        }
        ended.unwrap_or(Ok(()))?;
        tracing::info!("stopped");
        Ok(())
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

/// The worker has connections of its own on PostgreSQL, so that neither requests nor tasks starve the other. A SQLite
/// file has one writer whoever asks.
fn worker_stores(settings: &Settings, stores: &Stores, options: &Options) -> Result<Stores, Failure> {
    match &settings.database_url {
        order_persistence::DatabaseUrl::Postgres(_) => {
            let options = Options { pool: "worker", ..options.clone() };
            order_persistence::open(&settings.database_url, &options).map_err(Failure::other)
        }
        order_persistence::DatabaseUrl::Sqlite(_) => Ok(stores.clone()),
    }
}

fn worker(
    settings: &Settings,
    stores: &Stores,
    (signal, live): (&Arc<dyn TaskSignal>, &Arc<dyn LiveEvents>),
    outside: &Outside,
    clock: Arc<DatabaseClock>,
) -> Worker {
    let handlers = Handlers {
        orders: stores.orders.clone(),
        ids: stores.ids.clone(),
        signal: signal.clone(),
        live: live.clone(),
        payments: outside.payments.clone(),
        products: outside.products.clone(),
        carts: outside.carts.clone(),
        notifications: outside.notifications.clone(),
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

fn http_threads(settings: &Settings) -> usize {
    settings.workers.unwrap_or(HttpConfig::default().workers).max(1)
}

fn usecases(
    settings: &Settings,
    stores: Stores,
    (signal, live): (&Arc<dyn TaskSignal>, &Arc<dyn LiveEvents>),
    outside: &Outside,
) -> Arc<dyn Fn() -> UseCases + Send + Sync> {
    let connections = settings.database_connections.div_ceil(http_threads(settings));
    let (signal, live, carts) = (signal.clone(), live.clone(), outside.carts.clone());
    let (products, users) = (outside.products.clone(), outside.users.clone());
    let rules = Arc::new(settings.rules.clone());
    Arc::new(move || {
        let Stores { orders, reader, desk, ids, .. } = stores.for_thread(connections).unwrap_or_else(|error| {
            tracing::warn!(%error, "a thread reads through the connections of all");
            stores.clone()
        });
        let (signal, live, carts) = (signal.clone(), live.clone(), carts.clone());
        let (products, users) = (products.clone(), users.clone());
        UseCases::new(Ports { orders, reader, desk, ids, signal, live, carts, products, users }, Arc::clone(&rules))
    })
}
