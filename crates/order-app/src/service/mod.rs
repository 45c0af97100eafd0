//! Wiring: settings become adapters, adapters what an instance of a role is made of. Also how it all stops.

mod api;
mod stores;
mod work;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use order_domain::ports::LiveEvents;
use order_usecases::lookout::Lookout;
use tokio::task::JoinHandle;

use crate::Failure;
use crate::clock::{self, DatabaseClock};
use crate::keys::Keys;
use crate::outside::Outside;
use crate::role::Role;
use crate::settings::Settings;
use crate::telemetry::Exporter;
use crate::transport::Transport;
use stores::Databases;
use work::Going;

/// A running service.
pub(crate) struct Service {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Where its metrics are to be had, if anywhere.
    pub(crate) metrics: Option<SocketAddr>,
    role: Role,
    server: JoinHandle<std::io::Result<()>>,
    handle: ServerHandle,
    going: Going,
    live: Arc<dyn LiveEvents>,
    draining: Arc<AtomicBool>,
    _keys: Option<Keys>,
    drain_delay: Duration,
    shutdown_timeout: Duration,
}

/// Starts an instance of a role: looks at the database, and brings it up to date if it may.
pub(crate) async fn start(settings: &Settings, role: Role) -> Result<Service, Failure> {
    role.fits(settings)?;
    stores::bring_up_to_date(settings).await?;
    // Before anything is claimed: an address that is taken must not leave work half begun.
    let listener = TcpListener::bind((settings.host.as_str(), settings.port)).map_err(|error| {
        Failure::Other(format!("{}:{} can't be listened on: {error}", settings.host, settings.port))
    })?;
    let address = listener.local_addr().map_err(Failure::other)?;

    // Before anything that is measured is made.
    let exporter = settings.metrics.map(Exporter::bind).transpose()?;
    let Databases { requests, work } = stores::open(settings, role)?;
    let now = requests.orders.now().await.map_err(Failure::other)?;
    let clock = Arc::new(DatabaseClock::at(now));
    let transport = Transport::of(settings, role);
    let outside = Outside::new(settings, clock.clone())?;
    let draining = Arc::new(AtomicBool::new(false));
    let (server, keys) = if role.has_api() {
        let keys = Keys::start(settings, &outside.guards).await?;
        let server = api::api(listener, settings, &requests, &transport, &outside, &keys, (&clock, &draining))?;
        (server, Some(keys))
    } else {
        (api::health(listener, settings, &requests, &transport, &draining)?, None)
    };
    let handle = server.handle();
    let metrics = exporter.as_ref().map(Exporter::address);
    if let Some(exporter) = exporter {
        exporter.serve(work.tasks.clone(), work.outbox.clone())?;
    }

    // Nothing can fail any more: now work may begin.
    let mut going = Going::default();
    if role.works() {
        let worker = work::worker(settings, &work, &transport, &outside, clock);
        going.begin("worker", |stop| worker.run(stop));
        let publisher = work::publisher(&work, &transport);
        going.begin("publisher", |stop| publisher.run(stop));
    } else {
        going.begin("clock", |stop| clock::follow(clock, requests.orders.clone(), stop));
    }
    if role.has_api() {
        let lookout = Lookout::new(requests.reader.clone(), transport.live_here.clone());
        going.begin("lookout", |stop| lookout.run(stop));
    }
    let server = tokio::spawn(server);
    say(settings, role, address, metrics);
    Ok(Service {
        address,
        metrics,
        role,
        server,
        handle,
        going,
        live: transport.live,
        draining,
        _keys: keys,
        drain_delay: settings.drain_delay,
        shutdown_timeout: settings.shutdown_timeout,
    })
}

/// What an operator should know of a service that has started.
fn say(settings: &Settings, role: Role, address: SocketAddr, metrics: Option<SocketAddr>) {
    for name in &settings.without_effect {
        tracing::warn!("{name} is set and has no effect");
    }
    if !settings.rules.accept_orders {
        tracing::warn!("no new orders are taken: ACCEPT_ORDERS is off");
    }
    if let Some(metrics) = metrics {
        tracing::info!(%metrics, "metrics are to be had");
    }
    tracing::info!(app = settings.app_name, role = role.name(), %address, "started");
}

impl Service {
    /// Runs until it is told to stop, then stops.
    pub(crate) async fn until_stopped(self) -> Result<(), Failure> {
        let (mut server, mut going) = (self.server, self.going);
        let ended = tokio::select! {
            signal = stop_signal() => signal.map_err(Failure::other).map(|()| None)?,
            ended = &mut server => Some(ended.map_err(Failure::other).and_then(|ended| ended.map_err(Failure::other))),
            // It was to go on until it is told to stop. Who would go on without it takes orders that nobody charges, or
            // tells an old time: better to end, and be started again.
            name = going.one_gone() => Some(Err(Failure::Other(format!("the {name} has ended by itself")))),
        };
        tracing::info!("stopping");
        self.draining.store(true, Ordering::Relaxed);
        going.stop();
        // Whoever waits for news gets what there is, and asks another instance next time.
        self.live.close();
        if self.role.has_api() {
            if ended.is_none() {
                // Whoever balances the load has to notice that the service is not ready before it takes no more requests.
                tokio::time::sleep(self.drain_delay).await;
            }
            tokio::join!(going.end(self.shutdown_timeout), self.handle.stop(true));
        } else {
            // Whoever watches over it may ask how it stands until the last task is done.
            going.end(self.shutdown_timeout).await;
            self.handle.stop(true).await;
        }
        ended.unwrap_or(Ok(()))?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// SIGTERM or Ctrl-C.
pub(crate) async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}
