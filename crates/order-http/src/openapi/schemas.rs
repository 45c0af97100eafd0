//! Schemas of what is written or read by hand, and of names that the domain lists.

use order_domain::order::{CancelCode, Outcome, Role, Status};
use order_domain::payment::{EntryKind, EntryState, PaymentMethod, PaymentStatus, Purpose};
use order_domain::ports::{TaskKind, TaskState};
use order_domain::pricing::ShortageReason;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Object, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::amount::{Amount, Moment};
use crate::codes::Code;
use crate::fields::{ForeignId, Scalar};

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        let about = "An amount with the currency's decimals (`5.00`), exact: read it as a decimal, never as a float.";
        ObjectBuilder::new().schema_type(Type::Number).description(Some(about)).examples([10.98]).build().into()
    }
}

impl ToSchema for Amount {}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .pattern(Some("Z$"))
            .description(Some("A moment, RFC 3339 with `Z`, to the microsecond."))
            .examples(["2026-01-01T13:00:00.123456Z"])
            .build()
            .into()
    }
}

impl ToSchema for Moment {}

impl PartialSchema for Scalar {
    fn schema() -> RefOr<Schema> {
        let types = SchemaType::Array(vec![Type::String, Type::Number]);
        ObjectBuilder::new().schema_type(types).description(Some("A text, or a number.")).build().into()
    }
}

impl ToSchema for Scalar {}

impl PartialSchema for ForeignId {
    fn schema() -> RefOr<Schema> {
        let types = SchemaType::Array(vec![Type::String, Type::Integer]);
        ObjectBuilder::new().schema_type(types).description(Some("An id of another service.")).build().into()
    }
}

impl ToSchema for ForeignId {}

/// How a task stands, and what becomes of one that is given up.
fn task_states() -> impl Iterator<Item = &'static str> {
    TaskState::ALL.map(TaskState::name).into_iter().chain([DISCARDED])
}

/// What is said of a task that was discarded.
pub(crate) const DISCARDED: &str = "discarded";

/// One of some names.
pub(crate) fn one_of(names: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names))
}

/// Schemas of names: `Schema, "what they are", the names;`
macro_rules! names {
    ($($schema:ident, $about:literal, $names:expr;)+) => {$(
        #[doc = $about]
        pub(crate) enum $schema {}

        impl PartialSchema for $schema {
            fn schema() -> RefOr<Schema> {
                one_of($names).description(Some($about)).build().into()
            }
        }

        impl ToSchema for $schema {}
    )+};
}

names! {
    TaskKindName, "What is to be done.", TaskKind::ALL.map(TaskKind::name);
    TaskStateName, "How a task stands; `discarded` in the answer to that alone.", task_states();
    OpenTaskState, "How a task stands.", TaskState::ALL.map(TaskState::name);
    OrderStatus, "Where an order stands.", Status::ALL.map(Status::name);
    OrderPaymentStatus, "Where the money of an order stands.", PaymentStatus::ALL.map(PaymentStatus::name);
    OrderPaymentMethod, "How an order is paid.", [PaymentMethod::Online, PaymentMethod::Cash].map(PaymentMethod::name);
    EntryKindName, "Whether money is taken or given back.", EntryKind::ALL.map(EntryKind::name);
    EntryPurpose, "What a payment is for.", Purpose::ALL.map(Purpose::name);
    EntryStateName, "How far a payment is. In `review` a person has to find out.", EntryState::ALL.map(EntryState::name);
    ResolvedOutcome, "What has become of a payment.", Outcome::ALL.map(Outcome::name);
    CancellationCode, "Why an order was cancelled.", CancelCode::ALL.map(CancelCode::name);
    ActorRole, "Who did it.", Role::ALL.map(Role::name);
    ReasonOfShortage, "Why a product can't be had as ordered.",
        [ShortageReason::Unknown, ShortageReason::Inactive, ShortageReason::Short].map(ShortageReason::name);
    ErrorCode, "Why a request failed, for programs. Its names never change; new ones may come.",
        Code::ALL.iter().map(|code| code.name());
}

/// The status of an error.
pub(crate) enum ErrorStatus {}

impl PartialSchema for ErrorStatus {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(400))
            .maximum(Some(599))
            .description(Some("The HTTP status, as in the head of the answer."))
            .build()
            .into()
    }
}

impl ToSchema for ErrorStatus {}

/// What belongs to a feature that does not exist yet.
pub(crate) fn nothing_yet() -> Object {
    ObjectBuilder::new().schema_type(Type::Null).description(Some("Nothing yet.")).build()
}
