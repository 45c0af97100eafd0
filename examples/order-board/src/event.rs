//! What this service reads of an event: what it needs, and nothing else. Whatever is added later does not disturb it.

use serde::Deserialize;
use serde_json::value::RawValue;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) order: i64,
    pub(crate) seq: i64,
    pub(crate) status: String,
    /// What it does to the order's total.
    pub(crate) total: Total,
}

/// What an event does to the total of its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Total {
    /// Nothing.
    Stays,
    /// It is this from now on, digit by digit as it was written.
    Is { amount: String, currency: String },
    /// It is again what it was before its last change.
    IsAgain,
}

#[derive(Deserialize)]
struct Document<'a> {
    r#type: String,
    order_id: i64,
    seq: i64,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    status: String,
    // As it stands there: an amount that goes through a float is no amount any more.
    #[serde(borrow)]
    total: Option<&'a RawValue>,
    currency: Option<String>,
}

impl Event {
    /// Reads a document; `None`: it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let Document { r#type, order_id, seq, data } = serde_json::from_str(text).ok()?;
        let total = match (data.total, data.currency) {
            (Some(total), Some(currency)) => Total::Is { amount: total.get().to_owned(), currency },
            _ if r#type == "edit_reverted" => Total::IsAgain,
            _ => Total::Stays,
        };
        Some(Self { order: order_id, seq, status: data.status, total })
    }
}
