//! The codes of errors: each stands for one reason, has one HTTP status and one title, and never changes its name. A
//! caller may branch on it; the words beside it are for people.
//!
//! What stands here is all there is to know about a code: `docs/errors.md` and the errors in the OpenAPI document are
//! written from it.

use actix_web::http::StatusCode;
use serde::{Serialize, Serializer};

macro_rules! codes {
    ($(
        $variant:ident, $name:literal, $status:ident, $title:literal;
            $(carries $($member:literal),+;)?
            when $when:literal;
            then $then:literal;
    )+) => {
        /// Why a request failed, as a caller's program reads it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

            /// When it happens, in a sentence.
            pub const fn when(self) -> &'static str {
                match self { $(Self::$variant => $when),+ }
            }

            /// What a caller does about it, in a sentence or two.
            pub const fn then(self) -> &'static str {
                match self { $(Self::$variant => $then),+ }
            }

            /// The members that its problem document has beside those that every one has, `errors` aside.
            pub const fn members(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($($member),+)?]),+ }
            }
        }
    };
}

codes! {
    // The request itself.
    MalformedJson, "malformed_json", BAD_REQUEST, "The body is not JSON";
        when "The body is no JSON text, or is nested deeper than 128 levels.";
        then "Mend the body; `detail` names line and column.";
    BadRequest, "bad_request", BAD_REQUEST, "The request can't be read";
        when "The request broke off, or is not HTTP as it should be.";
        then "Send it again, whole.";
    Unauthorized, "unauthorized", UNAUTHORIZED, "No valid token";
        when "There is no bearer token, it is not (or no longer) valid, or the cart or user service refused it.";
        then "Sign in again, and send `Authorization: Bearer <token>`.";
    Forbidden, "forbidden", FORBIDDEN, "Not allowed for this role";
        when "The caller may see the order, or the list, but their role may not do this.";
        then "Don't offer it to this role.";
    NotFound, "not_found", NOT_FOUND, "Nothing here";
        when "No endpoint has this path.";
        then "Check the path.";
    MethodNotAllowed, "method_not_allowed", METHOD_NOT_ALLOWED, "Method not allowed";
        when "The path has no such method.";
        then "Use one that the `Allow` header names.";
    SlowBody, "slow_body", REQUEST_TIMEOUT, "The body came too slowly";
        when "The body did not arrive within 10 seconds.";
        then "Send the request again over a better connection.";
    BodyTooLarge, "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
        when "The body has more than 64 KiB.";
        then "Send less.";
    UnsupportedMediaType, "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body is not of a supported type";
        when "The body says that it is something else than JSON in UTF-8, or that it is compressed.";
        then "Send it with `Content-Type: application/json` and without `Content-Encoding`.";
    Invalid, "invalid", UNPROCESSABLE_ENTITY, "The request is not valid";
        when "Fields, parameters or headers are missing, unknown, of the wrong type or outside their limits.";
        then "Show each of `errors` at the field that its `pointer` names.";
    InvalidId, "invalid_id", UNPROCESSABLE_ENTITY, "Not an id";
        when "An id in the path is no whole number from 1 to 9007199254740991, or the number of a payment is none.";
        then "Use the `id`, or the `n` of a payment, as it was answered.";
    InvalidIdempotencyKey, "invalid_idempotency_key", UNPROCESSABLE_ENTITY, "The idempotency key is not valid";
        when "The `Idempotency-Key` is not 1 to 255 visible ASCII characters, or was sent twice with different values.";
        then "Send one key, a UUID for instance.";
    IdempotencyKeyReused, "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The idempotency key stands for another request";
        when "The caller sent this `Idempotency-Key` with another body or query within the last 24 hours.";
        then "Take a new key for a new request; repeat a request exactly to get its first answer again.";

    // What the rules say.
    TaskNotFound, "task_not_found", NOT_FOUND, "No such task";
        when "There is no task of this number, or it is done: what is finished is not kept.";
        then "List the tasks again.";
    KindNotFound, "kind_not_found", NOT_FOUND, "No such kind of tasks";
        when "No kind of tasks has this name.";
        then "Use a `kind` that `/operations/kinds` names.";
    TaskRunning, "task_running", CONFLICT, "A worker is at the task";
        when "The task is in a worker's hands at the moment, so what becomes of it is open.";
        then "List the tasks again in half a minute: it is done by then, or can be retried.";
    NeverDiscarded, "never_discarded", CONFLICT, "A task that moves money is never discarded";
        when "A `charge`, a `refund` or a `release` is to be discarded: somebody would wait for it for ever.";
        then "Retry it. To keep it from running, pause its kind.";
    OrderNotFound, "order_not_found", NOT_FOUND, "No such order";
        when "There is no such order, or it is not the caller's to see: both look the same.";
        then "Read the caller's own orders at `/orders/my-orders`.";
    CartEmpty, "cart_empty", CONFLICT, "The cart is empty";
        when "The caller's cart has nothing in it.";
        then "Have something put into the cart first.";
    AlreadyOrdered, "already_ordered", CONFLICT, "The cart has been ordered already";
        carries "order_id";
        when "Another request has ordered the same cart: with another body, or under another `Idempotency-Key`.";
        then "Show the order `order_id`; to order the same again, wait until the cart has been cleared, and fill it anew.";
    OutOfStock, "out_of_stock", CONFLICT, "Not everything can be had";
        carries "shortages";
        when "Products of the cart, or those added to an order, are unknown, inactive or short.";
        then "Show `shortages`, let the choice be changed, and ask again.";
    NotServiceable, "not_serviceable", CONFLICT, "Outside the delivery area";
        when "The coordinates are too far from every place that is delivered from.";
        then "Let another address be chosen.";
    CashNotAccepted, "cash_not_accepted", UNPROCESSABLE_ENTITY, "Cash is not offered";
        when "`payment_method` is `cash` and this shop does not offer it.";
        then "Choose `online`.";
    IllegalTransition, "illegal_transition", CONFLICT, "The order can't take this step now";
        carries "current_status", "allowed";
        when "The order's status does not allow this step, or not by this caller.";
        then "Read the order again, and offer the steps that `allowed` names.";
    ReasonRequired, "reason_required", UNPROCESSABLE_ENTITY, "A reason is required";
        when "This step needs a `reason` in the order's present status.";
        then "Ask for one and send it.";
    PartnerRequired, "partner_required", CONFLICT, "The order needs a delivery partner";
        when "The order can't leave the shop, or stay on its way, without a delivery partner.";
        then "Assign one first, or another one instead.";
    AlreadyTaken, "already_taken", CONFLICT, "Another delivery partner has the order";
        when "A delivery partner takes an order that another one has.";
        then "Take it off the list and offer another one.";
    NotAssignable, "not_assignable", CONFLICT, "The order can't be assigned now";
        carries "current_status";
        when "The delivery partner of an order in this status can't be changed.";
        then "Read the order again.";
    NotChangeable, "not_changeable", CONFLICT, "The order can't be changed any more";
        carries "current_status";
        when "Lines, address or instructions are to be changed of an order that is being packed, or further.";
        then "Read the order again. Until delivery the shop can be called.";
    AlreadyReleased, "already_released", CONFLICT, "The order has been released to the shop";
        when "The lines or the time of a scheduled order are to be changed after its release.";
        then "Read the order again. Until delivery the shop can be called.";
    PaymentInProgress, "payment_in_progress", CONFLICT, "A payment of the order is under way";
        when "The amount is to be changed while a charge is under way that may take the old one.";
        then "Read the order again when `payment_status` is no longer `processing`, and decide again.";
    AdjustmentOpen, "adjustment_open", CONFLICT, "An earlier change is not paid yet";
        when "The order is to be changed again, or packed, while the difference of an earlier change is being charged.";
        then "Wait until `payment_status` is no longer `processing`, and decide again.";
    NoItems, "no_items", UNPROCESSABLE_ENTITY, "An order has at least one line";
        when "An order's lines are to be replaced by none.";
        then "Cancel the order, if nothing of it is wanted.";
    TooManyLines, "too_many_lines", CONFLICT, "The order would have too many lines";
        when "Products would stand at more prices than an order has lines (100).";
        then "Want fewer products.";
    ScheduledInThePast, "scheduled_in_the_past", UNPROCESSABLE_ENTITY, "The time has passed";
        when "`scheduled_for` lies in the past.";
        then "Choose a time ahead, at least as far as the shop needs (`SCHEDULE_MIN_AHEAD`).";
    ScheduledTooSoon, "scheduled_too_soon", UNPROCESSABLE_ENTITY, "The time is too near";
        carries "earliest";
        when "`scheduled_for` is nearer than the shop can promise (`SCHEDULE_MIN_AHEAD`, half an hour).";
        then "Choose a time at `earliest` or later, or none.";
    ScheduledTooLate, "scheduled_too_late", UNPROCESSABLE_ENTITY, "The time is too far away";
        carries "latest";
        when "`scheduled_for` is farther ahead than orders are taken (`SCHEDULE_MAX_AHEAD`, 30 days).";
        then "Choose a time at `latest` or earlier.";
    PaymentNotFound, "payment_not_found", NOT_FOUND, "The order has no such payment";
        when "The order's ledger has no entry of this number.";
        then "Read `/orders/{id}/payments`.";
    NotInReview, "not_in_review", CONFLICT, "Nobody has to say what has become of this payment";
        carries "state";
        when "The entry is neither in review nor a refund in cash that is to be handed over; perhaps somebody was faster.";
        then "Read `/orders/{id}/payments` again.";
    OutcomeNotPossible, "outcome_not_possible", UNPROCESSABLE_ENTITY, "That can't have become of this payment";
        when "A charge is said to be settled `by_hand`, or a refund in cash to be `not_settled`.";
        then "Choose another `outcome`.";
    RefundExceedsCharge, "refund_exceeds_charge", CONFLICT, "More than is left of what was charged";
        carries "refundable";
        when "More is to be given back than was charged and neither given back yet nor on its way.";
        then "Give `refundable` at most.";
    UnknownPartner, "unknown_partner", UNPROCESSABLE_ENTITY, "No such delivery partner";
        when "An admin assigns an order to somebody whom the user service does not know as a delivery partner.";
        then "Check the id.";
    CodeNotAllowed, "code_not_allowed", UNPROCESSABLE_ENTITY, "This cancellation code can't be given";
        when "The cancellation `code` is one that this caller can't give.";
        then "Leave it out, or send `customer_request` or `other`.";
    PreconditionFailed, "precondition_failed", PRECONDITION_FAILED, "The order is in another version";
        carries "current_version";
        when "The order is in no version that `If-Match` names.";
        then "Read the order again, and let the caller decide again.";
    ConcurrentChange, "concurrent_change", CONFLICT, "The order was changed at the same time";
        when "Somebody else changed the order at the same moment, again and again.";
        then "Read the order again, and decide again.";

    // Beyond the caller's doing.
    InternalError, "internal_error", INTERNAL_SERVER_ERROR, "Something went wrong here";
        when "The service has a fault.";
        then "Try again later; if it stays so, report the `request_id`.";
    BadUpstreamAnswer, "bad_upstream_answer", BAD_GATEWAY, "A service that this one relies on answered nonsense";
        when "The cart, product or user service gave an answer that can't be used. Nothing was changed.";
        then "Try again later.";
    UpstreamUnavailable, "upstream_unavailable", SERVICE_UNAVAILABLE, "A service that this one relies on is unavailable";
        when "The cart, product or user service is down, slow or failing, or its keys for tokens could not be fetched yet. Nothing was changed.";
        then "Try again after `Retry-After` seconds.";
    DatabaseUnavailable, "database_unavailable", SERVICE_UNAVAILABLE, "The database is unavailable";
        when "The database can't be reached. Nothing was changed.";
        then "Try again after `Retry-After` seconds.";
    OutcomeUnknown, "outcome_unknown", SERVICE_UNAVAILABLE, "It is not known whether the change was made";
        when "The database went away while the change was being committed.";
        then "Ask again with the same `Idempotency-Key`; without one, read before you ask again.";
    NotAcceptingOrders, "not_accepting_orders", SERVICE_UNAVAILABLE, "No new orders are taken at the moment";
        when "The shop has stopped taking new orders for a while (`ACCEPT_ORDERS=off`). Everything else goes on.";
        then "Tell the customer, and try again after `Retry-After` seconds.";
    Overloaded, "overloaded", SERVICE_UNAVAILABLE, "Too many requests at once";
        when "More requests are under way than this instance takes (`MAX_REQUESTS`). Nothing was done.";
        then "Try again after `Retry-After` seconds.";
    Draining, "draining", SERVICE_UNAVAILABLE, "This instance is shutting down";
        when "`/health/ready` is asked of an instance that has been told to stop.";
        then "Send requests to another instance.";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// All codes as a table in Markdown, in the order of their statuses: the generated part of `docs/errors.md`.
pub fn errors_markdown() -> String {
    let mut codes = Code::ALL.to_vec();
    codes.sort_by_key(|code| code.status());
    let head = ["| status | code | when | what to do | also carries |", "|---|---|---|---|---|"].map(str::to_owned);
    head.into_iter().chain(codes.into_iter().map(row)).map(|row| row + "\n").collect()
}

fn row(code: Code) -> String {
    let (status, name) = (code.status(), code.name());
    let errors = (status == StatusCode::UNPROCESSABLE_ENTITY).then_some("errors");
    let carries: Vec<_> = errors.iter().chain(code.members()).map(|member| format!("`{member}`")).collect();
    let (status, carries) = (status.as_u16(), carries.join(", "));
    format!("| {status} | <a id=\"{name}\"></a>`{name}` | {} | {} | {carries} |", code.when(), code.then())
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

    #[test]
    fn what_is_said_about_a_code_is_whole_sentences_that_fit_a_table() {
        for code in Code::ALL {
            for said in [code.when(), code.then()] {
                let whole = said.starts_with(|c: char| c.is_ascii_uppercase() || c == '`') && said.ends_with('.');
                assert!(whole && !said.contains(['|', '\n']), "{}: {said}", code.name());
            }
        }
    }
}
