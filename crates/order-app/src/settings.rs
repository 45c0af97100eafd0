//! Settings: defaults, then the TOML file that `CONFIG_FILE` names, then the environment, under the predecessor's names.
//! Whatever is missing or wrong is named at once.

use std::collections::BTreeMap;
use std::fmt;
use std::net::ToSocketAddrs;
use std::str::FromStr;
use std::time::Duration;

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use figment::value::Value;
use order_domain::pricing::{FeePolicy, ServiceArea};
use order_domain::{Coordinates, Currency, Money, Rules};
use order_http::TokenVerifier;
use order_persistence::DatabaseUrl;
use rust_decimal::Decimal;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use crate::telemetry::LogFormat;

/// The secret of the predecessor's sample configuration: known to everybody.
const SAMPLE_SECRET: &str = "your_secret_key_here";
/// Shorter secrets can be guessed: as many bytes as the hash has (RFC 7518, 3.2).
const SECRET_BYTES: usize = 32;

/// Every setting: its name, and its default where it has one.
const KNOWN: &[(&str, Option<&str>)] = &[
    ("APP_NAME", Some("order-service")),
    ("AUTO_MIGRATE", Some("true")),
    ("CART_SERVICE_URL", None),
    ("CASH_ON_DELIVERY", Some("off")),
    ("CURRENCY", Some("USD")),
    ("DATABASE_CONNECTIONS", Some("16")),
    ("DATABASE_URL", None),
    ("DEBUG", Some("false")),
    ("DELIVERY_FEE", Some("5.00")),
    ("DELIVERY_RADIUS_KM", Some("50")),
    ("DRAIN_DELAY", Some("2s")),
    ("FULFILMENT_POINTS", Some("")),
    ("HOST", Some("0.0.0.0")),
    ("JWT_ALGORITHM", Some("HS256")),
    ("JWT_AUDIENCE", Some("")),
    ("JWT_ISSUER", Some("")),
    ("JWT_SECRET_KEY", None),
    ("LOG_FORMAT", Some("json")),
    ("LOG_LEVEL", Some("info")),
    ("PAYMENT_SERVICE_URL", None),
    ("PAYMENT_TIMEOUT", Some("15min")),
    ("PORT", Some("8004")),
    ("PRODUCT_SERVICE_URL", None),
    ("SHUTDOWN_TIMEOUT", Some("20s")),
    ("TASK_SLOTS", Some("16")),
    ("USER_SERVICE_URL", None),
    ("WORKERS", Some("")),
];

/// Settings of the predecessor that change nothing here (yet): a file that has them is not refused for it.
const WITHOUT_EFFECT: &[&str] = &["CORS_ORIGINS", "NOTIFICATION_SERVICE_URL", "REDIS_URL"];

/// What is wrong with the settings, all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistakes(pub(crate) Vec<String>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings can't be used:")?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

impl std::error::Error for Mistakes {}

/// The settings of a running service.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) app_name: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database_url: DatabaseUrl,
    pub(crate) database_connections: usize,
    pub(crate) auto_migrate: bool,
    pub(crate) jwt_secret: SecretString,
    pub(crate) jwt_issuer: Option<String>,
    pub(crate) jwt_audience: Option<String>,
    pub(crate) user_service: String,
    pub(crate) product_service: String,
    pub(crate) cart_service: String,
    pub(crate) payment_service: String,
    pub(crate) rules: Rules,
    pub(crate) task_slots: usize,
    pub(crate) workers: Option<usize>,
    /// How long requests are taken after the service has said that it is not ready any more.
    pub(crate) drain_delay: Duration,
    pub(crate) shutdown_timeout: Duration,
    /// What was set, and changes nothing.
    pub(crate) without_effect: Vec<String>,
    pub(crate) log_level: String,
    pub(crate) log_format: LogFormat,
}

/// The values as they were given, and what was wrong with them so far.
pub(crate) struct Given {
    values: BTreeMap<String, String>,
    mistakes: Vec<String>,
    without_effect: Vec<String>,
}

