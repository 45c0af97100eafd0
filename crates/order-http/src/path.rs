//! The ids in a path: which order, and which of its payments.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use order_domain::{EntryNo, OrderId};
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

/// The payment of an order that a path names, by its number.
pub(crate) struct PathEntry(pub(crate) EntryNo);

impl FromRequest for PathEntry {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let n = request.match_info().get("n").and_then(entry);
        ready(n.map(Self).ok_or_else(|| {
            let message = format!("must be a whole number from 1 to {}", EntryNo::MAX);
            Problem::new(Code::InvalidId, format!("The number of a payment {message}.")).at(
                "/path/n",
                "invalid_id",
                message,
            )
        }))
    }
}

fn entry(text: &str) -> Option<EntryNo> {
    let n: EntryNo = text.parse().ok().filter(|n| *n > 0)?;
    (n.to_string() == text).then_some(n)
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
        vec![whole("id", "The order's id.", MOST)]
    }
}

/// The number of a payment as a described parameter.
pub(crate) enum EntryInPath {}

impl IntoParams for EntryInPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![whole("n", "The payment's number in the order: its `n`.", EntryNo::MAX.into())]
    }
}

fn whole(name: &str, about: &str, most: i64) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(most)).examples([1]);
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(about))
        .schema(Some(schema.build()))
        .build()
}
