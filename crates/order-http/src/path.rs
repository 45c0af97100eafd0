//! The id in a path.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use order_domain::OrderId;

use crate::codes::Code;
use crate::problem::Problem;

/// The order that a path names. What can't be the id of any order is said to be so, whoever asks.
pub(crate) struct PathId(pub(crate) OrderId);

impl FromRequest for PathId {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(id);
        ready(id.map(Self).ok_or_else(|| {
            let message = "must be a whole number from 1 to 9007199254740991";
            Problem::new(Code::InvalidId, format!("The id of an order {message}.")).at(
                "/path/id",
                "invalid_id",
                message,
            )
        }))
    }
}

/// One spelling for each id: no sign, no zeros in front.
fn id(text: &str) -> Option<OrderId> {
    let id = OrderId::new(text.parse().ok()?).ok()?;
    (id.to_string() == text).then_some(id)
}
