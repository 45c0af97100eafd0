//! What other services are told: one versioned JSON document per event.
//!
//! What a document holds is a contract with whoever reads it, described by the schemas in `docs/events`, which are made
//! from the types here. It is mapped from what is known of an event, never a stored form, and holds nothing personal but
//! who, by number.

mod data;
mod nowhere;
mod schema;
mod wire;

use order_domain::order::Version;
use order_domain::ports::StreamEvent;
use schemars::JsonSchema;
use serde::Serialize;

use data::{Common, Data};
use wire::Moment;

pub use nowhere::NoEventStream;
pub use schema::{EventSchema, schemas};

/// The version of a document that tells no more than every event does: its type, or its form, is a later version's.
const COMMON_ALONE: u32 = 0;

/// A document. Its members stand in this sequence, so equal events are equal texts.
#[derive(Debug, Serialize, JsonSchema)]
struct Document<'a, D> {
    /// What happened.
    r#type: &'a str,
    /// The version of the form that `data` has for this type.
    version: u32,
    /// The event's own name: a repeat has the same, and no other event does. `ORDER-SEQ`.
    #[schemars(regex(pattern = "^[1-9][0-9]*-[1-9][0-9]*$"), example = &"42-1")]
    id: String,
    /// Its place among the events of its order: 1, 2, 3 …
    #[schemars(range(min = 1))]
    seq: Version,
    #[schemars(range(min = 1))]
    order_id: i64,
    /// When it happened, in UTC.
    occurred_at: Moment,
    data: Told<'a, D>,
}

/// What is told of an event: of every one, and of its type.
#[derive(Debug, Serialize, JsonSchema)]
struct Told<'a, D> {
    #[serde(flatten)]
    common: Common<'a>,
    #[serde(flatten)]
    of_type: D,
}

/// Nothing more than is told of every event.
#[derive(Debug, Serialize, JsonSchema)]
struct NothingMore {}

fn text<D: Serialize>(event: &StreamEvent, version: u32, of_type: D) -> serde_json::Result<String> {
    serde_json::to_string(&Document {
        r#type: &event.kind,
        version,
        id: format!("{}-{}", event.order, event.seq),
        seq: event.seq,
        order_id: event.order.get(),
        occurred_at: Moment(event.at),
        data: Told { common: Common::of(event), of_type },
    })
}

fn typed<'a, D: Data<'a>>(event: &'a StreamEvent) -> serde_json::Result<String> {
    match D::of(event) {
        Some(data) => text(event, D::VERSION, data),
        // A later version wrote it without something that this one would tell.
        None => text(event, COMMON_ALONE, NothingMore {}),
    }
}

/// Every type there is.
macro_rules! types {
    ($($data:ty,)+) => {
        /// An event as its document. One whose type, or whose form, a later version wrote is told as far as it is known,
        /// with version 0.
        ///
        /// # Errors
        /// Never for what a store reads; the writer of JSON has errors, and none is hidden.
        pub fn document(event: &StreamEvent) -> serde_json::Result<String> {
            match event.kind.as_str() {
                $(<$data>::TYPE => typed::<$data>(event),)+
                _ => text(event, COMMON_ALONE, NothingMore {}),
            }
        }

        /// The schemas of all types, in the sequence in which they are explained.
        fn typed_schemas() -> Vec<EventSchema> {
            vec![$(schema::of_type::<$data>(),)+]
        }
    };
}

types! {
    data::Placed, data::Confirmed, data::Rescheduled, data::Released, data::Edited, data::EditPaid, data::EditReverted, data::AddressChanged, data::InstructionsChanged, data::Preparing, data::Assigned<'_>, data::Unassigned<'_>, data::OutForDelivery, data::Delivered, data::Cancelled<'_>, data::GoodwillGranted, data::ChargeSettled, data::ChargeDeclined, data::ChargeWithdrawn, data::RefundSettled, data::RefundDeclined, data::ChargeInReview, data::RefundInReview, data::Resolved<'_>, data::TaskRetried<'_>, data::TaskDiscarded<'_>,
}
