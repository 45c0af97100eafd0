//! The contract of the queue ports, written once and run over each implementation: signals of due tasks, and word of what
//! happens to orders.
//!
//! An implementation gives a [`QueueHarness`] and calls [`crate::queue_contract_tests!`], which makes one test per contract,
//! each with a harness of its own on empty queues.

pub mod live;
pub mod signal;

use std::sync::Arc;

use async_trait::async_trait;
use order_domain::ports::{LiveEvents, TaskSignal};

/// An implementation of the queue ports. Within one process, all instances are one and the same.
#[async_trait]
pub trait QueueHarness: Send + Sync {
    /// Another instance that works, ready.
    async fn worker(&self) -> Arc<dyn TaskSignal>;

    /// Another instance, which does not work: it only says what is due.
    async fn teller(&self) -> Arc<dyn TaskSignal>;

    /// Another instance that listens, ready.
    async fn live(&self) -> Arc<dyn LiveEvents>;
}

/// Makes a test of each contract. The argument is an expression for a
/// [`QueueHarness`](crate::queue_contract::QueueHarness), evaluated anew in each test; it may `.await`. The caller needs
/// tokio with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! queue_contract_tests {
    ($harness:expr) => {
        $crate::queue_contract_tests! { @each $harness;
            signal:
                a_signal_before_the_wait_is_not_lost,
                a_waiting_worker_is_woken,
                each_signal_reaches_one_worker,
                signals_are_told_in_their_sequence,
                a_wait_that_is_given_up_takes_nothing_along,
                saying_that_nothing_is_due_wakes_nobody;
            live:
                what_is_said_after_the_subscription_is_not_lost,
                word_reaches_those_who_listen_elsewhere,
                everybody_who_waits_for_an_order_is_woken_and_nobody_else,
                an_older_version_takes_nothing_back,
                of_an_order_that_nobody_listens_for_nothing_is_kept,
                whoever_waits_for_anything_is_woken_by_any_word,
                closing_ends_every_wait_and_lets_nobody_in;
        }
    };
    (@each $harness:expr; $($module:ident: $($name:ident),+;)+) => {
        $(mod $module {
            #[allow(unused_imports, reason = "the expression may name what is beside it")]
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    $crate::queue_contract::$module::$name(&$harness).await;
                }
            )+
        })+
    };
}
