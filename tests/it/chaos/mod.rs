//! What stands between the service and the others fails: connections that are slow, reset, cut short, or gone with the
//! answer; the database's backends killed, and its server. Nothing is lost, nothing is done twice, and the service says
//! honestly how it is.

mod database;
mod server;
mod services;
