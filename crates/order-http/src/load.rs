//! A cap on requests under way: one too many is told so at once, while there is still somebody to say it. A request that
//! only waits for something to happen gives its room to others: it costs next to nothing, and has a bound of its own.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest};
use tokio::sync::OwnedSemaphorePermit;

use crate::codes::Code;
use crate::problem::Problem;
use crate::server::HttpState;

/// Seconds after which there may be room again.
const ROOM: u16 = 1;

/// The room of a request, which is given back when the request is answered, or before.
pub(crate) struct Room(Rc<Cell<Option<OwnedSemaphorePermit>>>);

impl Drop for Room {
    fn drop(&mut self) {
        self.0.take();
    }
}

/// Room for a request, until it is dropped.
///
/// # Errors
/// A problem when there is none.
pub(crate) fn room(request: &HttpRequest) -> Result<Room, Problem> {
    let state = request.app_data::<Data<HttpState>>().ok_or_else(|| Problem::internal("no state"))?;
    let permit = Arc::clone(&state.room).try_acquire_owned().map_err(|_| {
        Problem::new(
            Code::Overloaded,
            "There are too many requests at once. Nothing was changed. Try again in a moment.",
        )
        .retry_after(ROOM)
    })?;
    let held = Rc::new(Cell::new(Some(permit)));
    request.extensions_mut().insert(Rc::clone(&held));
    Ok(Room(held))
}

/// Gives the room of a request to others: from here on it only waits.
pub(crate) fn make_room(request: &HttpRequest) {
    if let Some(held) = request.extensions().get::<Rc<Cell<Option<OwnedSemaphorePermit>>>>() {
        held.take();
    }
}
