//! The release binary as a process: a service to be measured, and what it costs to have one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::Plan;
use crate::outside::Outside;
use crate::report::Row;

const SECRET: &str = "a secret of the benchmark, long enough for one";

/// A token that is good for an hour.
pub(crate) fn token(user: &str, role: &str) -> String {
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    let claims = json!({ "uid": user, "role": role, "iat": now, "exp": now + 3_600 });
    encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("a token")
}

/// `target/release/order-app`, which `make bench` has just built.
fn binary() -> PathBuf {
    let target = std::env::current_exe().expect("this program");
    target.ancestors().nth(2).expect("…/release/deps/bench-…").join("order-app")
}

/// A running instance on PostgreSQL.
pub(crate) struct Shop {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Shop {
    pub(crate) async fn start(database: &str, outside: &Outside) -> Self {
        let mut command = Command::new(binary());
        command.arg("serve").env_clear().envs([
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
async fn started(mut command: Command) -> (Child, SocketAddr) {
    let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("the binary is built");
    let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
    let line = lines.next_line().await.expect("its output").expect("it ended at once");
    let address = line.strip_prefix("listening on http://").expect("its first line is its address");
    let address = address.parse().expect("an address");
    // It goes on writing; nobody has to read it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (process, address)
}

/// The embedded service, everything in one process: start to first answer, and memory when nothing happens.
pub(crate) async fn idle(plan: &Plan) -> Vec<Row> {
    let (mut starts, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let folder = TempDir::new().expect("a folder");
        let mut command = Command::new(binary());
        command.arg("demo").env_clear().envs([("PORT", "0"), ("METRICS_ADDR", "off")]).env("DATA_DIR", folder.path());
        let began = Instant::now();
        let (mut process, address) = started(command).await;
        answers(&address).await;
        starts.push(began.elapsed());
        tokio::time::sleep(Duration::from_secs(2)).await;
        memory.push(resident(process.id().expect("it is running")));
        process.kill().await.expect("it ends");
    }
    starts.sort();
    memory.sort_unstable();
    let (start, memory) = (starts[starts.len() / 2], memory[memory.len() / 2]);
    vec![
        Row::measured("embedded: start to first answer, with a new database", start.as_secs_f64() * 1e3, "ms", 300.0),
        Row::measured("embedded: resident memory, idle", memory as f64 / 1024.0, "MiB", 40.0),
    ]
}

async fn answers(address: &SocketAddr) {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n").await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Resident memory of a process, in KiB.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process of Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}
