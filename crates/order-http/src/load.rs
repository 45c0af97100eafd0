//! A cap on requests under way: one too many is told so at once, while there is still somebody to say it.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web::Data;
use tokio::sync::OwnedSemaphorePermit;

use crate::codes::Code;
use crate::problem::Problem;
use crate::server::HttpState;

/// Seconds after which there may be room again.
const ROOM: u16 = 1;

/// Room for a request until the permit is dropped.
///
/// # Errors
/// A problem when there is none.
pub(crate) fn room(request: &HttpRequest) -> Result<OwnedSemaphorePermit, Problem> {
    let state = request.app_data::<Data<HttpState>>().ok_or_else(|| Problem::internal("no state"))?;
    Arc::clone(&state.room).try_acquire_owned().map_err(|_| {
        Problem::new(
            Code::Overloaded,
            "There are too many requests at once. Nothing was changed. Try again in a moment.",
        )
        .retry_after(ROOM)
    })
}
