//! The codes of errors: each stands for one reason, has one HTTP status and one title, and never changes its name. A
//! caller may branch on it; the words beside it are for people.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($variant:ident, $name:literal, $status:ident, $title:literal;)+) => {
        /// Why a request failed, as a caller's program reads it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)+
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The HTTP status that it goes with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            /// What it means, in a few words that are the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }
    };
}

codes! {
    // The request itself.
    MalformedJson, "malformed_json", BAD_REQUEST, "The body is not JSON";
    BadRequest, "bad_request", BAD_REQUEST, "The request can't be read";
    Unauthorized, "unauthorized", UNAUTHORIZED, "No valid token";
    Forbidden, "forbidden", FORBIDDEN, "Not allowed for this role";
    NotFound, "not_found", NOT_FOUND, "Nothing here";
    MethodNotAllowed, "method_not_allowed", METHOD_NOT_ALLOWED, "Method not allowed";
    SlowBody, "slow_body", REQUEST_TIMEOUT, "The body came too slowly";
    BodyTooLarge, "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    UnsupportedMediaType, "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body is not of a supported type";
    Invalid, "invalid", UNPROCESSABLE_ENTITY, "The request is not valid";
    InvalidId, "invalid_id", UNPROCESSABLE_ENTITY, "Not an id";
    InvalidIdempotencyKey, "invalid_idempotency_key", UNPROCESSABLE_ENTITY, "The idempotency key is not valid";
    IdempotencyKeyReused, "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The idempotency key stands for another request";

    // What the rules say.
    OrderNotFound, "order_not_found", NOT_FOUND, "No such order";
    CartEmpty, "cart_empty", CONFLICT, "The cart is empty";
    AlreadyOrdered, "already_ordered", CONFLICT, "The cart has been ordered already";
    OutOfStock, "out_of_stock", CONFLICT, "Not everything can be had";
    NotServiceable, "not_serviceable", CONFLICT, "Outside the delivery area";
    CashNotAccepted, "cash_not_accepted", UNPROCESSABLE_ENTITY, "Cash is not offered";
    IllegalTransition, "illegal_transition", CONFLICT, "The order can't take this step now";
    ReasonRequired, "reason_required", UNPROCESSABLE_ENTITY, "A reason is required";
    PartnerRequired, "partner_required", CONFLICT, "The order needs a delivery partner";
    AlreadyTaken, "already_taken", CONFLICT, "Another delivery partner has the order";
    NotAssignable, "not_assignable", CONFLICT, "The order can't be assigned now";
    NotChangeable, "not_changeable", CONFLICT, "The order can't be changed any more";
    RefundExceedsCharge, "refund_exceeds_charge", CONFLICT, "More than is left of what was charged";
    UnknownPartner, "unknown_partner", UNPROCESSABLE_ENTITY, "No such delivery partner";
    CodeNotAllowed, "code_not_allowed", UNPROCESSABLE_ENTITY, "This cancellation code can't be given";
    PreconditionFailed, "precondition_failed", PRECONDITION_FAILED, "The order is in another version";
    ConcurrentChange, "concurrent_change", CONFLICT, "The order was changed at the same time";

    // Beyond the caller's doing.
    InternalError, "internal_error", INTERNAL_SERVER_ERROR, "Something went wrong here";
    BadUpstreamAnswer, "bad_upstream_answer", BAD_GATEWAY, "A service that this one relies on answered nonsense";
    UpstreamUnavailable, "upstream_unavailable", SERVICE_UNAVAILABLE, "A service that this one relies on is unavailable";
    DatabaseUnavailable, "database_unavailable", SERVICE_UNAVAILABLE, "The database is unavailable";
    OutcomeUnknown, "outcome_unknown", SERVICE_UNAVAILABLE, "It is not known whether the change was made";
    NotAcceptingOrders, "not_accepting_orders", SERVICE_UNAVAILABLE, "No new orders are taken at the moment";
    Overloaded, "overloaded", SERVICE_UNAVAILABLE, "Too many requests at once";
    Draining, "draining", SERVICE_UNAVAILABLE, "This instance is shutting down";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_snake_case_and_unique_and_stand_for_errors() {
        let snake = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(names.iter().all(|name| snake(name)));
        assert!(Code::ALL.iter().all(|code| code.status().is_client_error() || code.status().is_server_error()));
    }
}
