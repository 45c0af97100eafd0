//! `order-app healthy`: asks the instance that listens on `HOST` and `PORT` how it is. An image without a shell has no other
//! way to be asked.

use std::net::IpAddr;
use std::time::Duration;

use crate::Failure;
use crate::settings::Given;

/// How long it may take to answer: less than supervisors give.
const PATIENCE: Duration = Duration::from_secs(2);

/// Arguments of `healthy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Whether requests may be sent to it, not only whether it lives
    #[arg(long)]
    ready: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let (host, port) = Given::read().address()?;
    let path = if arguments.ready { "/health/ready" } else { "/health/live" };
    let url = format!("http://{}:{port}{path}", reached(&host));
    // Without the roots of TLS, which takes longer to read than it takes to ask.
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(PATIENCE).build();
    let asked = http.map_err(Failure::other)?.get(&url).send().await;
    let status = asked.map_err(|_| Failure::Other(format!("{url} does not answer")))?.status();
    if status.is_success() {
        println!("{url}: {status}");
        Ok(())
    } else {
        Err(Failure::Other(format!("{url}: {status}")))
    }
}

/// The host as a URL has it. Who listens everywhere is reached on loopback.
fn reached(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(IpAddr::V6(address)) if address.is_unspecified() => "[::1]".to_owned(),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        Ok(IpAddr::V4(_)) | Err(_) => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_asked_on_loopback() {
        for (host, asked) in [
            ("0.0.0.0", "127.0.0.1"),
            ("::", "[::1]"),
            ("::1", "[::1]"),
            ("10.1.2.3", "10.1.2.3"),
            ("orders", "orders"),
        ] {
            assert_eq!(reached(host), asked);
        }
    }
}
