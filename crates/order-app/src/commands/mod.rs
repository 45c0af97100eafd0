//! The subcommands, one file each.

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod migrate;
pub(crate) mod openapi;
pub(crate) mod sandbox;
pub(crate) mod serve;
pub(crate) mod token;
