//! `GET /openapi.json`: the document of the API.

use std::sync::LazyLock;

use actix_web::http::header::ETAG;
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest, Sha256};

use crate::etag;
use crate::openapi::{IfNoneMatch, openapi_json};

/// The document's entity tag: it is another with every change.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let hash = Sha256::digest(openapi_json());
    format!("{:016x}", hash.iter().take(8).fold(0_u64, |tag, byte| tag << 8 | u64::from(*byte)))
});

/// This document
///
/// OpenAPI 3.1. A page that shows it, and tries requests, is at `/docs`.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "readDocument",
    tag = "service",
    security(()),
    params(IfNoneMatch),
    responses(
        (status = 200, description = "The document.", body = Object, content_type = "application/json", headers(("ETag"))),
        (status = 304, description = "The document is as the caller knows it.", headers(("ETag"))),
    ),
)]
pub(super) async fn openapi(request: HttpRequest) -> HttpResponse {
    let tag = (ETAG, format!("\"{}\"", *TAG));
    if etag::is_known(&request, &TAG) {
        return HttpResponse::NotModified().insert_header(tag).finish();
    }
    HttpResponse::Ok().insert_header(tag).content_type("application/json").body(openapi_json())
}
