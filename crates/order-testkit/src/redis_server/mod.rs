//! Redis for tests: names of a test's own on the server that `TEST_REDIS_URL` names, and servers that a test starts, kills
//! and starts again by itself.

mod sets;

pub use sets::{RedisCluster, Sentinels};

use std::io;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

/// The variable that names the server that all tests share.
pub const SERVER: &str = "TEST_REDIS_URL";

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// The URL of the server that all tests share.
///
/// # Panics
/// When there is none: a test that needs one fails, and is never skipped.
pub fn shared_server() -> String {
    let server = std::env::var(SERVER).unwrap_or_default();
    assert!(!server.is_empty(), "run `make test`, or point {SERVER} at a Redis server");
    server
}

/// What no other test's names begin with.
pub fn a_prefix() -> String {
    format!("test-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// A port that nobody listens on just now.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// A server of a test's own on loopback. Keeps nothing on disk: who starts it again starts an empty one.
#[derive(Debug)]
pub struct RedisServer {
    folder: TempDir,
    port: u16,
    /// A file of its configuration, in the folder.
    configuration: Option<&'static str>,
    arguments: Vec<String>,
    process: Option<Child>,
}

impl RedisServer {
    /// Starts one.
    ///
    /// # Panics
    /// When `redis-server` is not on the PATH, or does not come up in ten seconds.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with these arguments, such as `--requirepass secret`.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn start_with(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self::start_in(tempfile::tempdir().unwrap(), None, arguments)
    }

    /// Starts one that follows this one.
    ///
    /// # Panics
    /// As [`Self::start`], and when it does not follow in ten seconds.
    #[must_use]
    pub fn replica(&self) -> Self {
        let replica = Self::start_with(&["--replicaof", "127.0.0.1", &self.port.to_string()]);
        replica.wait_for("a replica that follows", &["INFO", "replication"], "master_link_status:up");
        replica
    }

    /// Starts a Sentinel with this configuration.
    fn sentinel(configuration: &str) -> Self {
        let (folder, file) = (tempfile::tempdir().unwrap(), "sentinel.conf");
        std::fs::write(folder.path().join(file), configuration).unwrap();
        Self::start_in(folder, Some(file), vec!["--sentinel".to_owned()])
    }

    fn start_in(folder: TempDir, configuration: Option<&'static str>, arguments: Vec<String>) -> Self {
        let mut server = Self { folder, port: free_port(), configuration, arguments, process: None };
        server.start_again();
        server
    }

    /// Starts it again, on the same port, empty.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn start_again(&mut self) {
        let port = self.port.to_string();
        let folder = self.folder.path();
        let server = Command::new("redis-server")
            .args(self.configuration.map(|file| folder.join(file)))
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
            .arg(folder)
            .args(["--repl-diskless-sync-delay", "0"])
            .args(&self.arguments)
            .stdout(Stdio::null())
            .spawn();
        self.process = Some(server.unwrap_or_else(|error| panic!("redis-server can't be started: {error}")));
        until("a server that answers", || {
            self.try_cli(&["PING"]).is_some_and(|answer| answer.contains("PONG") || answer.contains("NOAUTH"))
        });
    }

    /// Waits until the answer to a command contains this.
    fn wait_for(&self, what: &str, arguments: &[&str], expected: &str) {
        until(what, || self.try_cli(arguments).is_some_and(|answer| answer.contains(expected)));
    }

    /// Kills it as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Lets it answer nothing, its connections open; or answer again.
    ///
    /// # Panics
    /// When it is not running.
    pub fn freeze(&self, freeze: bool) {
        let process = self.process.as_ref().expect("a running server").id().to_string();
        let signal = if freeze { "-STOP" } else { "-CONT" };
        assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL, without a password.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What it answers to a command of `redis-cli`.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn cli(&self, arguments: &[&str]) -> String {
        self.try_cli(arguments).unwrap_or_else(|| panic!("{arguments:?} got no answer"))
    }

    fn try_cli(&self, arguments: &[&str]) -> Option<String> {
        cli(self.port, arguments).ok()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the server on this port of loopback answers to a command of `redis-cli`, without the end of its last line.
///
/// # Errors
/// When `redis-cli` can't be started, or gets no answer.
pub fn cli(port: u16, arguments: &[&str]) -> io::Result<String> {
    on_server(&format!("redis://127.0.0.1:{port}"), arguments)
}

/// The same, for the server of this URL.
///
/// # Errors
/// The same.
pub fn on_server(url: &str, arguments: &[&str]) -> io::Result<String> {
    let answer = Command::new("redis-cli").args(["-u", url, "--no-auth-warning"]).args(arguments).output()?;
    if !answer.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&answer.stderr).into_owned()));
    }
    Ok(String::from_utf8_lossy(&answer.stdout).trim_end().to_owned())
}

/// Waits until it is so, for at most ten seconds.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not within ten seconds: {what}");
}
