//! The README's tour and its section on calling the API, run as they stand against the demo: every command of their
//! `console` blocks, and what it answers.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

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
