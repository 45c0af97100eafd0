//! `PATCH /orders/{id}`: where an order goes and what its courier should know, until it is packed; and when it is wanted,
//! until its release.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use order_domain::order::DeliveryChange;
use serde::Deserialize;
use utoipa::ToSchema;

use super::request::request;
use crate::answer;
use crate::auth::Signed;
use crate::body::Body;
use crate::codes::Code;
use crate::fields::{Fields, Scalar, Unknown, present};
use crate::openapi::{IdempotencyKey, IfMatch};
use crate::order_json::OrderJson;
use crate::path::{OrderInPath, PathId};
use crate::problem::Problem;
use crate::server::HttpState;

/// What is absent stays. `null` takes away what need not be there.
#[derive(Deserialize, ToSchema)]
#[serde(expecting = "an object")]
#[schema(as = DeliveryChange, examples(json!({ "delivery_address": "5 Oak St", "delivery_latitude": null, "delivery_longitude": null })))]
#[expect(clippy::option_option, reason = "absent and null are two things here")]
struct PatchBody {
    /// One line. It can't be taken away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 500)]
    delivery_address: Option<Option<String>>,
    /// Degrees. Send both coordinates along with a new address, or `null` for both.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Scalar>)]
    delivery_latitude: Option<Option<Scalar>>,
    /// Degrees.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Scalar>)]
    delivery_longitude: Option<Option<Scalar>>,
    /// When it is wanted, until its release. Without zone it is UTC; `null`: as soon as can be.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, examples("2026-01-02T18:00:00Z"))]
    scheduled_for: Option<Option<String>>,
    /// For the courier; lines.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 500)]
    special_instructions: Option<Option<String>>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl PatchBody {
    fn wish(self) -> Result<DeliveryChange, Problem> {
        let mut fields = Fields::of_body(&self.unknown);
        let change = DeliveryChange {
            address: self.delivery_address.and_then(|address| fields.line("delivery_address", address)),
            coordinates: fields.coordinates_patch(
                ("delivery_latitude", "delivery_longitude"),
                (self.delivery_latitude, self.delivery_longitude),
            ),
            scheduled_for: fields.moment_patch("scheduled_for", self.scheduled_for),
            instructions: fields.lines_patch("special_instructions", self.special_instructions),
        };
        fields.finish()?;
        Ok(change)
    }
}

/// Change where an order goes, and when
///
/// For its customer and admins: the place and the instructions until it is being packed, the time of a scheduled order until
/// its release. What is absent stays. Where another place has another fee, the difference is charged or refunded, as that
/// of an edit is.
#[utoipa::path(
    patch,
    path = "/orders/{id}",
    operation_id = "changeDelivery",
    tag = "changes",
    params(OrderInPath, IdempotencyKey, IfMatch),
    request_body = PatchBody,
    responses((
        status = 200,
        description = "The order as it is then.",
        body = OrderJson<'static>,
        headers(("ETag"), ("Idempotency-Replayed")),
    )),
    extensions(("x-codes" = json!([
        Code::Forbidden, Code::NotChangeable, Code::NotServiceable, Code::AlreadyReleased, Code::PaymentInProgress,
        Code::AdjustmentOpen, Code::ScheduledInThePast, Code::ScheduledTooSoon, Code::ScheduledTooLate,
    ]))),
)]
pub(super) async fn change(
    Signed(caller): Signed,
    PathId(id): PathId,
    http: HttpRequest,
    state: Data<HttpState>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let body = body.read().await?;
    let request = request(&http, &caller, &body, answer::changed_order())?;
    let change = body.json::<PatchBody>()?.wish()?;
    answer::kept(state.usecases.change_delivery(&caller, id, change, request).await?)
}
