//! Settings: defaults, then the TOML file that `CONFIG_FILE` names, then the environment, under the predecessor's names.
//! Whatever is missing or wrong is named at once.

mod given;
mod rules;
#[cfg(test)]
mod tests;
mod trust;

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use order_clients::SigningKey;
use order_domain::Rules;
use order_http::{Origins, TokenVerifier};
use order_persistence::DatabaseUrl;
use order_queue::RedisUrl;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

pub(crate) use given::{Given, Mistakes};
pub(crate) use trust::{MadeWith, Making, Trust};

use crate::telemetry::LogFormat;

/// The secret of the predecessor's sample configuration: known to everybody.
const SAMPLE_SECRET: &str = "your_secret_key_here";
/// Shorter secrets can be guessed: as many bytes as the hash has (RFC 7518, 3.2).
const SECRET_BYTES: usize = 32;

/// The settings of a running service.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) app_name: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database_url: DatabaseUrl,
    pub(crate) database_connections: usize,
    pub(crate) auto_migrate: bool,
    /// Carries word between instances; `None`: within the process alone.
    pub(crate) redis: Option<RedisUrl>,
    /// Entries that the stream of events keeps.
    pub(crate) events_keep: u64,
    /// Checks callers' tokens where the algorithm is HS256, and signs this service's own.
    pub(crate) trust: Trust,
    pub(crate) jwt_issuer: Option<String>,
    pub(crate) jwt_audience: Option<String>,
    pub(crate) user_service: String,
    pub(crate) product_service: String,
    pub(crate) cart_service: String,
    pub(crate) payment_service: String,
    pub(crate) notification_service: String,
    /// Calls of one outside service at once.
    pub(crate) service_parallelism: usize,
    /// Signs this service's own tokens.
    pub(crate) service_key: SigningKey,
    pub(crate) rules: Rules,
    pub(crate) task_slots: usize,
    pub(crate) workers: Option<usize>,
    /// Requests under way at once.
    pub(crate) max_requests: usize,
    pub(crate) origins: Origins,
    /// Where metrics are to be had; `None`: nowhere, and nothing is measured.
    pub(crate) metrics: Option<SocketAddr>,
    /// How long requests are taken after the service has said that it is not ready any more.
    pub(crate) drain_delay: Duration,
    pub(crate) shutdown_timeout: Duration,
    /// What was set, and changes nothing.
    pub(crate) without_effect: Vec<String>,
    pub(crate) log_level: String,
    pub(crate) log_format: LogFormat,
}

impl Given {
    fn url(&mut self, name: &str) -> Option<String> {
        self.parsed(name, |value| match order_clients::check_base_url(value) {
            Ok(()) => Ok(value.to_owned()),
            Err(reason) => Err(reason.to_string()),
        })
    }

    fn host(&mut self) -> Option<String> {
        self.parsed("HOST", |value| match (value, 0).to_socket_addrs() {
            Ok(_) => Ok(value.to_owned()),
            Err(_) => Err("must be an address of this machine".into()),
        })
    }

    fn secret(&mut self) -> Option<SecretString> {
        let debug = self.switch("DEBUG").unwrap_or(false);
        self.parsed("JWT_SECRET_KEY", |value| {
            if !debug && value == SAMPLE_SECRET {
                return Err("is the sample's; set one of your own (or DEBUG=true for development)".into());
            }
            if !debug && value.len() < SECRET_BYTES {
                return Err(format!("must have at least {SECRET_BYTES} bytes (or DEBUG=true for development)"));
            }
            let secret = SecretString::from(value);
            TokenVerifier::hs256(&secret).map_err(|error| error.to_string())?;
            Ok(secret)
        })
    }

    /// The private key of this service, where it has one, else the secret that all services share.
    fn service_key(&mut self, secret: Option<&SecretString>) -> Option<SigningKey> {
        let id = self.optional("SERVICE_JWT_KEY_ID");
        if self.optional("SERVICE_JWT_PRIVATE_KEY").is_none() {
            return secret.map(SigningKey::secret);
        }
        self.parsed("SERVICE_JWT_PRIVATE_KEY", |pem| {
            SigningKey::private(&SecretString::from(pem), id).map_err(|error| error.to_string())
        })
    }

    /// What `DATABASE_URL` says, for commands that need nothing else.
    pub(crate) fn database(mut self) -> Result<DatabaseUrl, Mistakes> {
        let url = self.database_url();
        self.done(url)
    }

    /// What `HOST` and `PORT` say, for commands that need nothing else.
    pub(crate) fn address(mut self) -> Result<(String, u16), Mistakes> {
        let (host, port) = (self.host(), self.number("PORT", 1, u16::MAX));
        self.done(host.zip(port))
    }

    /// What `RELEASE_LEAD` says, for commands that need nothing else.
    pub(crate) fn release_lead(mut self) -> Result<Duration, Mistakes> {
        let lead = self.lead();
        self.done(lead)
    }

    /// What `JWT_SECRET_KEY` says, for commands that need nothing else.
    pub(crate) fn jwt_secret(mut self) -> Result<SecretString, Mistakes> {
        let secret = self.secret();
        self.done(secret)
    }

