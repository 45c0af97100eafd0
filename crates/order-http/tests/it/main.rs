//! The REST API over the use cases, without a network but where the network is what is tested.

mod framework;
mod input;
mod json;
mod logs;
mod network;
mod refusals;
mod replay;
mod roles;
mod routes;
mod support;
mod tokens;
