//! The connections to Redis, and whether it answers.
//!
//! Each is made again for ever, with pauses that grow to two seconds, whatever the reason for which it broke: nothing here
//! fails or waits because Redis is away. That it went and that it is back is logged once each.

use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::{ClientLike, EventInterface, KeysInterface};
use fred::types::config::{
    ConnectionConfig, Options, PerformanceConfig, ReconnectPolicy, Server, TcpConfig, UnresponsiveConfig,
};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::{DEFAULT_PREFIX, Names, RedisUrl};

/// How long a connection may take to come about, TLS included.
const CONNECT: Duration = Duration::from_secs(2);
/// How long an answer may take before a connection counts as broken.
const SILENCE: Duration = Duration::from_secs(4);
/// The pauses between two attempts to connect: the first, and the longest.
const PAUSES: (u32, u32) = (50, 2_000);
/// Messages of a channel that wait to be looked at; more are missed.
const HEARD_AT_ONCE: usize = 4_096;
/// How often Redis is asked whether it answers.
const BEAT: Duration = Duration::from_secs(1);
/// How long a command may take. Redis takes microseconds.
pub(super) const ANSWER: Duration = Duration::from_millis(500);

/// Whether Redis answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// It does.
    Up,
    /// It does not, or not yet.
    Down,
}

/// The connections of this process to Redis, all of which end with the last clone of this.
#[derive(Clone)]
pub struct RedisLink {
    shared: Arc<Shared>,
}

struct Shared {
    url: RedisUrl,
    names: Names,
    commands: Connection,
    state: watch::Receiver<LinkState>,
    _watching: AbortOnDropHandle<()>,
}

impl RedisLink {
    /// Begins to connect, and returns at once. Needs a runtime of tokio around it.
    pub fn connect(url: &RedisUrl) -> Self {
        Self::connect_under(url, DEFAULT_PREFIX)
    }

    /// The same, for names that begin with another prefix than [`DEFAULT_PREFIX`]. All instances need the same.
    pub fn connect_under(url: &RedisUrl, prefix: &str) -> Self {
        let names = Names::under(prefix);
        let (told, state) = watch::channel(LinkState::Down);
        let (commands, watching) = Connection::open_with(url, |client| {
            let watched = Watched { client: client.clone(), key: names.tasks.clone(), shown: url.to_string(), told };
            AbortOnDropHandle::new(tokio::spawn(watched.watch()))
        });
        Self { shared: Arc::new(Shared { url: url.clone(), names, commands, state, _watching: watching }) }
    }

    /// Whether Redis answers, as far as is known.
    pub fn state(&self) -> LinkState {
        *self.shared.state.borrow()
    }

    /// Waits until Redis answers.
    pub async fn until_up(&self) {
        if self.shared.state.clone().wait_for(|state| *state == LinkState::Up).await.is_err() {
            // Nobody watches any more: the process ends.
            pending::<()>().await;
        }
    }

    /// Sends commands that do not block, each with [`at_once`] or a limit of its own.
    pub(super) fn commands(&self) -> &Client {
        &self.shared.commands.client
    }

    /// A connection of its own: for what blocks, or listens.
    pub(super) fn another(&self) -> Connection {
        Connection::open_with(&self.shared.url, |_| ()).0
    }

    pub(super) fn names(&self) -> &Names {
        &self.shared.names
    }
}

impl fmt::Debug for RedisLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLink").field("url", &self.shared.url).field("state", &self.state()).finish()
    }
}

/// What a command is sent with that waits for nothing: where there is no connection it fails.
pub(super) fn at_once(within: Duration) -> Options {
    Options { fail_fast: true, timeout: Some(within), ..Options::default() }
}

/// A client, and what drives it: ends with this.
pub(super) struct Connection {
    pub(super) client: Client,
    _driven: AbortOnDropHandle<()>,
}

