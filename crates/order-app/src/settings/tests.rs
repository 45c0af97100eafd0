//! What may be set, what is refused, and in whose words.

use std::io::Write;

use order_domain::Money;
use order_domain::{Currency, Rules};
use order_http::{Origins, PublicKeyAlgorithm};

use super::given::KNOWN;
use super::{Given, MadeWith, Making, Mistakes, SAMPLE_SECRET, Settings, Trust};

const ENOUGH: &[(&str, &str)] = &[
    ("DATABASE_URL", "sqlite:orders.db"),
    ("JWT_SECRET_KEY", "0123456789012345678901234567890123"),
    ("USER_SERVICE_URL", "http://user"),
    ("PRODUCT_SERVICE_URL", "http://product"),
    ("CART_SERVICE_URL", "http://cart"),
    ("PAYMENT_SERVICE_URL", "http://payment"),
    ("NOTIFICATION_SERVICE_URL", "http://notification"),
];

/// An Ed25519 key, with the ends of its lines written out.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIPrcuvccDwXSHraQ+4uiaYxSbscF+Rb0XCWYEznYmZyl\\n-----END PRIVATE KEY-----";

fn given(more: &[(&str, &str)]) -> Result<Settings, Mistakes> {
    let all = ENOUGH.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Given::from(all).settings()
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let settings = given(&[]).unwrap();
    assert_eq!((settings.host.as_str(), settings.port), ("0.0.0.0", 8004));
    assert_eq!(settings.rules, Rules::new(Currency::USD));
    assert_eq!((settings.max_requests, settings.origins), (1_024, Origins::Nobody));
    assert_eq!(settings.metrics, Some(([127, 0, 0, 1], 9464).into()));
}

