//! `REDIS_URL`: which Redis, and how to reach it.

use std::fmt;

use fred::types::config::{ClusterDiscoveryPolicy, Config, Server, ServerConfig};
use url::Url;

use super::tls;

const ACCEPTED: &str = "accepted are redis://[[USER]:PASSWORD@]HOST[:6379][/DATABASE], \
    redis-sentinel://[[USER]:PASSWORD@]HOST[:26379][/DATABASE]?sentinelServiceName=NAME[&node=HOST:PORT…]\
    [&sentinelUsername=…&sentinelPassword=…] and \
    redis-cluster://[[USER]:PASSWORD@]HOST[:6379][?node=HOST:PORT…]; rediss… in place of redis… for TLS";

/// Why a text is no `REDIS_URL`. Never repeats it: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; {accepted}", accepted = ACCEPTED)]
pub struct InvalidRedisUrl(String);

/// Which Redis, and how to reach it: one server, one behind Sentinels, or a Cluster. Shown without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    config: Config,
    shown: String,
}

/// What stands behind an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Single,
    Sentinel,
    Cluster,
}

impl RedisUrl {
    /// Reads a `REDIS_URL`.
    ///
    /// # Errors
    /// [`InvalidRedisUrl`] says what is wrong and what is accepted.
    pub fn parse(text: &str) -> Result<Self, InvalidRedisUrl> {
        let url = Url::parse(text).map_err(|error| no(&format!("no URL ({error})")))?;
        let (shape, tls) = match url.scheme() {
            "redis" => (Shape::Single, false),
            "rediss" => (Shape::Single, true),
            "redis-sentinel" => (Shape::Sentinel, false),
            "rediss-sentinel" => (Shape::Sentinel, true),
            "redis-cluster" => (Shape::Cluster, false),
            "rediss-cluster" => (Shape::Cluster, true),
            _ => return Err(no("not the scheme of a Redis")),
        };
        if url.fragment().is_some() {
            return Err(no("a # in a password is written %23"));
        }
        let credentials = Credentials::of(&url)?;
        let first = first(&url, shape)?;
        let (database, query) = (database(&url, shape)?, Query::of(&url, shape)?);
        let hosts: Vec<_> = [first.clone()].into_iter().chain(query.nodes).collect();
        let shown = shown(&url, &hosts, database);
        let server = match shape {
            Shape::Single => ServerConfig::Centralized { server: first },
            Shape::Sentinel => ServerConfig::Sentinel {
                hosts,
                service_name: query.service.ok_or_else(|| no("sentinelServiceName is missing"))?,
                username: query.sentinel_user,
                password: query.sentinel_password,
            },
            // Where the address itself is gone, those that it once told of are asked.
            Shape::Cluster => ServerConfig::Clustered { hosts, policy: ClusterDiscoveryPolicy::UseCache },
        };
        let tls = tls.then(tls::verified).transpose().map_err(|reason| no(&reason))?;
        let Credentials { username, password } = credentials;
        Ok(Self { config: Config { server, username, password, database, tls, ..Config::default() }, shown })
    }

    /// What the library is told.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({})", self.shown)
    }
}

fn no(reason: &str) -> InvalidRedisUrl {
    InvalidRedisUrl(reason.to_owned())
}

struct Credentials {
    username: Option<String>,
    password: Option<String>,
}

impl Credentials {
    fn of(url: &Url) -> Result<Self, InvalidRedisUrl> {
        let username = Some(decoded(url.username())?).filter(|user| !user.is_empty());
        let password = url.password().map(decoded).transpose()?.filter(|password| !password.is_empty());
        if username.is_some() && password.is_none() {
            return Err(no("a user without a password: a password alone is written :PASSWORD@"));
        }
        Ok(Self { username, password })
    }
}

/// The text without its percent signs.
fn decoded(text: &str) -> Result<String, InvalidRedisUrl> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |digit: Option<u8>| digit.and_then(|digit| char::from(digit).to_digit(16));
            let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
                return Err(no("a % in a user or password is written %25"));
            };
            bytes.extend(u8::try_from(high * 16 + low));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| no("a user or password that is no text"))
}

fn database(url: &Url, shape: Shape) -> Result<Option<u8>, InvalidRedisUrl> {
    let path = url.path().trim_start_matches('/');
    if path.is_empty() {
        return Ok(None);
    }
    if shape == Shape::Cluster {
        return Err(no("a Cluster has no databases by number"));
    }
    path.parse().map(Some).map_err(|_| no("a database is a number from 0 to 255"))
}

/// The one that stands in the URL itself.
fn first(url: &Url, shape: Shape) -> Result<Server, InvalidRedisUrl> {
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| no("no host"))?;
    let port = match shape {
        Shape::Single | Shape::Cluster => 6379,
        Shape::Sentinel => 26379,
    };
    Ok(server(host, url.port().unwrap_or(port)))
}

/// The library wants the address of IPv6 without its brackets.
fn server(host: &str, port: u16) -> Server {
    Server::new(host.trim_start_matches('[').trim_end_matches(']'), port)
}

#[derive(Default)]
struct Query {
    nodes: Vec<Server>,
    service: Option<String>,
    sentinel_user: Option<String>,
    sentinel_password: Option<String>,
}

