//! The subcommands, one file each.

mod beside;
mod edge;
mod export;

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod events;
pub(crate) mod healthy;
pub(crate) mod migrate;
pub(crate) mod openapi;
pub(crate) mod reconcile;
pub(crate) mod sandbox;
pub(crate) mod serve;
pub(crate) mod tasks;
pub(crate) mod token;
pub(crate) mod verify;
