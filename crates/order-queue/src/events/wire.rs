//! How single values are written: amounts exact to the digit, moments as the API shows them, names that the domain lists.

use std::borrow::Cow;

use chrono::{SecondsFormat, Timelike};
use order_domain::Money;
use order_domain::order::{Role, Status};
use order_domain::payment::PaymentMethod;
use order_domain::time::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// An amount as a JSON number with the currency's decimals: `5.00`. Never a float.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount(pub(super) Money);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// A moment in RFC 3339 with `Z`, with microseconds where there are some.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(pub(super) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = self.0.nanosecond() / 1_000 == 0;
        let digits = if whole { SecondsFormat::Secs } else { SecondsFormat::Micros };
        serializer.serialize_str(&self.0.to_rfc3339_opts(digits, true))
    }
}

/// Schemas that stand where they are used.
macro_rules! inline {
    ($($name:ident: $schema:tt)+) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

inline! {
    Amount: { "type": "number" }
    Moment: { "type": "string", "format": "date-time", "pattern": "Z$" }
}

/// A name of which the domain lists all.
macro_rules! names {
    ($($name:ident of $named:ty: $all:expr;)+) => {$(
        #[derive(Debug, Clone, Copy)]
        pub(super) struct $name(pub(super) $named);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.name())
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "enum": $all.map(<$named>::name) })
            }
        }
    )+};
}

names! {
    StatusName of Status: Status::ALL;
    RoleName of Role: Role::ALL;
    MethodName of PaymentMethod: [PaymentMethod::Online, PaymentMethod::Cash];
}
