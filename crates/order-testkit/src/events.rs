//! Events as other services are told of them: one of each kind, and what is expected of it.

use order_domain::order::{CancelCode, Edit, EditMoney, Event, Line, NewTotal, OrderState, Outcome, Placed, Recorded};
use order_domain::ports::{EventAmounts, EventFacts, EventLine, StreamEvent, TaskKind};
use order_domain::time::Duration;
use order_domain::{Destination, Text};

use crate::builders::{START, an_order, usd, user};

/// What is known of an event beside its time and its order.
pub fn facts_of(event: &Event) -> EventFacts {
    let none = EventFacts::default();
    match event {
        Event::Placed(placed) => {
            let Placed { lines, subtotal, discount, delivery_fee, total, method, scheduled_for, .. } = &**placed;
            let amounts = EventAmounts {
                subtotal: Some(*subtotal),
                discount: Some(*discount),
                delivery_fee: *delivery_fee,
                total: *total,
            };
            let (amounts, lines) = (Some(amounts), Some(lines.iter().map(line).collect()));
            EventFacts { amounts, lines, payment_method: Some(*method), scheduled_for: *scheduled_for, ..none }
        }
        Event::Confirmed { paid, as_cash, release_at } => {
            let entry = paid.as_ref().map(|(entry, _)| *entry);
            EventFacts { entry, as_cash: Some(*as_cash), release_at: *release_at, ..none }
        }
        Event::Rescheduled { scheduled_for, release_at } => {
            EventFacts { scheduled_for: *scheduled_for, release_at: *release_at, ..none }
        }
        Event::Edited(edit) => {
            let amounts = EventAmounts {
                subtotal: Some(edit.subtotal),
                discount: Some(edit.discount),
                delivery_fee: edit.delivery_fee,
                total: edit.new.total,
            };
            let lines = Some(edit.lines.iter().map(line).collect());
            EventFacts { amounts: Some(amounts), difference: Some(edit.new.difference.minor()), lines, ..none }
        }
        Event::AddressChanged { fee: Some((fee, new)), .. } => {
            let amounts = EventAmounts { subtotal: None, discount: None, delivery_fee: *fee, total: new.total };
            EventFacts { amounts: Some(amounts), difference: Some(new.difference.minor()), ..none }
        }
        Event::EditPaid { entry, release_at, .. } => {
            EventFacts { entry: Some(*entry), release_at: *release_at, ..none }
        }
        Event::EditReverted { declined, release_at } => {
            EventFacts { declined: *declined, release_at: *release_at, ..none }
        }
        Event::Cancelled { code, declined, .. } => {
            EventFacts { code: Some(code.name().to_owned()), declined: *declined, ..none }
        }
        Event::Assigned { courier, previous } => {
            EventFacts { courier: Some(courier.clone()), previous_courier: previous.clone(), ..none }
        }
        Event::Unassigned { previous } => EventFacts { previous_courier: Some(previous.clone()), ..none },
        Event::GoodwillGranted { amount, .. } => EventFacts { goodwill: Some(*amount), ..none },
        Event::Resolved { entry, outcome, .. } => {
            EventFacts { entry: Some(*entry), outcome: Some(outcome.name().to_owned()), ..none }
        }
        Event::RefundSettled { entry, by_hand, .. } => {
            EventFacts { entry: Some(*entry), by_hand: Some(*by_hand), ..none }
        }
        Event::ChargeSettled { entry, .. }
        | Event::ChargeDeclined { entry }
        | Event::ChargeWithdrawn { entry }
        | Event::RefundDeclined { entry, .. }
        | Event::ChargeInReview { entry }
        | Event::RefundInReview { entry } => EventFacts { entry: Some(*entry), ..none },
        Event::TaskRetried { task, entry } => EventFacts { task: Some(task.name().to_owned()), entry: *entry, ..none },
        Event::TaskDiscarded { task } => EventFacts { task: Some(task.name().to_owned()), ..none },
        Event::Released
        | Event::PreparationStarted
        | Event::Dispatched
        | Event::Delivered
        | Event::AddressChanged { fee: None, .. }
        | Event::InstructionsChanged { .. } => none,
    }
}

fn line(line: &Line) -> EventLine {
    EventLine {
        line: line.id,
        product: line.product.id,
        quantity: line.quantity.get(),
        price: line.product.price,
        net: line.net,
    }
}

/// An event of an order as other services are told of it.
pub fn stream_event(order: &OrderState, recorded: &Recorded) -> StreamEvent {
    StreamEvent {
        order: order.id,
        seq: recorded.seq,
        kind: recorded.event.name().to_owned(),
        at: recorded.at,
        role: recorded.actor.role(),
        customer: order.customer.clone(),
        status: recorded.status,
        amount: recorded.amount,
        facts: facts_of(&recorded.event),
    }
}

