//! The built binary as a process.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command as StdCommand, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use order_sandbox::Sandbox;
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::metrics::Metrics;
use super::{Engine, eventually_hurried};

/// The secret that all tokens of the tests are signed with.
pub const SECRET: &str = "a secret of the tests, long enough to be one";

/// The path of the binary, built as it is now.
pub fn binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        // With the sites of `order-faults`, at which nothing happens but what a test's environment says.
        let built = ["build", "--quiet", "--package", "order-app", "--features", "fault-points"];
        let built = StdCommand::new(cargo).args(built).status().unwrap();
        assert!(built.success(), "order-app does not build");
        // …/target/debug/deps/it-… → …/target/debug/order-app
        let target = std::env::current_exe().unwrap();
        target.parent().unwrap().parent().unwrap().join("order-app")
    })
}

/// One of the system's root certificates, and a folder without any. Each client of an outside service reads all there are
/// at its start, without optimisation, and none of them calls by TLS here.
fn one_certificate() -> Option<&'static (PathBuf, PathBuf)> {
    static ONE: OnceLock<Option<(PathBuf, PathBuf)>> = OnceLock::new();
    let one = ONE.get_or_init(|| {
        let all = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").ok()?;
        let end = "-----END CERTIFICATE-----\n";
        let first = &all[all.find("-----BEGIN CERTIFICATE-----")?..all.find(end)? + end.len()];
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let (file, empty) = (folder.join("one.pem"), folder.join("no-certificates"));
        std::fs::write(&file, first).unwrap();
        std::fs::create_dir_all(&empty).unwrap();
        Some((file, empty))
    });
    one.as_ref()
}

/// A running instance. It is killed when it is dropped.
pub struct Service {
    process: Child,
    engine: Engine,
    pub url: String,
}

impl Service {
    /// Starts an instance on a free port and waits until it says that it listens.
    pub async fn start(engine: &Engine, sandbox: &Sandbox) -> Self {
        Self::start_with(engine, sandbox, &[]).await
    }

    pub async fn start_with(engine: &Engine, sandbox: &Sandbox, settings: &[(&str, &str)]) -> Self {
        Self::spawn(Self::command(engine, sandbox, settings), engine).await
    }

    /// Starts an instance that takes a part of the work.
    pub async fn start_as(role: &str, engine: &Engine, sandbox: &Sandbox, settings: &[(&str, &str)]) -> Self {
        let mut command = Self::command(engine, sandbox, settings);
        command.args(["--role", role]);
        Self::spawn(command, engine).await
    }

