//! An order and its timeline as they are shown. Fields stand in a fixed order, so equal orders are equal texts; what
//! belongs to a feature that does not exist yet is `null` or 0.

use order_domain::order::{Inconsistent, Line, Order, Product};
use order_domain::ports::TimelineItem;
use order_domain::{Text, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::amount::{Amount, Moment};
use crate::openapi::examples;
use crate::openapi::schemas::{
    ActorRole, CancellationCode, OrderPaymentMethod, OrderPaymentStatus, OrderStatus, nothing_yet,
};

/// How much of an order is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// All of it.
    Full,
    /// What a courier needs to choose it: not whose it is, nor the street, nor what the customer wrote.
    OnOffer,
}

/// An order.
#[derive(Serialize, ToSchema)]
#[schema(as = Order, examples(json!(examples::order())))]
pub(crate) struct OrderJson<'a> {
    #[schema(minimum = 1, examples(1))]
    id: i64,
    /// Whose it is. `null` in the list of orders on offer.
    #[schema(examples("u1"))]
    user_id: Option<&'a str>,
    /// Its courier.
    #[schema(examples("courier1"))]
    delivery_partner_id: Option<&'a str>,
    #[schema(value_type = OrderStatus)]
    status: &'static str,
    #[schema(value_type = OrderPaymentStatus)]
    payment_status: &'static str,
    #[schema(value_type = OrderPaymentMethod)]
    payment_method: &'static str,
    /// ISO 4217.
    #[schema(examples("USD"), pattern = "^[A-Z]{3}$")]
    currency: &'a str,
    subtotal: Amount,
    discount: Amount,
    delivery_fee: Amount,
    /// `subtotal` − `discount` + `delivery_fee`.
    total_amount: Amount,
    /// What was taken.
    charged_amount: Amount,
    /// What was given back.
    refunded_amount: Amount,
    /// What the courier takes in cash.
    amount_to_collect: Amount,
    /// `null` in the list of orders on offer.
    #[schema(examples("123 Main St"))]
    delivery_address: Option<&'a str>,
    /// Degrees, as a decimal in a text.
    #[schema(examples("40.7128"), pattern = "^-?[0-9.]+$")]
    delivery_latitude: Option<String>,
    /// Degrees, as a decimal in a text.
    #[schema(examples("-74.0060"), pattern = "^-?[0-9.]+$")]
    delivery_longitude: Option<String>,
    /// Nothing yet.
    #[schema(value_type = Option<Moment>)]
    estimated_delivery_time: (),
    delivered_at: Option<Moment>,
    cancelled_at: Option<Moment>,
    #[schema(value_type = Option<ActorRole>)]
    cancelled_by: Option<&'static str>,
    #[schema(value_type = Option<CancellationCode>)]
    cancel_code: Option<&'static str>,
    cancel_reason: Option<&'a str>,
    /// `null` in the list of orders on offer.
    #[schema(examples("Ring twice"))]
    special_instructions: Option<&'a str>,
    /// When it is wanted, if not as soon as possible.
    scheduled_for: Option<Moment>,
    /// When the shop got it.
    released_at: Option<Moment>,
    created_at: Moment,
    updated_at: Moment,
    /// Raised by everything that happens to the order; its `ETag`.
    #[schema(minimum = 1, examples(2))]
    version: i64,
    #[schema(min_items = 1)]
    items: Vec<ItemJson<'a>>,
    #[schema(schema_with = nothing_yet)]
    feedback: (),
}

/// A line of an order.
#[derive(Serialize, ToSchema)]
#[schema(as = Item)]
struct ItemJson<'a> {
    #[schema(minimum = 1, examples(1))]
    id: i64,
    #[schema(minimum = 1, examples(5))]
    product_id: i64,
    #[schema(minimum = 1, examples(2))]
    quantity: u32,
    /// Of one.
    price: Amount,
    /// Of all, less their share of the discount.
    net: Amount,
    /// How many were given back.
    #[schema(examples(0))]
    returned_quantity: u32,
    product: ProductJson<'a>,
}

/// A product as it was when the order was placed.
#[derive(Serialize, ToSchema)]
#[schema(as = Product)]
struct ProductJson<'a> {
    #[schema(minimum = 1, examples(5))]
    id: i64,
    #[schema(examples("Apple"))]
    name: &'a str,
    description: Option<&'a str>,
    price: Amount,
    /// The recommended price.
    mrp: Option<Amount>,
    category_id: Option<i64>,
    image_url: Option<&'a str>,
    #[schema(examples("kg"))]
    unit: Option<&'a str>,
}