impl Query {
    fn of(url: &Url, shape: Shape) -> Result<Self, InvalidRedisUrl> {
        let mut query = Self::default();
        for (name, value) in url.query_pairs() {
            if value.is_empty() {
                return Err(no("a parameter is empty"));
            }
            match (&*name, shape) {
                ("node", Shape::Sentinel | Shape::Cluster) => query.nodes.push(node(&value)?),
                ("sentinelServiceName", Shape::Sentinel) => query.service = Some(value.into_owned()),
                ("sentinelUsername", Shape::Sentinel) => query.sentinel_user = Some(value.into_owned()),
                ("sentinelPassword", Shape::Sentinel) => query.sentinel_password = Some(value.into_owned()),
                _ => return Err(no("a parameter that has no meaning there")),
            }
        }
        Ok(query)
    }
}

fn node(text: &str) -> Result<Server, InvalidRedisUrl> {
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    parts
        .and_then(|(host, port)| Some(server(host, port.parse().ok().filter(|port| *port != 0)?)))
        .ok_or_else(|| no("a node is HOST:PORT"))
}

fn shown(url: &Url, hosts: &[Server], database: Option<u8>) -> String {
    let hosts: Vec<_> = hosts.iter().map(|server| format!("{}:{}", server.host, server.port)).collect();
    let database = database.map(|database| format!("/{database}")).unwrap_or_default();
    format!("{}://{}{database}", url.scheme(), hosts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(url: &RedisUrl) -> Vec<(String, u16)> {
        url.config.server.hosts().into_iter().map(|server| (server.host.to_string(), server.port)).collect()
    }

    #[test]
    fn one_server_is_understood() {
        let url = RedisUrl::parse("redis://redis").unwrap();
        assert!(url.config.server.is_centralized() && url.config.tls.is_none());
        assert_eq!((hosts(&url), url.config.database), (vec![("redis".into(), 6379)], None));
        let url = RedisUrl::parse("redis://ann:p%40ss%2F@10.0.0.1:7000/3").unwrap();
        assert_eq!((hosts(&url), url.config.database), (vec![("10.0.0.1".into(), 7000)], Some(3)));
        assert_eq!(url.config.username.as_deref(), Some("ann"));
        assert_eq!(url.config.password.as_deref(), Some("p@ss/"));
        let url = RedisUrl::parse("redis://:secret@[::1]:7000/").unwrap();
        assert_eq!((hosts(&url), url.config.username.clone()), (vec![("::1".into(), 7000)], None));
        assert_eq!(url.config.password.as_deref(), Some("secret"));
    }

    #[test]
    fn sentinels_are_understood() {
        let url = "redis-sentinel://:secret@a/1?sentinelServiceName=orders&node=b:26380&sentinelPassword=other";
        let url = RedisUrl::parse(url).unwrap();
        assert_eq!((hosts(&url), url.config.database), (vec![("a".into(), 26379), ("b".into(), 26380)], Some(1)));
        let ServerConfig::Sentinel { service_name, username, password, .. } = &url.config.server else {
            panic!("{:?}", url.config.server)
        };
        assert_eq!((service_name.as_str(), username, password.as_deref()), ("orders", &None, Some("other")));
        assert_eq!(url.to_string(), "redis-sentinel://a:26379,b:26380/1");
    }

    #[test]
    fn a_cluster_is_understood() {
        let url = RedisUrl::parse("redis-cluster://a:7000?node=b:7001&node=c:7002").unwrap();
        assert!(url.config.server.is_clustered());
        assert_eq!(hosts(&url), [("a".into(), 7000), ("b".into(), 7001), ("c".into(), 7002)]);
    }

    #[test]
    fn what_asks_for_tls_gets_it() {
        for url in ["rediss://h", "rediss-sentinel://h?sentinelServiceName=s", "rediss-cluster://h"] {
            assert!(RedisUrl::parse(url).unwrap().config.tls.is_some(), "{url}");
        }
    }

    #[test]
    fn garbage_is_refused_with_what_is_accepted_and_without_the_password() {
        for (url, reason) in [
            ("", "no URL"),
            ("secret", "no URL"),
            ("redis://:secret@h:port", "no URL"),
            ("redis://:secret@h:70000", "no URL"),
            ("http://:secret@h", "not the scheme"),
            ("postgresql://u:secret@h/d", "not the scheme"),
            ("redis:secret", "no host"),
            ("redis:///1", "no host"),
            ("redis://secret@h", "a user without a password"),
            ("redis://:sec#ret@h", "no URL"),
            ("redis://:secret@h#ret", "a #"),
            ("redis://:%zzsecret@h", "a %"),
            ("redis://:secret@h/shop", "a database is a number"),
            ("redis://:secret@h/1/2", "a database is a number"),
            ("redis://:secret@h/256", "a database is a number"),
            ("redis-cluster://:secret@h/1", "a Cluster has no databases"),
            ("redis://:secret@h?node=a:1", "a parameter that has no meaning"),
            ("redis://:secret@h?timeout=3", "a parameter that has no meaning"),
            ("redis-sentinel://:secret@h", "sentinelServiceName is missing"),
            ("redis-sentinel://:secret@h?sentinelServiceName=", "a parameter is empty"),
            ("redis-cluster://:secret@h?node=a", "a node is HOST:PORT"),
            ("redis-cluster://:secret@h?node=a:0", "a node is HOST:PORT"),
        ] {
            let error = RedisUrl::parse(url).unwrap_err().to_string();
            assert!(error.starts_with(reason) && error.contains("redis://[[USER]:PASSWORD@]HOST"), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "redis://ann:secret@h:7000/3",
            "redis-sentinel://:secret@h?sentinelServiceName=s&sentinelUsername=ann&sentinelPassword=secret",
            "redis-cluster://ann:secret@h?node=b:1",
        ] {
            let url = RedisUrl::parse(url).unwrap();
            let shown = format!("{url} {url:?} {url:#?}");
            assert!(!shown.contains("secret") && !shown.contains("ann"), "{shown}");
        }
    }
}
