//! What it costs to have the embedded service when nothing happens.

use std::net::SocketAddr;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::Instant;

use crate::Plan;
use crate::process::{binary, started};
use crate::report::Row;

/// The embedded service, everything in one process: start to first answer, and memory when nothing happens.
pub(crate) async fn measured(plan: &Plan) -> Vec<Row> {
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