impl<'a> OrderJson<'a> {
    /// An order as it is shown.
    ///
    /// # Errors
    /// [`Inconsistent`] when a sum of its ledger does not fit.
    pub(crate) fn new(order: &'a Order, view: View) -> Result<Self, Inconsistent> {
        let (state, ledger) = (order.state(), order.ledger());
        let full = view == View::Full;
        let coordinates = state.destination.coordinates;
        let cancellation = state.cancellation.as_ref();
        Ok(Self {
            id: state.id.get(),
            user_id: full.then(|| state.customer.as_str()),
            delivery_partner_id: state.courier.as_ref().map(UserId::as_str),
            status: state.status.name(),
            payment_status: order.payment_status()?.name(),
            payment_method: state.payment_method.name(),
            currency: state.currency.code(),
            subtotal: Amount(state.subtotal),
            discount: Amount(state.discount),
            delivery_fee: Amount(state.delivery_fee),
            total_amount: Amount(state.total),
            charged_amount: Amount(ledger.charged()?),
            refunded_amount: Amount(ledger.refunded()?),
            amount_to_collect: Amount(order.amount_to_collect()),
            delivery_address: full.then(|| state.destination.address.as_str()),
            delivery_latitude: coordinates.map(|place| place.latitude().to_string()),
            delivery_longitude: coordinates.map(|place| place.longitude().to_string()),
            estimated_delivery_time: (),
            delivered_at: state.delivered_at.map(Moment),
            cancelled_at: cancellation.map(|cancellation| Moment(cancellation.at)),
            cancelled_by: cancellation.map(|cancellation| cancellation.by.role().name()),
            cancel_code: cancellation.map(|cancellation| cancellation.code.name()),
            cancel_reason: cancellation.and_then(|cancellation| Some(cancellation.reason.as_ref()?.as_str())),
            special_instructions: state.instructions.as_ref().filter(|_| full).map(Text::as_str),
            scheduled_for: state.scheduled_for.map(Moment),
            released_at: state.released_at.map(Moment),
            created_at: Moment(state.created_at),
            updated_at: Moment(state.updated_at),
            version: state.version,
            items: state.lines.iter().map(item).collect(),
            feedback: (),
        })
    }

    /// As bytes.
    ///
    /// # Errors
    /// As [`OrderJson::new`].
    pub(crate) fn bytes(order: &'a Order) -> Result<Vec<u8>, Inconsistent> {
        serde_json::to_vec(&Self::new(order, View::Full)?).map_err(|error| Inconsistent(error.to_string()))
    }
}

fn item(line: &Line) -> ItemJson<'_> {
    let Product { id, name, description, price, mrp, category_id, image_url, unit, returnable: _ } = &line.product;
    ItemJson {
        id: line.id.get(),
        product_id: id.get(),
        quantity: line.quantity.get(),
        price: Amount(*price),
        net: Amount(line.net),
        returned_quantity: 0,
        product: ProductJson {
            id: id.get(),
            name,
            description: description.as_deref(),
            price: Amount(*price),
            mrp: mrp.map(Amount),
            category_id: *category_id,
            image_url: image_url.as_deref(),
            unit: unit.as_deref(),
        },
    }
}

/// Something that has happened to an order.
#[derive(Serialize, ToSchema)]
#[schema(as = TimelineEntry, examples(json!(examples::timeline_entry())))]
pub(crate) struct TimelineJson<'a> {
    /// 1, 2, 3 …, without a gap; the order's version after it.
    #[schema(minimum = 1, examples(2))]
    seq: i64,
    /// What: `placed`, `confirmed`, `assigned`, `charge_settled` …; new ones may come.
    #[schema(examples("confirmed"), pattern = "^[a-z_]+$")]
    r#type: &'a str,
    at: Moment,
    actor: ActorJson<'a>,
    /// The order's status after it.
    #[schema(value_type = OrderStatus)]
    status: &'static str,
    /// Where money moved: how much.
    amount: Option<Amount>,
    #[schema(examples("nobody at home"))]
    reason: Option<&'a str>,
}

/// Who did it.
#[derive(Serialize, ToSchema)]
#[schema(as = Actor)]
struct ActorJson<'a> {
    #[schema(value_type = ActorRole)]
    role: &'static str,
    /// Whose id is shown to admins only.
    id: Option<&'a str>,
}

impl<'a> TimelineJson<'a> {
    /// An entry as it is shown; who did it, to admins only.
    pub(crate) fn new(entry: &'a TimelineItem, to_admin: bool) -> Self {
        let actor = entry.actor.as_ref().filter(|_| to_admin);
        Self {
            seq: entry.seq,
            r#type: &entry.kind,
            at: Moment(entry.at),
            actor: ActorJson { role: entry.role.name(), id: actor.map(UserId::as_str) },
            status: entry.status.name(),
            amount: entry.amount.map(Amount),
            reason: entry.reason.as_deref(),
        }
    }
}