impl Given {
    /// Reads the file that `CONFIG_FILE` names, if it is set, and the environment.
    pub(crate) fn read() -> Self {
        Self::from(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    fn from(environment: impl Iterator<Item = (String, String)>) -> Self {
        let environment: BTreeMap<String, String> = environment.collect();
        let known = |name: &str| KNOWN.iter().any(|(known, _)| *known == name);
        let mut layers = Figment::new();
        let mut mistakes = Vec::new();
        let idle = |name: &str| WITHOUT_EFFECT.contains(&name);
        let mut without_effect: Vec<String> = environment.keys().filter(|name| idle(name)).cloned().collect();
        if let Some(file) = environment.get("CONFIG_FILE").filter(|file| !file.is_empty()) {
            match std::fs::read_to_string(file) {
                Ok(text) => layers = layers.merge(Toml::string(&text)),
                Err(error) => mistakes.push(format!("CONFIG_FILE: {file}: {error}")),
            }
        }
        let from_file = layers.extract::<BTreeMap<String, Value>>().unwrap_or_else(|error| {
            mistakes.push(format!("CONFIG_FILE: {error}"));
            BTreeMap::new()
        });
        let mut values = BTreeMap::new();
        for (key, value) in from_file {
            let name = key.to_uppercase();
            if idle(&name) {
                without_effect.push(name);
                continue;
            }
            match text(&value) {
                Some(value) if known(&name) => drop(values.insert(name, value)),
                Some(_) => mistakes.push(format!("CONFIG_FILE: {key} is no setting")),
                None => mistakes.push(format!("CONFIG_FILE: {key} must be a text, a number or true/false")),
            }
        }
        // As texts: a secret of digits stays what it is.
        let set = environment.into_iter().filter(|(name, value)| known(name) && !value.is_empty());
        let merged =
            Figment::from(Serialized::defaults(values)).merge(Serialized::defaults(set.collect::<BTreeMap<_, _>>()));
        match merged.extract() {
            Ok(values) => Self { values, mistakes, without_effect },
            Err(error) => {
                mistakes.push(error.to_string());
                Self { values: BTreeMap::new(), mistakes, without_effect }
            }
        }
    }

    /// Sets what was not given.
    pub(crate) fn or(mut self, name: &str, value: &str) -> Self {
        self.values.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        self
    }

    /// Sets a value whatever was given.
    pub(crate) fn always(mut self, name: &str, value: &str) -> Self {
        self.values.insert(name.to_owned(), value.to_owned());
        self
    }

    fn value(&mut self, name: &str) -> Option<String> {
        let default = KNOWN.iter().find(|(known, _)| *known == name).and_then(|(_, default)| *default);
        let value = self.values.get(name).cloned().or_else(|| default.map(str::to_owned));
        if value.is_none() {
            self.mistakes.push(format!("{name} is not set"));
        }
        value
    }

    fn optional(&mut self, name: &str) -> Option<String> {
        self.value(name).filter(|value| !value.is_empty())
    }

    fn parsed<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let value = self.value(name)?;
        match parse(&value) {
            Ok(parsed) => Some(parsed),
            Err(reason) => {
                self.mistakes.push(format!("{name}: {reason}"));
                None
            }
        }
    }

    fn number<T: FromStr + PartialOrd + fmt::Display + Copy>(&mut self, name: &str, min: T, max: T) -> Option<T> {
        self.parsed(name, |value| match value.parse::<T>() {
            Ok(number) if number >= min && number <= max => Ok(number),
            _ => Err(format!("must be a number from {min} to {max}")),
        })
    }

    fn switch(&mut self, name: &str) -> Option<bool> {
        self.parsed(name, |value| match value.to_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => Ok(true),
            "false" | "off" | "no" | "0" => Ok(false),
            _ => Err("must be on or off".into()),
        })
    }

    fn duration(&mut self, name: &str, min: Duration, max: Duration) -> Option<Duration> {
        self.parsed(name, |value| match humantime::parse_duration(value) {
            Ok(duration) if duration >= min && duration <= max => Ok(duration),
            Ok(_) => {
                Err(format!("must be from {} to {}", humantime::format_duration(min), humantime::format_duration(max)))
            }
            Err(_) => Err("must be a duration such as 4s, 15min or 7d".into()),
        })
    }

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

    fn rules(&mut self) -> Option<Rules> {
        let currency = self.parsed("CURRENCY", |code| Currency::from_code(code).map_err(|error| error.to_string()));
        let payment_timeout = self.duration("PAYMENT_TIMEOUT", Duration::from_secs(1), Duration::from_hours(30 * 24));
        let cash_on_delivery = self.switch("CASH_ON_DELIVERY");
        let amount = currency.and_then(|currency| self.parsed("DELIVERY_FEE", |value| fee(value, currency)));
        let points = self.parsed("FULFILMENT_POINTS", points);
        let radius_km = self.number("DELIVERY_RADIUS_KM", 0.0, 20_100.0);
        let (points, radius_km) = (points?, radius_km?);
        let area = (!points.is_empty()).then_some(ServiceArea { fulfilment_points: points, radius_km });
        Some(Rules {
            payment_timeout: payment_timeout?,
            cash_on_delivery: cash_on_delivery?,
            fee: FeePolicy { amount: amount?, area },
            ..Rules::new(currency?)
        })
    }