/// Pairs of what an event is and an event that is so. A kind of event that has no pair does not compile.
macro_rules! each {
    ($($is:pat => $event:expr),+ $(,)?) => {{
        let _: fn(&Event) = |event| match event { $($is => {})+ };
        vec![$({
            let event = $event;
            assert!(matches!(&event, $is), "{event:?} is not what it stands for");
            event
        }),+]
    }};
}

/// An event of each kind, and of those that say more or less, one of each.
pub fn one_of_each() -> Vec<Event> {
    let reason = || Text::lines("as they said").unwrap();
    let destination = || Destination::new("9 Oak St", None).unwrap();
    let more = |total| NewTotal { total: usd(total), difference: usd(200), money: EditMoney::Charged(usd(200)) };
    let placed =
        an_order().lines(&[(5, 299, 2), (6, 150, 1)]).promo(100).scheduled_for(START + Duration::from_hours(3));
    let placed = placed.placed();
    let state = placed.order.state();
    let edit = Edit {
        lines: state.lines.clone(),
        subtotal: state.subtotal,
        discount: state.discount,
        delivery_fee: usd(700),
        new: more(state.total.minor() + 200),
    };
    let transaction_id = || Some("tx-1".to_owned());
    let (entry, task, at) = (1, TaskKind::Notify, START);
    each! {
        Event::Placed(_) => placed.timeline().remove(0).event,
        Event::Confirmed { paid: Some(_), .. } =>
            Event::Confirmed { paid: Some((1, transaction_id())), as_cash: false, release_at: Some(at) },
        Event::Confirmed { paid: None, .. } => Event::Confirmed { paid: None, as_cash: true, release_at: None },
        Event::Released => Event::Released,
        Event::Rescheduled { scheduled_for: Some(_), .. } =>
            Event::Rescheduled { scheduled_for: Some(at), release_at: Some(at) },
        Event::Rescheduled { scheduled_for: None, .. } => Event::Rescheduled { scheduled_for: None, release_at: None },
        Event::Edited(_) => Event::Edited(Box::new(edit)),
        Event::EditPaid { .. } => Event::EditPaid { entry, transaction_id: transaction_id(), release_at: Some(at) },
        Event::EditReverted { .. } => Event::EditReverted { declined: Some(2), release_at: Some(at) },
        Event::PreparationStarted => Event::PreparationStarted,
        Event::Dispatched => Event::Dispatched,
        Event::Delivered => Event::Delivered,
        Event::Cancelled { .. } =>
            Event::Cancelled { code: CancelCode::OutOfStock, reason: Some(reason()), declined: Some(1) },
        Event::Assigned { previous: Some(_), .. } => Event::Assigned { courier: user("bob"), previous: Some(user("eve")) },
        Event::Assigned { previous: None, .. } => Event::Assigned { courier: user("bob"), previous: None },
        Event::Unassigned { .. } => Event::Unassigned { previous: user("bob") },
        Event::AddressChanged { fee: Some(_), .. } =>
            Event::AddressChanged { destination: destination(), distance_km: None, fee: Some((usd(700), more(1_298))) },
        Event::AddressChanged { fee: None, .. } =>
            Event::AddressChanged { destination: destination(), distance_km: None, fee: None },
        Event::InstructionsChanged { .. } => Event::InstructionsChanged { instructions: None, with_fee: false },
        Event::GoodwillGranted { .. } => Event::GoodwillGranted { amount: usd(150), reason: reason() },
        Event::ChargeSettled { .. } => Event::ChargeSettled { entry, transaction_id: transaction_id() },
        Event::ChargeDeclined { .. } => Event::ChargeDeclined { entry },
        Event::ChargeWithdrawn { .. } => Event::ChargeWithdrawn { entry },
        Event::RefundSettled { .. } => Event::RefundSettled { entry, transaction_id: None, by_hand: true },
        Event::RefundDeclined { .. } => Event::RefundDeclined { entry, again_at: at, declines: 1 },
        Event::ChargeInReview { .. } => Event::ChargeInReview { entry },
        Event::RefundInReview { .. } => Event::RefundInReview { entry },
        Event::Resolved { .. } => Event::Resolved { entry, outcome: Outcome::Settled, reason: reason() },
        Event::TaskRetried { .. } => Event::TaskRetried { task, entry: Some(1) },
        Event::TaskDiscarded { .. } => Event::TaskDiscarded { task },
    }
}