    fn database_url(&mut self) -> Option<DatabaseUrl> {
        self.parsed("DATABASE_URL", |url| {
            DatabaseUrl::parse(url).map_err(|error| error.to_string().trim_start_matches("DATABASE_URL: ").to_owned())
        })
    }

    /// How many entries the stream of events keeps: enough for whoever reads it to be away for a while, and no more than
    /// fits into memory.
    fn events_keep(&mut self) -> Option<u64> {
        self.number("EVENTS_KEEP", 1_000, 100_000_000)
    }

    /// What `REDIS_URL` and `EVENTS_KEEP` say, for commands that need nothing else. They need a Redis.
    pub(crate) fn event_stream(mut self) -> Result<(RedisUrl, u64), Mistakes> {
        if !self.is_given("REDIS_URL") {
            self.mistake("REDIS_URL is not set: without Redis there is no stream of events");
        }
        let (redis, events_keep) = (self.redis(), self.events_keep());
        self.done(redis.zip(events_keep))
    }

    /// `None` where none is used, and where it is a mistake.
    fn redis(&mut self) -> Option<RedisUrl> {
        self.optional("REDIS_URL")?;
        self.parsed("REDIS_URL", |url| RedisUrl::parse(url).map_err(|error| error.to_string()))
    }

    /// All settings of a service, or all that is wrong with them.
    pub(crate) fn settings(mut self) -> Result<Settings, Mistakes> {
        let settings = self.all();
        self.done(settings)
    }

    fn all(&mut self) -> Option<Settings> {
        // Each is looked at, whatever is wrong with the others.
        let app_name = self.value("APP_NAME");
        let host = self.host();
        let port = self.number("PORT", 0, u16::MAX);
        let database_url = self.database_url();
        let database_connections = self.number("DATABASE_CONNECTIONS", 2, 1_000);
        let auto_migrate = self.switch("AUTO_MIGRATE");
        let redis = self.redis();
        let events_keep = self.events_keep();
        let secret = self.secret_if_used();
        let jwt_issuer = self.optional("JWT_ISSUER");
        let jwt_audience = self.optional("JWT_AUDIENCE");
        let user_service = self.url("USER_SERVICE_URL");
        let trust = self.trust(user_service.as_deref(), secret.as_ref());
        let product_service = self.url("PRODUCT_SERVICE_URL");
        let cart_service = self.url("CART_SERVICE_URL");
        let payment_service = self.url("PAYMENT_SERVICE_URL");
        let notification_service = self.url("NOTIFICATION_SERVICE_URL");
        let service_parallelism = self.number("SERVICE_PARALLELISM", 1, 10_000);
        let service_key = self.service_key(secret.as_ref());
        let rules = self.rules();
        let task_slots = self.number("TASK_SLOTS", 1, 1_000);
        let workers = match self.optional("WORKERS") {
            Some(_) => self.number("WORKERS", 1, 1_024).map(Some),
            None => Some(None),
        };
        let max_requests = self.number("MAX_REQUESTS", 1, 1_000_000);
        let origins = self.parsed("CORS_ORIGINS", origins);
        let metrics = self.parsed("METRICS_ADDR", metrics);
        let shutdown_timeout = self.duration("SHUTDOWN_TIMEOUT", Duration::from_secs(1), Duration::from_mins(10));
        let drain_delay = self.duration("DRAIN_DELAY", Duration::ZERO, Duration::from_mins(10));
        let log_level = self.parsed("LOG_LEVEL", |value| match EnvFilter::try_new(value) {
            Ok(_) => Ok(value.to_owned()),
            Err(error) => Err(error.to_string()),
        });
        let log_format = self.parsed("LOG_FORMAT", |value| match value {
            "json" => Ok(LogFormat::Json),
            "text" => Ok(LogFormat::Text),
            _ => Err("must be json or text".into()),
        });
        Some(Settings {
            app_name: app_name?,
            host: host?,
            port: port?,
            database_url: database_url?,
            database_connections: database_connections?,
            auto_migrate: auto_migrate?,
            redis,
            events_keep: events_keep?,
            trust: trust?,
            jwt_issuer,
            jwt_audience,
            user_service: user_service?,
            product_service: product_service?,
            cart_service: cart_service?,
            payment_service: payment_service?,
            notification_service: notification_service?,
            service_parallelism: service_parallelism?,
            service_key: service_key?,
            rules: rules?,
            task_slots: task_slots?,
            workers: workers?,
            max_requests: max_requests?,
            origins: origins?,
            metrics: metrics?,
            drain_delay: drain_delay?,
            shutdown_timeout: shutdown_timeout?,
            without_effect: std::mem::take(&mut self.without_effect),
            log_level: log_level?,
            log_format: log_format?,
        })
    }
}

/// A JSON list, as the predecessor had it.
fn origins(value: &str) -> Result<Origins, String> {
    let entries = serde_json::from_str(value)
        .map_err(|_| "must be a JSON list of origins, such as [\"https://shop.example\"]".to_owned())?;
    Origins::parse(entries)
}

/// `ADDRESS:PORT`, or `off`.
fn metrics(value: &str) -> Result<Option<SocketAddr>, String> {
    if value.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    let mut found = value.to_socket_addrs().into_iter().flatten();
    found.next().map(Some).ok_or_else(|| "must be ADDRESS:PORT, such as 127.0.0.1:9464, or off".into())
}
