//! The README's tour and its section on calling the API, run as they stand against the demo: every command of their
//! `console` blocks, and what it answers. And its section on running several, in one shell, over servers of its own.

use std::path::Path;
use std::process::{Command as StdCommand, Stdio};
use std::time::Duration;

use order_testkit::redis_server::{RedisServer, free_port};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::support::Engine;
use crate::support::service::binary;

/// A command and the answer that the README shows; `…` stands for anything.
struct Step {
    command: String,
    answer: String,
}

fn steps(readme: &str, section: &str) -> Vec<Step> {
    let section = readme.split(&format!("\n## {section}\n")).nth(1).expect(section).split("\n## ").next().unwrap();
    let mut steps: Vec<Step> = Vec::new();
    for block in section.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let mut lines = block.lines();
        while let Some(line) = lines.next() {
            if let Some(command) = line.strip_prefix("$ ") {
                let mut command = command.to_owned();
                while command.ends_with('\\') {
                    command = format!("{command}\n{}", lines.next().unwrap());
                }
                steps.push(Step { command, answer: String::new() });
            } else {
                let step = steps.last_mut().expect("a command before an answer");
                step.answer = format!("{}{line}\n", step.answer);
            }
        }
    }
    steps
}

fn matches(shown: &str, answer: &str) -> bool {
    let (shown, answer) = (shown.trim(), answer.trim());
    let Some((first, rest)) = shown.split_once('…') else { return shown == answer };
    let (middle, last) = rest.rsplit_once('…').unwrap_or(("", rest));
    let Some(mut left) = answer.strip_prefix(first).and_then(|left| left.strip_suffix(last)) else { return false };
    middle.split('…').all(|piece| match left.find(piece) {
        Some(at) => {
            left = &left[at + piece.len()..];
            true
        }
        None => false,
    })
}

#[test]
fn what_is_left_out_may_be_anything_and_nothing_else_may() {
    assert!(matches("{…\"a\":1,…}", "{\"b\":2,\"a\":1,\"c\":{}}\n"));
    assert!(matches("abc", "abc") && matches("a…c", "ac") && matches("a…", "ab"));
    for (shown, answer) in [("abc", "abcd"), ("a…c", "abcd"), ("…b…", "acd"), ("a…b…b", "ab"), ("", "x")] {
        assert!(!matches(shown, answer), "{shown} {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_of_the_readme_works_as_it_stands() {
    works_as_it_stands("A tour", 12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calling_it_as_the_readme_does_works_as_it_stands() {
    works_as_it_stands("Calling it", 20).await;
}

/// Runs a section of the README against a fresh demo.
async fn works_as_it_stands(section: &str, least: usize) {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let steps = steps(&readme, section);
    assert!(steps.len() >= least, "{section} has shrunk to {} steps", steps.len());

    let folder = TempDir::new().unwrap();
    let mut demo = Command::new(binary())
        .arg("demo")
        .env("DATA_DIR", folder.path())
        .env("PORT", "0")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut exports = String::new();
    while exports.matches("export ").count() < 4 {
        let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await.unwrap().unwrap().unwrap();
        if line.starts_with("export ") {
            exports = format!("{exports}{line}\n");
        }
    }
    for Step { command, answer: shown } in steps {
        // What only looks may be asked again: work goes on in the background.
        let tries = if command.contains(" -X ") { 1 } else { 100 };
        let mut answer = String::new();
        for _ in 0..tries {
            let script = format!("{exports}{command}");
            let output = Command::new("bash").args(["-c", &script]).output().await.unwrap();
            answer = String::from_utf8(output.stdout).unwrap();
            if matches(&shown, &answer) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(matches(&shown, &answer), "$ {command}\nshould answer\n{shown}\nand answers\n{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn running_several_as_the_readme_does_works() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let steps = steps(&readme, "Running several");
    assert!(steps.len() >= 15, "the section has shrunk to {} steps", steps.len());
    let (engine, redis) = (Engine::postgres().await, RedisServer::start());
    let mut shell = Shell::start(engine.url(), &redis.url());
    let services = ["user", "product", "cart", "payment", "notification"].map(|name| (name, free_port()));
    let (admin, served) = (free_port(), ["8004", "8104", "8204", "8304"].map(|port| (port, free_port().to_string())));
    let on_free_ports = |command: &str| {
        let mut command = served.iter().fold(command.to_owned(), |command, (port, free)| command.replace(port, free));
        for ((_, free), port) in services.iter().zip(["8001", "8002", "8003", "8005", "8006"]) {
            command = command.replace(port, &free.to_string());
        }
        let ports = services.iter().map(|(name, port)| format!("--{name}-port {port}")).collect::<Vec<_>>().join(" ");
        command.replace("order-app sandbox", &format!("order-app sandbox --admin-port {admin} {ports}"))
    };
    for Step { command, answer: shown } in steps {
        let given = on_free_ports(&command);
        // What only looks may be asked again: instances take a moment to start.
        let looks = (given.starts_with("curl") && !given.contains(" -X ")) || given.starts_with("order-app check");
        let mut answer = String::new();
        for _ in 0..if looks { 200 } else { 1 } {
            answer = shell.run(&given).await;
            if matches(&shown, &answer) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(matches(&shown, &answer), "$ {command}\nshould answer\n{shown}\nand answers\n{answer}");
    }
    shell.end().await;
}

/// A shell whose processes end with it.
struct Shell {
    process: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
    _folder: TempDir,
}

impl Shell {
    fn start(database: &str, redis: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let programs = binary().parent().unwrap().display().to_string();
        let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
        let mut process = Command::new("bash")
            .current_dir(folder.path())
            .envs([("PATH", path.as_str()), ("DATABASE_URL", database), ("REDIS_URL", redis)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let (to, from) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, to, from: BufReader::new(from).lines(), _folder: folder }
    }

    /// What a command says.
    async fn run(&mut self, command: &str) -> String {
        self.to.write_all(format!("{command}\necho; echo that was it\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        loop {
            let line = tokio::time::timeout(Duration::from_secs(30), self.from.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("no end of {command}")).unwrap().expect("the shell lives");
            if line == "that was it" {
                return answer.trim().to_owned();
            }
            answer = format!("{answer}{line}\n");
        }
    }

    /// Ends all that it has begun, in peace.
    async fn end(mut self) {
        self.run("kill $(jobs -p) 2> /dev/null; wait").await;
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // All that it has begun, however the test went.
        let group = format!("-{}", self.process.id().expect("it lives"));
        StdCommand::new("kill").args(["-KILL", "--", &group]).status().unwrap();
    }
}
