//! Metrics, in Prometheus's text format on a listener of their own, so that they need no token and are not on the public
//! one. Without `METRICS_ADDR` nothing is measured at all.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, CONTENT_TYPE};
use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use metrics::Unit;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use order_domain::ports::{Outbox, TaskStore};
use tokio::task::JoinHandle;

use super::figures::FiguresReader;
use crate::Failure;

/// The upper ends of the histograms' buckets, in seconds: from a read of one row to what nobody waits for any more.
const BUCKETS: [f64; 13] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];
/// How often what was measured is put into its buckets. Until then each measurement is kept by itself.
const UPKEEP: Duration = Duration::from_secs(5);
/// The format's media type.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a family of metrics is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Grows.
    Counter,
    /// Is what it is now.
    Gauge,
    /// Durations in buckets.
    Histogram,
}

/// A family of metrics: its name, what it is, its unit, and what it says.
type Family = (&'static str, Kind, Unit, &'static str);

/// Every family there is. `docs/operations.md` has each of them, with when to worry.
const FAMILIES: &[Family] = &[
    ("http_requests_total", Kind::Counter, Unit::Count, "Answered requests by route, method and status."),
    ("http_request_duration_seconds", Kind::Histogram, Unit::Seconds, "From a request's head to its answer's."),
    ("outside_calls_total", Kind::Counter, Unit::Count, "Calls to outside services by service and outcome."),
    ("outside_call_duration_seconds", Kind::Histogram, Unit::Seconds, "How long outside services took to answer."),
    ("outside_breaker_state", Kind::Gauge, Unit::Count, "Breakers by service: 0 closed, 1 half-open, 2 open."),
    ("database_pool_wait_seconds", Kind::Histogram, Unit::Seconds, "Waiting for a database connection, by pool."),
    (
        "tasks_oldest_due_seconds",
        Kind::Gauge,
        Unit::Seconds,
        "For how long the longest due task has been due, by kind.",
    ),
    ("tasks_oldest_tried_seconds", Kind::Gauge, Unit::Seconds, "Age of the oldest task tried and not done, by kind."),
    ("tasks_waiting", Kind::Gauge, Unit::Count, "Unfinished tasks by kind, without the dead."),
    ("tasks_dead", Kind::Gauge, Unit::Count, "Tasks that were given up, by kind."),
    ("chore_tries", Kind::Gauge, Unit::Count, "Tries of a chore since it last succeeded, by kind."),
    ("events_published_total", Kind::Counter, Unit::Count, "Events that this instance has published."),
    ("event_publish_lag_seconds", Kind::Histogram, Unit::Seconds, "From an event's happening to its being published."),
    ("events_unpublished", Kind::Gauge, Unit::Count, "Events that wait to be published, counted up to 10,000."),
    (
        "events_oldest_unpublished_seconds",
        Kind::Gauge,
        Unit::Seconds,
        "For how long the oldest of the next events to be published has waited.",
    ),
    ("redis_up", Kind::Gauge, Unit::Count, "1 while Redis answers, 0 while it does not; nothing without REDIS_URL."),
    ("task_signals_total", Kind::Counter, Unit::Count, "Signals of due tasks by the way they went; with REDIS_URL."),
    ("payment_entries_in_review", Kind::Gauge, Unit::Count, "Entries of the ledger that wait for a person."),
];

/// What measures, before anybody can ask for it: whatever is to be measured has to come after it.
pub(crate) struct Exporter {
    listener: TcpListener,
    address: SocketAddr,
    measured: PrometheusHandle,
}

impl Exporter {
    /// Takes the address, and measures from now on.
    ///
    /// # Errors
    /// [`Failure::Other`] for an address that can't be listened on.
    pub(crate) fn bind(address: SocketAddr) -> Result<Self, Failure> {
        let refused = |error: io::Error| {
            Failure::Other(format!("METRICS_ADDR: {address} can't be listened on: {error}; choose another, or off"))
        };
        let listener = TcpListener::bind(address).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).map_err(Failure::other)?;
        let measured = builder.install_recorder().map_err(Failure::other)?;
        for &(name, kind, unit, says) in FAMILIES {
            match kind {
                Kind::Counter => metrics::describe_counter!(name, unit, says),
                Kind::Gauge => metrics::describe_gauge!(name, unit, says),
                Kind::Histogram => metrics::describe_histogram!(name, unit, says),
            }
        }
        Ok(Self { listener, address, measured })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers `GET /metrics` until the process ends.
    ///
    /// # Errors
    /// [`Failure::Other`] when the listener can't be used.
    pub(crate) fn serve(
        self,
        tasks: Arc<dyn TaskStore>,
        outbox: Arc<dyn Outbox>,
    ) -> Result<JoinHandle<io::Result<()>>, Failure> {
        let shown = Data::new(Shown { measured: self.measured.clone(), figures: FiguresReader::new(tasks, outbox) });
        let server = HttpServer::new(move || App::new().app_data(shown.clone()).default_service(web::to(answer)))
            .workers(1)
            .disable_signals()
            .listen(self.listener)
            .map_err(Failure::other)?;
        let measured = self.measured;
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(UPKEEP);
            loop {
                ticks.tick().await;
                measured.run_upkeep();
            }
        });
        Ok(tokio::spawn(server.run()))
    }
}

struct Shown {
    measured: PrometheusHandle,
    figures: FiguresReader,
}

async fn answer(request: HttpRequest, shown: Data<Shown>) -> HttpResponse {
    if request.path() != "/metrics" {
        return HttpResponse::NotFound().finish();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return HttpResponse::MethodNotAllowed().insert_header((ALLOW, "GET, HEAD")).finish();
    }
    shown.figures.refresh().await;
    HttpResponse::Ok().insert_header((CONTENT_TYPE, TEXT)).body(shown.measured.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_explained_to_operators_and_no_other() {
        let page = include_str!("../../../../docs/operations.md");
        let table = page.split("\n## Metrics\n").nth(1).expect("a section on metrics").split("\n## ").next().unwrap();
        let mut explained: Vec<_> = table
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
            .map(|(name, _)| name.split('{').next().unwrap())
            .collect();
        let mut families: Vec<_> = FAMILIES.iter().map(|(name, ..)| *name).collect();
        explained.sort_unstable();
        families.sort_unstable();
        assert_eq!(explained, families);
    }
}