    /// What `DATABASE_URL` says, for commands that need nothing else.
    pub(crate) fn database(mut self) -> Result<DatabaseUrl, Mistakes> {
        let url = self.database_url();
        self.done(url)
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
        let jwt_secret = self.secret();
        self.parsed("JWT_ALGORITHM", |value| match value {
            "HS256" => Ok(()),
            _ => Err("only HS256 is understood".into()),
        });
        let jwt_issuer = self.optional("JWT_ISSUER");
        let jwt_audience = self.optional("JWT_AUDIENCE");
        let user_service = self.url("USER_SERVICE_URL");
        let product_service = self.url("PRODUCT_SERVICE_URL");
        let cart_service = self.url("CART_SERVICE_URL");
        let payment_service = self.url("PAYMENT_SERVICE_URL");
        let rules = self.rules();
        let task_slots = self.number("TASK_SLOTS", 1, 1_000);
        let workers = match self.optional("WORKERS") {
            Some(_) => self.number("WORKERS", 1, 1_024).map(Some),
            None => Some(None),
        };
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
            jwt_secret: jwt_secret?,
            jwt_issuer,
            jwt_audience,
            user_service: user_service?,
            product_service: product_service?,
            cart_service: cart_service?,
            payment_service: payment_service?,
            rules: rules?,
            task_slots: task_slots?,
            workers: workers?,
            drain_delay: drain_delay?,
            shutdown_timeout: shutdown_timeout?,
            without_effect: std::mem::take(&mut self.without_effect),
            log_level: log_level?,
            log_format: log_format?,
        })
    }

    fn done<T>(mut self, value: Option<T>) -> Result<T, Mistakes> {
        self.mistakes.dedup();
        match value {
            Some(value) if self.mistakes.is_empty() => Ok(value),
            _ => Err(Mistakes(self.mistakes)),
        }
    }
}

/// A value of a file as a text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Bool(_, value) => Some(value.to_string()),
        Value::Num(_, number) => number
            .to_i128()
            .map(|number| number.to_string())
            .or_else(|| number.to_f64().map(|number| number.to_string())),
        Value::Char(_, value) => Some(value.to_string()),
        Value::Empty(..) | Value::Dict(..) | Value::Array(..) => None,
    }
}