impl Connection {
    /// Opens one. What wants to hear of its events from the first on is given the client before they begin.
    fn open_with<T>(url: &RedisUrl, before: impl FnOnce(&Client) -> T) -> (Self, T) {
        let mut config = url.config().clone();
        config.fail_fast = false;
        let performance =
            PerformanceConfig { broadcast_channel_capacity: HEARD_AT_ONCE, ..PerformanceConfig::default() };
        let connection = ConnectionConfig {
            connection_timeout: CONNECT,
            internal_command_timeout: CONNECT,
            tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
            unresponsive: UnresponsiveConfig { max_timeout: Some(SILENCE), interval: SILENCE / 4 },
            ..ConnectionConfig::default()
        };
        let policy = ReconnectPolicy::new_exponential(0, PAUSES.0, PAUSES.1, 2);
        let client = Client::new(config, Some(performance), Some(connection), Some(policy));
        let before = before(&client);
        let driven = AbortOnDropHandle::new(tokio::spawn(drive(client.clone())));
        (Self { client, _driven: driven }, before)
    }
}

/// Keeps the client connected. The library does so by itself, but gives up where an answer makes no sense to it, such as
/// that of a server which is no Cluster.
async fn drive(client: Client) {
    loop {
        // Its task ends with this one.
        let ended = AbortOnDropHandle::new(client.connect()).await;
        tracing::debug!(?ended, "a connection to Redis is made anew");
        sleep(BEAT).await;
    }
}

/// Waits for an event. `None`: some were missed.
pub(super) async fn event<T: Clone>(events: &mut Receiver<T>) -> Option<T> {
    match events.recv().await {
        Ok(event) => Some(event),
        Err(RecvError::Lagged(_)) => None,
        Err(RecvError::Closed) => pending().await,
    }
}

struct Watched {
    client: Client,
    /// On the node that matters, in a Cluster.
    key: String,
    shown: String,
    told: watch::Sender<LinkState>,
}

impl Watched {
    async fn watch(self) {
        let (mut errors, mut connected) = (self.client.error_rx(), self.client.reconnect_rx());
        let up = metrics::gauge!("redis_up");
        up.set(0.0);
        let mut why = None;
        let mut refused = None;
        // Before the first attempt is over there is nothing to tell.
        first(&mut errors, &mut connected, &mut why).await;
        loop {
            let asked = self.client.with_options(&at_once(BEAT)).exists::<u64, _>(self.key.as_str()).await;
            let before = *self.told.borrow();
            match (asked, before) {
                (Ok(_), LinkState::Up) => {}
                (Ok(_), LinkState::Down) => {
                    tracing::info!(redis = self.shown, "Redis answers");
                    (why, refused) = (None, None);
                    up.set(1.0);
                    self.told.send_replace(LinkState::Up);
                }
                (Err(error), before) => {
                    let reason = reason(error, why.as_ref());
                    let told = refused.replace(is_refusal(&reason));
                    // Once when it goes, and once more if what keeps it away is of another kind now.
                    if told != refused {
                        tracing::warn!(
                            redis = self.shown, %reason,
                            "Redis can't be used; tasks go on from the database. If it stays so, look at REDIS_URL"
                        );
                    }
                    if before == LinkState::Up {
                        up.set(0.0);
                        self.told.send_replace(LinkState::Down);
                    }
                }
            }
            first(&mut errors, &mut connected, &mut why).await;
        }
    }
}

/// Waits for the next news of a connection, for a beat at most, and keeps the latest error.
async fn first(
    errors: &mut Receiver<(Error, Option<Server>)>,
    connected: &mut Receiver<Server>,
    why: &mut Option<Error>,
) {
    tokio::select! {
        broken = event(errors) => {
            *why = broken.map(|(error, _)| error).or(why.take());
            // However fast it breaks, it is not asked faster.
            sleep(BEAT / 20).await;
        }
        _ = event(connected) => {}
        () = sleep(BEAT) => {}
    }
}

/// A command that was not sent does not know why there is no connection; the connection does.
fn reason(error: Error, why: Option<&Error>) -> Error {
    match error.kind() {
        ErrorKind::Canceled | ErrorKind::Timeout => why.cloned().unwrap_or(error),
        _ => error,
    }
}

/// Whether Redis is there, and refuses.
pub(super) fn is_refusal(error: &Error) -> bool {
    use ErrorKind::{Canceled, IO, Routing, Sentinel, Timeout};
    !matches!(error.kind(), IO | Timeout | Canceled | Routing | Sentinel)
}

/// Never ends by itself.
pub(super) type Endless<E> = Result<Infallible, E>;
