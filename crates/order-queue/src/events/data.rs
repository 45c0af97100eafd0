//! What a document tells of each type of event. Nothing personal but who, by number: no address, no coordinates, no words.
//!
//! These forms are a contract. A member may be added; one that is renamed, removed, or means something else from now on
//! needs another [`Data::VERSION`].

use order_domain::order::{CancelCode, Outcome};
use order_domain::ports::{EventAmounts, EventFacts, EventLine, StreamEvent, TaskKind};
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::wire::{Amount, MethodName, Moment, RoleName, StatusName};

/// What is told of one type of event.
pub(super) trait Data<'a>: Serialize + JsonSchema + Sized {
    /// The event's name.
    const TYPE: &'static str;
    /// The version of this form.
    const VERSION: u32;

    /// What the event holds of it; `None`: not all that has to be there.
    fn of(event: &'a StreamEvent) -> Option<Self>;
}

/// What is told of every event.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Common<'a> {
    /// Whose order it is.
    #[schemars(example = &"u1")]
    customer_id: &'a str,
    /// The order's status after the event.
    status: StatusName,
    /// As what somebody did it.
    actor_role: RoleName,
    /// How much money moved with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Amount>,
    /// Of all amounts in the document: ISO 4217. There is one where there is an amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    currency: Option<String>,
}

impl<'a> Common<'a> {
    pub(super) fn of(event: &'a StreamEvent) -> Self {
        let facts = &event.facts;
        let amount = event.amount.or(facts.amounts.map(|amounts| amounts.total)).or(facts.goodwill);
        Self {
            customer_id: event.customer.as_str(),
            status: StatusName(event.status),
            actor_role: RoleName(event.role),
            amount: event.amount.map(Amount),
            currency: amount.map(|amount| amount.currency().code().to_owned()),
        }
    }
}

/// Texts of which more may come: those of today are examples.
fn names_of_today(schema: &mut Schema, names: &[&str]) {
    schema.insert("pattern".to_owned(), "^[a-z_]+$".into());
    schema.insert("examples".to_owned(), names.into());
}

fn cancel_codes(schema: &mut Schema) {
    names_of_today(schema, &CancelCode::ALL.map(CancelCode::name));
}

fn outcomes(schema: &mut Schema) {
    names_of_today(schema, &Outcome::ALL.map(Outcome::name));
}

fn task_kinds(schema: &mut Schema) {
    names_of_today(schema, &TaskKind::ALL.map(TaskKind::name));
}

/// What the order costs.
#[derive(Debug, Serialize, JsonSchema)]
struct Costs {
    /// Its lines at their prices.
    subtotal: Amount,
    /// What is taken off.
    discount: Amount,
    /// What delivery costs.
    delivery_fee: Amount,
    /// `subtotal` − `discount` + `delivery_fee`.
    total: Amount,
}

impl Costs {
    fn of(facts: &EventFacts) -> Option<Self> {
        let EventAmounts { subtotal, discount, delivery_fee, total } = facts.amounts?;
        Some(Self {
            subtotal: Amount(subtotal?),
            discount: Amount(discount?),
            delivery_fee: Amount(delivery_fee),
            total: Amount(total),
        })
    }
}

/// A line of the order.
#[derive(Debug, Serialize, JsonSchema)]
struct OrderLine {
    /// Its number in the order.
    #[schemars(range(min = 1))]
    line: i64,
    #[schemars(range(min = 1))]
    product_id: i64,
    #[schemars(range(min = 1))]
    quantity: u32,
    /// Of one.
    price: Amount,
    /// Of all, less their share of the discount.
    net: Amount,
}

impl OrderLine {
    fn all(facts: &EventFacts) -> Option<Vec<Self>> {
        let line = |line: &EventLine| Self {
            line: line.line.get(),
            product_id: line.product.get(),
            quantity: line.quantity,
            price: Amount(line.price),
            net: Amount(line.net),
        };
        Some(facts.lines.as_ref()?.iter().map(line).collect())
    }
}

/// A customer's cart became an order.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Placed {
    payment_method: MethodName,
    #[serde(flatten)]
    costs: Costs,
    /// When it is wanted, if not as soon as possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_for: Option<Moment>,
    lines: Vec<OrderLine>,
}

impl Data<'_> for Placed {
    const TYPE: &'static str = "placed";
    const VERSION: u32 = 1;

    fn of(event: &StreamEvent) -> Option<Self> {
        let facts = &event.facts;
        Some(Self {
            payment_method: MethodName(facts.payment_method?),
            costs: Costs::of(facts)?,
            scheduled_for: facts.scheduled_for.map(Moment),
            lines: OrderLine::all(facts)?,
        })
    }
}

/// The order is paid, there is nothing to pay, or it will be paid in cash.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Confirmed {
    /// The charge that paid it, by its number among the order's payments.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<u32>,
    /// An admin turned an unpaid order into one that is paid in cash.
    as_cash: bool,
    /// Of a scheduled order: when the shop gets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    release_at: Option<Moment>,
}

