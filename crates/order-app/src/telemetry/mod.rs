//! What is told of the service while it runs: logs and metrics.

mod figures;
mod logs;
mod metrics;

pub(crate) use logs::{LogFormat, start};
pub(crate) use metrics::Exporter;
