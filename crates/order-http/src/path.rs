//! What a path names: an order, one of its payments, a task, a kind of tasks.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use order_domain::ports::TaskKind;
use order_domain::{EntryNo, OrderId, TaskId};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr, Required};
use utoipa::{IntoParams, ToSchema};

use crate::codes::Code;
use crate::openapi::schemas::TaskKindName;
use crate::problem::Problem;

/// The largest id: what every JSON reader takes for the same number.
const MOST: i64 = (1 << 53) - 1;

/// The order that a path names. What can't be the id of any order is said to be so, whoever asks.
pub(crate) struct PathId(pub(crate) OrderId);

impl FromRequest for PathId {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = number(request).and_then(|id| OrderId::new(id).ok());
        ready(id.map(Self).ok_or_else(|| invalid("an order")))
    }
}

/// The task that a path names.
pub(crate) struct PathTask(pub(crate) TaskId);

impl FromRequest for PathTask {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = number(request).and_then(|id| TaskId::new(id).ok());
        ready(id.map(Self).ok_or_else(|| invalid("a task")))
    }
}

/// The kind of tasks that a path names.
pub(crate) struct PathKind(pub(crate) TaskKind);

impl FromRequest for PathKind {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let kind = request.match_info().get("kind").and_then(TaskKind::from_name);
        let names = TaskKind::ALL.map(TaskKind::name).join(", ");
        let unknown =
            || Problem::new(Code::KindNotFound, format!("No kind of tasks has this name. There are: {names}."));
        ready(kind.map(Self).ok_or_else(unknown))
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
fn number(request: &HttpRequest) -> Option<i64> {
    let text = request.match_info().get("id")?;
    let id: i64 = text.parse().ok()?;
    (id.to_string() == text).then_some(id)
}

fn invalid(whose: &str) -> Problem {
    let message = format!("must be a whole number from 1 to {MOST}");
    Problem::new(Code::InvalidId, format!("The id of {whose} {message}.")).at("/path/id", "invalid_id", message)
}

/// The id of an order as a described parameter.
pub(crate) enum OrderInPath {}

impl IntoParams for OrderInPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![parameter("id", "The order's id.", an_id())]
    }
}

/// The id of a task as a described parameter.
pub(crate) enum TaskInPath {}

impl IntoParams for TaskInPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![parameter("id", "The task's id.", an_id())]
    }
}

/// A kind of tasks as a described parameter.
pub(crate) enum KindInPath {}

impl IntoParams for KindInPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![parameter("kind", "The kind of tasks.", Ref::from_schema_name(TaskKindName::name()))]
    }
}

fn an_id() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(MOST)).examples([1])
}

/// The number of a payment as a described parameter.
pub(crate) enum EntryInPath {}

impl IntoParams for EntryInPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let n =
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(EntryNo::MAX)).examples([1]);
        vec![parameter("n", "The payment's number in the order: its `n`.", n)]
    }
}

fn parameter(name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(about))
        .schema(Some(schema))
        .build()
}
