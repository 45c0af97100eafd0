//! What happens at a site, by the environment.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fail::FailScenario;
use rustix::process::{Signal, getpid, kill_process};

/// Where every site that is come to is written, one a line.
const LOG: &str = "FAULT_LOG";
/// Where the process dies: `SITE@N`, the N-th time that it comes there.
const KILL: &str = "FAULT_KILL";
/// Where it waits: `SITE:FILE`, until there is such a file.
const WAIT: &str = "FAULT_WAIT";
/// Between two looks for the file.
const LOOK: Duration = Duration::from_millis(5);

/// What a process of tests does at its sites, for as long as it lives.
struct Orders {
    log: Option<File>,
    kill: Option<Kill>,
    wait: Option<Wait>,
}

struct Wait {
    site: String,
    file: PathBuf,
}

struct Kill {
    site: String,
    at: NonZeroU32,
    come: AtomicU32,
}

static ORDERS: OnceLock<Orders> = OnceLock::new();

/// As long as it is kept, what `FAILPOINTS` says happens.
#[must_use]
pub struct Armed {
    _scenario: FailScenario<'static>,
}

/// What the environment says can't be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotArmed(String);

impl std::fmt::Display for NotArmed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotArmed {}

/// Reads what is to happen at the sites of this process:
///
/// - `FAULT_LOG=FILE`: every site that is come to is written there, one a line.
/// - `FAULT_KILL=SITE@N`: the N-th time that it comes there, the process dies as by `kill -9`: not an instruction more.
/// - `FAULT_WAIT=SITE:FILE`: whatever comes there waits, its thread with it, until there is such a file.
/// - `FAILPOINTS=SITE=ACTIONS;…`: what the crate `fail` can do: `panic`, `sleep(ms)`, `1*off->panic`.
///
/// # Errors
/// [`NotArmed`] for what can't be understood or written.
pub fn arm() -> Result<Armed, NotArmed> {
    let log = std::env::var_os(LOG).map(|path| OpenOptions::new().create(true).append(true).open(path)).transpose();
    let log = log.map_err(|error| NotArmed(format!("{LOG}: {error}")))?;
    let kill = std::env::var(KILL).ok().map(|kill| parse(&kill)).transpose()?;
    let wait = std::env::var(WAIT).ok().map(|wait| match wait.split_once(':') {
        Some((site, file)) => Ok(Wait { site: site.to_owned(), file: file.into() }),
        None => Err(NotArmed(format!("{WAIT}: {wait:?} names no file"))),
    });
    let wait = wait.transpose()?;
    let scenario = FailScenario::setup();
    let first = ORDERS.set(Orders { log, kill, wait });
    first.map_err(|_| NotArmed("a process is armed once".to_owned()))?;
    Ok(Armed { _scenario: scenario })
}

fn parse(kill: &str) -> Result<Kill, NotArmed> {
    let (site, at) = kill.split_once('@').unwrap_or((kill, "1"));
    let at = at.parse().map_err(|error| NotArmed(format!("{KILL}: {at:?}: {error}")))?;
    Ok(Kill { site: site.to_owned(), at, come: AtomicU32::new(0) })
}

/// Comes to a site.
#[doc(hidden)]
pub fn hit(site: &'static str) {
    let Some(orders) = ORDERS.get() else { return };
    if let Some(mut log) = orders.log.as_ref() {
        // One write of one line: what several threads append does not mix. A log that is full is the test's to notice.
        let _ = log.write_all(format!("{site}\n").as_bytes());
    }
    if let Some(kill) = orders.kill.as_ref().filter(|kill| kill.site == site)
        && kill.come.fetch_add(1, Ordering::Relaxed) + 1 == kill.at.get()
    {
        die();
    }
    if let Some(wait) = orders.wait.as_ref().filter(|wait| wait.site == site) {
        while !wait.file.exists() {
            std::thread::sleep(LOOK);
        }
    }
    fail::fail_point!(site);
}

/// The signal that can't be caught, from oneself: the system call does not return.
fn die() {
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort();
}
