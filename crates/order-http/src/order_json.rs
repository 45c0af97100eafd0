//! An order and its timeline as they are shown. Fields stand in a fixed order, so equal orders are equal texts; what
//! belongs to a feature that does not exist yet is `null` or 0.

use order_domain::order::{Inconsistent, Line, Order, Product};
use order_domain::ports::TimelineItem;
use order_domain::{Text, UserId};
use serde::Serialize;

use crate::amount::{Amount, Moment};

/// How much of an order is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// All of it.
    Full,
    /// What a courier needs to choose it: not whose it is, nor the street, nor what the customer wrote.
    OnOffer,
}

#[derive(Serialize)]
pub(crate) struct OrderJson<'a> {
    id: i64,
    user_id: Option<&'a str>,
    delivery_partner_id: Option<&'a str>,
    status: &'static str,
    payment_status: &'static str,
    payment_method: &'static str,
    currency: &'a str,
    subtotal: Amount,
    discount: Amount,
    delivery_fee: Amount,
    total_amount: Amount,
    charged_amount: Amount,
    refunded_amount: Amount,
    amount_to_collect: Amount,
    delivery_address: Option<&'a str>,
    delivery_latitude: Option<String>,
    delivery_longitude: Option<String>,
    estimated_delivery_time: (),
    delivered_at: Option<Moment>,
    cancelled_at: Option<Moment>,
    cancelled_by: Option<&'static str>,
    cancel_code: Option<&'static str>,
    cancel_reason: Option<&'a str>,
    special_instructions: Option<&'a str>,
    scheduled_for: Option<Moment>,
    released_at: Option<Moment>,
    created_at: Moment,
    updated_at: Moment,
    version: i64,
    items: Vec<ItemJson<'a>>,
    feedback: (),
}

#[derive(Serialize)]
struct ItemJson<'a> {
    id: i64,
    product_id: i64,
    quantity: u32,
    price: Amount,
    net: Amount,
    returned_quantity: u32,
    product: ProductJson<'a>,
}

#[derive(Serialize)]
struct ProductJson<'a> {
    id: i64,
    name: &'a str,
    description: Option<&'a str>,
    price: Amount,
    mrp: Option<Amount>,
    category_id: Option<i64>,
    image_url: Option<&'a str>,
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

#[derive(Serialize)]
pub(crate) struct TimelineJson<'a> {
    seq: i64,
    r#type: &'a str,
    at: Moment,
    actor: ActorJson<'a>,
    status: &'static str,
    amount: Option<Amount>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct ActorJson<'a> {
    role: &'static str,
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