impl Data<'_> for Confirmed {
    const TYPE: &'static str = "confirmed";
    const VERSION: u32 = 1;

    fn of(event: &StreamEvent) -> Option<Self> {
        let facts = &event.facts;
        Some(Self { entry: facts.entry, as_cash: facts.as_cash?, release_at: facts.release_at.map(Moment) })
    }
}

/// A scheduled order is wanted at another time, or as soon as possible.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Rescheduled {
    /// When it is wanted; absent: as soon as possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_for: Option<Moment>,
    /// When the shop gets it, if nothing else is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    release_at: Option<Moment>,
}

impl Data<'_> for Rescheduled {
    const TYPE: &'static str = "rescheduled";
    const VERSION: u32 = 1;

    fn of(event: &StreamEvent) -> Option<Self> {
        let facts = &event.facts;
        Some(Self { scheduled_for: facts.scheduled_for.map(Moment), release_at: facts.release_at.map(Moment) })
    }
}

/// Other lines took the place of the order's lines.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Edited {
    #[serde(flatten)]
    costs: Costs,
    /// What the customer pays more; below 0: gets back.
    difference: Amount,
    lines: Vec<OrderLine>,
}

impl Data<'_> for Edited {
    const TYPE: &'static str = "edited";
    const VERSION: u32 = 1;

    fn of(event: &StreamEvent) -> Option<Self> {
        let facts = &event.facts;
        Some(Self { costs: Costs::of(facts)?, difference: difference(facts)?, lines: OrderLine::all(facts)? })
    }
}

fn difference(facts: &EventFacts) -> Option<Amount> {
    let currency = facts.amounts?.total.currency();
    facts.difference.map(|minor| Amount(order_domain::Money::from_minor(minor, currency)))
}

/// What the last change of the order's price made it cost more was paid.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct EditPaid {
    /// The charge of the difference, by its number among the order's payments.
    entry: u32,
    /// When the shop gets it, if it waited for this.
    #[serde(skip_serializing_if = "Option::is_none")]
    release_at: Option<Moment>,
}

impl Data<'_> for EditPaid {
    const TYPE: &'static str = "edit_paid";
    const VERSION: u32 = 1;

    fn of(event: &StreamEvent) -> Option<Self> {
        Some(Self { entry: event.facts.entry?, release_at: event.facts.release_at.map(Moment) })
    }
}

/// The difference was declined, or not paid in time: lines, amounts and destination are again what they were before the
/// last event that changed the order's price.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct EditReverted {
    /// The charge that was declined, by its number among the order's payments.
    #[serde(skip_serializing_if = "Option::is_none")]
    declined: Option<u32>,
    /// When the shop gets it, if it waited for this.
    #[serde(skip_serializing_if = "Option::is_none")]
    release_at: Option<Moment>,
}

impl Data<'_> for EditReverted {
    const TYPE: &'static str = "edit_reverted";
    const VERSION: u32 = 1;

    fn of(event: &StreamEvent) -> Option<Self> {
        Some(Self { declined: event.facts.declined, release_at: event.facts.release_at.map(Moment) })
    }
}

/// The order ended before its delivery.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Cancelled<'a> {
    /// Why.
    #[schemars(transform = cancel_codes)]
    code: &'a str,
    /// The charge whose decline ended it, by its number among the order's payments.
    #[serde(skip_serializing_if = "Option::is_none")]
    declined: Option<u32>,
}

impl<'a> Data<'a> for Cancelled<'a> {
    const TYPE: &'static str = "cancelled";
    const VERSION: u32 = 1;

    fn of(event: &'a StreamEvent) -> Option<Self> {
        Some(Self { code: event.facts.code.as_deref()?, declined: event.facts.declined })
    }
}

/// A courier has the order now.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Assigned<'a> {
    courier_id: &'a str,
    /// Who had it before.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_courier_id: Option<&'a str>,
}

impl<'a> Data<'a> for Assigned<'a> {
    const TYPE: &'static str = "assigned";
    const VERSION: u32 = 1;

    fn of(event: &'a StreamEvent) -> Option<Self> {
        let previous_courier_id = event.facts.previous_courier.as_ref().map(order_domain::UserId::as_str);
        Some(Self { courier_id: event.facts.courier.as_ref()?.as_str(), previous_courier_id })
    }
}

/// No courier has the order any more.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Unassigned<'a> {
    /// Who had it before.
    previous_courier_id: &'a str,
}

impl<'a> Data<'a> for Unassigned<'a> {
    const TYPE: &'static str = "unassigned";
    const VERSION: u32 = 1;

    fn of(event: &'a StreamEvent) -> Option<Self> {
        Some(Self { previous_courier_id: event.facts.previous_courier.as_ref()?.as_str() })
    }
}

/// The order goes to another place. Where delivery costs something else there, the amounts say so; there are all three or
/// none.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AddressChanged {
    /// What delivery costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_fee: Option<Amount>,
    /// What the order costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<Amount>,
    /// What the customer pays more; below 0: gets back.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Amount>,
}

