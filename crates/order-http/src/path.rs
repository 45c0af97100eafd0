//! The id in a path.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use order_domain::OrderId;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::codes::Code;
use crate::problem::Problem;

/// The largest id: what every JSON reader takes for the same number.
const MOST: i64 = (1 << 53) - 1;

/// The order that a path names. What can't be the id of any order is said to be so, whoever asks.
pub(crate) struct PathId(pub(crate) OrderId);

impl FromRequest for PathId {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(id);
        ready(id.map(Self).ok_or_else(|| {
            let message = format!("must be a whole number from 1 to {MOST}");
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

/// The id of an order as a described parameter.
pub(crate) enum OrderInPath {}

impl IntoParams for OrderInPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let id = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(MOST)).examples([1]);
        let id = ParameterBuilder::new()
            .name("id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("The order's id."))
            .schema(Some(id.build()));
        vec![id.build()]
    }
}
