//! Real processes, and what a test asks of them.

pub mod audit;
pub mod clock;
pub mod engine;
pub mod issuer;
pub mod metrics;
pub mod postgres;
pub mod proxy;
pub mod service;
pub mod shop;

pub use engine::Engine;
pub use issuer::Issuer;
pub use service::Service;
pub use shop::Shop;

use std::time::Duration;

/// An amount as an answer has it, in cents.
pub fn cents(amount: &serde_json::Value) -> i64 {
    format!("{:.0}", amount.as_f64().unwrap() * 100.0).parse().unwrap()
}

/// Waits for a condition, looking often; fails when it does not come true in time.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

/// The same, where what is waited for has its own time to wait: that is over at once.
pub async fn eventually_hurried<F: Future<Output = bool>>(engine: &Engine, what: &str, mut holds: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "never came true: {what}");
        engine.hurry().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// One test per engine from one body.
macro_rules! on_both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($engine:ident: Engine) $body:block)+) => {
        $(
            mod $name {
                use super::*;

                async fn body($engine: Engine) $body

                $(#[$meta])*
                #[tokio::test(flavor = "multi_thread")]
                async fn on_postgres() {
                    body(Engine::postgres().await).await;
                }

                $(#[$meta])*
                #[tokio::test(flavor = "multi_thread")]
                async fn on_sqlite() {
                    body(Engine::sqlite()).await;
                }
            }
        )+
    };
}
pub(crate) use on_both_engines;
