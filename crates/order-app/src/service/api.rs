//! What answers requests: the API, or the health of an instance that has none.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use actix_web::dev::Server;
use order_http::{HealthWiring, HttpConfig, Wiring};
use order_persistence::Stores;
use order_usecases::{Ports, UseCases};
use tokio::sync::Semaphore;

use crate::Failure;
use crate::clock::DatabaseClock;
use crate::keys::Keys;
use crate::outside::{Outside, passing_on};
use crate::settings::Settings;
use crate::transport::Transport;

/// Threads that tell how an instance without the API stands: nobody but its supervisor asks.
const HEALTH_THREADS: usize = 1;

/// The API on a listener.
pub(super) fn api(
    listener: TcpListener,
    settings: &Settings,
    stores: &Stores,
    transport: &Transport,
    outside: &Outside,
    keys: &Keys,
    (clock, draining): (&Arc<DatabaseClock>, &Arc<AtomicBool>),
) -> Result<Server, Failure> {
    let wiring = Wiring {
        usecases: usecases(settings, stores, transport, outside),
        verifier: Arc::clone(&keys.verifier),
        clock: clock.clone(),
        draining: Arc::clone(draining),
        room: Arc::new(Semaphore::new(settings.max_requests)),
        scope: Some(Arc::new(passing_on)),
        outside: outside.health(),
        transport: transport.health(),
    };
    let config = HttpConfig { origins: settings.origins.clone(), ..config(settings, threads(settings)) };
    order_http::server(listener, &config, wiring).map_err(Failure::other)
}

/// How an instance without the API stands, on a listener.
pub(super) fn health(
    listener: TcpListener,
    settings: &Settings,
    stores: &Stores,
    transport: &Transport,
    draining: &Arc<AtomicBool>,
) -> Result<Server, Failure> {
    let wiring =
        HealthWiring { database: stores.reader.clone(), draining: Arc::clone(draining), transport: transport.health() };
    order_http::health_server(listener, &config(settings, HEALTH_THREADS), wiring).map_err(Failure::other)
}

fn config(settings: &Settings, workers: usize) -> HttpConfig {
    HttpConfig { workers, shutdown_timeout: settings.shutdown_timeout, ..HttpConfig::default() }
}

fn threads(settings: &Settings) -> usize {
    settings.workers.unwrap_or(HttpConfig::default().workers).max(1)
}

fn usecases(
    settings: &Settings,
    stores: &Stores,
    transport: &Transport,
    outside: &Outside,
) -> Arc<dyn Fn() -> UseCases + Send + Sync> {
    let connections = settings.database_connections.div_ceil(threads(settings));
    let (signal, live, carts) = (outside.signal(&transport.signal), transport.live.clone(), outside.carts.clone());
    let (products, users) = (outside.products.clone(), outside.users.clone());
    let (stores, rules) = (stores.clone(), Arc::new(settings.rules.clone()));
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