fn fee(value: &str, currency: Currency) -> Result<Money, String> {
    let amount = value.parse::<Decimal>().map_err(|_| "must be an amount such as 5.00".to_owned())?;
    match Money::exact(amount, currency) {
        Ok(fee) if !fee.is_negative() => Ok(fee),
        Ok(_) => Err("must not be negative".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// `LATITUDE,LONGITUDE`, several with `;` between them; empty: none.
fn points(value: &str) -> Result<Vec<Coordinates>, String> {
    let point = |text: &str| {
        let (latitude, longitude) = text.split_once(',')?;
        Coordinates::new(latitude.trim().parse().ok()?, longitude.trim().parse().ok()?).ok()
    };
    let texts = value.split(';').map(str::trim).filter(|text| !text.is_empty());
    texts
        .map(point)
        .collect::<Option<_>>()
        .ok_or_else(|| "must be LATITUDE,LONGITUDE, several with ; between them".into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const ENOUGH: &[(&str, &str)] = &[
        ("DATABASE_URL", "sqlite:orders.db"),
        ("JWT_SECRET_KEY", "0123456789012345678901234567890123"),
        ("USER_SERVICE_URL", "http://user"),
        ("PRODUCT_SERVICE_URL", "http://product"),
        ("CART_SERVICE_URL", "http://cart"),
        ("PAYMENT_SERVICE_URL", "http://payment"),
    ];

    fn given(more: &[(&str, &str)]) -> Result<Settings, Mistakes> {
        let all = ENOUGH.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Given::from(all).settings()
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let settings = given(&[]).unwrap();
        assert_eq!((settings.host.as_str(), settings.port), ("0.0.0.0", 8004));
        assert_eq!(settings.rules, Rules::new(Currency::USD));
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let Mistakes(mistakes) =
            Given::from([("PORT".to_owned(), "70000".to_owned())].into_iter()).settings().unwrap_err();
        let all = mistakes.join("\n");
        for name in [
            "DATABASE_URL is not set",
            "JWT_SECRET_KEY is not set",
            "USER_SERVICE_URL",
            "PRODUCT_SERVICE_URL",
            "CART_SERVICE_URL",
            "PAYMENT_SERVICE_URL",
            "PORT: must be",
        ] {
            assert!(all.contains(name), "{name} in {all}");
        }
    }

    #[test]
    fn a_secret_that_everybody_knows_or_can_guess_is_refused_outside_debug() {
        for secret in [SAMPLE_SECRET, "short"] {
            let Mistakes(mistakes) = given(&[("JWT_SECRET_KEY", secret)]).unwrap_err();
            assert!(mistakes[0].starts_with("JWT_SECRET_KEY: ") && !mistakes[0].contains("short"), "{mistakes:?}");
            assert!(given(&[("JWT_SECRET_KEY", secret), ("DEBUG", "true")]).is_ok());
        }
    }

    #[test]
    fn values_are_read_or_refused_one_by_one() {
        for (name, good, bad) in [
            ("PAYMENT_TIMEOUT", "90s", "soon"),
            ("CASH_ON_DELIVERY", "on", "maybe"),
            ("DELIVERY_FEE", "4.99", "4.999"),
            ("DELIVERY_FEE", "0", "-1"),
            ("FULFILMENT_POINTS", "40.7,-74.0; 41,-73", "north"),
            ("CURRENCY", "EUR", "euro"),
            ("JWT_ALGORITHM", "HS256", "none"),
            ("CART_SERVICE_URL", "https://cart/", "cart:80"),
            ("DATABASE_URL", "postgresql+asyncpg://u:p@h/d", "mysql://h"),
            ("WORKERS", "3", "0"),
            ("LOG_FORMAT", "text", "xml"),
            ("LOG_LEVEL", "warn,order_http=debug", "garbage=x=y"),
            ("HOST", "::1", "not a host"),
            ("CART_SERVICE_URL", "http://cart/path", "http://user:word@cart"),
            ("JWT_SECRET_KEY", "another secret that is long enough", "-----BEGIN PUBLIC KEY-----0123456789"),
            ("DRAIN_DELAY", "0s", "1 year"),
        ] {
            assert!(given(&[(name, good)]).is_ok(), "{name}={good}");
            let Mistakes(mistakes) = given(&[(name, bad)]).unwrap_err();
            assert!(mistakes.len() == 1 && mistakes[0].starts_with(name), "{name}={bad}: {mistakes:?}");
        }
    }

    #[test]
    fn the_environment_overrides_the_file_and_the_file_the_defaults() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "port = 9000\nhost = \"127.0.0.1\"\ncash_on_delivery = true\n").unwrap();
        let path = file.path().to_str().unwrap();
        let settings = given(&[("CONFIG_FILE", path), ("PORT", "9001")]).unwrap();
        assert_eq!((settings.host.as_str(), settings.port, settings.rules.cash_on_delivery), ("127.0.0.1", 9001, true));
    }

    #[test]
    fn what_the_predecessor_had_and_changes_nothing_here_is_named_and_not_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "cors_origins = [\"https://shop.example\"]").unwrap();
        let settings = given(&[("CONFIG_FILE", file.path().to_str().unwrap()), ("REDIS_URL", "redis://r")]).unwrap();
        assert_eq!(settings.without_effect, ["REDIS_URL", "CORS_ORIGINS"]);
    }

    #[test]
    fn what_a_file_says_of_no_setting_is_a_mistake() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "prot = 9000\nhost = [1]\n").unwrap();
        let Mistakes(mistakes) = given(&[("CONFIG_FILE", file.path().to_str().unwrap())]).unwrap_err();
        assert!(mistakes.iter().any(|mistake| mistake.contains("prot is no setting")), "{mistakes:?}");
        assert!(mistakes.iter().any(|mistake| mistake.contains("host must be")), "{mistakes:?}");
        let Mistakes(mistakes) = given(&[("CONFIG_FILE", "no/such/file.toml")]).unwrap_err();
        assert!(mistakes[0].contains("no/such/file.toml"), "{mistakes:?}");
    }
}
