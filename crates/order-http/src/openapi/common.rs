//! What all endpoints have in common, added to the document once: the headers and errors that follow from what an
//! endpoint is, and that bodies hold what is described and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems};
use utoipa::openapi::{OpenApi, RefOr, Required, Response, Schema};

use super::headers::{self, REQUEST_ID};
use super::problems;
use crate::codes::Code;

/// The extension in which an endpoint names the errors that only it has: `x-codes`, a list of [`Code`]s.
const CODES: &str = "x-codes";
/// The extension of a field that only admins are shown.
const ADMINS_ONLY: &str = "x-admins-only";

/// Completes the document.
pub(super) fn complete(document: &mut OpenApi) {
    let mut answered = BTreeSet::new();
    for (path, item) in &mut document.paths.paths {
        let methods = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in methods.into_iter().flatten() {
            complete_operation(path, operation, &mut answered);
        }
    }
    let components = document.components.get_or_insert_default();
    headers::describe(components);
    whole_answers(answered, &mut components.schemas);
    problems::describe(components);
    components.schemas.values_mut().for_each(close);
}

fn complete_operation(path: &str, operation: &mut Operation, answered: &mut BTreeSet<String>) {
    may_be_missing(operation);
    let codes = codes(path, operation);
    operation.parameters.get_or_insert_default().push(headers::request_id());
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            let headers = response.headers.keys().cloned().chain([REQUEST_ID.to_owned()]);
            response.headers = headers.map(|name| (name.clone(), headers::answered(&name))).collect();
            answered.extend(schemas_of(response));
        }
    }
    operation.responses.responses.extend(problems::responses(&codes));
}

/// A body that is `Option` is one that may be missing; it is not one that may be `null`.
fn may_be_missing(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    body.required = Some(Required::True);
    for content in body.content.values_mut() {
        let RefOr::T(content) = content else { continue };
        if let Some(RefOr::T(Schema::OneOf(one_of))) = &content.schema {
            content.schema = one_of.items.iter().find(|item| matches!(item, RefOr::Ref(_))).cloned();
            body.required = Some(Required::False);
        }
    }
}

/// The errors of an endpoint: those that it names, and those that follow from what it is.
fn codes(path: &str, operation: &mut Operation) -> BTreeSet<Code> {
    let named = operation.extensions.as_mut().and_then(|extensions| extensions.remove(CODES)).unwrap_or_default();
    operation.extensions = operation.extensions.take().filter(|extensions| !extensions.is_empty());
    let is_named = |code: &&Code| named.as_array().is_some_and(|named| named.iter().any(|name| *name == code.name()));
    let mut codes: BTreeSet<_> = Code::ALL.iter().filter(is_named).copied().collect();

    let has = |name: &str| has_parameter(operation, |parameter| parameter.name == name);
    let in_query = |parameter: &Parameter| parameter.parameter_in == ParameterIn::Query;
    let mut when = |holds: bool, also: &[Code]| codes.extend(also.iter().filter(|_| holds));
    when(true, &[Code::InternalError]);
    when(operation.security.is_none() || path == "/openapi.json", &[Code::Overloaded]);
    when(operation.security.is_none(), &[Code::Unauthorized, Code::DatabaseUnavailable, Code::UpstreamUnavailable]);
    when(path.starts_with("/orders/{id}"), &[Code::InvalidId, Code::OrderNotFound]);
    when(has_parameter(operation, in_query), &[Code::Invalid]);
    when(
        operation.request_body.is_some(),
        &[
            Code::MalformedJson,
            Code::BadRequest,
            Code::SlowBody,
            Code::BodyTooLarge,
            Code::UnsupportedMediaType,
            Code::Invalid,
        ],
    );
    when(has("Idempotency-Key"), &[Code::InvalidIdempotencyKey, Code::IdempotencyKeyReused, Code::OutcomeUnknown]);
    when(has("If-Match"), &[Code::PreconditionFailed, Code::ConcurrentChange, Code::Invalid]);
    codes
}

fn has_parameter(operation: &Operation, is: impl Fn(&Parameter) -> bool) -> bool {
    let parameters = operation.parameters.iter().flatten();
    parameters.filter_map(|parameter| if let RefOr::T(parameter) = parameter { Some(parameter) } else { None }).any(is)
}

/// The names of the schemas that an answer holds.
fn schemas_of(response: &Response) -> Vec<String> {
    let contents = response
        .content
        .values()
        .filter_map(|content| if let RefOr::T(content) = content { Some(content) } else { None });
    contents.filter_map(|content| content.schema.as_ref()).flat_map(references).collect()
}

fn references(schema: &RefOr<Schema>) -> Vec<String> {
    match schema {
        RefOr::Ref(reference) => reference.ref_location.rsplit('/').next().map(str::to_owned).into_iter().collect(),
        RefOr::T(Schema::Array(array)) => match &array.items {
            ArrayItems::RefOrSchema(items) => references(items),
            ArrayItems::False => Vec::new(),
        },
        RefOr::T(Schema::Object(object)) => object.properties.values().flat_map(references).collect(),
        RefOr::T(Schema::OneOf(one_of)) => one_of.items.iter().flat_map(references).collect(),
        RefOr::T(_) => Vec::new(),
    }
}

/// What is answered is whole: every field of an answer is always there, if only as `null`.
fn whole_answers(answered: BTreeSet<String>, schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let mut seen = BTreeSet::new();
    let mut open: Vec<_> = answered.into_iter().collect();
    while let Some(name) = open.pop() {
        let Some(schema) = schemas.get_mut(&name).filter(|_| seen.insert(name)) else { continue };
        open.extend(references(schema));
        if let RefOr::T(Schema::Object(object)) = schema {
            let always = object.properties.iter().filter(|(_, property)| !to_admins_only(property));
            object.required = always.map(|(name, _)| name.clone()).collect();
        }
    }
}

/// Whether a field is there for admins alone.
fn to_admins_only(property: &RefOr<Schema>) -> bool {
    let RefOr::T(Schema::Object(object)) = property else { return false };
    object.extensions.as_ref().is_some_and(|extensions| extensions.contains_key(ADMINS_ONLY))
}

/// Nothing but what is described.
fn close(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && !object.properties.is_empty()
    {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    }
}
