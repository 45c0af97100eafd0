//! `order-app openapi`: the OpenAPI document of the API. It needs no settings.

use std::io::{self, Write};

use crate::Failure;

pub(crate) fn run() -> Result<(), Failure> {
    io::stdout().write_all(order_http::openapi_json().as_bytes()).map_err(Failure::other)
}
