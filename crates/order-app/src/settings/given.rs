//! The values as they were given, in layers, and how one of them is read. Whatever is wrong is kept beside them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use figment::value::Value;

/// Every setting: its name, and its default where it has one.
pub(super) const KNOWN: &[(&str, Option<&str>)] = &[
    ("ACCEPT_ORDERS", Some("on")),
    ("APP_NAME", Some("order-service")),
    ("AUTO_MIGRATE", Some("true")),
    ("CART_SERVICE_URL", None),
    ("CASH_ON_DELIVERY", Some("off")),
    ("CORS_ORIGINS", Some("[]")),
    ("CURRENCY", Some("USD")),
    ("DATABASE_CONNECTIONS", Some("16")),
    ("DATABASE_URL", None),
    ("DEBUG", Some("false")),
    ("DELIVERY_BANDS", Some("")),
    ("DELIVERY_FEE", Some("5.00")),
    ("DELIVERY_RADIUS_KM", Some("50")),
    ("DRAIN_DELAY", Some("2s")),
    ("EVENTS_KEEP", Some("250000")),
    ("FULFILMENT_POINTS", Some("")),
    ("HOST", Some("0.0.0.0")),
    ("JWKS_URL", Some("")),
    ("JWT_ALGORITHM", Some("HS256")),
    ("JWT_AUDIENCE", Some("")),
    ("JWT_ISSUER", Some("")),
    ("JWT_SECRET_KEY", None),
    ("LOG_FORMAT", Some("json")),
    ("LOG_LEVEL", Some("info")),
    ("MAX_REQUESTS", Some("1024")),
    ("METRICS_ADDR", Some("127.0.0.1:9464")),
    ("NOTIFICATION_SERVICE_URL", None),
    ("PAYMENT_KEY_TTL", Some("24h")),
    ("PAYMENT_SERVICE_URL", None),
    ("PAYMENT_TIMEOUT", Some("15min")),
    ("PORT", Some("8004")),
    ("PRODUCT_SERVICE_URL", None),
    ("REDIS_URL", Some("")),
    ("RELEASE_LEAD", Some("45min")),
    ("SCHEDULE_MAX_AHEAD", Some("30d")),
    ("SCHEDULE_MIN_AHEAD", Some("30min")),
    ("SERVICE_JWT_KEY_ID", Some("")),
    ("SERVICE_JWT_PRIVATE_KEY", Some("")),
    ("SERVICE_PARALLELISM", Some("64")),
    ("SHUTDOWN_TIMEOUT", Some("20s")),
    ("TASK_SLOTS", Some("16")),
    ("USER_SERVICE_URL", None),
    ("WORKERS", Some("")),
];

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

/// The values as they were given, and what was wrong with them so far.
pub(crate) struct Given {
    values: BTreeMap<String, String>,
    mistakes: Vec<String>,
    pub(super) without_effect: Vec<String>,
}

impl Given {
    /// Reads the file that `CONFIG_FILE` names, if it is set, and the environment.
    pub(crate) fn read() -> Self {
        Self::from(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    pub(super) fn from(environment: impl Iterator<Item = (String, String)>) -> Self {
        let environment: BTreeMap<String, String> = environment.collect();
        let known = |name: &str| KNOWN.iter().any(|(known, _)| *known == name);
        let mut layers = Figment::new();
        let mut mistakes = Vec::new();
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
            match text(&value) {
                Some(value) if known(&name) => drop(values.insert(name, value)),
                Some(_) => mistakes.push(format!("CONFIG_FILE: {key} is no setting")),
                None => {
                    mistakes
                        .push(format!("CONFIG_FILE: {key} must be a text, a number, true/false or a list of texts"));
                }
            }
        }
        // As texts: a secret of digits stays what it is.
        let set = environment.into_iter().filter(|(name, value)| known(name) && !value.is_empty());
        let merged =
            Figment::from(Serialized::defaults(values)).merge(Serialized::defaults(set.collect::<BTreeMap<_, _>>()));
        match merged.extract() {
            Ok(values) => Self { values, mistakes, without_effect: Vec::new() },
            Err(error) => {
                mistakes.push(error.to_string());
                Self { values: BTreeMap::new(), mistakes, without_effect: Vec::new() }
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

    /// Whether somebody gave it a value. Its default does not count.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| !value.is_empty())
    }

    /// Something is wrong beside a value's own form.
    pub(super) fn mistake(&mut self, mistake: &str) {
        self.mistakes.push(mistake.to_owned());
    }

    pub(super) fn value(&mut self, name: &str) -> Option<String> {
        let default = KNOWN.iter().find(|(known, _)| *known == name).and_then(|(_, default)| *default);
        let value = self.values.get(name).cloned().or_else(|| default.map(str::to_owned));
        if value.is_none() {
            self.mistakes.push(format!("{name} is not set"));
        }
        value
    }

    pub(super) fn optional(&mut self, name: &str) -> Option<String> {
        self.value(name).filter(|value| !value.is_empty())
    }

    pub(super) fn parsed<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let value = self.value(name)?;
        match parse(&value) {
            Ok(parsed) => Some(parsed),
            Err(reason) => {
                self.mistakes.push(format!("{name}: {reason}"));
                None
            }
        }
    }

    pub(super) fn number<T: FromStr + PartialOrd + fmt::Display + Copy>(
        &mut self,
        name: &str,
        min: T,
        max: T,
    ) -> Option<T> {
        self.parsed(name, |value| match value.parse::<T>() {
            Ok(number) if number >= min && number <= max => Ok(number),
            _ => Err(format!("must be a number from {min} to {max}")),
        })
    }

    pub(super) fn switch(&mut self, name: &str) -> Option<bool> {
        self.parsed(name, |value| match value.to_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => Ok(true),
            "false" | "off" | "no" | "0" => Ok(false),
            _ => Err("must be on or off".into()),
        })
    }

    pub(super) fn duration(&mut self, name: &str, min: Duration, max: Duration) -> Option<Duration> {
        self.parsed(name, |value| match humantime::parse_duration(value) {
            Ok(duration) if duration >= min && duration <= max => Ok(duration),
            Ok(_) => {
                Err(format!("must be from {} to {}", humantime::format_duration(min), humantime::format_duration(max)))
            }
            Err(_) => Err("must be a duration such as 4s, 15min or 7d".into()),
        })
    }

    pub(super) fn done<T>(mut self, value: Option<T>) -> Result<T, Mistakes> {
        self.mistakes.dedup();
        match value {
            Some(value) if self.mistakes.is_empty() => Ok(value),
            _ => Err(Mistakes(self.mistakes)),
        }
    }
}

/// A value of a file as a text; a list of texts as the environment would give it, in JSON.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Bool(_, value) => Some(value.to_string()),
        Value::Num(_, number) => number
            .to_i128()
            .map(|number| number.to_string())
            .or_else(|| number.to_f64().map(|number| number.to_string())),
        Value::Char(_, value) => Some(value.to_string()),
        Value::Array(_, values) => {
            let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
            serde_json::to_string(&texts?).ok()
        }
        Value::Empty(..) | Value::Dict(..) => None,
    }
}
