//! What `order-app check` says of Redis: whether it can be used, and if not, what is wrong and what to set.

use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike;
use fred::types::config::{ConnectionConfig, PerformanceConfig};
use fred::types::{ClusterHash, CustomCommand, InfoKind};
use tokio::time::timeout;

use super::{DEFAULT_PREFIX, Names, RedisUrl};

/// How long each step may take.
const WITHIN: Duration = Duration::from_secs(3);
/// The oldest that has what is used here: XAUTOCLAIM came with 6.2.
const OLDEST: (u32, u32) = (6, 2);

/// Looks whether this Redis can be used, and answers with its version. Changes nothing there.
///
/// # Errors
/// What is wrong and which setting to look at, without the password.
pub async fn check(url: &RedisUrl) -> Result<String, String> {
    let mut config = url.config().clone();
    config.fail_fast = true;
    let performance = PerformanceConfig { default_command_timeout: WITHIN, ..PerformanceConfig::default() };
    let connection = ConnectionConfig {
        connection_timeout: WITHIN,
        internal_command_timeout: WITHIN,
        ..ConnectionConfig::default()
    };
    let client = Client::new(config, Some(performance), Some(connection), None);
    let driven = match timeout(WITHIN * 2, client.init()).await {
        Ok(connected) => connected.map_err(|error| explained(url, &error))?,
        Err(_) => return Err(format!("{url} does not answer; look at REDIS_URL")),
    };
    let found = look(&client, url).await;
    let _ = client.quit().await;
    driven.abort();
    found
}

async fn look(client: &Client, url: &RedisUrl) -> Result<String, String> {
    let explained = |error: Error| explained(url, &error);
    let info: String = client.info(Some(InfoKind::Server)).await.map_err(explained)?;
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or_default().trim();
    if !new_enough(version) {
        let (major, minor) = OLDEST;
        return Err(format!("{url} is version {version:?}; at least {major}.{minor} is needed; look at REDIS_URL"));
    }
    let Names { tasks, events, .. } = Names::under(DEFAULT_PREFIX);
    for key in [tasks.as_str(), events.as_str()] {
        let kind: String = client
            .custom(CustomCommand::new_static("TYPE", ClusterHash::FirstKey, false), vec![key])
            .await
            .map_err(explained)?;
        if !matches!(kind.as_str(), "none" | "stream") {
            return Err(format!(
                "{url} is used for something else: it has a {kind} named {key}, where this service has a stream; \
                 name another Redis, or another database of it, in REDIS_URL"
            ));
        }
    }
    Ok(format!("version {version}"))
}

fn new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= OLDEST
}

fn explained(url: &RedisUrl, error: &Error) -> String {
    let details = error.details();
    let starts = |word: &str| details.starts_with(word);
    match error.kind() {
        ErrorKind::Auth if starts("WRONGPASS") => format!("{url} refuses the user or the password of REDIS_URL"),
        ErrorKind::Auth => format!("{url} wants a password: redis://:PASSWORD@… in REDIS_URL"),
        _ if starts("NOAUTH") => format!("{url} wants a password: redis://:PASSWORD@… in REDIS_URL"),
        _ if starts("NOPERM") => {
            format!("{url} does not allow what is needed ({details}); look at the user of REDIS_URL")
        }
        ErrorKind::IO | ErrorKind::Timeout | ErrorKind::Canceled => {
            format!("{url} can't be reached ({details}); look at REDIS_URL")
        }
        _ => format!("{url}: {details}; look at REDIS_URL"),
    }
}

#[cfg(test)]
mod tests {
    use super::new_enough;

    #[test]
    fn a_redis_that_is_too_old_is_told_from_one_that_is_not() {
        for version in ["6.2.0", "6.2", "7.0.15", "10.0.0"] {
            assert!(new_enough(version), "{version}");
        }
        for version in ["6.0.16", "5.0.14", "2.8", "", "unknown"] {
            assert!(!new_enough(version), "{version}");
        }
    }
}
