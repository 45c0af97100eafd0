//! `/docs`: a page that shows the document and tries requests. It comes whole from this binary and loads nothing from
//! anywhere else.

use std::sync::Arc;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::web::{self, Path};
use actix_web::{HttpResponse, Resource};
use utoipa_swagger_ui::{Config, serve};

use crate::codes::Code;
use crate::problem::Problem;

/// What the page may do: run its own scripts, ask this service, show pictures that are written into its styles. Its
/// library sets styles on elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `/docs`, which is a folder.
pub(super) fn redirect() -> Resource {
    web::resource("/docs").route(web::get().to(to_folder)).route(web::head().to(to_folder))
}

/// What is in it.
pub(super) fn files() -> Resource {
    web::resource("/docs/{file:.*}").route(web::get().to(file)).route(web::head().to(file))
}

/// Relative, so that it is right behind every gateway.
async fn to_folder() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "docs/")).finish()
}

async fn file(path: Path<String>) -> Result<HttpResponse, Problem> {
    // Its buttons send requests at once; a token is forgotten with the page.
    let config = Config::from("../openapi.json").try_it_out_enabled(true).validator_url("none").use_base_layout();
    let file = serve(&path, Arc::new(config)).map_err(|error| Problem::internal(error.to_string()))?;
    let file = file.ok_or_else(|| Problem::new(Code::NotFound, "The page has no such file."))?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((X_FRAME_OPTIONS, "DENY"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((CACHE_CONTROL, "no-cache"));
    Ok(response.content_type(file.content_type).body(file.bytes.into_owned()))
}