    fn command(engine: &Engine, sandbox: &Sandbox, settings: &[(&str, &str)]) -> Command {
        let urls = sandbox.urls();
        let mut command = Command::new(binary());
        command
            .arg("serve")
            .env_clear()
            .envs([
                ("HOST", "127.0.0.1"),
                ("PORT", "0"),
                ("METRICS_ADDR", "off"),
                ("WORKERS", "2"),
                ("DRAIN_DELAY", "0s"),
                ("LOG_FORMAT", "text"),
                ("JWT_SECRET_KEY", SECRET),
                ("DATABASE_URL", engine.url()),
                ("USER_SERVICE_URL", &urls.user),
                ("PRODUCT_SERVICE_URL", &urls.product),
                ("CART_SERVICE_URL", &urls.cart),
                ("PAYMENT_SERVICE_URL", &urls.payment),
                ("NOTIFICATION_SERVICE_URL", &urls.notification),
            ])
            .env("LOG_LEVEL", std::env::var("TEST_LOG").unwrap_or_else(|_| "error".into()))
            .envs(
                one_certificate()
                    .into_iter()
                    .flat_map(|(file, folder)| [("SSL_CERT_FILE", file), ("SSL_CERT_DIR", folder)]),
            )
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Starts an instance whose metrics are to be had, on a free port that its log tells.
    pub async fn start_measured(engine: &Engine, sandbox: &Sandbox, settings: &[(&str, &str)]) -> (Self, Metrics) {
        let log = NamedTempFile::new().unwrap();
        Self::start_measured_logged(engine, sandbox, &[&[("LOG_LEVEL", "info")], settings].concat(), &log).await
    }

    /// The same, with a log that can be read.
    pub async fn start_measured_logged(
        engine: &Engine,
        sandbox: &Sandbox,
        settings: &[(&str, &str)],
        log: &NamedTempFile,
    ) -> (Self, Metrics) {
        let more = [("METRICS_ADDR", "127.0.0.1:0"), ("LOG_FORMAT", "json")];
        let service = Self::start_logged(engine, sandbox, &[&more, settings].concat(), log).await;
        let said = std::fs::read_to_string(log.path()).unwrap();
        let mut lines = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let address = lines.find_map(|line| line["metrics"].as_str().map(str::to_owned));
        (service, Metrics { url: format!("http://{}", address.expect("its log has the address of its metrics")) })
    }

    /// Starts an instance that logs to a file.
    pub async fn start_logged(
        engine: &Engine,
        sandbox: &Sandbox,
        settings: &[(&str, &str)],
        log: &NamedTempFile,
    ) -> Self {
        let mut command = Self::command(engine, sandbox, settings);
        command.stderr(log.reopen().unwrap());
        Self::spawn(command, engine).await
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.process.id().expect("it is running")
    }

    async fn spawn(command: Command, engine: &Engine) -> Self {
        match Self::try_spawn(command, engine).await {
            Ok(service) => service,
            Err(status) => panic!("it ended at once: {status}"),
        }
    }

    /// Starts an instance that may die before it listens. An error: how it ended.
    pub async fn try_start_with(
        engine: &Engine,
        sandbox: &Sandbox,
        settings: &[(&str, &str)],
    ) -> Result<Self, ExitStatus> {
        Self::try_spawn(Self::command(engine, sandbox, settings), engine).await
    }

    /// Starts an instance of a role that may die before it listens, and logs to the end of a file. An error: how it ended.
    pub async fn try_start_as(
        role: &str,
        engine: &Engine,
        sandbox: &Sandbox,
        settings: &[(&str, &str)],
        log: File,
    ) -> Result<Self, ExitStatus> {
        let mut command = Self::command(engine, sandbox, settings);
        command.args(["--role", role]).stderr(log);
        Self::try_spawn(command, engine).await
    }

    async fn try_spawn(mut command: Command, engine: &Engine) -> Result<Self, ExitStatus> {
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(Duration::from_mins(1), lines.next_line()).await;
        let Some(line) = line.expect("no word in time").unwrap() else { return Err(process.wait().await.unwrap()) };
        let url = line.strip_prefix("listening on ").expect("its first line is its address").to_owned();
        Ok(Self { process, engine: engine.clone(), url })
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().unwrap()
    }

    /// How it ends by itself, in a moment.
    pub async fn end(mut self) -> ExitStatus {
        let ended = tokio::time::timeout(Duration::from_secs(10), self.process.wait()).await;
        ended.expect("it lives").unwrap()
    }

    /// `kill -9`: no instruction more.
    pub async fn kill(mut self) {
        self.process.start_kill().unwrap();
        self.process.wait().await.unwrap();
    }

    /// SIGTERM once nothing is left to do, and how it ended.
    pub async fn rest(self) -> ExitStatus {
        self.engine.rest().await;
        self.stop().await
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        // None: it has ended by itself.
        if let Some(id) = self.process.id() {
            StdCommand::new("kill").args(["-TERM", &id.to_string()]).status().unwrap();
        }
    }

    /// The same, where timers that nobody waits for any more run out at once.
    pub async fn rest_at_once(self) -> ExitStatus {
        let engine = &self.engine;
        eventually_hurried(engine, "nothing is left to do", || async { engine.unfinished().await == 0 }).await;
        self.stop().await
    }

    /// SIGTERM, and how it ended.
    pub async fn stop(mut self) -> ExitStatus {
        self.terminate();
        tokio::time::timeout(Duration::from_secs(25), self.process.wait()).await.expect("gone within 25 s").unwrap()
    }
}
