//! `order-app serve`: the service, by its settings.

use crate::role::Role;
use crate::settings::Given;
use crate::{Failure, service, telemetry};

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What this instance does
    #[arg(long, value_enum, default_value_t)]
    role: Role,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let settings = Given::read().settings()?;
    telemetry::start(&settings.log_level, settings.log_format);
    let service = service::start(&settings, arguments.role).await?;
    println!("listening on http://{}", service.address);
    service.until_stopped().await
}
