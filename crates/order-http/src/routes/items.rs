//! `PUT /orders/{id}/items`: other lines in the place of an order's lines, until it is packed or released.

use std::borrow::Cow;

use actix_web::http::header::ETAG;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use order_domain::ProductId;
use order_domain::order::{InvalidLines, WantedLines};
use order_domain::pricing::{MAX_LINES, Quantity};
use order_usecases::EditPreview;
use serde::{Deserialize, Serialize};
use utoipa::openapi::{OneOfBuilder, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::request::request;
use crate::amount::Amount;
use crate::answer;
use crate::auth::Signed;
use crate::body::Body;
use crate::codes::Code;
use crate::etag;
use crate::fields::{Fields, Unknown, Whole};
use crate::openapi::{IdempotencyKey, IfMatch};
use crate::order_json::OrderJson;
use crate::path::{OrderInPath, PathId};
use crate::problem::Problem;
use crate::query::{self, EditQuery};
use crate::server::HttpState;

/// The most units of a product.
const MOST_UNITS: i64 = 999;
/// The largest id of a product.
const MOST_ID: i64 = (1 << 53) - 1;

/// What an order is to consist of.
#[derive(Deserialize, ToSchema)]
#[serde(expecting = "an object")]
#[schema(as = NewItems, examples(json!({ "items": [{ "product_id": 1, "quantity": 3 }, { "product_id": 2, "quantity": 1 }] })))]
struct ItemsBody {
    /// All of it: what is not named is no longer wanted. None at all is a cancellation, and refused here.
    #[schema(value_type = Vec<ItemBody>, required, min_items = 1, max_items = 100)]
    items: Option<Vec<ItemBody>>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// A product, and how many of it.
#[derive(Deserialize, ToSchema)]
#[serde(expecting = "an object")]
#[schema(as = NewItem)]
struct ItemBody {
    /// Named twice, its quantities add up.
    #[schema(value_type = i64, required, minimum = 1, maximum = 9_007_199_254_740_991_i64, examples(1))]
    product_id: Option<Whole>,
    /// At most 999 of a product, all its lines together.
    #[schema(value_type = u32, required, minimum = 1, maximum = 999, examples(3))]
    quantity: Option<Whole>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl ItemsBody {
    fn wish(self) -> Result<WantedLines, Problem> {
        let mut fields = Fields::of_body(&self.unknown);
        let items = fields.required("items", self.items).unwrap_or_default();
        if items.len() > MAX_LINES {
            // They are not looked at one by one.
            return Err(refused(InvalidLines::TooMany, &[]));
        }
        let lines: Vec<_> = items.into_iter().enumerate().map(|(at, item)| item.line(&mut fields, at)).collect();
        fields.finish()?;
        let lines: Vec<_> = lines.into_iter().flatten().collect();
        let products: Vec<_> = lines.iter().map(|(product, _)| *product).collect();
        WantedLines::new(lines).map_err(|error| refused(error, &products))
    }
}

impl ItemBody {
    fn line(self, fields: &mut Fields, at: usize) -> Option<(ProductId, Quantity)> {
        let at = format!("items/{at}");
        fields.unknown(&at, &self.unknown);
        let product = fields.whole(&format!("{at}/product_id"), self.product_id, 1, MOST_ID);
        let units = fields.whole(&format!("{at}/quantity"), self.quantity, 1, MOST_UNITS);
        Some((ProductId::new(product?).ok()?, Quantity::new(units?.try_into().ok()?).ok()?))
    }
}

/// What can't be wanted, at the last line that makes it so.
fn refused(error: InvalidLines, products: &[ProductId]) -> Problem {
    match error {
        InvalidLines::Empty => {
            let message = "must not be empty: to want nothing of an order is to cancel it";
            Problem::new(Code::NoItems, format!("/items {message}.")).at("/items", "empty", message)
        }
        InvalidLines::TooMany => {
            let message = format!("must be at most {MAX_LINES}");
            Problem::new(Code::Invalid, format!("/items {message}.")).at("/items", "too_many", message)
        }
        InvalidLines::TooManyUnits(product) => {
            let at = products.iter().rposition(|named| *named == product).unwrap_or_default();
            let (pointer, message) = (format!("/items/{at}/quantity"), "makes more than 999 of its product");
            Problem::new(Code::Invalid, format!("{pointer} {message}.")).at(&pointer, "too_many_units", message)
        }
    }
}

/// What other lines would come to.
#[derive(Serialize, ToSchema)]
#[schema(as = EditPreview, examples(json!({
    "subtotal": 10.46, "discount": 0.75, "delivery_fee": 4.99, "total_amount": 14.70, "difference": 2.99
})))]
struct PreviewJson {
    subtotal: Amount,
    discount: Amount,
    delivery_fee: Amount,
    /// `subtotal` − `discount` + `delivery_fee`.
    total_amount: Amount,
    /// What the customer would pay more; below 0: get back.
    difference: Amount,
}

