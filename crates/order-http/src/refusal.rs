//! What a use case refuses, in the words of HTTP. The only place that knows which refusal is which status.

use chrono::{DurationRound, SecondsFormat, TimeDelta};
use order_domain::order::{Outcome, Rejection, Status};
use order_domain::ports::{ServiceError, TaskKind};
use order_domain::pricing::Shortage;
use order_domain::time::{Duration, Timestamp, after};
use order_usecases::UseCaseError;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::amount::Amount;
use crate::codes::Code;
use crate::openapi::schemas::ReasonOfShortage;
use crate::problem::Problem;

/// Seconds after which a service that was away is worth another try.
const UPSTREAM_RETRY: u16 = 5;
/// Seconds after which the shop may take orders again.
const SHOP_RETRY: u16 = 60;
/// Seconds after which the database is worth another try.
const DATABASE_RETRY: u16 = 2;

impl From<UseCaseError> for Problem {
    fn from(error: UseCaseError) -> Self {
        match error {
            UseCaseError::NotFound => Self::new(
                Code::OrderNotFound,
                "There is no such order, or it is not yours. Your own orders are at /orders/my-orders.",
            ),
            UseCaseError::NoSuchTask => Self::new(
                Code::TaskNotFound,
                "There is no such task, or it is done. What is to be done is listed at /operations/tasks.",
            ),
            UseCaseError::Forbidden => Self::new(Code::Forbidden, "Your role does not allow this."),
            UseCaseError::Rejected(rejection) => rejection.into(),
            UseCaseError::AlreadyOrdered { order } => Self::new(
                Code::AlreadyOrdered,
                format!(
                    "This cart has become order {order}. Look at that order; change the cart, or cancel the order, to \
                     order again."
                ),
            )
            .with("order_id", order.get()),
            UseCaseError::PreconditionFailed { current } => Self::new(
                Code::PreconditionFailed,
                "The order is not in a version that If-Match names. Read it and decide again.",
            )
            .with("current_version", current),
            UseCaseError::ConcurrentChange => {
                Self::new(Code::ConcurrentChange, "Somebody else changed the order just now. Read it and decide again.")
            }
            UseCaseError::KeyReused => {
                let message = "was used for another request; take a new key for a new request";
                Self::new(Code::IdempotencyKeyReused, format!("This Idempotency-Key {message}.")).at(
                    "/header/Idempotency-Key",
                    "reused",
                    message,
                )
            }
            UseCaseError::UnknownCourier => {
                let message = "is no delivery partner that the user service knows";
                Self::new(Code::UnknownPartner, format!("This {message}. Check the id.")).at(
                    "/delivery_partner_id",
                    "unknown",
                    message,
                )
            }
            UseCaseError::CodeNotAllowed => {
                let message = "is not one that you can give; leave it out, or send customer_request or other";
                Self::new(Code::CodeNotAllowed, format!("The code {message}.")).at("/code", "not_allowed", message)
            }
            UseCaseError::NotAcceptingOrders => Self::new(
                Code::NotAcceptingOrders,
                "The shop takes no new orders at the moment. What has been ordered is not affected. Try again later.",
            )
            .retry_after(SHOP_RETRY),
            UseCaseError::Service(error) => error.into(),
            UseCaseError::Unavailable(detail) => {
                Self::new(Code::DatabaseUnavailable, "Nothing was changed. Try again in a moment.")
                    .retry_after(DATABASE_RETRY)
                    .inside(detail)
            }
            UseCaseError::OutcomeUnknown(detail) => Self::new(
                Code::OutcomeUnknown,
                "The change may have been made. Ask again with the same Idempotency-Key; if you sent none, read the \
                 order, or your orders, first.",
            )
            .retry_after(DATABASE_RETRY)
            .inside(detail),
            UseCaseError::Inconsistent(detail) => Self::internal(detail),
        }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let inside = error.to_string();
        match error {
            ServiceError::Unavailable { service, .. } => Self::new(
                Code::UpstreamUnavailable,
                format!("The {service} can't be asked. Nothing was changed. Try again in a few seconds."),
            )
            .retry_after(UPSTREAM_RETRY)
            .inside(inside),
            ServiceError::BadAnswer { service, .. } => Self::new(
                Code::BadUpstreamAnswer,
                format!("The {service} gave an answer that can't be used. Nothing was changed. Try again later."),
            )
            .inside(inside),
            ServiceError::Unauthorized { service } => {
                Self::new(Code::Unauthorized, format!("The {service} refused your token. Sign in again."))
            }
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::CartEmpty => Self::new(Code::CartEmpty, "Your cart is empty. Put something into it first."),
            Rejection::Implausible(what) => Self::new(
                Code::BadUpstreamAnswer,
                "The cart or a product is not as it can be. Nothing was changed. Try again later.",
            )
            .inside(what.to_string()),
            Rejection::OutOfStock(short) => {
                Self::new(Code::OutOfStock, out_of_stock(&short)).with("shortages", shortages(&short))
            }
            Rejection::NotServiceable => {
                Self::new(Code::NotServiceable, "We do not deliver to this address. Choose another one.")
            }
            Rejection::CashNotAccepted => Self::new(
                Code::CashNotAccepted,
                "Cash on delivery is not offered. Choose payment_method online.",
            )
            .at("/payment_method", "not_accepted", "cash is not offered; choose online"),
            Rejection::IllegalTransition { current, asked, allowed } => {
                let names: Vec<_> = allowed.iter().map(|status| status.name()).collect();
                Self::new(Code::IllegalTransition, illegal(current, asked, &names))
                    .with("current_status", current.name())
                    .with("allowed", names)
            }
            Rejection::ReasonRequired { to } => {
                let detail = format!("Say in `reason` why the order is to be {}.", words(to));
                Self::new(Code::ReasonRequired, detail).at("/reason", "required", "is required for this step")
            }
            Rejection::CourierRequired => Self::new(
                Code::PartnerRequired,
                "The order needs a delivery partner here. Assign one first, or another one instead.",
            ),
            Rejection::AlreadyTaken => {
                Self::new(Code::AlreadyTaken, "Another delivery partner was faster. Choose another order.")
            }
            Rejection::NotAssignable { current } => Self::new(
                Code::NotAssignable,
                format!("The delivery partner of an order that is {} can't be changed.", words(current)),
            )
            .with("current_status", current.name()),
            Rejection::NotChangeable { current } => Self::new(
                Code::NotChangeable,
                format!("An order that is {} can't be changed any more. Ask the shop, or cancel it.", words(current)),
            )
            .with("current_status", current.name()),
            Rejection::AlreadyReleased => Self::new(
                Code::AlreadyReleased,
                "The shop works on this order already: its lines and its time stay as they are.",
            ),
            Rejection::PaymentInProgress => Self::new(
                Code::PaymentInProgress,
                "A payment of the order is under way. Wait until it is settled, and decide again.",
            ),
            Rejection::AdjustmentOpen => Self::new(
                Code::AdjustmentOpen,
                "An earlier change of the order is being paid. Wait until it is settled, and decide again.",
            ),
            Rejection::TooManyLines => Self::new(
                Code::TooManyLines,
                "An order has at most 100 lines, one for each price of a product. Want fewer products.",
            ),
            Rejection::ScheduledInThePast => {
                scheduled(Code::ScheduledInThePast, "past", "has passed; choose a time ahead".to_owned())
            }
            Rejection::ScheduledTooSoon { earliest } => too_soon(earliest),
            Rejection::ScheduledTooLate { latest } => too_late(latest),
            Rejection::NoSuchEntry { entry } => {
                Self::new(Code::PaymentNotFound, format!("The order has no payment {entry}."))
            }
            Rejection::NotInReview { entry, state } => Self::new(
                Code::NotInReview,
                format!("Payment {entry} is {}: nobody has to say what has become of it.", state.name()),
            )
            .with("state", state.name()),
            Rejection::OutcomeNotPossible { outcome } => not_possible(outcome),
            Rejection::AmountNotPositive => {
                let message = "must be above 0";
                Self::new(Code::Invalid, format!("/amount {message}.")).at("/amount", "out_of_range", message)
            }
            Rejection::RefundExceedsCharge { refundable } => Self::new(
                Code::RefundExceedsCharge,
                format!("Of what was charged, {refundable} can still be given back. Send that or less."),
            )
            .with("refundable", Amount(refundable)),
            Rejection::TaskRunning => {
                Self::new(Code::TaskRunning, "A worker is at the task. Look again in half a minute.")
            }
            Rejection::NeverDiscarded { task } => never_discarded(task),
            // Only the service's own work meets these; a caller who does has found a bug.
            Rejection::NotYours | Rejection::EntryMoved { .. } | Rejection::NotOverdue | Rejection::NotDue => {
                Self::internal(rejection.to_string())
            }
        }
    }
}

