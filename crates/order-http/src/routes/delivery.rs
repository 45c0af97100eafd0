//! `PATCH /orders/{id}`: where an order goes and what its courier should know, until it is packed.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use order_domain::order::DeliveryChange;
use serde::Deserialize;

use super::change::request;
use crate::answer;
use crate::auth::Signed;
use crate::body::Body;
use crate::fields::{Fields, Scalar, Unknown, present};
use crate::path::PathId;
use crate::problem::Problem;
use crate::server::HttpState;

/// What is absent stays. `null` takes away what need not be there.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
#[expect(clippy::option_option, reason = "absent and null are two things here")]
struct PatchBody {
    #[serde(default, deserialize_with = "present")]
    delivery_address: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    delivery_latitude: Option<Option<Scalar>>,
    #[serde(default, deserialize_with = "present")]
    delivery_longitude: Option<Option<Scalar>>,
    #[serde(default, deserialize_with = "present")]
    special_instructions: Option<Option<String>>,
    #[serde(flatten)]
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
            instructions: fields.lines_patch("special_instructions", self.special_instructions),
        };
        fields.finish()?;
        Ok(change)
    }
}

/// Changes what is named.
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
