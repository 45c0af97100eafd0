//! The release binary as a process: a service to be measured.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::outside::Outside;

const SECRET: &str = "a secret of the benchmark, long enough for one";

/// A token that is good for an hour.
pub(crate) fn token(user: &str, role: &str) -> String {
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    let claims = json!({ "uid": user, "role": role, "iat": now, "exp": now + 3_600 });
    encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("a token")
}

/// `target/release/order-app`, which `make bench` has just built.
pub(crate) fn binary() -> PathBuf {
    let target = std::env::current_exe().expect("this program");
    target.ancestors().nth(2).expect("…/release/deps/bench-…").join("order-app")
}

/// A running instance on PostgreSQL.
pub(crate) struct Shop {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Shop {
    /// With Redis, if `BENCH_REDIS` says where one is.
    pub(crate) async fn start(database: &str, outside: &Outside) -> Self {
        let redis = std::env::var("BENCH_REDIS").ok().filter(|url| !url.is_empty());
        Self::start_as("all", database, redis.as_deref(), outside).await
    }

    pub(crate) async fn start_as(role: &str, database: &str, redis: Option<&str>, outside: &Outside) -> Self {
        let mut command = Command::new(binary());
        command.args(["serve", "--role", role]).env_clear().envs(redis.map(|url| ("REDIS_URL", url))).envs([
            ("HOST", "127.0.0.1"),
            ("PORT", "0"),
            ("DRAIN_DELAY", "0s"),
            ("SHUTDOWN_TIMEOUT", "1s"),
            ("LOG_LEVEL", "error"),
            ("METRICS_ADDR", "off"),
            ("JWT_SECRET_KEY", SECRET),
            ("DATABASE_URL", database),
            ("USER_SERVICE_URL", &outside.url),
            ("PRODUCT_SERVICE_URL", &outside.url),
            ("CART_SERVICE_URL", &outside.url),
            ("PAYMENT_SERVICE_URL", &outside.url),
            ("NOTIFICATION_SERVICE_URL", &outside.url),
        ]);
        let (process, address) = started(command).await;
        Self { process, address }
    }

    /// SIGTERM, and waits for its end.
    pub(crate) async fn stop(mut self) {
        let id = self.process.id().expect("it is running").to_string();
        Command::new("kill").args(["-TERM", &id]).status().await.expect("kill");
        self.process.wait().await.expect("it ends");
    }
}

/// Starts a command that says where it listens.
pub(crate) async fn started(mut command: Command) -> (Child, SocketAddr) {
    let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("the binary is built");
    let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
    let line = lines.next_line().await.expect("its output").expect("it ended at once");
    let address = line.strip_prefix("listening on http://").expect("its first line is its address");
    let address = address.parse().expect("an address");
    // It goes on writing; nobody has to read it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (process, address)
}