fn moment(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What is named can be asked for: a full minute, at least one later than is asked for now.
fn too_soon(earliest: Timestamp) -> Problem {
    let in_time = after(earliest, Duration::from_mins(2));
    let earliest = moment(in_time.duration_trunc(TimeDelta::minutes(1)).unwrap_or(in_time));
    scheduled(Code::ScheduledTooSoon, "too_soon", format!("is too near; {earliest} at the earliest"))
        .with("earliest", earliest)
}

fn too_late(latest: Timestamp) -> Problem {
    let latest = moment(latest);
    scheduled(Code::ScheduledTooLate, "too_late", format!("is too far away; {latest} at the latest"))
        .with("latest", latest)
}

fn not_possible(outcome: Outcome) -> Problem {
    let message = format!("{} is not possible here", outcome.name());
    Problem::new(Code::OutcomeNotPossible, format!("/outcome: {message}.")).at("/outcome", "not_possible", message)
}

fn never_discarded(task: TaskKind) -> Problem {
    let why =
        "is never discarded: somebody would wait for it for ever. Retry it, or pause its kind to keep it from running";
    Problem::new(Code::NeverDiscarded, format!("A {} {why}.", task.name()))
}

fn scheduled(code: Code, mistake: &'static str, message: String) -> Problem {
    Problem::new(code, format!("The time {message}.")).at("/scheduled_for", mistake, message)
}

fn words(status: Status) -> String {
    status.name().replace('_', " ")
}

fn illegal(current: Status, asked: Status, allowed: &[&str]) -> String {
    let (now, then) = (words(current), words(asked));
    if allowed.is_empty() {
        format!("An order that is {now} can't become {then}, and there is nothing else that you can make of it now.")
    } else {
        format!("An order that is {now} can't become {then}. What you can make of it now: {}.", allowed.join(", "))
    }
}

fn out_of_stock(short: &[Shortage]) -> String {
    let products: Vec<_> = short.iter().map(|shortage| shortage.product.to_string()).collect();
    format!("These products can't be had as ordered: {}. Choose fewer of them, or others.", products.join(", "))
}

/// A product that can't be had as ordered.
#[derive(Serialize, ToSchema)]
#[schema(as = Shortage)]
pub(crate) struct ShortageJson {
    #[schema(examples(5))]
    product_id: i64,
    /// How many are wanted: those in the cart, or those added to an order.
    #[schema(examples(3))]
    requested: u32,
    /// How many there are.
    #[schema(examples(1))]
    available: u32,
    #[schema(value_type = ReasonOfShortage)]
    reason: &'static str,
}

fn shortages(short: &[Shortage]) -> Value {
    let one = |shortage: &Shortage| ShortageJson {
        product_id: shortage.product.get(),
        requested: shortage.requested,
        available: shortage.available,
        reason: shortage.reason.name(),
    };
    // Numbers and strings always serialise.
    serde_json::to_value(short.iter().map(one).collect::<Vec<_>>()).unwrap_or_default()
}
