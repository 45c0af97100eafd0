//! An entry of a ledger as it is shown.

use order_domain::payment::Entry;
use order_domain::{EntryNo, OrderId};
use serde::Serialize;

use crate::amount::{Amount, Moment};

#[derive(Serialize)]
pub(crate) struct PaymentJson<'a> {
    n: EntryNo,
    kind: &'static str,
    purpose: &'static str,
    method: &'static str,
    amount: Amount,
    state: &'static str,
    /// The number of the charge that it returns.
    refunds: Option<EntryNo>,
    created_at: Moment,
    settled_at: Option<Moment>,
    #[serde(flatten)]
    inside: Option<InsideJson<'a>>,
}

/// What helps an admin to find it at the payment service, and to see what went wrong.
#[derive(Serialize)]
struct InsideJson<'a> {
    key: String,
    transaction_id: Option<&'a str>,
    attempts: u32,
    last_error: Option<&'a str>,
}

impl<'a> PaymentJson<'a> {
    /// An entry of this order; what is inside, to admins only.
    pub(crate) fn new(order: OrderId, entry: &'a Entry, to_admin: bool) -> Self {
        let inside = || InsideJson {
            key: entry.key(order),
            transaction_id: entry.transaction_id.as_deref(),
            attempts: entry.attempts,
            last_error: entry.last_error.as_deref(),
        };
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
            inside: to_admin.then(inside),
        }
    }
}
