//! `order-app tasks`: what operators do at the command line, beside a running service or without one. A worker finds what
//! has become due at its next sweep, within a second.
//!
//! Timelines say that an admin did it; the admin's id is `cli`, or the name given with `--by`.

use std::fmt::Write as _;
use std::sync::Arc;

use clap::Subcommand;
use order_domain::order::Rejection;
use order_domain::ports::{KindStatus, OpenTask, Receipt, TaskFilter, TaskKind, TaskState};
use order_domain::time::Timestamp;
use order_domain::{Currency, OrderId, Rules, TaskId, UserId};
use order_queue::{InProcessLive, InProcessSignal};
use order_usecases::{Operations, Operator, RenderTask, TaskOutcome, TaskRequest, UseCaseError};

use super::beside;
use crate::Failure;

/// Tasks that are read at once.
const PAGE: u32 = 100;

/// Arguments of `tasks`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Who does it: stands in timelines as the id of an admin
    #[arg(long, global = true, value_name = "NAME", default_value = "cli", value_parser = user)]
    by: UserId,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List tasks, the longest due first
    List {
        /// dead: had their tries; waiting: to be done; running: in a worker's hands
        #[arg(long, default_value = "dead", value_parser = state)]
        state: TaskState,
        /// Only this kind
        #[arg(long, value_parser = kind)]
        kind: Option<TaskKind>,
        /// Only of this order
        #[arg(long, value_name = "ID", value_parser = order)]
        order: Option<OrderId>,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Have tasks tried again at once, whether they are dead or wait; their tries are counted anew
    Retry {
        /// Their numbers
        #[arg(required = true, value_name = "ID", value_parser = task)]
        ids: Vec<TaskId>,
    },
    /// Give tasks up; what moves money is never given up
    Discard {
        /// Their numbers
        #[arg(required = true, value_name = "ID", value_parser = task)]
        ids: Vec<TaskId>,
    },
    /// List the kinds of tasks: what waits, what is paused
    Kinds,
    /// Begin nothing of a kind any more, until it is resumed; what is under way is finished
    Pause {
        /// charge, refund, clear_cart, notify or release
        #[arg(value_parser = kind)]
        kind: TaskKind,
    },
    /// Do again what is due of a kind
    Resume {
        /// charge, refund, clear_cart, notify or release
        #[arg(value_parser = kind)]
        kind: TaskKind,
    },
}

fn user(text: &str) -> Result<UserId, String> {
    UserId::new(text).map_err(|error| error.to_string())
}

fn state(text: &str) -> Result<TaskState, String> {
    TaskState::from_name(text).ok_or_else(|| one_of(&TaskState::ALL.map(TaskState::name)))
}

fn kind(text: &str) -> Result<TaskKind, String> {
    TaskKind::from_name(text).ok_or_else(|| one_of(&TaskKind::ALL.map(TaskKind::name)))
}

fn one_of(names: &[&str]) -> String {
    format!("it is one of {}", names.join(", "))
}

fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "it is a whole number".to_owned())
}

pub(super) fn order(text: &str) -> Result<OrderId, String> {
    OrderId::new(number(text)?).map_err(|error| error.to_string())
}

fn task(text: &str) -> Result<TaskId, String> {
    TaskId::new(number(text)?).map_err(|error| error.to_string())
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let stores = beside::stores().await?;
    // Whoever waits for word of it is in another process: what is due is found by the next sweep.
    let operations = Operations {
        orders: stores.orders,
        desk: stores.desk,
        ids: stores.ids,
        signal: Arc::new(InProcessSignal::default()),
        live: Arc::new(InProcessLive::default()),
        // What is done to a task depends on no rule of the shop.
        rules: Arc::new(Rules::new(Currency::USD)),
    };
    let by = Operator::at_the_command_line(arguments.by);
    match arguments.command {
        Command::List { state, kind, order, limit } => {
            list(&operations, &by, TaskFilter { state, kind, order }, limit).await
        }
        Command::Retry { ids } => each(&operations, &by, &ids, Deed::Retry).await,
        Command::Discard { ids } => each(&operations, &by, &ids, Deed::Discard).await,
        Command::Kinds => {
            print!("{}", kinds_table(&operations.kinds(&by).await.map_err(Failure::other)?));
            Ok(())
        }
        Command::Pause { kind } => {
            println!("{}", said(&operations.pause(&by, kind).await.map_err(Failure::other)?));
            Ok(())
        }
        Command::Resume { kind } => {
            println!("{}", said(&operations.resume(&by, kind).await.map_err(Failure::other)?));
            Ok(())
        }
    }
}

#[derive(Clone, Copy)]
enum Deed {
    Retry,
    Discard,
}

