//! Events of every type, once with little and once with all that there can be.

use order_domain::order::{Role, Status};
use order_domain::payment::PaymentMethod;
use order_domain::ports::{EventAmounts, EventFacts, EventLine, StreamEvent};
use order_domain::time::Timestamp;
use order_domain::{Currency, LineId, Money, OrderId, ProductId, UserId};

pub(crate) fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::USD)
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

pub(crate) fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An event of order 42, ann's, at a whole second.
pub(crate) fn event(kind: &str, facts: EventFacts) -> StreamEvent {
    StreamEvent {
        order: OrderId::new(42).unwrap(),
        seq: 3,
        kind: kind.to_owned(),
        at: moment("2026-01-01T13:00:00Z"),
        role: Role::Customer,
        customer: user("ann"),
        status: Status::Confirmed,
        amount: None,
        facts,
    }
}

pub(crate) fn nothing() -> EventFacts {
    EventFacts::default()
}

pub(crate) fn line(id: i64, net: i64) -> EventLine {
    EventLine {
        line: LineId::new(id).unwrap(),
        product: ProductId::new(5).unwrap(),
        quantity: 2,
        price: usd(299),
        net: usd(net),
    }
}

pub(crate) fn amounts() -> EventAmounts {
    EventAmounts { subtotal: Some(usd(598)), discount: Some(usd(50)), delivery_fee: usd(500), total: usd(1048) }
}

pub(crate) fn placed() -> EventFacts {
    EventFacts {
        payment_method: Some(PaymentMethod::Online),
        amounts: Some(amounts()),
        lines: Some(vec![line(1, 548)]),
        ..nothing()
    }
}

/// Of every type: the least and the most that is told.
pub(crate) fn every_type() -> Vec<(StreamEvent, StreamEvent)> {
    let later = Some(moment("2026-01-02T18:00:00.000001Z"));
    let entry = || EventFacts { entry: Some(1), ..nothing() };
    let edited = || EventFacts { payment_method: None, difference: Some(-250), ..placed() };
    let fee = EventAmounts { subtotal: None, discount: None, ..amounts() };
    let task = || EventFacts { task: Some("notify".into()), ..nothing() };
    let code = || EventFacts { code: Some("payment_declined".into()), ..nothing() };
    let resolved = || EventFacts { outcome: Some("by_hand".into()), ..entry() };
    let goodwill = || EventFacts { goodwill: Some(usd(250)), ..nothing() };
    let courier = || EventFacts { courier: Some(user("bob")), ..nothing() };
    let unassigned = || EventFacts { previous_courier: Some(user("cat")), ..nothing() };
    let settled = || EventFacts { by_hand: Some(false), ..entry() };
    let as_cash = |as_cash| EventFacts { as_cash: Some(as_cash), ..nothing() };
    let all = vec![
        ("placed", placed(), EventFacts { scheduled_for: later, ..placed() }),
        ("confirmed", as_cash(true), EventFacts { entry: Some(1), release_at: later, ..as_cash(false) }),
        ("rescheduled", nothing(), EventFacts { scheduled_for: later, release_at: later, ..nothing() }),
        ("released", nothing(), nothing()),
        ("edited", edited(), edited()),
        ("edit_paid", entry(), EventFacts { release_at: later, ..entry() }),
        ("edit_reverted", nothing(), EventFacts { declined: Some(2), release_at: later, ..nothing() }),
        ("address_changed", nothing(), EventFacts { amounts: Some(fee), difference: Some(300), ..nothing() }),
        ("instructions_changed", nothing(), nothing()),
        ("preparing", nothing(), nothing()),
        ("assigned", courier(), EventFacts { previous_courier: Some(user("cat")), ..courier() }),
        ("unassigned", unassigned(), unassigned()),
        ("out_for_delivery", nothing(), nothing()),
        ("delivered", nothing(), nothing()),
        ("cancelled", code(), EventFacts { declined: Some(1), ..code() }),
        ("goodwill_granted", goodwill(), goodwill()),
        ("charge_settled", entry(), entry()),
        ("charge_declined", entry(), entry()),
        ("charge_withdrawn", entry(), entry()),
        ("refund_settled", settled(), settled()),
        ("refund_declined", entry(), entry()),
        ("charge_in_review", entry(), entry()),
        ("refund_in_review", entry(), entry()),
        ("resolved", resolved(), resolved()),
        ("task_retried", task(), EventFacts { entry: Some(1), ..task() }),
        ("task_discarded", task(), task()),
    ];
    let both = |(kind, least, most): (&str, _, _)| {
        let most = StreamEvent {
            amount: Some(usd(1048)),
            at: moment("2026-01-01T13:00:00.12Z"),
            role: Role::System,
            ..event(kind, most)
        };
        (event(kind, least), most)
    };
    all.into_iter().map(both).collect()
}
