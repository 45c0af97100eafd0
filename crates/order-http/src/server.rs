//! The server: what it needs, and how it is put together.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::KeepAlive;
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::Data;
use actix_web::{App, Error, HttpServer};
use order_domain::ports::{Clock, OrderReader};
use order_usecases::UseCases;
use tokio::sync::Semaphore;

use crate::context::Scope;
use crate::cors::Origins;
use crate::observe::{Observed, observe};
use crate::routes::{configure, configure_health};
use crate::standing::{Standing, TransportHealth};
use crate::tokens::TokenVerifier;

/// Limits of the server. [`HttpConfig::default`] has the documented ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Threads that answer requests, each with its own [`UseCases`]. As many as there are cores.
    pub workers: usize,
    /// How long running requests may go on after the server is told to stop. 20 s, in whole seconds.
    pub shutdown_timeout: Duration,
    /// How long a client may take for a request's head. 5 s.
    pub head_timeout: Duration,
    /// How long it may take for the body. 10 s.
    pub body_timeout: Duration,
    /// How long a connection may be idle between requests. 75 s, which is longer than common proxies keep theirs.
    pub keep_alive: Duration,
    /// The largest body, in bytes. 64 KiB.
    pub body_limit: usize,
    /// Whose pages may read answers. Nobody's.
    pub origins: Origins,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(2, Into::into),
            shutdown_timeout: Duration::from_secs(20),
            head_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            body_limit: 64 * 1024,
            origins: Origins::default(),
        }
    }
}

/// What the server works with.
#[derive(Clone)]
pub struct Wiring {
    /// Makes the use cases of one worker; called once for each.
    pub usecases: Arc<dyn Fn() -> UseCases + Send + Sync>,
    /// Checks tokens.
    pub verifier: Arc<TokenVerifier>,
    /// The time that tokens are checked against.
    pub clock: Arc<dyn Clock>,
    /// Set, the server says that it is not ready, and answers all the same.
    pub draining: Arc<AtomicBool>,
    /// A permit for each request that may be under way; without one left, a request is answered 503 at once.
    pub room: Arc<Semaphore>,
    /// Put around the answering of each request.
    pub scope: Option<Scope>,
    /// How the outside services are doing, as their breakers see it.
    pub outside: Arc<dyn Fn() -> Vec<OutsideHealth> + Send + Sync>,
    /// How what carries word between instances is doing, where something does.
    pub transport: Option<TransportHealth>,
}

/// What the server of an instance without the API works with.
#[derive(Clone)]
pub struct HealthWiring {
    /// The database, which such an instance is not ready without.
    pub database: Arc<dyn OrderReader>,
    /// Set, the server says that it is not ready.
    pub draining: Arc<AtomicBool>,
    /// How what carries word between instances is doing, where something does.
    pub transport: Option<TransportHealth>,
}

/// How an outside service is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutsideHealth {
    /// Its name.
    pub service: &'static str,
    /// The name of its breaker's state: `closed`, `half_open` or `open`.
    pub breaker: &'static str,
}

/// What the routes of one worker work with.
#[derive(Clone)]
pub struct HttpState {
    pub(crate) usecases: UseCases,
    pub(crate) verifier: Arc<TokenVerifier>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) body_limit: usize,
    pub(crate) body_timeout: Duration,
    pub(crate) room: Arc<Semaphore>,
    pub(crate) outside: Arc<dyn Fn() -> Vec<OutsideHealth> + Send + Sync>,
    standing: Standing,
    observed: Observed,
    origins: Origins,
}

impl HttpState {
    /// The state of a worker: makes its use cases.
    pub fn new(wiring: &Wiring, config: &HttpConfig) -> Self {
        let usecases = (wiring.usecases)();
        Self {
            standing: Standing::of_usecases(&usecases, &wiring.draining, wiring.transport.clone()),
            observed: Observed::within(wiring.scope.clone()),
            usecases,
            verifier: Arc::clone(&wiring.verifier),
            clock: Arc::clone(&wiring.clock),
            body_limit: config.body_limit,
            body_timeout: config.body_timeout,
            room: Arc::clone(&wiring.room),
            outside: Arc::clone(&wiring.outside),
            origins: config.origins.clone(),
        }
    }
}

/// The application of one worker: the routes, and around them what every answer goes through.
pub fn app(
    state: HttpState,
) -> App<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()>,
> {
    let cors = Condition::new(state.origins.any(), state.origins.cors());
    let (standing, observed) = (state.standing.clone(), state.observed.clone());
    App::new()
        .app_data(Data::new(state))
        .app_data(Data::new(standing))
        .app_data(Data::new(observed))
        .wrap(cors)
        .wrap(from_fn(observe))
        .configure(configure)
}

/// The application of an instance without the API: does it live, is it ready, and nothing else.
pub fn health_app(
    wiring: &HealthWiring,
) -> App<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()>
    + use<>,
> {
    let standing = Standing::of_database(&wiring.database, &wiring.draining, wiring.transport.clone());
    App::new()
        .app_data(Data::new(standing))
        .app_data(Data::new(Observed::default()))
        .wrap(from_fn(observe))
        .configure(configure_health)
}

/// A server on `listener`, to be awaited. It leaves signals alone: whoever starts it stops it through its handle. Speaks
/// HTTP/1.1 and never compresses.
///
/// # Errors
/// [`io::Error`] when the listener can't be used.
pub fn server(listener: TcpListener, config: &HttpConfig, wiring: Wiring) -> io::Result<Server> {
    let for_workers = config.clone();
    run(listener, config, move || app(HttpState::new(&wiring, &for_workers)))
}

/// The same for an instance without the API.
///
/// # Errors
/// [`io::Error`] when the listener can't be used.
pub fn health_server(listener: TcpListener, config: &HttpConfig, wiring: HealthWiring) -> io::Result<Server> {
    run(listener, config, move || health_app(&wiring))
}

/// A server with what all of them have in common.
fn run<F, A>(listener: TcpListener, config: &HttpConfig, make: F) -> io::Result<Server>
where
    F: Fn() -> App<A> + Send + Clone + 'static,
    A: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()>
        + 'static,
{
    let server = HttpServer::new(make)
        .workers(config.workers.max(1))
        .disable_signals()
        .shutdown_timeout(config.shutdown_timeout.as_secs())
        .client_request_timeout(config.head_timeout)
        .keep_alive(KeepAlive::Timeout(config.keep_alive))
        .listen(listener)?;
    Ok(server.run())
}