impl Data<'_> for AddressChanged {
    const TYPE: &'static str = "address_changed";
    const VERSION: u32 = 1;

    fn of(event: &StreamEvent) -> Option<Self> {
        let facts = &event.facts;
        let Some(EventAmounts { delivery_fee, total, .. }) = facts.amounts else {
            return Some(Self { delivery_fee: None, total: None, difference: None });
        };
        let difference = difference(facts)?;
        Some(Self {
            delivery_fee: Some(Amount(delivery_fee)),
            total: Some(Amount(total)),
            difference: Some(difference),
        })
    }
}

/// An admin gives money back out of kindness. That it has reached the customer is a `refund_settled` of its own.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct GoodwillGranted {
    /// How much.
    goodwill: Amount,
}

impl Data<'_> for GoodwillGranted {
    const TYPE: &'static str = "goodwill_granted";
    const VERSION: u32 = 1;

    fn of(event: &StreamEvent) -> Option<Self> {
        Some(Self { goodwill: Amount(event.facts.goodwill?) })
    }
}

/// A refund has reached the customer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RefundSettled {
    /// Which, by its number among the order's payments.
    entry: u32,
    /// It was paid from hand to hand.
    by_hand: bool,
}

impl Data<'_> for RefundSettled {
    const TYPE: &'static str = "refund_settled";
    const VERSION: u32 = 1;

    fn of(event: &StreamEvent) -> Option<Self> {
        Some(Self { entry: event.facts.entry?, by_hand: event.facts.by_hand? })
    }
}

/// An admin has found out what has become of a charge or refund. What follows from that is the next event.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Resolved<'a> {
    /// Which, by its number among the order's payments.
    entry: u32,
    #[schemars(transform = outcomes)]
    outcome: &'a str,
}

impl<'a> Data<'a> for Resolved<'a> {
    const TYPE: &'static str = "resolved";
    const VERSION: u32 = 1;

    fn of(event: &'a StreamEvent) -> Option<Self> {
        Some(Self { entry: event.facts.entry?, outcome: event.facts.outcome.as_deref()? })
    }
}

/// An operator has a task of the order tried again.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TaskRetried<'a> {
    /// What is to be done.
    #[schemars(transform = task_kinds)]
    task: &'a str,
    /// For which charge or refund, by its number among the order's payments.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<u32>,
}

impl<'a> Data<'a> for TaskRetried<'a> {
    const TYPE: &'static str = "task_retried";
    const VERSION: u32 = 1;

    fn of(event: &'a StreamEvent) -> Option<Self> {
        Some(Self { task: event.facts.task.as_deref()?, entry: event.facts.entry })
    }
}

/// An operator has given a task of the order up.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TaskDiscarded<'a> {
    /// What was to be done.
    #[schemars(transform = task_kinds)]
    task: &'a str,
}

impl<'a> Data<'a> for TaskDiscarded<'a> {
    const TYPE: &'static str = "task_discarded";
    const VERSION: u32 = 1;

    fn of(event: &'a StreamEvent) -> Option<Self> {
        Some(Self { task: event.facts.task.as_deref()? })
    }
}

/// Types that tell nothing but what all do.
macro_rules! plain {
    ($($(#[$about:meta])+ $name:ident $type:literal;)+) => {$(
        $(#[$about])+
        #[derive(Debug, Serialize, JsonSchema)]
        pub(super) struct $name {}

        impl Data<'_> for $name {
            const TYPE: &'static str = $type;
            const VERSION: u32 = 1;

            fn of(_: &StreamEvent) -> Option<Self> {
                Some(Self {})
            }
        }
    )+};
}

plain! {
    /// The shop may begin with a scheduled order: its time is near.
    Released "released";
    /// The shop packs the order.
    Preparing "preparing";
    /// The order is with its courier.
    OutForDelivery "out_for_delivery";
    /// The order is with its customer.
    Delivered "delivered";
    /// The courier should know something else.
    InstructionsChanged "instructions_changed";
}

/// Types that tell of one charge or refund.
macro_rules! of_entry {
    ($($(#[$about:meta])+ $name:ident $type:literal;)+) => {$(
        $(#[$about])+
        #[derive(Debug, Serialize, JsonSchema)]
        pub(super) struct $name {
            /// Which, by its number among the order's payments.
            entry: u32,
        }

        impl Data<'_> for $name {
            const TYPE: &'static str = $type;
            const VERSION: u32 = 1;

            fn of(event: &StreamEvent) -> Option<Self> {
                Some(Self { entry: event.facts.entry? })
            }
        }
    )+};
}

of_entry! {
    /// A charge went through that nobody wanted any more: it is given back.
    ChargeSettled "charge_settled";
    /// A charge was declined that nobody wanted any more.
    ChargeDeclined "charge_declined";
    /// A charge was taken back before it was sent.
    ChargeWithdrawn "charge_withdrawn";
    /// A refund was declined, and is tried anew.
    RefundDeclined "refund_declined";
    /// Nobody knows what has become of a charge: a person has to look.
    ChargeInReview "charge_in_review";
    /// A refund was declined too often, or nobody knows what has become of it: a person has to look.
    RefundInReview "refund_in_review";
}
