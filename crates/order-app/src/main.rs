//! The order service's binary: settings, telemetry, wiring. Everything else is in the crates that it wires.
#![allow(clippy::doc_markdown, reason = "comments of arguments are the help that the command line prints")]

mod clock;
mod commands;
mod keys;
mod outside;
mod role;
mod service;
mod settings;
mod telemetry;
mod transport;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The order service: takes a customer's cart and answers for it until the goods are delivered and the last cent is
/// settled.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start with everything embedded: SQLite in DATA_DIR, stand-ins for the outside services, sample data, tokens
    Demo(commands::demo::Arguments),
    /// Start the service; settings come from the environment and from the file CONFIG_FILE
    Serve(commands::serve::Arguments),
    /// Bring the database up to date
    Migrate(commands::migrate::Arguments),
    /// Look at everything that `serve` needs and say what is wrong: settings, database, Redis, outside services
    Check,
    /// Watch the stream of events for other services, or tell them again what has happened
    Events(commands::events::Arguments),
    /// Ask the instance that runs here how it is; exit code 0 if well. For supervisors of containers
    Healthy(commands::healthy::Arguments),
    /// Look at tasks, have one tried again, give one up, pause and resume a kind of them
    Tasks(commands::tasks::Arguments),
    /// Check every order in the database against the invariants; exit code 1 if one is broken
    Verify(commands::verify::Arguments),
    /// Compare the ledger with an export of the payment service; exit code 1 if they differ
    Reconcile(commands::reconcile::Arguments),
    /// Print a token for development, signed with JWT_SECRET_KEY or with a private key of yours
    Token(commands::token::Arguments),
    /// Print the OpenAPI document of the API
    Openapi,
    /// Start stand-ins for the outside services
    Sandbox(commands::sandbox::Arguments),
}

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The settings, all that is wrong with them.
    #[error("{0}")]
    Settings(#[from] settings::Mistakes),
    /// What the command was given can't be used.
    #[error("{0}")]
    Usage(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    fn other(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    #[cfg(feature = "fault-points")]
    let _armed = match order_faults::arm() {
        Ok(armed) => armed,
        Err(error) => {
            eprintln!("order-app: {error}");
            return ExitCode::from(2);
        }
    };
    let done = match Arguments::parse().command {
        Command::Demo(arguments) => commands::demo::run(arguments).await,
        Command::Serve(arguments) => Box::pin(commands::serve::run(arguments)).await,
        Command::Migrate(arguments) => commands::migrate::run(arguments).await,
        Command::Check => commands::check::run().await,
        Command::Events(arguments) => commands::events::run(arguments).await,
        Command::Healthy(arguments) => commands::healthy::run(arguments).await,
        Command::Tasks(arguments) => commands::tasks::run(arguments).await,
        Command::Verify(arguments) => commands::verify::run(arguments).await,
        Command::Reconcile(arguments) => Box::pin(commands::reconcile::run(arguments)).await,
        Command::Token(arguments) => commands::token::run(arguments),
        Command::Openapi => commands::openapi::run(),
        Command::Sandbox(arguments) => commands::sandbox::run(arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("order-app: {failure}");
            match failure {
                Failure::Settings(_) | Failure::Usage(_) => ExitCode::from(2),
                Failure::Other(_) => ExitCode::FAILURE,
            }
        }
    }
}
