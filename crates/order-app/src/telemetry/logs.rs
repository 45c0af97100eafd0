//! Logs: to standard error, as text for people or JSON for machines.

use tracing_subscriber::EnvFilter;

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts logging. A second call changes nothing; a filter that can't be read was refused with the settings.
pub(crate) fn start(filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(quieter(filter)).unwrap_or_else(|_| EnvFilter::new(quieter("info")));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().flatten_event(true).with_span_list(false).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// The filter, with the library of Redis left out that tells of each connection what we tell of Redis once, unless it is
/// named there.
fn quieter(filter: &str) -> String {
    format!("fred=error,{filter}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_setting_says_comes_before_what_is_left_out() {
        let shown = |filter: &str| EnvFilter::try_new(quieter(filter)).unwrap().to_string();
        assert_eq!(shown("info"), "fred=error,info");
        assert_eq!(shown("info,fred=debug"), "fred=debug,info");
    }
}