/// The order as it is then; of a dry run, what it would come to.
enum EditAnswer {}

impl PartialSchema for EditAnswer {
    fn schema() -> RefOr<Schema> {
        let order = Ref::from_schema_name(OrderJson::name());
        let preview = Ref::from_schema_name(PreviewJson::name());
        RefOr::T(Schema::OneOf(OneOfBuilder::new().item(order).item(preview).build()))
    }
}

impl ToSchema for EditAnswer {
    fn name() -> Cow<'static, str> {
        "EditAnswer".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((PreviewJson::name().into_owned(), PreviewJson::schema()));
        PreviewJson::schemas(schemas);
        schemas.push((OrderJson::name().into_owned(), OrderJson::schema()));
        OrderJson::schemas(schemas);
    }
}

/// Replace the lines of an order
///
/// For its customer and admins, until it is being packed; of a scheduled order, until its release. Units that stay keep
/// their price (of fewer, the newest go first); added ones cost what they cost today. The difference is charged or refunded
/// by itself; if it is declined, or not paid in time, the order is again what it was. With `dry_run=true` nothing is changed,
/// and `Idempotency-Key` is passed over.
#[utoipa::path(
    put,
    path = "/orders/{id}/items",
    operation_id = "replaceItems",
    tag = "changes",
    params(OrderInPath, EditQuery, IdempotencyKey, IfMatch),
    request_body = ItemsBody,
    responses((
        status = 200,
        description = "The order as it is then; of a dry run, what it would come to.",
        body = EditAnswer,
        headers(("ETag"), ("Idempotency-Replayed")),
    )),
    extensions(("x-codes" = json!([
        Code::Forbidden, Code::NoItems, Code::NotChangeable, Code::AlreadyReleased, Code::PaymentInProgress,
        Code::AdjustmentOpen, Code::OutOfStock, Code::TooManyLines, Code::NotServiceable, Code::BadUpstreamAnswer,
    ]))),
)]
pub(super) async fn replace(
    Signed(caller): Signed,
    PathId(id): PathId,
    http: HttpRequest,
    state: Data<HttpState>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let body = body.read().await?;
    if query::dry_run(&http)? {
        let if_match = etag::if_match(&http)?;
        let lines = body.json::<ItemsBody>()?.wish()?;
        let preview = Box::pin(state.usecases.preview_lines(&caller, id, lines, &if_match)).await?;
        return previewed(&preview);
    }
    let request = request(&http, &caller, &body, answer::changed_order())?;
    let lines = body.json::<ItemsBody>()?.wish()?;
    answer::kept(Box::pin(state.usecases.replace_lines(&caller, id, lines, request)).await?)
}

fn previewed(preview: &EditPreview) -> Result<HttpResponse, Problem> {
    let body = PreviewJson {
        subtotal: Amount(preview.subtotal),
        discount: Amount(preview.discount),
        delivery_fee: Amount(preview.delivery_fee),
        total_amount: Amount(preview.total),
        difference: Amount(preview.difference),
    };
    let mut response = answer::json(&body)?;
    let tag = etag::of_version(preview.version).try_into().map_err(|_| Problem::internal("a tag of no characters"))?;
    response.headers_mut().insert(ETAG, tag);
    Ok(response)
}
