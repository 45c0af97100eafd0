//! `order-app serve`: the service, by its settings.

use crate::settings::Given;
use crate::{Failure, service, telemetry};

pub(crate) async fn run() -> Result<(), Failure> {
    let settings = Given::read().settings()?;
    telemetry::start(&settings.log_level, settings.log_format);
    let service = service::start(&settings).await?;
    println!("listening on http://{}", service.address);
    service.until_stopped().await
}
