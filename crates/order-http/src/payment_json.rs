//! An entry of a ledger as it is shown.

use order_domain::payment::Entry;
use order_domain::{EntryNo, OrderId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::amount::{Amount, Moment};
use crate::openapi::examples;
use crate::openapi::schemas::{EntryKindName, EntryPurpose, EntryStateName, OrderPaymentMethod};

/// A charge or a refund.
#[derive(Serialize, ToSchema)]
#[schema(as = Payment, examples(examples::payment))]
pub(crate) struct PaymentJson<'a> {
    /// Its number in the order: 1, 2, 3 …
    #[schema(minimum = 1)]
    n: EntryNo,
    #[schema(value_type = EntryKindName)]
    kind: &'static str,
    #[schema(value_type = EntryPurpose)]
    purpose: &'static str,
    #[schema(value_type = OrderPaymentMethod)]
    method: &'static str,
    amount: Amount,
    #[schema(value_type = EntryStateName)]
    state: &'static str,
    /// The number of the charge that it returns.
    refunds: Option<EntryNo>,
    created_at: Moment,
    settled_at: Option<Moment>,
    /// The `Idempotency-Key` that the payment service knows it by. To admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, extensions(("x-admins-only" = json!(true))))]
    key: Option<String>,
    /// What the payment service calls it. To admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, extensions(("x-admins-only" = json!(true))))]
    transaction_id: ToAdmins<&'a str>,
    /// How often it was asked for. To admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u32, extensions(("x-admins-only" = json!(true))))]
    attempts: Option<u32>,
    /// What went wrong last. To admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, extensions(("x-admins-only" = json!(true))))]
    last_error: ToAdmins<&'a str>,
}

/// Shown to admins alone, if only as `null`: it helps to find an entry at the payment service, and to see what went wrong.
type ToAdmins<T> = Option<Option<T>>;

impl<'a> PaymentJson<'a> {
    /// An entry of this order; what is inside, to admins only.
    pub(crate) fn new(order: OrderId, entry: &'a Entry, to_admin: bool) -> Self {
        Self {
            n: entry.n,
            kind: entry.kind.name(),
            purpose: entry.purpose.name(),
            method: entry.method.name(),
            amount: Amount(entry.amount),
            state: entry.state.name(),
            refunds: entry.charge(),
            created_at: Moment(entry.created_at),
            settled_at: entry.settled_at.map(Moment),
            key: to_admin.then(|| entry.key(order)),
            transaction_id: to_admin.then_some(entry.transaction_id.as_deref()),
            attempts: to_admin.then_some(entry.attempts),
            last_error: to_admin.then_some(entry.last_error.as_deref()),
        }
    }
}
