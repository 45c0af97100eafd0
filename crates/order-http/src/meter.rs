//! The metrics of requests: how many, with which status, and how long they took, by route and method.
//!
//! Labels are bounded: a route is a pattern of ours, `none` stands for every path that has none, and a method that no route
//! knows is `other`. A series is registered when it is first met, so that later requests cost two look-ups and no text.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use metrics::{Counter, Histogram};

/// Answered requests.
const REQUESTS: &str = "http_requests_total";
/// From a request's head to its answer's.
const DURATION: &str = "http_request_duration_seconds";

/// The series of one worker.
#[derive(Default)]
pub(crate) struct Meter {
    requests: RefCell<HashMap<(&'static str, &'static str, StatusCode), Counter>>,
    durations: RefCell<HashMap<(&'static str, &'static str), Histogram>>,
}

impl Meter {
    /// Counts an answered request.
    pub(crate) fn answered(&self, route: &'static str, method: &Method, status: StatusCode, took: Duration) {
        let method = known(method);
        self.requests
            .borrow_mut()
            .entry((route, method, status))
            .or_insert_with(|| {
                let status = status.as_str().to_owned();
                metrics::counter!(REQUESTS, "route" => route, "method" => method, "status" => status)
            })
            .increment(1);
        self.durations
            .borrow_mut()
            .entry((route, method))
            .or_insert_with(|| metrics::histogram!(DURATION, "route" => route, "method" => method))
            .record(took);
    }
}

/// A client may call its method anything.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
