//! Errors in the document: an endpoint lists its codes, and the answers follow from what `codes` knows of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::schema::{AllOfBuilder, ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Components, Ref, RefOr, Response, ResponseBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::headers::{REQUEST_ID, answered};
use super::schemas::{EntryStateName, OrderStatus, one_of};
use crate::amount::{Amount, Moment};
use crate::codes::Code;
use crate::problem::{PROBLEM_JSON, ProblemJson, type_of};
use crate::refusal::ShortageJson;

/// The answers that stand for these codes, by their statuses.
pub(super) fn responses(codes: &BTreeSet<Code>) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status = BTreeMap::<String, Vec<Code>>::new();
    for code in codes {
        by_status.entry(code.status().as_u16().to_string()).or_default().push(*code);
    }
    let response = |(status, codes): (String, Vec<Code>)| match codes[..] {
        [code] => (status, Ref::from_response_name(code.name()).into()),
        _ => (status, response(&codes).into()),
    };
    by_status.into_iter().map(response).collect()
}

/// Adds what the answers refer to.
pub(super) fn describe(components: &mut Components) {
    for code in Code::ALL {
        components.examples.insert(code.name().to_owned(), example(*code).build().into());
        if !OF_NO_ENDPOINT.contains(code) {
            components.responses.insert(code.name().to_owned(), response(&[*code]).into());
        }
    }
    let mut problem = ProblemJson::schema();
    if let RefOr::T(Schema::Object(problem)) = &mut problem {
        for name in Code::ALL.iter().flat_map(|code| code.members()) {
            problem.properties.extend(member(name).map(|schema| ((*name).to_owned(), schema)));
        }
    }
    components.schemas.insert(ProblemJson::name().into_owned(), problem);
    let mut schemas = Vec::new();
    ProblemJson::schemas(&mut schemas);
    ShortageJson::schemas(&mut schemas);
    schemas.push((ShortageJson::name().into_owned(), ShortageJson::schema()));
    components.schemas.extend(schemas);
}

fn response(codes: &[Code]) -> Response {
    let about: Vec<_> =
        codes.iter().map(|code| format!("`{}`: {} {}", code.name(), code.when(), code.then())).collect();
    let one_of_these = ObjectBuilder::new().property("code", one_of(codes.iter().map(|code| code.name())));
    let schema = AllOfBuilder::new().item(Ref::from_schema_name(ProblemJson::name())).item(one_of_these);
    let examples =
        codes.iter().map(|code| (code.name(), RefOr::Ref(Ref::new(format!("#/components/examples/{}", code.name())))));
    let content = ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build();
    let mut response = ResponseBuilder::new().description(about.join("\n\n")).content(PROBLEM_JSON, content).build();
    let with_status = match codes.first().map_or(0, |code| code.status().as_u16()) {
        401 => Some("WWW-Authenticate"),
        503 => Some("Retry-After"),
        _ => None,
    };
    response.headers =
        with_status.into_iter().chain([REQUEST_ID]).map(|name| (name.to_owned(), answered(name))).collect();
    response
}

fn example(code: Code) -> ExampleBuilder {
    let value = json!({
        "type": type_of(code),
        "title": code.title(),
        "status": code.status().as_u16(),
        "detail": code.then(),
        "code": code.name(),
        "instance": "/orders/1",
        "request_id": "0b36dd52-9a6e-4a7c-a1e0-7f6c1d8e0a11",
    });
    ExampleBuilder::new().summary(code.title()).value(Some(value))
}

/// Codes that no endpoint gives: what has no endpoint gives them.
pub(super) const OF_NO_ENDPOINT: [Code; 2] = [Code::NotFound, Code::MethodNotAllowed];

/// A member of a problem document that only some have.
fn member(name: &str) -> Option<RefOr<Schema>> {
    let status = || Ref::from_schema_name(OrderStatus::name());
    let about = |text: &str| ObjectBuilder::new().description(Some(text));
    Some(match name {
        "allowed" => {
            let about = "The statuses that the caller may give the order now.";
            ArrayBuilder::new().items(status()).description(Some(about)).build().into()
        }
        "current_status" => status().into(),
        "current_version" => about("The order's version.").schema_type(Type::Integer).build().into(),
        "shortages" => {
            let items = Ref::from_schema_name(ShortageJson::name());
            ArrayBuilder::new().items(items).description(Some("What can't be had as ordered.")).build().into()
        }
        "order_id" => about("The order that was made of the cart.").schema_type(Type::Integer).build().into(),
        "earliest" | "latest" => Ref::from_schema_name(Moment::name()).into(),
        "state" => Ref::from_schema_name(EntryStateName::name()).into(),
        "refundable" => Ref::from_schema_name(Amount::name()).into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_of_a_problem_is_described() {
        for code in Code::ALL {
            for name in code.members() {
                assert!(member(name).is_some(), "{name} of {}", code.name());
            }
        }
    }
}
