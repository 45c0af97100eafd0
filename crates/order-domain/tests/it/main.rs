//! The order domain as its page describes it, rule by rule.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod adjustments;
mod assignment;
mod audits;
mod audits_of_rows;
mod delivery_change;
mod double_click;
mod edits;
mod goodwill;
mod lives;
mod money;
mod notifying;
mod payment_status;
mod placing;
mod properties;
mod resolving;
mod scheduled;
mod support;
mod table;
mod tasks_touched;
mod unknown_outcomes;