async fn list(operations: &Operations, by: &Operator, filter: TaskFilter, limit: u32) -> Result<(), Failure> {
    let (mut left, mut place, mut rows) = (limit, None, Vec::new());
    while left > 0 {
        let page = operations.tasks(by, filter, left.min(PAGE), place).await.map_err(Failure::other)?;
        left = left.saturating_sub(PAGE);
        rows.extend(page.tasks.iter().map(row));
        place = page.next;
        if place.is_none() {
            break;
        }
    }
    if rows.is_empty() {
        println!("no {} tasks", filter.state.name());
        return Ok(());
    }
    print!("{}", table(&["ID", "KIND", "STATE", "ORDER", "TRIES", "DUE", "LAST ERROR"], &rows));
    if place.is_some() {
        println!("… and more: raise --limit");
    }
    Ok(())
}

fn row(task: &OpenTask) -> Vec<String> {
    vec![
        task.id.to_string(),
        task.kind.name().to_owned(),
        task.state.name().to_owned(),
        task.order.to_string(),
        task.attempts.to_string(),
        moment(task.due_at),
        task.last_error.clone().unwrap_or_default(),
    ]
}

fn moment(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Does the same to each, whatever becomes of the others.
async fn each(operations: &Operations, by: &Operator, ids: &[TaskId], deed: Deed) -> Result<(), Failure> {
    let mut failed = 0;
    for &id in ids {
        let render: RenderTask = Arc::new(|outcome| Ok(told(outcome)));
        let request = TaskRequest { key: None, render };
        let done = match deed {
            Deed::Retry => operations.retry(by, id, request).await,
            Deed::Discard => operations.discard(by, id, request).await,
        };
        match done {
            Ok(answer) => println!("{}", String::from_utf8_lossy(&answer.receipt.body)),
            Err(error) => {
                failed += 1;
                eprintln!("task {id}: {}", refusal(&error));
            }
        }
    }
    match failed {
        0 => Ok(()),
        failed => Err(Failure::Other(format!("{failed} of {} task(s) left as they were", ids.len()))),
    }
}

fn told(outcome: &TaskOutcome) -> Receipt {
    let TaskOutcome { task, discarded } = outcome;
    let what = if *discarded { "discarded" } else { "due now" };
    let body = format!("task {} ({} of order {}) is {what}", task.id, task.kind.name(), task.order);
    Receipt { status: 200, headers: Vec::new(), body: body.into_bytes() }
}

/// What went wrong, and what to do about it.
fn refusal(error: &UseCaseError) -> String {
    let advice = match error {
        UseCaseError::NoSuchTask => ", or it is done; see `order-app tasks list --state waiting`",
        UseCaseError::Rejected(Rejection::TaskRunning) => "; try again in half a minute",
        UseCaseError::Rejected(Rejection::NeverDiscarded { .. }) => "; retry it, or pause its kind",
        UseCaseError::ConcurrentChange => "; try again",
        UseCaseError::OutcomeUnknown(_) => "; look at it with `order-app tasks list` before you try again",
        _ => "",
    };
    format!("{error}{advice}")
}

fn said(kind: &KindStatus) -> String {
    let waiting = match kind.waiting {
        1 => "1 task waits".to_owned(),
        waiting => format!("{waiting} tasks wait"),
    };
    match &kind.paused {
        Some(pause) => format!(
            "{} is paused since {} by {}; {waiting}. Resume it with `order-app tasks resume {0}`",
            kind.kind.name(),
            moment(pause.since),
            pause.by
        ),
        None => format!("{} is not paused; {waiting}", kind.kind.name()),
    }
}

fn kinds_table(kinds: &[KindStatus]) -> String {
    let row = |status: &KindStatus| {
        let pause = status.paused.as_ref();
        vec![
            status.kind.name().to_owned(),
            pause.map_or("no".to_owned(), |pause| format!("since {} by {}", moment(pause.since), pause.by)),
            status.waiting.to_string(),
            status.oldest_due_at.map(moment).unwrap_or_default(),
        ]
    };
    table(&["KIND", "PAUSED", "WAITING", "OLDEST DUE"], &kinds.iter().map(row).collect::<Vec<_>>())
}

/// Columns as wide as what is in them.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(ToString::to_string).collect();
    let lines: Vec<_> = std::iter::once(&head).chain(rows).collect();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..head.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in lines {
        let mut cells = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            // Writing to a text never fails.
            let _ = write!(cells, "{cell:<width$}  ");
        }
        text.push_str(cells.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let rows = [vec!["1".to_owned(), "charge".to_owned()], vec!["4711".to_owned(), String::new()]];
        assert_eq!(table(&["ID", "KIND"], &rows), "ID    KIND\n1     charge\n4711\n");
    }
}
