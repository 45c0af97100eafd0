//! A PostgreSQL server of a test's own, to be killed. Its data is a folder, and it comes back at the same port.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

/// A server. Killed when it is dropped.
pub struct Server {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    process: Option<Child>,
}

impl Server {
    /// Makes one, and starts it.
    pub async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        // A port that was free a moment ago; nobody else gets it by asking for any.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { folder, programs: programs(), port, process: None };
        if is_root() {
            let owned = Command::new("chown").arg("nobody").arg(server.folder.path()).status().unwrap();
            assert!(owned.success());
        }
        let mut initdb = server.command("initdb");
        initdb.args(["-U", "postgres", "-A", "trust", "--no-sync", "--encoding=UTF8", "--locale=C"]);
        let made = initdb.stdout(Stdio::null()).status().unwrap();
        assert!(made.success(), "initdb: {made}");
        server.come_back().await;
        server
    }

    pub fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// `kill -9` of the server; its children follow when they notice.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Starts it, and waits until it lets somebody in: what was committed is read from its log first.
    pub async fn come_back(&mut self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            assert!(Instant::now() < deadline, "the server does not come back");
            let running = self.process.get_or_insert_with(|| Self::run(self.folder.path(), &self.programs, self.port));
            if running.try_wait().unwrap().is_some() {
                // Some child of the one that was killed is still there.
                self.process = None;
            } else if tokio_postgres::connect(&self.url(), tokio_postgres::NoTls).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn run(folder: &Path, programs: &Path, port: u16) -> Child {
        let mut postgres = command(folder, programs, "postgres");
        postgres.args(["-p", &port.to_string(), "-k", folder.to_str().unwrap()]);
        // Nothing has to survive the machine, and everything the processes.
        for setting in ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=100", "log_min_messages=panic"] {
            postgres.args(["-c", setting]);
        }
        postgres.stderr(Stdio::null()).spawn().unwrap()
    }

    fn command(&self, program: &str) -> Command {
        command(self.folder.path(), &self.programs, program)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.kill();
        }
    }
}

/// A program of PostgreSQL, which refuses to run as root.
fn command(folder: &Path, programs: &Path, program: &str) -> Command {
    let program = programs.join(program);
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.arg("-D").arg(folder.join("data")).current_dir(folder);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// Where PostgreSQL's programs are: on the path, or where Debian puts them.
fn programs() -> PathBuf {
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let of_debian = versions.map(|version| version.path().join("bin"));
    let found =
        on_path.chain(of_debian).find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists());
    found.expect("PostgreSQL's initdb and postgres: `make test` installs them where it may")
}
