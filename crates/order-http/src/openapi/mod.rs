//! The OpenAPI document, written from the code: each endpoint is described where it is defined (`routes`), each body by
//! the type that it is read into or written from. What all endpoints have in common is added here, once ([`common`]).
//!
//! The document is complete: an endpoint that is served and not described, or described and not served, fails a test, and
//! so does an answer that the document does not allow. It is the same bytes every time.

mod common;
pub(crate) mod examples;
mod headers;
mod problems;
pub(crate) mod schemas;

pub(crate) use headers::{IdempotencyKey, IfMatch, IfNoneMatch, Prefer};

use std::sync::LazyLock;

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, License, OpenApi, SecurityRequirement, Server};

use crate::routes;

/// The security scheme of every endpoint that does not say otherwise.
const BEARER: &str = "bearer";

const ABOUT: &str = "\
Takes a customer's cart and answers for the order until the goods are delivered and the last cent is settled.

**Addresses.** Every endpoint answers under `/` and under `/api/v1`, with and without a trailing slash; what can be got \
can be asked about with `HEAD`.

**Who asks.** `Authorization: Bearer <JWT>` with a token of the user service. Another's order answers exactly as a missing \
one does.

**Bodies.** JSON, with nothing in it that is not described here. Amounts are JSON numbers with the currency's decimals \
(`5.00`), exact: read them as decimals. Times are RFC 3339 in UTC, and may be given without zone or seconds. A field that \
is null or absent is the same, unless it says otherwise.

**Asked twice, done once.** With an `Idempotency-Key`, a request that is sent again within 24 hours gets the first answer \
again, byte for byte.

**Errors.** Every 4xx and 5xx is a problem document (RFC 9457). `code` is stable and for programs; `detail` is one string \
and for people. An address that does not exist is 404 `not_found`, a method that it does not know 405 \
`method_not_allowed` with `Allow`.";

/// The document.
pub(crate) fn document() -> OpenApi {
    let mut document = routes::described();
    document.info = InfoBuilder::new()
        .title("Order service")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(License::new("Apache-2.0")))
        .build();
    document.servers = Some(vec![
        Server::builder().url("/").description(Some("The service itself")).build(),
        Server::builder().url(routes::PREFIX).description(Some("Behind the gateway")).build(),
    ]);
    let tag = |name: &str, what: &str| TagBuilder::new().name(name).description(Some(what)).build();
    document.tags = Some(vec![
        tag("orders", "Placing and reading orders"),
        tag("changes", "Moving an order along"),
        tag("operations", "What operators do: tasks, and pausing kinds of them"),
        tag("service", "The service about itself"),
    ]);
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer()));
    document.security = Some(vec![SecurityRequirement::new(BEARER, Vec::<String>::new())]);
    common::complete(&mut document);
    document
}

fn bearer() -> Http {
    Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "A token of the user service. The user is `uid`, else `user_id`, else `sub`; the role is `admin` or \
             `owner`, `delivery_partner`, or a user's.",
        ))
        .build()
}

/// The OpenAPI document as JSON, one line per value, with a newline at its end.
pub fn openapi_json() -> &'static str {
    static JSON: LazyLock<String> = LazyLock::new(|| {
        // Strings and JSON values always serialise.
        let mut json = document().to_pretty_json().unwrap_or_default();
        json.push('\n');
        json
    });
    &JSON
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;
    use crate::Code;

    fn json() -> Value {
        serde_json::from_str(openapi_json()).expect("JSON")
    }

    #[test]
    fn what_is_served_is_described_and_what_is_described_is_served() {
        let mut described = BTreeSet::new();
        for (path, methods) in json()["paths"].as_object().expect("paths") {
            described.extend(methods.as_object().expect("methods").keys().map(|name| (path.clone(), name.clone())));
        }
        let served = routes::served().into_iter();
        let served: BTreeSet<_> =
            served.map(|(path, method)| (path.to_owned(), method.as_str().to_lowercase())).collect();
        assert_eq!(served, described);
    }

    #[test]
    fn it_is_openapi_3_1_and_every_operation_has_a_name_of_its_own() {
        let json = json();
        assert_eq!(json["openapi"], "3.1.0");
        let mut names = BTreeMap::<_, u8>::new();
        for methods in json["paths"].as_object().expect("paths").values() {
            for operation in methods.as_object().expect("methods").values() {
                let text = |name: &str| operation[name].as_str().unwrap_or_else(|| panic!("no {name}: {operation}"));
                *names.entry(text("operationId").to_owned()).or_default() += 1;
                assert!(!text("summary").is_empty());
                assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{operation}");
            }
        }
        assert!(names.values().all(|times| *times == 1), "{names:?}");
    }

    #[test]
    fn every_code_is_an_answer_of_some_endpoint() {
        let json = json();
        let paths = json["paths"].to_string() + &json["components"]["responses"].to_string();
        for code in Code::ALL {
            let said = paths.contains(&format!("\"#/components/examples/{}\"", code.name()));
            assert_eq!(said, !problems::OF_NO_ENDPOINT.contains(code), "{}", code.name());
        }
    }
}
