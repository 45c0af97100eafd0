//! What a service says of itself to whoever collects metrics.

use reqwest::{Method, Response};

/// The listener of metrics of an instance.
pub struct Metrics {
    pub url: String,
}

/// What it said.
pub struct Scrape {
    pub text: String,
}

impl Metrics {
    pub async fn ask(&self, method: Method, path: &str) -> Response {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        http.request(method, format!("{}{path}", self.url)).send().await.unwrap()
    }

    pub async fn scrape(&self) -> Scrape {
        let answer = self.ask(Method::GET, "/metrics").await;
        assert_eq!(answer.status(), 200);
        Scrape { text: answer.text().await.unwrap() }
    }
}

impl Scrape {
    /// The value of a series, written as the format has it.
    pub fn value(&self, series: &str) -> Option<f64> {
        let of = |line: &str| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok();
        self.text.lines().find_map(of)
    }
}
