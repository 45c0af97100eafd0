//! The headers of answers, each described once. An endpoint names those of its success; the rest go with the status.

use utoipa::IntoParams;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Components, Header, HeaderBuilder, Ref, RefOr, Required};

/// Header of an answer: its name, whether it is always there, its pattern, what it says.
type Described = (&'static str, bool, &'static str, &'static str);

const ANSWERED: [Described; 8] = [
    ("ETag", true, "^\".+\"$", "What is answered, as a version: for `If-None-Match` and, of an order, for `If-Match`."),
    ("Idempotency-Replayed", false, "^true$", "This is the first answer again; nothing was done now."),
    ("Link", false, "^<.+>; rel=\"next\"$", "Where the next page is, if there is one."),
    ("Location", true, "^/.+$", "Where the new order is."),
    ("Preference-Applied", false, "^wait=[0-9]+$", "How long the answer was ready to wait, in seconds."),
    ("Retry-After", true, "^[0-9]+$", "Seconds after which it is worth another try."),
    ("WWW-Authenticate", true, "^Bearer$", "How to say who asks."),
    (
        REQUEST_ID,
        true,
        "^[!-~]{1,128}$",
        "The request's id: as it was sent, or a new one. Quote it when you report a problem.",
    ),
];

/// The header that every request may have, and every answer has.
pub(super) const REQUEST_ID: &str = "X-Request-ID";

/// Adds the headers to the components.
pub(super) fn describe(components: &mut Components) {
    for (name, always, pattern, about) in ANSWERED {
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build();
        // OpenAPI's Header Object has `required`, the library's has not.
        let required = always.then(|| Extensions::from_iter([("required", true)]));
        let header = HeaderBuilder::new().schema(Some(schema)).description(Some(about)).extensions(required).build();
        components.headers.insert(name.to_owned(), header.into());
    }
    let id = header_parameter(REQUEST_ID, "^[!-~]{1,128}$", "A name for the request, of the caller's choice.");
    components.parameters.insert(REQUEST_ID.to_owned(), id.into());
}

/// A reference to a described header.
pub(super) fn answered(name: &str) -> RefOr<Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
}

/// A reference to the parameter that every request may have.
pub(super) fn request_id() -> RefOr<Parameter> {
    RefOr::Ref(Ref::new(format!("#/components/parameters/{REQUEST_ID}")))
}

fn header_parameter(name: &str, pattern: &str, about: &str) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build();
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
        .build()
}

/// Declares headers that a request may have, for the `params` of an endpoint.
macro_rules! request_headers {
    ($($(#[doc = $doc:literal])+ $header:ident, $name:literal, $pattern:literal;)+) => {$(
        $(#[doc = $doc])+
        pub(crate) enum $header {}

        impl IntoParams for $header {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![header_parameter($name, $pattern, concat!($($doc),+).trim())]
            }
        }
    )+};
}

request_headers! {
    /// Done once: sent again within 24 hours, the request gets the first answer again. 1 to 255 visible ASCII characters.
    IdempotencyKey, "Idempotency-Key", "^[!-~]{1,255}$";
    /// Versions of the order, as `ETag` gives them, that the change may be made to; or `*`. Weak tags name none.
    IfMatch, "If-Match", "^.+$";
    /// `wait=N`: the answer may come up to N seconds later (30 at most) and then shows what has become of the order.
    Prefer, "Prefer", "^.*$";
    /// Versions that the caller has: 304 if this is still one of them.
    IfNoneMatch, "If-None-Match", "^.*$";
}