#[test]
fn every_mistake_is_named_at_once() {
    let Mistakes(mistakes) = Given::from([("PORT".to_owned(), "70000".to_owned())].into_iter()).settings().unwrap_err();
    let all = mistakes.join("\n");
    for name in [
        "DATABASE_URL is not set",
        "JWT_SECRET_KEY is not set",
        "USER_SERVICE_URL",
        "PRODUCT_SERVICE_URL",
        "CART_SERVICE_URL",
        "PAYMENT_SERVICE_URL",
        "NOTIFICATION_SERVICE_URL",
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
fn one_algorithm_is_believed_with_the_secret_or_with_published_keys() {
    assert!(matches!(given(&[]).unwrap().trust, Trust::Secret(_)));
    assert!(matches!(given(&[("JWT_ALGORITHM", "HS256")]).unwrap().trust, Trust::Secret(_)));
    for algorithm in PublicKeyAlgorithm::ALL {
        let at = |url: &str| (algorithm, url.to_owned());
        let name = algorithm.name();
        let trust = |more: &[(&str, &str)]| match given(&[&[("JWT_ALGORITHM", name)], more].concat()).unwrap().trust {
            Trust::Published { algorithm, url } => (algorithm, url),
            Trust::Secret(_) => panic!("a secret is no key of {name}"),
        };
        assert_eq!(trust(&[]), at("http://user/.well-known/jwks.json"));
        assert_eq!(trust(&[("USER_SERVICE_URL", "https://u/api/")]), at("https://u/api/.well-known/jwks.json"));
        assert_eq!(trust(&[("JWKS_URL", "https://idp/keys.json")]), at("https://idp/keys.json"));
        // The service's own tokens are still signed with it, unless there is a key for them.
        let Mistakes(mistakes) = given(&[("JWT_ALGORITHM", name), ("JWT_SECRET_KEY", "short")]).unwrap_err();
        assert!(mistakes[0].starts_with("JWT_SECRET_KEY: "), "{mistakes:?}");
        let keys = [("JWT_ALGORITHM", name), ("SERVICE_JWT_PRIVATE_KEY", KEY)];
        assert_eq!(given(&keys).unwrap().without_effect, ["JWT_SECRET_KEY"]);
        let all = ENOUGH.iter().filter(|(name, _)| *name != "JWT_SECRET_KEY").chain(&keys);
        let all = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        assert!(Given::from(all).settings().unwrap().without_effect.is_empty(), "nobody needs a secret");
    }
    assert_eq!(given(&[("JWKS_URL", "https://idp/keys.json")]).unwrap().without_effect, ["JWKS_URL"]);
}

#[test]
fn tokens_are_made_with_what_they_are_checked_with() {
    let making = |more: &[(&str, &str)]| {
        Given::from(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).making()
    };
    let Making { with, issuer, audience } =
        making(&[("JWT_ALGORITHM", "ES256"), ("JWT_ISSUER", "us"), ("JWT_AUDIENCE", "orders")]).unwrap();
    assert!(matches!(with, MadeWith::PrivateKey(PublicKeyAlgorithm::Es256)));
    assert_eq!((issuer.as_deref(), audience.as_deref()), (Some("us"), Some("orders")));
    let secret = ("JWT_SECRET_KEY", "0123456789012345678901234567890123");
    assert!(matches!(making(&[secret]).unwrap().with, MadeWith::Secret(_)));
    assert_eq!(making(&[]).unwrap_err().0, ["JWT_SECRET_KEY is not set"]);
    assert_eq!(
        making(&[secret, ("JWT_ALGORITHM", "none")]).unwrap_err().0,
        ["JWT_ALGORITHM: must be HS256, RS256, ES256 or EdDSA"]
    );
}

#[test]
fn values_are_read_or_refused_one_by_one() {
    for (name, good, bad) in [
        ("PAYMENT_TIMEOUT", "90s", "soon"),
        ("CASH_ON_DELIVERY", "on", "maybe"),
        ("DELIVERY_FEE", "4.99", "4.999"),
        ("DELIVERY_FEE", "0", "-1"),
        ("FULFILMENT_POINTS", "40.7,-74.0; 41,-73", "north"),
        ("PAYMENT_KEY_TTL", "10min", "9min"),
        ("SCHEDULE_MIN_AHEAD", "1s", "0s"),
        ("SCHEDULE_MAX_AHEAD", "366d", "367d"),
        ("SCHEDULE_MAX_AHEAD", "31min", "30min"),
        ("RELEASE_LEAD", "0s", "early"),
        ("CURRENCY", "EUR", "euro"),
        ("JWT_ALGORITHM", "HS256", "none"),
        ("JWT_ALGORITHM", "RS256", "rs256"),
        ("JWT_ALGORITHM", "ES256", "ES384"),
        ("JWT_ALGORITHM", "EdDSA", "HS256,RS256"),
        ("JWKS_URL", "https://user/keys.json", "file:///etc/passwd"),
        ("CART_SERVICE_URL", "https://cart/", "cart:80"),
        ("DATABASE_URL", "postgresql+asyncpg://u:p@h/d", "mysql://h"),
        ("WORKERS", "3", "0"),
        ("SERVICE_PARALLELISM", "8", "0"),
        ("SERVICE_JWT_PRIVATE_KEY", KEY, "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----"),
        ("LOG_FORMAT", "text", "xml"),
        ("LOG_LEVEL", "warn,order_http=debug", "garbage=x=y"),
        ("HOST", "::1", "not a host"),
        ("CART_SERVICE_URL", "http://cart/path", "http://user:word@cart"),
        ("JWT_SECRET_KEY", "another secret that is long enough", "-----BEGIN PUBLIC KEY-----0123456789"),
        ("DRAIN_DELAY", "0s", "1 year"),
        ("ACCEPT_ORDERS", "off", "later"),
        ("MAX_REQUESTS", "64", "0"),
        ("METRICS_ADDR", "0.0.0.0:9100", "9464"),
        ("METRICS_ADDR", "localhost:0", "not a host:1"),
        ("METRICS_ADDR", "off", "none"),
        ("CORS_ORIGINS", r#"["https://shop.example", "http://localhost:3000"]"#, "https://shop.example"),
        ("CORS_ORIGINS", "[]", "[1]"),
        ("REDIS_URL", "redis://cache:6380/1", "cache:6379"),
        ("EVENTS_KEEP", "1000", "999"),
        ("REDIS_URL", "redis-cluster://one?node=two:7001", "garbage"),
        ("CORS_ORIGINS", r#"["*"]"#, r#"["https://shop.example/"]"#),
    ] {
        assert!(given(&[(name, good)]).is_ok(), "{name}={good}");
        let Mistakes(mistakes) = given(&[(name, bad)]).unwrap_err();
        assert!(mistakes.len() == 1 && mistakes[0].starts_with(name), "{name}={bad}: {mistakes:?}");
    }
}

#[test]
fn what_is_decided_about_time_is_what_was_set() {
    let set = [
        ("PAYMENT_TIMEOUT", "20min"),
        ("PAYMENT_KEY_TTL", "12h"),
        ("SCHEDULE_MIN_AHEAD", "1h"),
        ("SCHEDULE_MAX_AHEAD", "7d"),
        ("RELEASE_LEAD", "90min"),
    ];
    let rules = given(&set).unwrap().rules;
    let times = [
        rules.payment_timeout,
        rules.payment_key_ttl,
        rules.schedule_at_least,
        rules.schedule_at_most,
        rules.release_lead,
    ];
    assert_eq!(times.map(|time| time.as_secs() / 60), [20, 12 * 60, 60, 7 * 24 * 60, 90]);
}

#[test]
fn delivery_costs_by_distance_where_there_are_bands() {
    let from = ("FULFILMENT_POINTS", "40.7,-74.0");
    let bands = |more: &[(&str, &str)]| given(&[&[from, ("DELIVERY_BANDS", "3=2.50; 10=5;25.5=8.00")], more].concat());
    let Settings { rules, without_effect, .. } = bands(&[]).unwrap();
    let fee_at = |km| rules.fee.prices.at(km).map(Money::minor);
    let at = [None, Some(0.0), Some(2.99), Some(3.0), Some(9.99), Some(10.0), Some(25.4)].map(fee_at);
    assert_eq!(at.map(Result::unwrap), [250, 250, 250, 500, 500, 800, 800]);
    assert!(fee_at(Some(25.5)).is_err());
    assert_eq!((rules.fee.area.unwrap().radius_km, without_effect), (25.5, vec![]));
    let narrower = bands(&[("DELIVERY_RADIUS_KM", "12"), ("DELIVERY_FEE", "4.00")]).unwrap();
    assert!((narrower.rules.fee.area.unwrap().radius_km - 12.0).abs() < 1e-9);
    assert_eq!(
        (narrower.rules.fee.prices.base.minor(), narrower.without_effect),
        (250, vec!["DELIVERY_FEE".to_owned()])
    );
    for (bad, reason) in [
        ("3", "KILOMETRES=FEE"),
        ("3=2.505", "decimal"),
        ("3=-1", "negative"),
        ("0=1", "above 0"),
        ("inf=1", "above 0"),
        ("near=1", "above 0"),
        ("3=1;3=2", "farther"),
        ("10=1;3=2", "farther"),
    ] {
        let Mistakes(mistakes) = given(&[from, ("DELIVERY_BANDS", bad)]).unwrap_err();
        assert!(mistakes.len() == 1 && mistakes[0].starts_with("DELIVERY_BANDS: "), "{bad}: {mistakes:?}");
        assert!(mistakes[0].contains(reason), "{bad}: {mistakes:?}");
    }
    let Mistakes(mistakes) = given(&[("DELIVERY_BANDS", "3=2.50")]).unwrap_err();
    assert!(mistakes[0].starts_with("DELIVERY_BANDS: needs FULFILMENT_POINTS"), "{mistakes:?}");
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
fn redis_is_used_where_it_is_named_and_a_bad_name_is_told_without_its_password() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "redis_url = \"redis://r\"").unwrap();
    for set in [("CONFIG_FILE", file.path().to_str().unwrap()), ("REDIS_URL", "redis://:hush@r/2")] {
        let settings = given(&[set]).unwrap();
        assert!(settings.without_effect.is_empty());
        let shown = settings.redis.unwrap().to_string();
        assert!(shown.contains("//r") && !shown.contains("hush"), "{shown}");
    }
    assert!(given(&[]).unwrap().redis.is_none() && given(&[("REDIS_URL", "")]).unwrap().redis.is_none());
    let Mistakes(mistakes) = given(&[("REDIS_URL", "http://:hush@r"), ("PORT", "eighty")]).unwrap_err();
    assert_eq!(mistakes.len(), 2, "with the others at once: {mistakes:?}");
    let redis = mistakes.iter().find(|mistake| mistake.starts_with("REDIS_URL: ")).unwrap();
    assert!(redis.contains("redis-sentinel://") && !redis.contains("hush"), "{redis}");
}

#[test]
fn origins_are_a_json_list_or_a_list_of_the_file_and_a_bad_one_is_named() {
    let these = |origins: &[&str]| Origins::These(origins.iter().map(|&origin| origin.to_owned()).collect());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "cors_origins = [\"https://shop.example\", \"https://admin.example\"]").unwrap();
    let path = file.path().to_str().unwrap();
    let of_file = given(&[("CONFIG_FILE", path)]).unwrap().origins;
    assert_eq!(of_file, these(&["https://shop.example", "https://admin.example"]));
    let of_both = given(&[("CONFIG_FILE", path), ("CORS_ORIGINS", r#"["http://localhost:3000"]"#)]).unwrap().origins;
    assert_eq!(of_both, these(&["http://localhost:3000"]));
    assert_eq!(given(&[("CORS_ORIGINS", r#"["*"]"#)]).unwrap().origins, Origins::Anybody);
    let Mistakes(mistakes) = given(&[("CORS_ORIGINS", r#"["https://shop.example", "shop"]"#)]).unwrap_err();
    assert!(mistakes[0].contains("\"shop\" is no origin"), "{mistakes:?}");
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

/// Names in capitals at the beginning of a line, before a colon.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let is_one = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    text.lines().filter_map(|line| Some(line.trim().split_once(':')?.0)).filter(is_one)
}

#[test]
fn the_containers_set_nothing_that_is_no_setting() {
    let known = |name: &str| KNOWN.iter().any(|(known, _)| *known == name);
    let compose = include_str!("../../../../docker/compose.yaml");
    // Their own images'.
    let of_others = ["POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "REDIS_PASSWORD"];
    let set: Vec<_> = names(compose).filter(|name| !of_others.contains(name)).collect();
    assert!(set.len() >= 12, "{set:?}");
    for name in set {
        assert!(known(name), "compose.yaml sets {name}");
    }
    let image = include_str!("../../../../docker/Dockerfile");
    assert!(!image.lines().any(|line| line.starts_with("ENV ")), "settings are whoever's who runs it");
}

#[test]
fn every_setting_is_explained_to_whoever_sets_it() {
    let readme = include_str!("../../../../README.md");
    let table = readme.split("\n### Settings\n").nth(1).expect("a section on settings").split("\n### ").next().unwrap();
    let explained: Vec<_> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once(" |"))
        .flat_map(|(names, _)| names.split("`, `").map(|name| name.trim_end_matches('`')))
        .collect();
    for (name, _) in KNOWN {
        assert!(explained.contains(name), "{name} is not in the README's table");
    }
    for name in explained {
        // The demo's folder is an argument of `demo`.
        assert!(name == "DATA_DIR" || KNOWN.iter().any(|(known, _)| *known == name), "{name} is no setting");
    }
}
