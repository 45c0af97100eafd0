//! `order-app verify`: the invariants over every order of a database, of a running service's or a drained one.
//!
//! An order is at rest when nothing of it is left to do. What holds only at rest (9 and 10) is asked of those that are; with
//! `--drained` of all, and then something that is left to do, or an event that is left to be published, is a violation itself. What is broken goes to stdout, one line
//! each; progress and the summary to stderr.

use indicatif::{ProgressBar, ProgressStyle};
use order_domain::audit::AuditTerms;
use order_usecases::audits::{Audited, Verdict, verify};

use super::beside;
use crate::Failure;
use crate::settings::Given;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Nothing is left to do: tasks that are due or were tried are violations, events that are not published as well, and
    /// every order has to be at rest
    #[arg(long)]
    drained: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let lead = Given::read().release_lead()?;
    let reader = beside::stores().await?.audit;
    let last = reader.last_order().await.map_err(Failure::other)?;
    let bar = progress(last.map_or(0, |last| last.get().unsigned_abs()));
    let terms = AuditTerms { drained: arguments.drained, lead };
    let verdict = verify(&*reader, terms, |told| match told {
        Audited::UpTo(order) => bar.set_position(order.get().unsigned_abs()),
        Audited::Broken(violation) => bar.suspend(|| {
            println!("order {}: invariant {}: {}", violation.order, violation.invariant, violation.what);
        }),
    });
    let verdict = verdict.await;
    bar.finish_and_clear();
    let verdict = verdict.map_err(Failure::other)?;
    eprintln!("{}", summary(verdict));
    match verdict.violations {
        0 => Ok(()),
        1 => Err(Failure::Other("an invariant is broken".into())),
        broken => Err(Failure::Other(format!("invariants are broken {broken} times, in {} orders", verdict.broken))),
    }
}

/// By the numbers of orders, which nobody has to count. Only shown on a terminal.
fn progress(last: u64) -> ProgressBar {
    let bar = ProgressBar::new(last);
    let style = ProgressStyle::with_template("checked up to order {pos} of {len} [{bar:40}] {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn summary(verdict: Verdict) -> String {
    let Verdict { orders, busy, broken, .. } = verdict;
    let whole = orders - broken;
    let busy = match busy {
        0 => String::new(),
        busy => format!("; {busy} had something to be done, so what holds at rest was not asked of them"),
    };
    format!("checked {orders} orders: {whole} whole, {broken} broken{busy}")
}
